"""Which of the two benchmark programs a file is, seen on this machine before a phone runs it.

Knows: that a program holds the names of its flags as plain text. Does not know: which program is
wanted. The flags that the program itself lists on the phone decide later; here it is a hint, so a
file that holds the names of both, or of neither (a script, a packed program), is not told apart.
"""

from __future__ import annotations

import re
from pathlib import Path

from mnv4bench.devices.android import benchmark
from mnv4bench.records import BenchmarkTool

BLOCK_BYTES = 2**20  # some programs hold a hundred megabytes
# With the letter behind it, so that a longer flag's name is not taken for it.
_NAMES = re.compile(rb"use_(?:nnapi|xnnpack|npu)(?=[^A-Za-z0-9_])")
_LONGEST = 16


def told_apart(program: Path) -> BenchmarkTool | None:
    """The program that ``program`` seems to be; None where it is not told apart, or not read."""
    found: set[BenchmarkTool | None] = set()
    rest = b""
    try:
        with program.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                held = rest + block
                found |= _flavours(held)
                rest = held[-_LONGEST:]  # a name may begin at the end of a block
    except OSError:
        return None
    found |= _flavours(rest + b"\0")
    return found.pop() if len(found) == 1 else None


def _flavours(text: bytes) -> set[BenchmarkTool | None]:
    return {benchmark.flavour(frozenset((hit.decode(),))) for hit in set(_NAMES.findall(text))}

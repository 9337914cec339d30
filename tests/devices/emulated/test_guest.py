"""The counted process, without an emulator: what a count may not depend on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnv4bench.devices.emulated.guest import _apart
from mnv4bench.devices.host_worker import RuntimeRefusal

# glibc aligns the heap of a thread to 64 MiB, so what is left of an address is its place in it.
PLACES = """
import ctypes, sys
from mnv4bench.devices.emulated.guest import _apart, _under_a_fixed_name

junk = [bytes(size) for size in range(600, 600 + len(sys.argv[1]))]
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p


def runtime():
    name = str(_under_a_fixed_name(sys.argv[1]))
    return [name, *(libc.malloc(size) % 2**26 for size in (40, 1000, 5000, 70_000))]


print(_apart(runtime))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts are made on Linux, with glibc")
def test_a_longer_path_moves_nothing_that_the_runtime_allocates(tmp_path: Path) -> None:
    """Where a block lies decides how many instructions copying it takes: 11 of 104,536,302 on
    efficientvit-b0 in int8, which a gate without noise would have called significant."""
    script = tmp_path / "places.py"
    script.write_text(PLACES)
    said = set()
    for length in (1, 60, 200):
        file = tmp_path / ("n" * length)
        file.write_bytes(b"model")
        done = subprocess.run(
            [sys.executable, script, file],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MORE": "x" * length * 9},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1, said
    assert "/proc/self/fd/" in said.pop()


def test_what_the_runtime_refuses_gets_out_of_its_thread() -> None:
    def refuse() -> None:
        raise RuntimeRefusal("load")

    with pytest.raises(RuntimeRefusal, match="load"):
        _apart(refuse)

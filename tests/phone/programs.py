"""Files to push as a benchmark program: a double of either, or one that cannot run.

Knows: how such a file starts. Does not know: what it then does (`benchmark_model`).
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def write_program(path: Path, flavour: str = "classic") -> Path:
    """Write a double: ``classic``, ``classic-old`` or ``litert``."""
    path.write_text(
        f"#!{sys.executable}\n"
        f"# A double of benchmark_model ({flavour}): see tests/phone/.\n"
        f"import sys\n"
        f"sys.path[0] = {str(REPOSITORY)!r}\n"
        f"from tests.phone.benchmark_model import main\n"
        f"sys.exit(main({flavour!r}, sys.argv))\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def write_elf(path: Path, *, machine: int = 0x28, bits: int = 32) -> Path:
    """Write the header of an ELF executable (64 bytes) for ``machine`` (0x28 Arm, 0xB7 AArch64,
    0x3E x86-64) with nothing behind it: the phone's shell cannot run it."""
    kind = 1 if bits == 32 else 2
    ident = b"\x7fELF" + bytes([kind, 1, 1, 0]) + b"\0" * 8
    path.write_bytes((ident + struct.pack("<HHI", 3, machine, 1)).ljust(64, b"\0"))
    path.chmod(0o755)
    return path

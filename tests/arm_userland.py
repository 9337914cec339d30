"""The aarch64 userland as a board's or a phone's own: its Python, with the real Arm LiteRT in it.

``emulated_system`` is where it comes from. A program runs in it under qemu's user mode with
``-L``, one program at a time: that needs neither root nor namespaces, which many CIs forbid. The
shell around it is the host's.
"""

import shlex
import sysconfig
from pathlib import Path

from mnv4bench import profiles
from mnv4bench.devices.emulated import board, qemu, userland
from tests.phone.programs import REPOSITORY


def python(folder: Path, device: str = "cortex-a76-emulated") -> str:
    """The command that runs the aarch64 Python, as a shell takes it; ``folder`` is for its path.

    It has msgspec, numpy and LiteRT for Arm. Of the packages here it gets protobuf alone, whose
    Python takes the place of its x86 half.
    """
    target = profiles.load(device).emulated
    assert target is not None
    place = userland.folder()
    shared = folder / "pure-python"
    shared.mkdir(exist_ok=True)
    google = shared / "google"
    if not google.is_symlink():
        google.symlink_to(Path(sysconfig.get_path("purelib")) / "google")
    facts = {
        "PYTHONPATH": f"{place / 'site'}:{shared}:{REPOSITORY}",
        # Compiled once, by whichever process comes first: under an emulator it takes seconds.
        "PYTHONPYCACHEPREFIX": str(place / "compiled"),
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",
    }
    return shlex.join(
        (
            "/usr/bin/env",
            *(f"{name}={value}" for name, value in facts.items()),
            *(qemu.find(target).path, "-cpu", target.cpu, "-L", str(board.prepared(target))),
            str(place / "root" / userland.PYTHON),
        )
    )


def write_program(path: Path, flavour: str) -> Path:
    """A double of a benchmark program that is Arm code: the real LiteRT for aarch64 in it."""
    code = (
        "import sys; from tests.phone.benchmark_model import main; "
        f"sys.exit(main({flavour!r}, sys.argv[1:]))"
    )
    path.write_text(f'#!/bin/sh\nexec {python(path.parent)} -c {shlex.quote(code)} "$0" "$@"\n')
    path.chmod(0o755)
    return path

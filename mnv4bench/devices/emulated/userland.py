"""An aarch64 system in a folder: what is in it, where it lies, and whether it is whole.

Knows: the layout in the cache and the versions that are wanted. Does not know: how it is fetched
(set_up) or emulated.

In the cache's folder ``emulated``, in a folder named ``aarch64-`` and its key:

    root         the distribution's packages, unpacked
    site         Python packages from wheels
    facts.json
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from mnv4bench import places
from mnv4bench.errors import NotMeasured

# Of the distribution, by the names that all its releases have; what these need comes with them.
SYSTEM_PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
# Of the Python index. LiteRT is what is counted; numpy and msgspec serve the worker. As pinned in
# constraints.txt, so that every machine counts the same runtime.
WHEELS = {"ai-edge-litert": "2.3.0", "numpy": "2.3.5", "msgspec": "0.22.0"}
# What a wheel for it may be tagged: PEP 600, up to the glibc of LiteRT's own.
PLATFORMS = ("manylinux_2_27_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64")
LAYOUT = 1  # raised when what is unpacked changes
PYTHON = "usr/bin/python3"
OLDEST_PYTHON = (3, 11)


class Facts(Struct, frozen=True, kw_only=True):
    """What was unpacked; written last, so where it is there, all of it is."""

    python: str  # "3.11"
    packages: tuple[str, ...]  # names of the .deb files, which hold their versions
    wheels: tuple[str, ...]
    libc: str = ""  # "glibc 2.36"


def home() -> Path:
    """Where everything of this room lies."""
    return places.cache() / "emulated"


def folder() -> Path:
    """Where the system lies, or will."""
    wanted = repr((LAYOUT, SYSTEM_PACKAGES, sorted(WHEELS.items()), PLATFORMS))
    return home() / f"aarch64-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"


def facts() -> Facts | None:
    """What lies there; None where it was not set up, or not to the end."""
    try:
        return msgspec.json.decode((folder() / "facts.json").read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError):
        return None


def require(device: str) -> Facts:
    """Raises NotMeasured with the command that sets it up."""
    known = facts()
    if known is None:
        raise missing(device)
    return known


def missing(device: str) -> NotMeasured:
    """The sentence that it has to be set up first."""
    return NotMeasured(
        f"the aarch64 system that {device} runs in is not set up (looked for in {folder()}).",
        f"mnv4bench doctor --device {device} --set-up",
    )

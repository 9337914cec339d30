"""This program's measuring process as one file for a board, and the Python that runs it there.

Knows: what of this package the process needs, how a Python on the board is found and asked, and
what it lacks. Does not know: what is measured. The file is a zip that Python runs as it is; nothing
is installed on the board, and another version of this package there is never picked up.
"""

from __future__ import annotations

import re
import shlex
import zipfile
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import msgspec

from mnv4bench import places
from mnv4bench.devices.host_runtimes import Runtime
from mnv4bench.devices.interpreter import ASK, MIN_VERSION
from mnv4bench.devices.ssh import failures
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.errors import NotMeasured

PACKAGE = Path(__file__).resolve().parents[2]
# What the process may import of this package; a test holds it against what it does import.
PARTS = (
    "__init__.py",
    "agreement.py",
    "delegation.py",
    "gpu_delegate.py",
    "errors.py",
    "records/*.py",
    "devices/*.py",
    "devices/cuda/__init__.py",
    "devices/cuda/taints.py",
)
START = """\
import importlib
import sys

sys.exit(int(importlib.import_module("mnv4bench.devices." + sys.argv[1]).main()))
"""
NEEDED = ("msgspec", "numpy")
PLACES = ("~/mnv4bench/bin/python", "python3")  # where no profile names one
ASK_TIMEOUT_S = 60.0  # a cold card
NAME_DIGITS = 16


@cache
def packed() -> bytes:
    """The file: the same bytes for the same code."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(file for part in PARTS for file in PACKAGE.glob(part)):
            name = f"mnv4bench/{file.relative_to(PACKAGE).as_posix()}"
            archive.writestr(_entry(name), file.read_bytes())
        archive.writestr(_entry("__main__.py"), START)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def name() -> str:
    """What the file is called on the board: after its content."""
    return f"worker-{sha256(packed()).hexdigest()[:NAME_DIGITS]}.zip"


def here() -> Path:
    """The file on this machine, in the cache. Raises NotMeasured where it cannot be written."""
    path = places.cache() / "ssh" / name()
    try:
        if not path.is_file() or path.read_bytes() != packed():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(packed())
            part.replace(path)
    except OSError as error:
        raise NotMeasured(
            f"{path} cannot be written: {error.strerror}.",
            "make room there, or export MNV4BENCH_CACHE=/a/folder/with/space",
        ) from None
    return path


@dataclass(frozen=True, slots=True)
class Python:
    """The interpreter on the board that measures."""

    program: str  # its path
    version: str
    packages: dict[str, str] = field(default_factory=dict)

    def runtime_version(self, runtime: Runtime) -> str | None:
        """Of the runtime's package; None: absent."""
        return next(filter(None, map(self.packages.get, runtime.distributions)), None)


class _Answer(msgspec.Struct, frozen=True):
    python: str
    prefix: str
    packages: dict[str, str]


def find(ssh: Ssh, wanted: str | None, runtime: Runtime) -> Python:
    """The board's Python with what measuring needs.

    ``wanted``: the profile's, else the first of PLACES that is there. Raises NotMeasured with what
    it lacks and the command that brings it; DeviceLost.
    """
    names = (*NEEDED, *runtime.distributions)
    candidates = [_quoted(wanted)] if wanted else [_quoted(place) for place in PLACES]
    choose = " || ".join(f"command -v {program}" for program in candidates)
    # The script comes in by its input, where it has no __file__ of its own.
    script = b"__file__ = 'ask_interpreter.py'\n" + ASK.read_bytes()
    said = ssh.shell(
        f"python=$({choose}) || {{ echo none; exit 0; }}; "
        'case $python in /*) ;; *) python=$PWD/$python;; esac; echo "$python"; '
        f'timeout -k 5 {ASK_TIMEOUT_S:.0f} "$python" - {shlex.join(names)}',
        ASK_TIMEOUT_S,
        given=script,
    )
    lines = [line for line in said.stdout.splitlines() if line.strip()]
    make = _make(ssh, runtime)
    if not lines or lines[0] == "none":
        looked = wanted or ", ".join(PLACES)
        raise NotMeasured(
            f"there is no Python on {ssh.called} (looked for {looked}).",
            f"{make}; or measure with the benchmark program: tool = 'litert' in [ssh]",
        )
    where = lines[0].strip()[:200]
    try:
        answer = msgspec.json.decode(lines[-1], type=_Answer)
        version = tuple(int(part) for part in answer.python.split("."))
    except (msgspec.DecodeError, ValueError):
        words = failures.last_words(said.stderr) or lines[-1][:100]
        raise NotMeasured(
            f"{where} on {ssh.called} does not work (status {said.status}): {words}.",
            f"see what it says: {ssh.shell_line(shlex.quote(where) + ' --version')}; or {make}",
        ) from None
    if version < MIN_VERSION:
        oldest = ".".join(map(str, MIN_VERSION))
        raise NotMeasured(
            f"{where} on {ssh.called} is Python {answer.python}, and the measuring process needs "
            f"{oldest} or newer.",
            "name a newer one as python in [ssh] of a profile, or measure with the benchmark "
            "program: tool = 'litert'",
        )
    lacking = [name for name in NEEDED if name not in answer.packages]
    if not any(name in answer.packages for name in runtime.distributions):
        lacking.append(runtime.distributions[0])
    if lacking:
        install = f"{shlex.quote(where)} -m pip install {' '.join(lacking)}"
        hint = "" if wanted or "/mnv4bench/" in where else f"; or {make}"
        raise NotMeasured(
            f"{where} on {ssh.called} (Python {answer.python}) lacks {', '.join(lacking)}, which "
            "its measuring process needs.",
            f"{ssh.shell_line(install)}{hint}",
        )
    return Python(program=where, version=answer.python, packages=answer.packages)


def _make(ssh: Ssh, runtime: Runtime) -> str:
    """The command that makes an environment where it is looked for."""
    packages = " ".join((runtime.distributions[0], *NEEDED))
    line = f"python3 -m venv ~/mnv4bench && ~/mnv4bench/bin/pip install {packages}"
    return f"make one: {ssh.shell_line(line)}"


def _quoted(path: str) -> str:
    """For a shell that is to find the home folder."""
    home = re.match(r"~/(.*)", path)
    return f'"$HOME"/{shlex.quote(home[1])}' if home else shlex.quote(path)

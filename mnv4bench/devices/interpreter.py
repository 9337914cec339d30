"""Another Python than the one that runs this program, and which packages it has.

Knows: how an environment is named, found and asked, in one short process. Does not know: what it
is for. A named environment is what its interpreter finds by itself: PYTHONPATH and PYTHONHOME,
which are of the Python that runs this program, are kept from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mnv4bench.devices import process, worker_process
from mnv4bench.errors import UsageError

ASK = Path(__file__).with_name("ask_interpreter.py")
MIN_VERSION = (3, 11)  # pyproject.toml, requires-python; and -P, which the processes run with
# Starting Python and looking up two dozen distributions takes half a second on a slow disk.
LIMIT_S = 30.0
# Where a virtual environment keeps its interpreter: elsewhere, and on Windows; and conda's there.
PLACES = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
OF_OURS = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")
SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One Python, with the versions of those packages that it was asked for."""

    python: Path  # absolute; its links are kept, since an environment is known by where they lie
    version: str
    prefix: str  # where the environment really lies: two words for one environment share it
    packages: Mapping[str, str] = field(default_factory=dict)

    def same_as(self, other: Interpreter | None) -> bool:
        """Whether both are one environment."""
        return other is not None and self.prefix == other.prefix

    def lacks(self, *packages: str) -> tuple[str, ...]:
        """Which of these distributions it does not have."""
        return tuple(name for name in packages if name not in self.packages)

    def install_line(self, *packages: str) -> str:
        """The command that brings it these distributions."""
        return f"{self.python} -m pip install {' '.join(packages)}"


def environment() -> dict[str, str]:
    """Our variables without those that lead a Python to our packages."""
    return {name: value for name, value in os.environ.items() if name not in OF_OURS}


def ask(where: str, option: str, packages: tuple[str, ...]) -> Interpreter:
    """The interpreter of ``where``, a folder of an environment or a Python program.

    Raises UsageError, a sentence that begins with ``option``: there is none, it does not run, does
    not end, answers nonsense, or is too old.
    """
    python = _found(where, option)
    try:
        finished = process.run(
            (str(python), str(ASK), *packages), timeout_s=LIMIT_S, environment=environment()
        )
    except OSError as error:
        raise UsageError(
            f"{option}: {python} could not be started: {error.strerror or error}.",
            "name the folder of a virtual environment, or its python",
        ) from None
    except process.TimedOut:
        raise UsageError(
            f"{option}: {python} said nothing within {LIMIT_S:.0f} s of being asked for its "
            "version, and was stopped.",
            f"see whether it starts by itself: {python} -c 'print(1)'",
        ) from None
    try:
        if finished.status:
            raise ValueError(worker_process.ending(finished))
        lines = [line for line in finished.stdout.splitlines() if line.strip()]
        answer = msgspec.json.decode(lines[-1] if lines else b"", type=_Answer)
        version = tuple(int(part) for part in answer.python.split("."))
    except (ValueError, msgspec.DecodeError) as error:
        how = str(error)
        if not finished.status:
            said = finished.stdout.decode(errors="replace").strip()[-SHOWN_CHARACTERS:]
            how = f"answered {said!r}" if said else "answered nothing"
        raise UsageError(
            f"{option}: {python}, asked for its version and packages, {how}.",
            f"see whether it is a Python that works: {python} --version",
        ) from None
    if version < MIN_VERSION:
        raise UsageError(
            f"{option}: {python} is Python {answer.python}; mnv4bench's processes need "
            f"{'.'.join(map(str, MIN_VERSION))} or newer.",
            "make the environment with a newer Python: python3.11 -m venv FOLDER",
        )
    return Interpreter(python, answer.python, answer.prefix, answer.packages)


class _Answer(msgspec.Struct, frozen=True):
    python: str
    prefix: str
    packages: dict[str, str]


def _found(where: str, option: str) -> Path:
    """The program; not resolved, or the environment's would become the one it was made from."""
    path = Path(os.path.expanduser(where)).absolute()  # noqa: PTH111 - raises nothing
    if os.path.isdir(path):  # noqa: PTH112 - as above, also for a name that no file can have
        for place in PLACES:
            if os.path.isfile(path / place):  # noqa: PTH113
                return path / place
        raise UsageError(
            f"{option} {where} holds no interpreter (looked for {', '.join(PLACES)}).",
            "name the folder of a virtual environment, or a python",
        )
    if not os.path.isfile(path):  # noqa: PTH113
        raise UsageError(
            f"{option} {where} is not there.",
            f"make it: python3 -m venv {where}, or name the python of an environment",
        )
    return path

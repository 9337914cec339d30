"""A device that is elsewhere, spoken to in its own shell through a program of this machine.

Knows: what every such seam can do (``android/adb.py``, ``ssh/connection.py``), and how several
questions are one trip. Does not know: the programs, nor what is asked. The sections of an answer
stand under a marker that nobody can foresee: what a device prints is not trusted to be short or
honest.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SHELL_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Output:
    """What one shell command on the device left behind."""

    status: int
    stdout: str
    stderr: str


class Remote(Protocol):
    """One device, and the one way to it."""

    @property
    def called(self) -> str:
        """``"the phone 38091FDJH000P8"``."""
        ...

    @property
    def way_advice(self) -> str:
        """What to try where files arrive damaged."""
        ...

    def shell(
        self, command: str, timeout_s: float = SHELL_TIMEOUT_S, *, stoppable: bool = True
    ) -> Output:
        """Run ``command`` in the device's shell to its end; its status is never raised.

        Raises DeviceLost when the device went away or did not answer in ``timeout_s``.
        ``stoppable=False`` is for what must be done even when everything is to stop.
        """
        ...

    def push(self, file: Path, remote: str) -> None:
        """Copy ``file`` to the path ``remote``, whose folder exists.

        Raises DeviceLost when the device went away, NotMeasured when it refused the file.
        """
        ...

    def shell_line(self, command: str) -> str:
        """The shell line of this machine that runs ``command`` there, ready to paste."""
        ...

    def push_line(self, file: Path, remote: str) -> str:
        """The same of a push."""
        ...


def sections(commands: Mapping[str, str], marker: str) -> str:
    """A shell line that runs ``commands`` one after the other, each under its name."""
    return "\n".join(
        f"echo {marker} {name}\n{{ {command}; }} 2>/dev/null" for name, command in commands.items()
    )


def split(text: str, marker: str) -> dict[str, str]:
    """The output of each of ``sections`` by its name."""
    found = {}
    for part in text.split(f"{marker} ")[1:]:
        name, _, content = part.partition("\n")
        found[name.strip()] = content
    return found


def ask(device: Remote, commands: Mapping[str, str]) -> dict[str, str]:
    """The output of every command by its name, in one trip. Raises DeviceLost."""
    marker = f"mnv4bench-{secrets.token_hex(6)}"
    return split(device.shell(sections(commands, marker)).stdout, marker)

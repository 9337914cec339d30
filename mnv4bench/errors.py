"""Every failure that a user can meet, as a sentence with its evidence and a next step.

Knows: exit statuses and the shape of a message. Does not know: who raises it or how it is printed.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the shell sees; part of the interface (DESIGN.md, Exit status)."""

    OK = 0
    SLOWER = 1
    USAGE = 2
    NOT_MEASURED = 3
    BAD_FILE = 4
    UNPROVEN = 5
    INTERRUPTED = 130


class BenchError(Exception):
    """Base of all expected failures.

    ``what`` says what was looked for and what was found; ``next_step`` is the command or change
    that helps. Both are shown; a traceback never is.
    """

    exit_status = ExitStatus.NOT_MEASURED

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}\n  next: {self.next_step}" if self.next_step else self.what


class UsageError(BenchError):
    """The words of the command are off: an unknown name, a pair that cannot be had."""

    exit_status = ExitStatus.USAGE


class MissingExtra(UsageError):
    """A package of an optional extra is not installed; carries the install line."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed.",
            f"pip install 'mnv4bench[{extra}]'",
        )


class NotMeasured(BenchError):
    """The measurement could not be made: no device, no runtime, a busy store, a full disk."""

    exit_status = ExitStatus.NOT_MEASURED


class ExportFailed(NotMeasured):
    """An exporter failed, or its file disagreed with torch beyond the stated tolerance."""


class WorkerFailed(NotMeasured):
    """An outside process failed. Carries what a person needs to retry by hand."""

    def __init__(
        self,
        what: str,
        *,
        command: tuple[str, ...],
        status: int | None,
        stdout: str = "",
        stderr: str = "",
        next_step: str = "",
    ) -> None:
        super().__init__(what, next_step)
        self.command = command
        self.status = status  # None: it ran past its time limit
        self.stdout = stdout
        self.stderr = stderr


class MeasuringStopped(NotMeasured):
    """The device cannot go on; what was measured is kept, and ``run --resume`` goes on with it."""


class DeviceLost(MeasuringStopped):
    """The device went away: a pulled cable, a reboot, a refused connection."""


class DeviceHot(MeasuringStopped):
    """The device throttles and did not cool within the time it was given."""


class BadFile(BenchError):
    """A file that cannot be read as what it claims to be: truncated, alien, newer, edited."""

    exit_status = ExitStatus.BAD_FILE


def nearest(name: str, known: list[str]) -> str:
    """The sentence part that suggests up to three known names near ``name``."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(close)}" if close else f"known: {', '.join(known)}"

"""What the user said, so that a next step can be followed word for word.

Knows: the words that ``run --resume`` and ``doctor`` must be told again. Does not know: why a run
stopped, or what of it is kept.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnv4bench.cli.reading import DEFAULT_REPORTS
from mnv4bench.devices import Options
from mnv4bench.errors import BenchError
from mnv4bench.export.own.file import is_own_file

RESUME = "mnv4bench run --resume"  # as errors say it: they do not know how the run was started
THE_SAME = "the same command again"  # where no report was begun
THE_LAST = "the command that this run ends with"


@dataclass(frozen=True)
class Given:
    """The words of one ``run``."""

    reports: Path
    devices: tuple[str, ...] = ()  # names, and paths of profiles; none: of whatever is unfinished
    models: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)

    def resume(self, devices: Sequence[str], files: Collection[Path]) -> str:
        """The command that goes on with the reports of ``devices``, which measure ``files``.

        Files of the user's own are in no cache, so they are named again.
        """
        measured = {file.absolute() for file in files}
        own = [name for name in self.models if is_own_file(name)]
        words = [*RESUME.split(), *self._devices(devices)]
        for name in own:
            words += ["--model", name] if Path(name).absolute() in measured else []
        if self.reports != DEFAULT_REPORTS:
            words += ["--reports", str(self.reports)]
        keep = ["--keep"] if self.options.keep else []
        return shlex.join([*words, *self._of_phones(), *keep])

    def doctor(self, device: str) -> str:
        """The command that looks at what ``device`` needs."""
        return shlex.join(["mnv4bench", "doctor", *self._devices([device]), *self._of_phones()])

    def _devices(self, devices: Sequence[str]) -> list[str]:
        """A profile of the user's own is a path, and its file is named after the device."""
        said = {Path(word).stem if word.endswith(".toml") else word: word for word in self.devices}
        return [word for device in devices for word in ("--device", said.get(device, device))]

    def _of_phones(self) -> list[str]:
        options = self.options
        words = [word for serial in options.serials for word in ("--serial", serial)]
        if options.benchmark_model is not None:
            words += ["--benchmark-model", str(options.benchmark_model)]
        if options.libraries is not None:
            words += ["--libraries", str(options.libraries)]
        return words


def resumed_by(error: BenchError, command: str) -> None:
    """Let ``error`` name ``command`` where it says that the run can be resumed."""
    error.next_step = error.next_step.replace(RESUME, command)

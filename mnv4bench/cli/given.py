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
from mnv4bench.records import DeviceProfile, RunnerName

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

    def resume(self, profiles: Sequence[DeviceProfile], files: Collection[Path]) -> str:
        """The command that goes on with the reports of ``profiles``, which measure ``files``.

        Files of the user's own are in no cache, so they are named again.
        """
        measured = {file.absolute() for file in files}
        own = [name for name in self.models if is_own_file(name)]
        words = [*RESUME.split(), *self._devices(profiles)]
        for name in own:
            words += ["--model", name] if Path(name).absolute() in measured else []
        if self.reports != DEFAULT_REPORTS:
            words += ["--reports", str(self.reports)]
        elsewhere = _any(profiles, "android") or _any(profiles, "ssh")
        keep = ["--keep"] if self.options.keep and elsewhere else []
        return shlex.join([*words, *self._of_devices(profiles), *keep])

    def doctor(self, profile: DeviceProfile) -> str:
        """The command that looks at what a device needs."""
        words = [*self._devices([profile]), *self._of_devices([profile])]
        return shlex.join(["mnv4bench", "doctor", *words])

    def _devices(self, profiles: Sequence[DeviceProfile]) -> list[str]:
        """A profile of the user's own is a path, and its file is named after the device."""
        said = {Path(word).stem if word.endswith(".toml") else word: word for word in self.devices}
        names = [profile.device for profile in profiles]
        return [word for name in names for word in ("--device", said.get(name, name))]

    def _of_devices(self, profiles: Sequence[DeviceProfile]) -> list[str]:
        """Nothing that none of them takes: it would be refused."""
        options = self.options
        phones, boards = _any(profiles, "android"), _any(profiles, "ssh")
        words = [word for serial in options.serials for word in ("--serial", serial) if phones]
        if options.host is not None and boards:
            words += ["--host", options.host]
        if options.benchmark_model is not None and (phones or boards):
            words += ["--benchmark-model", str(options.benchmark_model)]
        if options.libraries is not None and phones:
            words += ["--libraries", str(options.libraries)]
        return words


def _any(profiles: Sequence[DeviceProfile], runner: RunnerName) -> bool:
    return any(profile.runner == runner for profile in profiles)


def resumed_by(error: BenchError, command: str) -> None:
    """Let ``error`` name ``command`` where it says that the run can be resumed."""
    error.next_step = error.next_step.replace(RESUME, command)

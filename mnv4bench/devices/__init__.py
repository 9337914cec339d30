"""ROOM: an artifact becomes samples on a chip.

Every runner keeps the one contract below. A device sees a file, not a network: nothing in this
room knows models, exporters or the measuring policy.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, assert_never

from mnv4bench.errors import NotMeasured
from mnv4bench.records import (
    Artifact,
    Check,
    Counted,
    DeviceProfile,
    DeviceState,
    Environment,
    Operators,
    Paired,
    Placement,
    Samples,
    Timing,
)

if TYPE_CHECKING:
    from mnv4bench.devices.interpreter import Interpreter


class Session(Protocol):
    """One artifact installed on one device, until removed."""

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Load and time the artifact in one fresh process.

        Raises WorkerFailed when that process fails and the device stays usable, DeviceLost when
        the device is gone.
        """
        ...

    def beside(self, head: "Session", timing: Timing, *, base_first: bool) -> Paired:
        """Time this file, the base, and ``head``'s in alternating blocks.

        ``head`` is another session of the same runner, or of one of the same profile with another
        interpreter. ``timing``'s count and duration are those of each file. Raises as ``invoke``
        does.
        """
        ...

    def count(self, inferences: int, *, round: int, position: int) -> tuple[Counted, Placement]:
        """Count the instructions of each of ``inferences`` in one fresh process, on one thread.

        Raises NotMeasured where instructions are not counted, else as ``invoke`` does. A device
        that counts gives no latencies: its ``invoke`` and ``beside`` raise NotMeasured.
        """
        ...

    def operators(self, inferences: int) -> Operators:
        """What each operator of the file takes, from the runtime's own profiler.

        ``inferences`` with the profiler and as many without, in turns. Never a latency. Raises
        NotMeasured where the runtime does not tell, else as ``invoke`` does.
        """
        ...

    def remove(self) -> None:
        """Take everything off the device that installing put there. Safe to repeat."""
        ...


class Runner(Protocol):
    """One device profile made live."""

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """The status and the sentence why. Cheap; never raises."""
        ...

    def checks(self) -> tuple[Check, ...]:
        """Everything that a run needs, looked at one by one. Changes nothing; never raises."""
        ...

    def unit(self) -> str:
        """Which physical device this is: profiles of one phone share it, and take turns.

        Raises NotMeasured when there is none, or more than one and nothing says which.
        """
        ...

    def held(self) -> AbstractContextManager[None]:
        """The device for one run: nobody else's, in the modes that measuring wants.

        Raises NotMeasured when another run is on it. Whatever ends the run, its modes are given
        back; where the program itself is killed, the next ``held`` does that.
        """
        ...

    def environment(self) -> Environment:
        """What the device and its software are. Raises NotMeasured when it cannot be asked."""
        ...

    def state(self) -> DeviceState:
        """Load, heat and power right now."""
        ...

    def probe(self) -> float | None:
        """Seconds that a fixed piece of work takes on the device's processor just now.

        None where a run has better evidence of the device's speed.
        """
        ...

    def install(self, file: Path, artifact: Artifact) -> Session:
        """Put the file where the device can load it; refuse what it cannot run (UsageError)."""
        ...

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """The shell lines of a run of one round with these files, in order, and comments ("# ").

        With ``sustained``, one window of it of each file too.
        """
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about devices; what is None is found some other way."""

    serials: tuple[str, ...] = ()  # of phones: one of these, where several are attached
    benchmark_model: Path | None = None  # the benchmark program that a phone or board is to run
    libraries: Path | None = None  # the folder of the files that a delegate needs
    keep: bool = False  # leave on the device what was put there
    python: "Interpreter | None" = None  # of this machine: what measures; None: our own
    host: str | None = None  # of a board, as ssh takes it


def open_runner(profile: DeviceProfile, options: Options = Options()) -> Runner:
    """The runner that drives ``profile``; raises NotMeasured for one that is not built yet."""
    match profile.runner:
        case "host":
            from mnv4bench.devices.host import HostRunner

            return HostRunner(profile, options.python)
        case "android":
            from mnv4bench.devices.android.runner import AndroidRunner

            return AndroidRunner(profile, options)
        case "emulated":
            from mnv4bench.devices.emulated.runner import EmulatedRunner

            return EmulatedRunner(profile)
        case "apple":
            from mnv4bench.devices.apple.runner import open_apple

            return open_apple(profile, options)
        case "ssh":
            from mnv4bench.devices.ssh.runner import SshRunner

            return SshRunner(profile, options)
        case "cuda":
            from mnv4bench.devices.cuda.runner import CudaRunner

            return CudaRunner(profile)
        case "replay":
            raise NotMeasured(
                f"{profile.device} needs the {profile.runner} runner, which this version of "
                "mnv4bench does not have yet; nothing was measured.",
                "measure this machine with --device host-cpu, or see the paper's figures for "
                "this device with: mnv4bench pareto --published",
            )
        case _:
            assert_never(profile.runner)

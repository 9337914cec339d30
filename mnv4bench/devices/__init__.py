"""ROOM: an artifact becomes samples on a chip.

Every runner keeps the one contract below. A device sees a file, not a network: nothing in this
room knows models, exporters or the measuring policy.
"""

from pathlib import Path
from typing import Literal, Protocol, assert_never

from mnv4bench.errors import NotMeasured
from mnv4bench.records import (
    Artifact,
    DeviceProfile,
    DeviceState,
    Environment,
    Placement,
    Samples,
    Timing,
)


class Session(Protocol):
    """One artifact installed on one device, until removed."""

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Load and time the artifact in one fresh process.

        Raises WorkerFailed when that process fails; the device stays usable.
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

    def environment(self) -> Environment:
        """What the device and its software are. Raises NotMeasured when it cannot be asked."""
        ...

    def state(self) -> DeviceState:
        """Load, heat and power right now."""
        ...

    def install(self, file: Path, artifact: Artifact) -> Session:
        """Put the file where the device can load it; refuse what it cannot run (UsageError)."""
        ...


def open_runner(profile: DeviceProfile) -> Runner:
    """The runner that drives ``profile``; raises NotMeasured for one that is not built yet."""
    match profile.runner:
        case "host":
            from mnv4bench.devices.host import HostRunner

            return HostRunner(profile)
        case "android" | "ssh" | "apple" | "cuda" | "emulated" | "replay":
            raise NotMeasured(
                f"{profile.device} needs the {profile.runner} runner, which this version of "
                "mnv4bench does not have yet; nothing was measured.",
                "measure this machine with --device host-cpu, or see the paper's figures for "
                "this device with: mnv4bench pareto --published",
            )
        case _:
            assert_never(profile.runner)

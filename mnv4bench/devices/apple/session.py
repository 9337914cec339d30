"""One Core ML package, timed by processes of this machine, with its second witness.

Knows: that a plan alone proves nothing, so the same package is timed on the processor alone as
well. Does not know: Core ML (coreml, remote), nor where the package runs.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from msgspec.structs import replace

from mnv4bench.devices import Session, contrast
from mnv4bench.devices.apple import plan
from mnv4bench.devices.contrast import Contrast
from mnv4bench.devices.counting import OnlyTimed
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.profiling import OnlyWhole
from mnv4bench.errors import BenchError, NotMeasured
from mnv4bench.records import (
    DeviceProfile,
    Paired,
    Placement,
    Samples,
    Timing,
)


class CoreMlSession(OnlyTimed, OnlyWhole):
    """Keeps the Session contract of ``mnv4bench.devices``."""

    def __init__(
        self,
        profile: DeviceProfile,
        asked: HostSession,
        on_cpu: HostSession,
        *,
        lost: Callable[[], BenchError | None] = lambda: None,
        remote: bool = False,
    ) -> None:
        """``asked`` and ``on_cpu`` time one package, on the profile's unit and the processor.

        ``lost`` says after a failure whether the device is gone; ``remote``: every inference is a
        trip of seconds.
        """
        self._profile = profile
        self._asked, self._on_cpu = asked, on_cpu
        self._lost, self._remote = lost, remote
        self._cpu_s: list[float] = []  # the median of each process on the processor

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Time the package once, in one fresh process; at first on the processor alone too.

        Raises WorkerFailed with the command to repeat it, DeviceLost.
        """
        try:
            self._look_at_the_processor(timing, round)
            samples, placement = self._asked.invoke(timing, round=round, position=position)
        except BenchError as error:
            raise self._lost() or error from None
        return samples, plan.witnessed(placement, self._contrast(median(samples.latencies_s)))

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """Time this package and ``head``'s in alternating blocks, in one fresh process.

        Raises NotMeasured on a phone: a gate's sixty inferences of either side in every process
        would be hours of trips.
        """
        assert isinstance(head, CoreMlSession)
        if self._remote:
            raise not_gated(self._profile.device)
        for side in (self, head):
            side._look_at_the_processor(timing, 0)
        paired = self._asked.beside(head._asked, timing, base_first=base_first)
        base, base_s = paired.base_placement, median(paired.base_s)
        other, head_s = paired.head_placement, median(paired.head_s)
        return replace(
            paired,
            base_placement=plan.witnessed(base, self._contrast(base_s)),
            head_placement=plan.witnessed(other, head._contrast(head_s)),
        )

    def remove(self) -> None:
        """What was sent to a phone goes with the helper app, when the phone is given back."""

    def lines(self, timing: Timing, *, first: bool) -> tuple[str, ...]:
        """The shell lines of an invocation, in order; the ``first`` looks at the processor too."""
        own = self._asked.line(timing)
        if self._profile.accelerator == "cpu" or not first:
            return (own,)
        alone = self._on_cpu.line(contrast.short(timing))
        return (*[alone] * (1 if self._remote else contrast.processes(0)), own)

    def _look_at_the_processor(self, timing: Timing, round: int) -> None:
        if self._profile.accelerator == "cpu":
            return
        # On a phone a process is a minute of trips.
        wanted = min(1 + round, 2) if self._remote else contrast.processes(round)
        while len(self._cpu_s) < wanted:
            samples, _ = self._on_cpu.invoke(contrast.short(timing), round=round, position=0)
            self._cpu_s.append(median(samples.latencies_s))

    def _contrast(self, accelerated_s: float) -> Contrast | None:
        return Contrast(min(self._cpu_s), accelerated_s) if self._cpu_s else None


def not_gated(device: str) -> NotMeasured:
    """The refusal of a device that every inference is a trip to."""
    return NotMeasured(
        f"{device} cannot judge a gate: an inference there is a trip of seconds, and a gate needs "
        "hundreds of them.",
        "gate on a Mac (--device mac-ane), and measure the phone with: mnv4bench run",
    )

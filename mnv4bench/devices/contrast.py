"""The second witness of an accelerator: the same file on the processor, in the same session.

A runtime's own account of where a model runs can be wrong, and then the two times agree. Knows:
how often the processor is looked at, and how much faster is proof. Does not know: devices.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from mnv4bench.records import Signal, Timing, Verdict

# How much faster than the processor an accelerator must be to be told from it. Processes of one
# phone differ by some percent and a governor that wakes up by more; the paper's EdgeTPU takes a
# third of the time of a processor of its age (Conv-S: 0.7 and 2.4 ms), its DSP and GPUs half.
MIN_CONTRAST = 1.5
# The runs on the processor alone only have to tell two speeds apart.
CONTRAST_COUNT = 10
CONTRAST_SECONDS = 0.3
CONTRAST_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Contrast:
    """The same file on the processor, by the same program, in the same session."""

    cpu_s: float
    accelerated_s: float

    def signal(self) -> Signal:
        """What it is worth as evidence."""
        ratio = self.cpu_s / self.accelerated_s
        says: Verdict = "full" if ratio >= MIN_CONTRAST else "unproven"
        evidence = (
            f"the same file took {self.cpu_s * 1e3:.3g} ms on the processor and "
            f"{self.accelerated_s * 1e3:.3g} ms here: {ratio:.2f} times as fast "
            f"(proof from {MIN_CONTRAST:.2f} on)"
        )
        return Signal(name="contrast with the processor", evidence=evidence, says=says)


def processes(round: int) -> int:
    """How many processes on the processor there should be once ``round`` is measured.

    Two before the first invocation, one more in each of the next rounds. The fastest counts: one
    that was slow by chance would let a driver pass that does nothing. What runs back to back is of
    round 0, and is not interrupted for more.
    """
    return min(2 + round, CONTRAST_PROCESSES)


def short(timing: Timing) -> Timing:
    """``timing`` for a process on the processor."""
    return replace(
        timing,
        warmup_cap_s=min(timing.warmup_cap_s, 3 * CONTRAST_SECONDS),
        min_count=min(timing.min_count, CONTRAST_COUNT),
        min_duration_s=min(timing.min_duration_s, CONTRAST_SECONDS),
    )

"""What a front may be over: latency, size, memory, load time, instructions; has a report that?

Knows: which values of a measurement stand for which objective. Does not know: dominance, accuracy.
Values are base units: seconds, bytes.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from mnv4bench.analysis.latest import Candidate
from mnv4bench.analysis.stats import Unmeasured, median, median_interval
from mnv4bench.findings import Objective, Summary, Tally

# As stats.why_no_latency has it.
COUNTED = "instructions were counted: a cost, not a latency (mnv4bench show)"
# The processor's, one thread or several, at work that was cut for another chip.
PLAYED = "timed on a GPU that the processor plays, which is no GPU's latency"


class Cost(NamedTuple):
    """One model's value on the first axis, or why it has none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()  # of each invocation; empty: exact
    reasons: tuple[str, ...] = ()  # that keep it off the front; the value may stand all the same


def cost_of(one: Candidate, objective: Objective) -> Cost:
    """The cost of a measurement, with an interval where it is a median of several values."""
    if isinstance(one, Unmeasured):
        return Cost(None, reasons=(one.reason if one.counted else f"not measured: {one.reason}",))
    match objective:
        case "size":  # the file's: no run has a part in it, so none can spoil it
            return Cost(float(one.size_bytes))
        case "instructions":
            found = _instructions(one)
        case _ if isinstance(one, Tally):
            return Cost(None, reasons=(COUNTED,))
        case "latency":
            found = Cost(one.latency_s, one.low_s, one.high_s, one.medians_s)
        case "peak-memory":
            found = _sampled(tuple(map(float, one.peaks_bytes)), "peak memory")
        case "load-time":
            found = _sampled(one.loads_s, "load time")
        case _:
            assert_never(objective)
    return found._replace(reasons=found.reasons + _unfit(one, objective))


def _instructions(one: Summary | Tally) -> Cost:
    """One number: counts that differ are no count of the file, and the taint says so."""
    if isinstance(one, Summary):
        return Cost(None, reasons=("its instructions were not counted",))
    if one.instructions == 0:
        return Cost(None, reasons=("a count of 0",))
    return Cost(float(one.instructions))


def _sampled(values: tuple[float, ...], what: str) -> Cost:
    if not values:
        return Cost(None, reasons=(f"its report has no {what}",))
    middle = median(values)
    if middle <= 0:
        return Cost(None, reasons=(f"its report has a {what} of 0",))
    interval = median_interval(values)
    low, high = (interval[0], interval[1]) if interval else (None, None)
    return Cost(middle, low, high, values)


def _unfit(one: Summary | Tally, objective: Objective) -> tuple[str, ...]:
    reasons = []
    if isinstance(one, Summary) and one.origin == "emulated" and objective != "peak-memory":
        reasons.append(PLAYED)
    if one.placement in ("none", "unproven"):
        reasons.append(f"placement {one.placement}")
    # What disturbs a processor makes times longer; a process needs the same memory all the same.
    if one.tainted and objective != "peak-memory":
        reasons.append("tainted: " + ", ".join(one.tainted))  # open-ended, so it comes last
    return tuple(reasons)

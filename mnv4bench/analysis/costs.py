"""What a front may be over: latency, size, memory, load time, instructions; has a report that?

Knows: which values of a measurement stand for which objective. Does not know: dominance, accuracy.
Values are base units: seconds, bytes.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from mnv4bench.analysis.latest import Candidate
from mnv4bench.analysis.stats import Unmeasured, median, median_interval
from mnv4bench.findings import Objective, Summary

COUNTED = "instructions were counted: a cost, not a latency (--x instructions)"


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
        return _uncounted(one) if objective != "instructions" else _instructions(one)
    match objective:
        case "latency":
            found = Cost(one.latency_s, one.low_s, one.high_s, one.medians_s)
        case "size":  # the file's: no run has a part in it, so none can spoil it
            return Cost(float(one.size_bytes))
        case "peak-memory":
            found = _sampled(tuple(map(float, one.peaks_bytes)), "peak memory")
        case "load-time":
            found = _sampled(one.loads_s, "load time")
        case "instructions":
            found = Cost(None, reasons=("its instructions were not counted",))
        case _:
            assert_never(objective)
    return found._replace(reasons=found.reasons + _unfit(one, objective))


def _uncounted(one: Unmeasured) -> Cost:
    if one.counted:
        return Cost(None, reasons=(COUNTED,))
    return Cost(None, reasons=(f"not measured: {one.reason}",))


def _instructions(one: Unmeasured) -> Cost:
    """Exact or nothing: counts of the same file that differ are no count of it."""
    if one.instructions is None:
        return _uncounted(one)
    reasons = [f"placement {one.placement}"] if one.placement in ("none", "unproven") else []
    if one.instruction_doubts:
        reasons.append("tainted: " + ", ".join(one.instruction_doubts))
    if one.instructions == 0:
        reasons.append("a count of 0")
    return Cost(float(one.instructions), reasons=tuple(reasons))


def _sampled(values: tuple[float, ...], what: str) -> Cost:
    if not values:
        return Cost(None, reasons=(f"its report has no {what}",))
    middle = median(values)
    if middle <= 0:
        return Cost(None, reasons=(f"its report has a {what} of 0",))
    interval = median_interval(values)
    low, high = (interval[0], interval[1]) if interval else (None, None)
    return Cost(middle, low, high, values)


def _unfit(one: Summary, objective: Objective) -> tuple[str, ...]:
    reasons = []
    if one.placement in ("none", "unproven"):
        reasons.append(f"placement {one.placement}")
    # What disturbs a processor makes times longer; a process needs the same memory all the same.
    if one.tainted and objective in ("latency", "load-time"):
        reasons.append("tainted: " + ", ".join(one.tainted))  # open-ended, so it comes last
    return tuple(reasons)

"""The sentences about a profile, wherever it is shown.

Knows: what a reader must not take a profile for. Does not know: terminals, Markdown, figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench import units
from mnv4bench.findings import ComparedProfiles, Difference, OperatorProfile

_STATISTICS = {
    "undisturbed": "each operator's time is the mean of what nothing disturbed",
    "mean": "each operator's time is its mean",
    "plan": "an estimate that the runtime made beforehand; nothing was timed",
}
MAX_KINDS = 3  # operators that a difference names on each side


def title(one: OperatorProfile) -> str:
    """ "mnv4-conv-s  tflite, fp32  host-cpu, 1 thread  LiteRT 2.3.0"."""
    threads = units.plural(one.threads, "thread")
    return f"{one.model}  {one.format}, {one.precision}  {one.device}, {threads}  {one.runtime}"


def how(one: OperatorProfile) -> list[str]:
    """How it was taken, and what profiling costs."""
    inferences = units.plural(one.inferences, "inference")
    lines = [f"By {one.source}, over {inferences}; {_STATISTICS[one.statistic]}."]
    total = f"All operators take {units.seconds(one.operators_s)}"
    if one.profiled_s is None or one.plain_s is None:
        return [*lines, f"{total}. What profiling costs is not known. None of this is a latency."]
    clock = " of processor time" if one.clock == "processor" else ""
    lines.append(
        f"{total}; an inference took {units.seconds(one.profiled_s)}{clock} with the profiler and "
        f"{units.seconds(one.plain_s)} without, in turns: profiling costs {units.ratio(one.cost)}. "
        "None of this is a latency."
    )
    return lines


def joined(one: OperatorProfile) -> str:
    """How much of the time is known by block."""
    if not one.blocks:
        return ""
    return f"{units.percent(one.joined_share)} of the time is known by block."


def ratio(found: ComparedProfiles) -> str:
    """Both wholes, in a sentence."""
    a, b = found.a, found.b
    text = (
        f"All operators: {units.seconds(a.operators_s)} in A, {units.seconds(b.operators_s)} in B, "
        f"{units.ratio(found.ratio)}"
    )
    if found.plain_ratio is None:
        return f"{text}."
    plain = f"{units.seconds(a.plain_s)} and {units.seconds(b.plain_s)}"
    return f"{text}; inferences without a profiler {plain}, {units.ratio(found.plain_ratio)}."


def signed(seconds: float) -> str:
    """A difference of times with its sign: ``"+1.20 ms"``."""
    if seconds == 0:
        return units.seconds(0.0)
    return f"{'+' if seconds > 0 else '-'}{units.seconds(abs(seconds))}"


def side(operators: Sequence[str]) -> str:
    """The operators of one side, those that take longest first."""
    shown = ", ".join(operators[:MAX_KINDS])
    left = len(operators) - MAX_KINDS
    return f"{shown} and {left} more" if left > 0 else shown


def over(one: Difference) -> str:
    """A over B; nothing where a side has none."""
    return "" if one.ratio is None else units.ratio(one.ratio)


def notes(clauses: Sequence[str]) -> list[str]:
    """What a reader must know, as sentences."""
    return [f"{clause[:1].upper()}{clause[1:]}." for clause in clauses]

"""Whether a model keeps within a budget: its latency against a time that somebody has set.

Knows: the decision after every process, and the interval that holds at all of them. Does not know:
how processes are measured, or how a verdict is shown.

The latency of a model is what ``run`` reports: the median over fresh processes of their medians.
A process lies above the true median as often as below, whatever the noise, so bets on sides alone
(`symmetry` says why a bet may be looked at at any time) give an interval that covers it at all
looks together. "Over" is an interval that lies wholly above the budget, twice, in two independent
measurements, as a slowdown is; "within" one that lies wholly below it, once.

Disturbed processes are set aside, and asked all the same whether they keep within the budget: what
disturbs a processor adds to a latency and never takes away. So a busy machine may say "within" and
never "over". That is two ways to be "within", each wrong with at most 2.5 %, so a model that is
over is missed at most 5 times of 100.

A budget is about this device as it is just now: where a difference from the last release is the
question, base and head side by side answer it far more sharply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from mnv4bench.analysis.gating import CONFIDENCE, ERROR, FEWEST, Rules
from mnv4bench.analysis.stats import median
from mnv4bench.findings import Budget

Decision = Literal["go on", "within", "over", "inconclusive"]

# Two bets on a side, by their stakes: the bold one needs six values on one side, the wary one
# lives through some on the other. Shares sum to 1.
_BETS = ((0.7, 0.95), (0.3, 0.6))


class Reading(NamedTuple):
    """One fresh process."""

    latency_s: float  # the median of its inferences
    tainted: tuple[str, ...] = ()


class Look(NamedTuple):
    """Where a model stands; seconds. None: nothing, or too little, was measured."""

    decision: Decision
    reason: str
    latency_s: float | None
    low_s: float | None
    high_s: float | None
    processes: int
    set_aside: int


def judge(
    budgets_s: Mapping[str, float],
    readings: Mapping[str, Sequence[Reading]],
    rules: Rules | None = None,
) -> dict[str, Look]:
    """Where each model stands, from all its processes so far.

    All models together and from the start, since how many there are enters the correction
    (Bonferroni's: any of the intervals misses its truth with at most 5 %).
    """
    rules = rules or Rules()
    worth = len(budgets_s) / ERROR
    return {
        model: _look(budget_s, readings.get(model, ()), worth, rules)
        for model, budget_s in budgets_s.items()
    }


def _look(budget_s: float, readings: Sequence[Reading], worth: float, rules: Rules) -> Look:
    clean = [one.latency_s for one in readings if not one.tainted]
    every = [one.latency_s for one in readings]
    low, high = interval(clean, worth)
    most_low, most_high = interval(every, worth)
    decision: Decision
    if low is not None and low > budget_s:
        decision, reason = "over", "the whole interval lies above the budget"
    elif high is not None and high <= budget_s:
        decision, reason = "within", "the whole interval lies within the budget"
    elif most_high is not None and most_high <= budget_s:
        decision = "within"
        reason = (
            f"the whole interval lies within the budget, although {len(every) - len(clean)} of "
            f"{len(every)} processes were disturbed, which only adds to a latency"
        )
        clean, low, high = every, most_low, most_high
    elif len(readings) < rules.max_processes:
        decision, reason = "go on", "the answer is not clear yet"
    else:
        decision, reason = "inconclusive", _why_open(readings, len(clean))
    return Look(
        decision=decision,
        reason=reason,
        latency_s=median(clean) if clean else None,
        low_s=low,
        high_s=high,
        processes=len(clean),
        set_aside=len(readings) - len(clean),
    )


def _why_open(readings: Sequence[Reading], clean: int) -> str:
    if clean >= FEWEST:
        return f"the interval of {clean} processes holds the budget"
    kinds = dict.fromkeys(reason for one in readings for reason in one.tainted)
    return (
        f"{len(readings) - clean} of {len(readings)} processes were disturbed, and {FEWEST} "
        f"undisturbed ones are needed: {'; '.join(list(kinds)[:3]) or 'none ran'}"
    )


def interval(values: Sequence[float], worth: float) -> tuple[float | None, float | None]:
    """(low, high) of the true median, at all looks together; None: too few values to say.

    Two of the values, as far from the ends as the bets have refuted; each side errs with a
    probability of at most 1 / ``worth``.
    """
    ordered = sorted(values)
    refuted = _refuted(len(ordered), worth)
    return (None, None) if refuted is None else (ordered[refuted], ordered[-1 - refuted])


@lru_cache(maxsize=1024)
def _refuted(count: int, worth: float) -> int | None:
    """The most values below a middle that still refute it as too low; None: not even none do."""
    found = None
    for below in range((count + 1) // 2):
        above = count - below
        bet = sum(share * (1 + stake) ** above * (1 - stake) ** below for share, stake in _BETS)
        if bet < worth:
            break
        found = below
    return found


def confirm(
    budgets_s: Mapping[str, float],
    readings: Mapping[str, Sequence[Reading]],
    rules: Rules | None = None,
) -> dict[str, Look]:
    """Where the second measurement stands, of the models that came out over in the first."""
    return {model: _confirming(look) for model, look in judge(budgets_s, readings, rules).items()}


def _confirming(look: Look) -> Look:
    match look.decision:
        case "over":
            return look._replace(reason="over its budget in two independent measurements")
        case "within":
            reason = "over in one measurement and within in the next: the device has changed"
            return look._replace(decision="inconclusive", reason=reason)
        case "inconclusive":
            reason = f"over in one measurement, and a second could not confirm it: {look.reason}"
            return look._replace(reason=reason)
        case "go on":
            return look


def finding(
    model: str, budget_s: float, first: Look, second: Look | None, artifact_sha256: str = ""
) -> Budget:
    """One budget's finding; of a gate that was stopped, what was not decided is inconclusive."""
    stands = second or first
    verdict, reason = stands.decision, stands.reason
    if verdict == "go on":
        so_far = f"after {stands.processes} processes" if stands.processes else "before any ended"
        verdict, reason = "inconclusive", f"stopped before the answer was clear, {so_far}"
        if second:
            reason = f"over in one measurement, and the second was {reason}"
    elif verdict == "over" and not second:
        verdict, reason = "inconclusive", "over in one measurement, which nothing has confirmed"
    return Budget(
        model=model,
        budget_s=budget_s,
        verdict=verdict,
        latency_s=stands.latency_s,
        low_s=stands.low_s,
        high_s=stands.high_s,
        confidence=CONFIDENCE,
        processes=stands.processes,
        processes_tainted=stands.set_aside,
        confirmed=verdict == "over",
        reason=reason,
        artifact_sha256=artifact_sha256,
    )

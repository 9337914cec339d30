"""A gate's looks become its verdict: the confirmation of alarms, and the findings to print.

Knows: what a second measurement does to an alarm, and how models add up to a gate. Does not know:
how looks are made (`gating`), how anything is measured or shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from mnv4bench.analysis.gating import (
    CONFIDENCE,
    FALSE_ALARM_RATE,
    Look,
    Rules,
    detectable,
    judge,
)
from mnv4bench.analysis.pairing import Observation
from mnv4bench.analysis.stats import median
from mnv4bench.findings import (
    Budget,
    BudgetVerdict,
    Gate,
    GateMetric,
    GateVerdict,
    Observed,
    Pair,
    Skipped,
)
from mnv4bench.records import Environment

# A gate is what the first of these is that any of its models is.
_GRAVITY: tuple[GateVerdict, ...] = ("slower", "inconclusive", "faster", "same")
_COUNTS_AS: dict[BudgetVerdict, GateVerdict] = {
    "over": "slower",
    "inconclusive": "inconclusive",
    "within": "same",
}


def confirm(
    suspects: Mapping[str, Sequence[Observation]], rules: Rules | None = None
) -> dict[str, Look]:
    """Where the second measurement stands, of the models that came out slower in the first.

    All of them together and from the start, since how many there are enters the correction; of each
    the second measurement's processes alone. "Faster" after "slower" is a contradiction, so
    "inconclusive".
    """
    return {model: _confirming(look) for model, look in judge(suspects, rules).items()}


def _confirming(look: Look) -> Look:
    match look.decision:
        case "slower":
            return look._replace(reason="slower in two independent measurements")
        case "same":
            reason = "slower in one measurement, but not in an independent second"
            return look._replace(reason=reason)
        case "faster":
            reason = "slower in one measurement and faster in the next: something else has changed"
            return look._replace(decision="inconclusive", reason=reason)
        case "inconclusive":
            reason = f"slower in one measurement, and a second could not confirm it: {look.reason}"
            return look._replace(reason=reason)
        case "go on":
            return look
        case _:
            assert_never(look.decision)


def pair(
    model: str,
    first: Look,
    second: Look | None = None,
    observed: Sequence[Observation] = (),
    *,
    rules: Rules | None = None,
    base_artifact_sha256: str = "",
    head_artifact_sha256: str = "",
    lost: Sequence[str] = (),
    notes: tuple[str, ...] = (),
    every: tuple[Observed, ...] = (),
) -> Pair:
    """One model's finding. ``observed`` are the processes of the look that stands.

    A gate that was stopped has looks that say "go on", or alarms that nothing confirmed: both are
    inconclusive, with what was measured. So is a head that takes less time and has ``lost``
    something for it.
    """
    stands = second or first
    verdict: GateVerdict
    reason = stands.reason
    if stands.decision == "go on":
        verdict, reason = "inconclusive", f"stopped before the answer was clear, {_after(stands)}"
        if second:
            reason = f"slower in one measurement, and the second was {reason}"
    elif stands.decision == "slower" and not second:
        verdict, reason = "inconclusive", "slower in one measurement, which nothing has confirmed"
    elif stands.decision == "faster" and lost:
        verdict, reason = "inconclusive", f"head takes less time, but {'; '.join(lost)}"
    else:
        verdict = stands.decision
    return Pair(
        model=model,
        ratio=stands.ratio,
        low=stands.low,
        high=stands.high,
        p=stands.p,
        significant=stands.significant,
        relevant=stands.relevant,
        verdict=verdict,
        blocks=stands.blocks,
        confirmed=second is not None and second.decision == "slower",
        confidence=CONFIDENCE,
        processes=stands.processes,
        processes_tainted=stands.set_aside,
        reason=reason,
        needs_more=stands.needs_more,
        first_ratio=first.ratio if second else None,
        smallest_detectable_ratio=detectable(observed, rules),
        base_s=stands.base_s,
        head_s=stands.head_s,
        base_artifact_sha256=base_artifact_sha256,
        head_artifact_sha256=head_artifact_sha256,
        notes=notes,
        observed=every,
    )


def _after(look: Look) -> str:
    return f"after {look.processes} processes" if look.processes else "before any process ended"


def exact(
    model: str,
    base: Sequence[int],
    head: Sequence[int],
    rules: Rules | None = None,
    *,
    processes: int = 1,
    base_artifact_sha256: str = "",
    head_artifact_sha256: str = "",
    tainted: Sequence[str] = (),
    lost: Sequence[str] = (),
    notes: tuple[str, ...] = (),
) -> Pair:
    """The finding of a metric without noise, such as instructions: what is there is significant.

    ``base`` and ``head`` are the counts of the inferences of one process, one by one, which all
    ``processes`` of a side have in common; ``tainted`` says where they have not, and then nothing
    is concluded. Relevant is a ratio of ``max_slowdown`` or more, or of its inverse or less: with
    no noise there is no zone in which either answer is right. Nothing is left to confirm.
    """
    if not base or not head or min(*base, *head) <= 0:
        raise ValueError(f"counts must be above 0, and are {base} and {head}")
    limit, before, after = (rules or Rules()).max_slowdown, median(base), median(head)
    relevant = after >= before * limit or before >= after * limit
    verdict: GateVerdict = "same" if not relevant else "slower" if after > before else "faster"
    reason = "the counts differ" if relevant else "the counts differ by less than what matters"
    if after == before:
        reason = "the counts are the same"
    if tainted:
        verdict, reason = "inconclusive", f"the counts are not exact: {'; '.join(tainted)}"
    elif verdict == "faster" and lost:
        verdict, reason = "inconclusive", f"head takes less, but {'; '.join(lost)}"
    return Pair(
        model=model,
        ratio=after / before,
        low=after / before,
        high=after / before,
        p=1.0 if after == before else 0.0,
        significant=after != before,
        relevant=relevant,
        verdict=verdict,
        blocks=processes * len(base),
        confirmed=verdict == "slower",
        confidence=1.0,
        processes=processes,
        processes_tainted=0,
        reason=reason,
        smallest_detectable_ratio=limit,
        base_artifact_sha256=base_artifact_sha256,
        head_artifact_sha256=head_artifact_sha256,
        notes=notes,
        observed=(
            Observed(
                base=before,
                head=after,
                ratio=after / before,
                base_first=True,
                confirming=False,
                tainted=tuple(tainted),
            ),
        ),
    )


def identical(model: str, artifact_sha256: str) -> Pair:
    """The finding of a file against itself: known to be the same, and so not measured."""
    return Pair(
        model=model,
        ratio=1.0,
        low=1.0,
        high=1.0,
        p=1.0,
        significant=False,
        relevant=False,
        verdict="same",
        blocks=0,
        confirmed=False,
        confidence=1.0,
        processes=0,
        processes_tainted=0,
        reason="base and head are the same file, so nothing was measured",
        base_artifact_sha256=artifact_sha256,
        head_artifact_sha256=artifact_sha256,
    )


def gate(
    pairs: Iterable[Pair],
    rules: Rules | None = None,
    *,
    budgets: tuple[Budget, ...] = (),
    device: str = "",
    unit: str = "",
    environment: Environment | None = None,
    measured_at: str = "",
    seed: int | None = None,
    metric: GateMetric = "seconds",
    skipped: tuple[Skipped, ...] = (),
    notes: tuple[str, ...] = (),
) -> Gate:
    """All models together: slower if one is, else inconclusive if one is. No models: inconclusive.

    A budget counts as a model does: over is slower. What was skipped was not measured, so without
    an alarm the whole is inconclusive. It sees what it sees in its noisiest model.
    """
    every = tuple(pairs)
    verdicts: set[GateVerdict] = {one.verdict for one in every}
    verdicts |= {_COUNTS_AS[one.verdict] for one in budgets}
    if skipped or not every:
        verdicts.add("inconclusive")
    # A file against itself, of no processes, was not looked at and hides nothing.
    ratios = [one.smallest_detectable_ratio for one in every if one.processes]
    known = [ratio for ratio in ratios if ratio is not None]
    # Ratios are one family of questions and budgets another: either may alarm.
    families = any(one.confidence < 1 for one in every) + bool(budgets)
    return Gate(
        verdict=next(kind for kind in _GRAVITY if kind in verdicts),
        pairs=every,
        false_alarm_rate=FALSE_ALARM_RATE * families,
        smallest_detectable_ratio=max(known) if known and len(known) == len(ratios) else None,
        max_slowdown=(rules or Rules()).max_slowdown,
        reason="" if every else "no model was measured on both sides",
        device=device,
        unit=unit,
        environment=environment,
        measured_at=measured_at,
        seed=seed,
        budgets=budgets,
        metric=metric,
        skipped=skipped,
        notes=notes,
    )

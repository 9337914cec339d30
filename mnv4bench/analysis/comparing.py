"""Two sets of stored sessions, model by model: is B slower than A, and may that be said at all.

Knows: when a ratio is an answer, what takes a verdict away. Does not know: which sessions belong
together (matching), how a ratio's interval is reached (rank_sums), files, exit statuses.

A and B were not measured in turns. Sessions of one machine differ by more than their own intervals
say, and of one session each nothing can be known of that; ``Compared.rests_on`` says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench.analysis import losses, rank_sums
from mnv4bench.analysis.accuracy import summarise
from mnv4bench.analysis.matching import Pair, Session
from mnv4bench.analysis.stats import INTERVAL_CONFIDENCE, median
from mnv4bench.over_time import Compared, Outcome, Side
from mnv4bench.records import Evaluation

# The slowdown that the gate lets pass, and what a session's own interval can tell.
MAX_SLOWDOWN = 1.03
# Fewer sessions on each side reach no 95 %: 4 and 4 do, with 97 %.
MIN_SESSIONS = 4
# A side is what it is now; what it was sixty nights ago is a matter for the history.
MOST_SESSIONS = 30


def judge(
    pair: Pair, evaluations: losses.Evaluations, max_slowdown: float = MAX_SLOWDOWN
) -> Compared:
    """The verdict on one model; ``evaluations`` are the finished ones of each file, by digest."""
    a, b = ([one for one in side if not one.tainted] or list(side) for side in (pair.a, pair.b))
    a, b = (_like_the_latest(side)[-MOST_SESSIONS:] for side in (a, b))
    several = min(len(a), len(b)) >= MIN_SESSIONS
    if not several:
        a, b = a[-1:], b[-1:]
    before, after = (
        [median(one.values) for one in side] if several else list(side[-1].values)
        for side in (a, b)
    )
    ratio = rank_sums.ratio(before, after, INTERVAL_CONFIDENCE)
    files = a[-1].artifact_sha256, b[-1].artifact_sha256
    accuracy, first, second = losses.on_same_images(*files, evaluations)
    sides = [
        _side(side, machine, values, evaluation)
        for side, machine, values, evaluation in zip(
            (a, b), pair.machines, (before, after), (first, second), strict=True
        )
    ]
    verdict, reason = _verdict(ratio, max_slowdown, several)
    blocked = _not_comparable(a[-1], b[-1])
    if blocked:
        verdict, reason = "not comparable", blocked
    else:
        places = a[-1].placement, b[-1].placement
        differ = files[0] != files[1]
        remarks = list(losses.remarks("B", places, accuracy, say_unknown=differ))
        said = [text for text, _ in remarks]
        if verdict == "faster" and any(lost for _, lost in remarks):
            verdict, reason = "not comparable", f"B takes less time, but {'; '.join(said)}"
        else:
            reason = "; ".join([reason, *said])
    key = pair.key
    same = blocked == _SAME
    return Compared(
        model=key.model,
        precision=b[-1].precision,
        weights=key.weights,
        input_px=key.input_px,
        chosen_shapes=key.chosen_shapes,
        origin=key.origin,
        verdict=verdict,
        reason=reason,
        rests_on="sessions" if several else "invocations",
        a=sides[0],
        b=sides[1],
        ratio=None if same else ratio.value,
        low=None if same or not ratio.confidence else ratio.low,
        high=None if same or not ratio.confidence else ratio.high,
        confidence=0.0 if same else ratio.confidence,
        differing=pair.differing,
        accuracy=accuracy,
    )


def notes(compared: Sequence[Compared]) -> tuple[str, ...]:
    """What a reader must know of all ratios: what their intervals do not hold."""
    said = []
    judged = [one for one in compared if one.verdict != "not comparable"]
    if any(one.rests_on == "invocations" for one in judged):
        said.append(
            "A and B are one session each, measured one after the other: the interval holds what "
            "processes of a session differ by, and nothing of what sessions differ by (load, heat, "
            "other days), which can be more. A difference may be the machine's."
        )
    if any(one.rests_on == "sessions" for one in judged):
        said.append(
            "Of several sessions: the interval holds what sessions of a side differ by. They were "
            "not measured in turns, so a machine that changed in between looks like a change of "
            "the model."
        )
    return tuple(said)


def _like_the_latest(side: Sequence[Session]) -> list[Session]:
    """Sessions of the same file in the same place as the last one."""
    last = side[-1]
    return [
        one
        for one in side
        if one.artifact_sha256 == last.artifact_sha256
        and one.placement == last.placement
        and bool(one.tainted) == bool(last.tainted)
    ]


def _verdict(ratio: rank_sums.Ratio, limit: float, several: bool) -> tuple[Outcome, str]:
    """Significant: the interval lies off 1. Relevant: the ratio is past ``limit``. Both count.

    Of one session each, whose interval does not know how sessions differ, the whole interval has to
    lie past the limit.
    """
    if ratio.confidence < INTERVAL_CONFIDENCE:
        return "inconclusive", "too few values: four on each side reach 95 % confidence"
    if several:
        slower = ratio.low > 1 and ratio.value > limit
        faster = ratio.high < 1 and ratio.value < 1 / limit
        how = "the ratio lies past the limit and the interval does not hold 1"
    else:
        slower, faster = ratio.low > limit, ratio.high < 1 / limit
        how = "the whole interval lies past the limit"
    if slower or faster:
        return "slower" if slower else "faster", how
    if ratio.low >= 1 / limit and ratio.high <= limit:
        return "same", "the interval lies within the limit"
    return "inconclusive", "the interval lies neither within the limit nor clear of it"


_SAME = "A and B are one and the same measurement"


def _not_comparable(a: Session, b: Session) -> str:
    """Why no ratio is an answer; empty where one is."""
    if a.identity == b.identity:
        return _SAME
    for name, side in (("B", b), ("A", a)):
        if side.placement in ("unproven", "none"):
            return f"{name}'s placement is {side.placement}: its time may be another unit's"
    for name, side in (("B", b), ("A", a)):
        if side.tainted:
            return f"{name} is tainted: {'; '.join(side.tainted)}"
    return ""


def _side(
    sessions: Sequence[Session],
    machine: str,
    values: Sequence[float],
    evaluation: Evaluation | None,
) -> Side:
    latest = sessions[-1]
    top1 = summarise(evaluation) if evaluation else None
    return Side(
        reports=tuple(session.report for session in sessions),
        device=latest.device,
        machine=machine,
        latency_s=median(values),
        values=len(values),
        placement=latest.placement,
        artifact_sha256=latest.artifact_sha256,
        commit=latest.commit,
        measured_at=latest.at,
        tainted=latest.tainted,
        top1=top1.top1 if top1 else None,
        top1_low=top1.top1_low if top1 else None,
        top1_high=top1.top1_high if top1 else None,
        dataset=top1.dataset if top1 else "",
    )

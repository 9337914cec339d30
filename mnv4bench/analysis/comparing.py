"""Two sets of stored sessions, model by model: is B slower than A, and may that be said at all.

Knows: which sessions belong together, when a ratio is an answer, what takes a verdict away. Does
not know: files, how a ratio's interval is reached (rank_sums), exit statuses.

A and B were not measured in turns. Sessions of one machine differ by more than their own intervals
say, and of one session each nothing can be known of that; ``Compared.rests_on`` says which it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mnv4bench.analysis import rank_sums
from mnv4bench.analysis.accuracy import compare as compare_accuracies
from mnv4bench.analysis.accuracy import summarise
from mnv4bench.analysis.history import differing
from mnv4bench.analysis.stats import (
    INTERVAL_CONFIDENCE,
    circumstances,
    facts,
    measured_at,
    median,
    medians,
)
from mnv4bench.findings import Comparison, Skipped
from mnv4bench.over_time import Compared, Fact, KeyChange, Outcome, Side
from mnv4bench.records import UNREADABLE, Evaluation, Origin, Precision, Report, Verdict

# The slowdown that the gate lets pass, and what a session's own interval can tell.
MAX_SLOWDOWN = 1.03
# Fewer sessions on each side reach no 95 %: 4 and 4 do, with 97 %.
MIN_SESSIONS = 4
# A side is what it is now; what it was sixty nights ago is a matter for the history.
MOST_SESSIONS = 30
_WORTH: dict[Verdict, int] = {"full": 2, "partial": 1, "none": 0, "unproven": 0}


class ModelKey(NamedTuple):
    """What agrees on both sides."""

    model: str
    precision: Precision | None  # None: it may differ
    origin: Origin
    weights: str
    input_px: int | None
    chosen_shapes: str


class Session(NamedTuple):
    """One measurement, in what a comparison needs of it."""

    report: str
    at: str
    commit: str | None
    values: tuple[float, ...]  # medians of its invocations, seconds
    tainted: tuple[str, ...]
    placement: Verdict
    artifact_sha256: str
    precision: Precision
    device: str
    environment: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.report, self.at, self.artifact_sha256)


class Pair(NamedTuple):
    """One model in A and in B; sessions by time, of one environment on each side."""

    key: ModelKey
    a: tuple[Session, ...]
    b: tuple[Session, ...]
    machines: tuple[str, str]
    differing: tuple[KeyChange, ...]


class Sessions:
    """Takes reports one at a time and keeps what a comparison needs of their measurements."""

    def __init__(self) -> None:
        self.found: list[tuple[ModelKey, Session]] = []
        self.environments: dict[str, tuple[Mapping[str, Fact], str]] = {}
        self.failures: set[tuple[str, str]] = set()  # (report, sentence)

    def add(self, report: Report) -> None:
        """All measurements of one report."""
        machine, environment = circumstances(report.environment, report.profile)
        self.environments[environment] = (facts(report.environment, report.profile), machine)
        for one in report.measurements:
            artifact = one.artifact
            values, tainted = medians(one)
            if not values:
                why = one.failure or "the run ended before its first invocation"
                self.failures.add((report.report, f"{artifact.model}: {why}"))
                continue
            key = ModelKey(
                artifact.model,
                artifact.precision,
                one.origin,
                artifact.weights.text,
                artifact.input_px,
                artifact.chosen_shapes,
            )
            session = Session(
                report.report,
                measured_at(one),
                report.environment.commit,
                tuple(values),
                tainted,
                one.placement.verdict if one.placement else "unproven",
                artifact.sha256,
                artifact.precision,
                report.profile.device,
                environment,
            )
            self.found.append((key, session))

    def merge(self, other: Sessions) -> None:
        """Take over what ``other`` gathered from other reports."""
        self.found += other.found
        self.environments |= other.environments
        self.failures |= other.failures

    def keys(self) -> set[str]:
        """What the must-match keys are called."""
        return {key for known, _ in self.environments.values() for key in known}

    def artifacts(self) -> frozenset[str]:
        """Digests of the files that were measured."""
        return frozenset(session.artifact_sha256 for _, session in self.found)


def match(a: Sessions, b: Sessions, across: frozenset[str]) -> tuple[list[Pair], list[Skipped]]:
    """(models that are on both sides, in order; what is not compared, and why).

    Sessions that are on both sides count for B alone. Of several environments the one that both
    sides have is compared, else the latest of each.
    """
    any_precision = "profile.precision" in across
    mine, theirs = (_by_model(side, any_precision) for side in (a, b))
    pairs: list[Pair] = []
    alone: list[Skipped] = []
    for key in sorted(mine.keys() | theirs.keys(), key=str):
        here, there = mine.get(key, {}), theirs.get(key, {})
        common = sorted(here.keys() & there.keys())
        if not common and len(here) == len(there) == 1:
            common_pairs = [(*here, *there)]
        else:
            common_pairs = [(device, device) for device in common]
        for one, other in common_pairs:
            pairs.append(_pair(key, here[one], there[other], a, b))
        left = [("A", sorted(set(here) - {one for one, _ in common_pairs}))]
        left += [("B", sorted(set(there) - {other for _, other in common_pairs}))]
        for side, devices in left:
            alone += [
                Skipped(path=key.model, reason=f"{side} alone has it on {device}, {_said(key)}")
                for device in devices
            ]
    for failed in (a, b):
        alone += [Skipped(path=report, reason=why) for report, why in sorted(failed.failures)]
    return pairs, alone


def _said(key: ModelKey) -> str:
    size = key.chosen_shapes or (f"{key.input_px} px" if key.input_px else "input size unknown")
    precision = "" if key.precision is None else f"{key.precision}, "
    return f"{precision}{key.weights}, {size}, {key.origin}"


def _by_model(
    side: Sessions, any_precision: bool
) -> dict[ModelKey, dict[str, dict[str, list[Session]]]]:
    """Sessions by model, device and environment, each once."""
    found: dict[ModelKey, dict[str, dict[str, list[Session]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    seen: set[tuple[ModelKey, Session]] = set()
    for key, session in sorted(side.found, key=lambda pair: (pair[1].at, pair[1].report)):
        if (key, session) in seen:
            continue
        seen.add((key, session))
        shared = key._replace(precision=None) if any_precision else key
        found[shared][session.device][session.environment].append(session)
    return found


def _pair(
    key: ModelKey,
    here: Mapping[str, list[Session]],
    there: Mapping[str, list[Session]],
    a: Sessions,
    b: Sessions,
) -> Pair:
    def latest(side: Mapping[str, list[Session]], of: Sequence[str]) -> str:
        return max(of, key=lambda environment: (side[environment][-1].at, environment))

    common = [environment for environment in here if environment in there]
    other = latest(there, common or list(there))
    one = other if common else latest(here, list(here))
    (known, machine), (others, other_machine) = a.environments[one], b.environments[other]
    taken = {session.identity for session in there[other]}
    left = [session for session in here[one] if session.identity not in taken]
    return Pair(
        key,
        tuple(left or here[one]),
        tuple(there[other]),
        (machine, other_machine),
        differing(known, others),
    )


def judge(
    pair: Pair, evaluations: Mapping[str, Sequence[Evaluation]], max_slowdown: float = MAX_SLOWDOWN
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
    accuracy, first, second = _accuracies(a[-1], b[-1], evaluations)
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
        remarks = list(_remarks(a[-1], b[-1], accuracy))
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


def _remarks(a: Session, b: Session, accuracy: Comparison | None) -> Iterator[tuple[str, bool]]:
    """(what a reader must know beside the ratio, whether B has lost something by it)."""
    if _WORTH[b.placement] != _WORTH[a.placement]:
        lost = _WORTH[b.placement] < _WORTH[a.placement]
        yield f"placement went from {a.placement} to {b.placement}", lost
    if accuracy is not None:
        if accuracy.high < 0:
            yield "B is less accurate on the same images", True
        elif accuracy.low > 0:
            yield "B is more accurate on the same images", False
    elif a.artifact_sha256 != b.artifact_sha256:
        yield "the files differ, and their accuracies were not measured on the same images", False


def _accuracies(
    a: Session, b: Session, evaluations: Mapping[str, Sequence[Evaluation]]
) -> tuple[Comparison | None, Evaluation | None, Evaluation | None]:
    """(both on the same images, where they are; the evaluation of each), of most images."""

    def worth(one: Evaluation) -> tuple[int, str]:
        return (len(one.ranks), one.started_at)

    mine, theirs = (
        {one.dataset.sha256: one for one in sorted(evaluations.get(digest, ()), key=worth)}
        for digest in (a.artifact_sha256, b.artifact_sha256)
    )
    common = [mine[one] for one in mine if one in theirs and _images(mine[one], theirs[one])]
    if common:
        first = max(common, key=worth)
        second = theirs[first.dataset.sha256]
        if a.artifact_sha256 == b.artifact_sha256:
            return None, first, second
        return compare_accuracies(first, second), first, second
    return (
        None,
        max(mine.values(), key=worth, default=None),
        max(theirs.values(), key=worth, default=None),
    )


def _images(first: Evaluation, second: Evaluation) -> bool:
    """Whether any image could be read for both."""
    pairs = zip(first.ranks, second.ranks, strict=False)
    return any(UNREADABLE not in pair for pair in pairs)


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

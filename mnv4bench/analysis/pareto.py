"""Who is on the accuracy-latency front, who dominates whom, and who may not stand there, and why.

Knows: dominance (lower cost, which is latency unless another objective is asked for, and higher
top-1) and what may be compared with what. Does not know: where accuracies come from, files, noise,
or how a front is drawn.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from msgspec.structs import replace

from mnv4bench.analysis.costs import cost_of
from mnv4bench.analysis.latest import Candidate, Latest, labels
from mnv4bench.analysis.margins import with_margins, with_rounding
from mnv4bench.analysis.stats import Unmeasured
from mnv4bench.findings import Evaluated, Group, Objective, Point, Skipped, Summary
from mnv4bench.records import Accuracy, Precision, PublishedLatency

# What to draw a measurement with: an accuracy measured on its very file, a published one, or none.
AccuracyOf = Callable[[Candidate], Evaluated | Accuracy | None]
# Of the float network, a published accuracy is that of these files to a tenth of a point.
FLOATS: tuple[Precision, ...] = ("fp32", "fp16")
NO_ACCURACY = "no accuracy known"


def front_of(candidates: Sequence[Point]) -> tuple[Point, ...]:
    """Judge the candidates that have both figures; those marked "excluded" pass through.

    A point is dominated when another costs no more, is no less accurate, and better in one of the
    two; exact ties stand side by side. Accuracies of different bases (a published source, a data
    set) say nothing of one another, so each basis has a front of its own. Each dominated point
    names the front members that dominate it, cheapest first. Returned by cost, excluded ones last,
    with their margins. O(n log n) besides the names.
    """
    bases: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in candidates:
        if point.status != "excluded":
            bases[point.basis].append(point)
    judged = [
        point for alike in bases.values() for point in with_rounding(with_margins(_judged(alike)))
    ]
    excluded = [point for point in candidates if point.status == "excluded"]
    judged.sort(key=_place)
    excluded.sort(key=lambda point: (point.cost or float("inf"), point.model))
    return (*judged, *excluded)


def _judged(alike: Sequence[Point]) -> list[Point]:
    """The points of one basis."""
    judged = sorted(alike, key=_place)
    on_front: list[Point] = []
    best = float("-inf")
    for _, tied in groupby(judged, key=_cost):
        equals = list(tied)  # most accurate first
        leaders = [point for point in equals if _top1(point) == _top1(equals[0])]
        if _top1(leaders[0]) > best:
            best = _top1(leaders[0])
            on_front += leaders
    # Along the front cost and top-1 rise together, so a point's dominators are one slice.
    costs = [_cost(point) for point in on_front]
    top1s = [_top1(point) for point in on_front]
    members = set(map(id, on_front))
    points = []
    for point in judged:
        if id(point) in members:
            points.append(replace(point, status="front", dominated_by=()))
            continue
        first = bisect_left(top1s, _top1(point))
        last = bisect_right(costs, _cost(point))
        names = tuple(member.model for member in on_front[first:last])
        points.append(replace(point, status="dominated", dominated_by=names))
    return points


def _place(point: Point) -> tuple[float, float, str]:
    return (_cost(point), -_top1(point), point.model)


def _cost(point: Point) -> float:
    assert point.cost is not None  # only excluded points go without
    return point.cost


def _top1(point: Point) -> float:
    assert point.top1 is not None
    return point.top1


# --- measured ---------------------------------------------------------------------------------


def measured_groups(
    summaries: Iterable[Summary],
    accuracy_of: AccuracyOf,
    failed: Iterable[Unmeasured] = (),
) -> tuple[tuple[Group, ...], tuple[Skipped, ...]]:
    """Fronts of what was measured, and what was left out because a later measurement counts.

    A failure counts only where nothing was measured.
    """
    latest = Latest()
    candidates: list[Candidate] = [*summaries, *failed]
    for one in candidates:
        latest.offer(one)
    return latest_groups(latest, accuracy_of), latest.superseded()


def latest_groups(
    latest: Latest, accuracy_of: AccuracyOf, objective: Objective = "latency"
) -> tuple[Group, ...]:
    """Fronts of the latest measurements, one per device, precision, origin and environment.

    ``accuracy_of`` is asked once per point.
    """
    groups = []
    for key, machine, members in latest.groups():
        names = labels(list(members))
        points = [
            _point(one, names[variant], accuracy_of, objective) for variant, one in members.items()
        ]
        groups.append(
            Group(
                device=key.device,
                precision=key.precision,
                origin=key.origin,
                machine=machine,
                environment=key.environment,
                points=front_of(points),
                objective=objective,
                measured_at=max(one.at for one in members.values()),
            )
        )
    return tuple(groups)


def _point(one: Candidate, label: str, accuracy_of: AccuracyOf, objective: Objective) -> Point:
    """A point before it is judged: excluded, with the reason, where it may not be compared."""
    weights = one.weights.text
    cost = cost_of(one, objective)
    over_latency = objective == "latency"
    point = Point(
        model=label,
        family=one.family,
        latency_s=None,
        low_s=None,
        high_s=None,
        top1=None,
        accuracy_source=None,
        status="excluded",
        weights=weights,
        artifact_sha256=one.artifact_sha256,
        x=None if over_latency else cost.value,
        x_low=None if over_latency else cost.low,
        x_high=None if over_latency else cost.high,
        values=cost.values,
    )
    reasons = list(cost.reasons)
    if isinstance(one, Unmeasured):
        return replace(point, reason="; ".join(reasons))
    point = replace(point, placement=one.placement, calibration=one.calibration)
    if isinstance(one, Summary):
        point = replace(point, latency_s=one.latency_s, low_s=one.low_s, high_s=one.high_s)
    accuracy = accuracy_of(one)
    if accuracy is None:
        # Before what is open-ended, as a taint is.
        reasons.insert(sum(not reason.startswith("tainted") for reason in reasons), NO_ACCURACY)
    point = replace(
        point,
        top1=accuracy.top1 if accuracy else None,
        status="excluded" if reasons else "front",
        reason="; ".join(reasons) or None,
    )
    match accuracy:
        case Evaluated():
            return replace(
                point,
                accuracy_source="measured",
                accuracy_weights=weights,
                top1_low=accuracy.top1_low,
                top1_high=accuracy.top1_high,
                accuracy_data=accuracy.dataset,
                accuracy_sha256=accuracy.dataset_sha256,
                accuracy_images=accuracy.images,
            )
        case Accuracy():
            return replace(
                point,
                accuracy_source=accuracy.source,
                accuracy_weights=accuracy.weights,
                float_accuracy=one.precision not in FLOATS,
            )
        case None:
            return point


# --- published --------------------------------------------------------------------------------


def published_groups(
    rows: Iterable[PublishedLatency],
    titles: Mapping[str, str] | None = None,
    objective: Objective = "latency",
) -> tuple[Group, ...]:
    """Fronts of published tables, one per device, precision, runtime and citation, as they come.

    ``titles`` gives a device's name in words. The citation takes the place of the environment.
    """
    tables: dict[tuple[str, Precision, str, str], list[PublishedLatency]] = defaultdict(list)
    for row in rows:
        tables[(row.device, row.precision, row.runtime, row.citation)].append(row)
    return tuple(
        Group(
            device=device,
            precision=precision,
            origin="published",
            machine=", ".join(filter(None, ((titles or {}).get(device, ""), runtime))),
            environment=citation,
            points=front_of([_published(row, objective) for row in table]),
            objective=objective,
        )
        for (device, precision, runtime, citation), table in tables.items()
    )


def _published(row: PublishedLatency, objective: Objective) -> Point:
    match row.status:
        case "ok":
            reason = None if row.latency_s is not None else "no latency printed"
            reason = reason or (None if row.top1 is not None else "no accuracy known")
        case "failed":
            reason = "failed on the device"
        case "not_benchmarked":
            reason = "not benchmarked"
    if objective != "latency":
        reason = f"the table prints latencies, no {objective.replace('-', ' ')}"
    return Point(
        model=row.model,
        family=row.family,
        latency_s=row.latency_s if row.status == "ok" else None,
        low_s=None,
        high_s=None,
        top1=row.top1,
        accuracy_source=None if row.top1 is None else row.accuracy_source,
        status="excluded" if reason else "front",
        reason=reason,
        accuracy_weights="as published",
        printed_to_s=row.printed_to_s,
        # timm's are of the float network; what a table prints beside its latency is its own matter.
        float_accuracy=row.accuracy_source == "timm" and row.precision not in FLOATS,
    )

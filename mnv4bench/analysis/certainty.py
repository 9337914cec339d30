"""How sure a front is, given that other invocations of the same models would give other medians.

Knows: which points may be resampled, what is counted over the resamples, what is said where nothing
can be resampled. Does not know: how a resample is drawn or judged (``resampling``), files, drawing.

The hypervolume (Zitzler and Thiele 1998, PPSN V, 292) is taken over the logarithm of the cost, as
the logarithmic hypervolume of Friedrich, Bringmann, Voss and Igel (2011, FOGA, 81): what matters
of a latency is by what factor it is larger, and on a linear axis the slowest model alone would
decide. It depends on its reference point (Auger et al. 2012, Theor. Comput. Sci. 425, 75), which
is therefore stated. By default it lies one doubling beyond the highest cost and one point below the
lowest top-1 of the models compared: at these two themselves the extreme models would count for
nothing, and a front of two models would have no area (Ishibuchi et al. 2018, Evol. Comput. 26, 411,
set it beyond the worst point for that reason).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf, sqrt
from typing import NamedTuple
from zlib import crc32

import numpy as np
from msgspec.structs import replace

from mnv4bench.analysis.resampling import (
    Cloud,
    Drawn,
    Floats,
    Indices,
    areas,
    judged,
    kept,
    relations,
    winners,
)
from mnv4bench.findings import (
    Certainty,
    Contested,
    Group,
    Hypervolume,
    Limits,
    Pick,
    Point,
    Relation,
)

# A share has a standard error of at most 1.1 points: as fine as two or three digits deserve.
RESAMPLES = 2000
SEED = 0
# A pair is contested when more than one resample in twenty sees it otherwise.
CONTESTED_SHARE = 0.05
# As for every interval here, in percent of the resamples.
INTERVAL = (2.5, 97.5)
# The fewest invocations whose order statistics reach 95 % (stats.median_interval).
MIN_INVOCATIONS = 6
# With fewer, a model that resampling never sees on the front belongs there 3 to 7 times of 100
# where two models are compared; with three 1 to 4 times, with six in none of 1,656 (and the like
# of those that it always sees there; benchmarks/front_calibration.py).
MIN_JUDGED = 3
# Pairs looked at in one group; of more, those whose costs are nearest to one another.
MAX_PAIRS = 20_000
# More contested pairs than this are counted and not listed.
MAX_CONTESTED = 200

# Of files that were evaluated, by digest: what they said of each image (accuracy.answers).
Sheets = Mapping[str, bytes]

_RELATIONS: dict[int, Relation] = {1: "first", -1: "second", 0: "neither"}


class Reference(NamedTuple):
    """The corner up to which a hypervolume is taken."""

    x: float  # base units
    top1: float  # percent


def with_certainty(
    group: Group,
    *,
    reference: Reference | None = None,
    limits: Limits | None = None,
    sheets: Sheets | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Group:
    """The group with what ``resamples`` say of it; its points and their order stay as they are.

    Limits on latency are those of the first axis: only where that is latency may they be given.
    Measured accuracies without ``sheets`` are drawn as if each were of images of its own.
    """
    probabilities: dict[int, float] = {}
    contested: list[Contested] = []
    hypervolumes, picks = [], []
    reasons = dict[str, None]()
    scant, few = [], []
    drawn = 0
    paired = 0
    for basis in bases(group, sheets):
        corner = reference or Reference(
            2 * max(map(_cost, basis.points)), min(map(_top1, basis.points)) - 1
        )
        contenders = basis.contenders()
        found = _judge(contenders, corner, limits, resamples, seeds_of(group, seed))
        if reference:
            found = found._replace(hypervolume=replace(found.hypervolume, reference_given=True))
        hypervolumes.append(found.hypervolume)
        if found.pick:
            picks.append(found.pick)
        scant += [p.model for p in basis.points if not is_judged(p)]
        few += [p.model for p in basis.points if MIN_JUDGED <= len(p.values) < MIN_INVOCATIONS]
        if basis.fixed:
            reasons[basis.fixed] = None
            continue
        drawn = resamples
        paired += len(basis.cloud.paired())
        contested += found.contested
        probabilities |= {id(point): 0.0 for point in basis.points if is_judged(point)}
        for point, share in zip(contenders.points, found.shares, strict=True):
            if is_judged(point):
                probabilities[id(point)] = float(share)
    if not hypervolumes:
        reasons["no model here can be compared"] = None
    points = tuple(
        replace(point, front_probability=probabilities.get(id(point))) for point in group.points
    )
    contested.sort(key=lambda one: (-one.share, one.first, one.second))
    return replace(
        group,
        points=points,
        certainty=Certainty(
            resamples=drawn,
            seed=seed,
            monte_carlo_error=sqrt(0.25 / drawn) if drawn else 0.0,
            contested_share=CONTESTED_SHARE,
            reason="; ".join(reasons),
            evaluated=sum(1 for one in points if one.accuracy_images and one.status != "excluded"),
            paired=paired,
            scant=tuple(scant),
            few=tuple(few),
            contested=tuple(contested[:MAX_CONTESTED]),
            contested_count=len(contested),
            hypervolumes=tuple(hypervolumes),
            picks=tuple(picks),
        ),
    )


def seeds_of(group: Group, seed: int) -> tuple[int, int]:
    """Devices are independent of one another, so each group has numbers of its own."""
    place = f"{group.device}|{group.precision}|{group.origin}|{group.environment}"
    return seed, crc32(place.encode())


def is_judged(point: Point) -> bool:
    """Whether it has a probability: it is exact, or has enough invocations to be resampled."""
    return not point.values or len(point.values) >= MIN_JUDGED


# --- what is resampled ------------------------------------------------------------------------


class Basis(NamedTuple):
    """The compared points of one basis, most accurate first, and their cloud."""

    points: tuple[Point, ...]
    cloud: Cloud
    fixed: str  # why nothing here can be resampled; empty: something can

    def contenders(self) -> Basis:
        """Without the points that are off the front in every resample.

        Those change nothing for the others either: whatever they dominate, what dominates them
        dominates too. Of thousands of models tens are left.
        """
        left = self.cloud.contenders()
        if len(left) == len(self.points):
            return self
        return Basis(tuple(self.points[i] for i in left), self.cloud.only(left), self.fixed)

    def draw(self, resamples: int, seeds: tuple[int, int]) -> Iterator[Drawn]:
        """The resamples in parts."""
        key = crc32("|".join(self.points[0].basis).encode())
        return self.cloud.resampled(resamples, (*seeds, key))


def bases(group: Group, sheets: Sheets | None = None) -> list[Basis]:
    """Of the compared points of a group; the same however they were ordered."""
    alike: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in group.points:
        if point.status != "excluded":
            alike[point.basis].append(point)
    return [_basis(alike[key], group, sheets or {}) for key in sorted(alike)]


def _basis(points: Sequence[Point], group: Group, sheets: Sheets) -> Basis:
    ordered = sorted(points, key=lambda one: (-_top1(one), _cost(one), one.model))
    cloud = Cloud.of(
        [point.values or (_cost(point),) for point in ordered],
        [_top1(point) for point in ordered],
        [point.accuracy_images or 0 for point in ordered],
        [sheets.get(one.artifact_sha256, b"") if one.accuracy_images else b"" for one in ordered],
    )
    return Basis(tuple(ordered), cloud, _why_fixed(ordered, group))


def _why_fixed(points: Sequence[Point], group: Group) -> str:
    if any(len(point.values) >= MIN_JUDGED or point.accuracy_images for point in points):
        return ""
    if any(point.values for point in points):
        return "each model has one or two invocations, too few to know how much they vary"
    if group.origin == "published":
        return "one number a model was published, without the runs behind it"
    if group.objective in ("size", "instructions"):
        what = "sizes" if group.objective == "size" else "counts of instructions"
        return f"{what} are exact, and no accuracy was measured: nothing varies"
    return "the values of the invocations are not known"


# --- what is counted --------------------------------------------------------------------------


class _Found(NamedTuple):
    shares: Floats  # (points,), on the front
    contested: list[Contested]
    hypervolume: Hypervolume
    pick: Pick | None


def _judge(
    basis: Basis,
    corner: Reference,
    limits: Limits | None,
    resamples: int,
    seeds: tuple[int, int],
) -> _Found:
    cloud, count = basis.cloud, len(basis.points)
    observed = Drawn(np.array([[_cost(point) for point in basis.points]]), cloud.top1)
    first, second = _pairs(basis)
    as_measured = relations(observed, first, second)[0]
    bounds = _Bounds.of(limits)
    members, keeps = np.zeros(count), np.zeros(count)
    flips = np.zeros(len(first))
    surfaces: list[Floats] = []
    won: list[Indices] = []
    if not basis.fixed:
        for drawn in basis.draw(resamples, seeds):
            members += judged(drawn).member.sum(axis=0)
            surfaces.append(areas(drawn, *corner))
            if len(first):
                flips += (relations(drawn, first, second) != as_measured).sum(axis=0)
            if bounds:
                won.append(winners(drawn, *bounds))
                keeps += kept(drawn, bounds.max_x, bounds.min_top1).sum(axis=0)
    # A model that is dominated whatever happens does not move the front.
    known = bool(surfaces) and all(map(is_judged, basis.points))
    low, high = np.percentile(np.concatenate(surfaces), INTERVAL) if known else (None, None)
    leader = basis.points[0]
    return _Found(
        members / resamples,
        [
            Contested(
                first=basis.points[one].model,
                second=basis.points[other].model,
                relation=_RELATIONS[int(relation)],
                share=float(share),
            )
            for one, other, relation, share in zip(
                first, second, as_measured, flips / resamples, strict=True
            )
            if share > CONTESTED_SHARE
        ],
        Hypervolume(
            value=float(areas(observed, *corner)[0]),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            reference_x=corner.x,
            reference_top1=corner.top1,
            reference_given=False,
            accuracy_source=leader.accuracy_source,
            accuracy_data=leader.accuracy_data,
        ),
        _pick(basis, bounds, np.concatenate(won) if won else None, keeps / resamples)
        if bounds
        else None,
    )


def _pairs(basis: Basis) -> tuple[Indices, Indices]:
    """Front members with whatever could be measured in another relation to them; columns."""
    points = basis.points
    lows = np.array([min(point.values, default=_cost(point)) for point in points])
    highs = np.array([max(point.values, default=_cost(point)) for point in points])
    least = np.array([point.top1_low or _top1(point) for point in points])
    most = np.array([point.top1_high or _top1(point) for point in points])
    varies = np.array([is_judged(point) for point in points])
    on_front = np.array([point.status == "front" for point in points])
    members = np.flatnonzero(on_front & varies)
    one, other = [], []
    for member in members:
        overlap = (lows <= highs[member]) & (lows[member] <= highs)
        overlap |= (least < most[member]) & (least[member] < most)
        overlap &= varies
        overlap[member] = False
        overlap[: member + 1] &= ~on_front[: member + 1]  # of two members once
        found = np.flatnonzero(overlap)
        one.append(np.full(len(found), member))
        other.append(found)
    if not one:
        nothing = np.zeros(0, np.intp)
        return nothing, nothing
    first, second = np.concatenate(one), np.concatenate(other)
    if len(first) > MAX_PAIRS:
        costs = np.array([_cost(point) for point in points])
        near = np.argsort(np.abs(np.log(costs[first] / costs[second])), kind="stable")
        first, second = first[near[:MAX_PAIRS]], second[near[:MAX_PAIRS]]
    return first, second


# --- the best model within limits -------------------------------------------------------------


class _Bounds(NamedTuple):
    max_x: float
    min_top1: float
    cheapest: bool  # asked for a least top-1 alone: then the cheapest is the best

    @staticmethod
    def of(limits: Limits | None) -> _Bounds | None:
        if limits is None:
            return None
        longest, least = limits.max_latency_s, limits.min_top1
        return _Bounds(
            inf if longest is None else longest, -inf if least is None else least, longest is None
        )


def _pick(basis: Basis, bounds: _Bounds, won: Indices | None, keeps: Floats) -> Pick:
    points = basis.points
    allowed = [
        (_cost(one), -_top1(one), index) if bounds.cheapest else (-_top1(one), _cost(one), index)
        for index, one in enumerate(points)
        if _cost(one) <= bounds.max_x and _top1(one) >= bounds.min_top1
    ]
    order = [index for *_, index in sorted(allowed)]
    best = order[0] if order else None
    shares = np.zeros(len(points))
    none_share = None
    if won is not None:
        shares = np.bincount(won[won >= 0], minlength=len(points)) / len(won)
        none_share = float((won < 0).mean())
    others = shares.copy()
    if best is not None:
        others[best] = 0.0
    second: int | None = None
    if others.max() > 0:
        second = int(others.argmax())
    elif len(order) > 1:
        second = order[1]

    def share(index: int | None, of: Floats) -> float | None:
        if index is None or won is None or not is_judged(points[index]):
            return None
        return float(of[index])

    return Pick(
        model=None if best is None else points[best].model,
        share=share(best, shares),
        keeps=share(best, keeps),
        runner_up=None if second is None else points[second].model,
        runner_up_share=share(second, shares),
        none_share=none_share,
        accuracy_source=points[0].accuracy_source,
        accuracy_data=points[0].accuracy_data,
    )


def _cost(point: Point) -> float:
    assert point.cost is not None  # only excluded points go without
    return point.cost


def _top1(point: Point) -> float:
    assert point.top1 is not None
    return point.top1

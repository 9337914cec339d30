"""How far each point is from changing its place: on to the front, or off it.

Knows: cost, top-1 and status of points of one basis, and to which digit a table printed them. Does
not know: noise; a margin is a distance between values as they were measured or printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from mnv4bench.findings import Point

# Sums of printed digits are off by less than this share of one digit.
HAIR = 1e-6


class _Place(NamedTuple):
    cost: float
    top1: float


def with_margins(points: Sequence[Point]) -> list[Point]:
    """Judged points of one basis, none of them excluded, in the same order. O(n log n)."""
    places = [_place(point) for point in points]
    cheapest = _least_of_others([(-one.top1, one.cost) for one in places])
    best = _least_of_others([(one.cost, -one.top1) for one in places])
    return [
        replace(
            point,
            margin_x=None if cost == inf else cost - place.cost,
            margin_top1=None if negative_top1 == inf else place.top1 + negative_top1,
        )
        for point, place, cost, negative_top1 in zip(points, places, cheapest, best, strict=True)
    ]


def with_rounding(points: Sequence[Point]) -> list[Point]:
    """As ``with_margins``: which places are open within half of the last digit printed.

    On the front is open where another that is as accurate may have been as fast; off it, where none
    was faster for certain. Printed accuracies are taken as they are. O(n log n).
    """
    if not any(point.printed_to_s for point in points):
        return list(points)
    places = [_place(point) for point in points]
    halves = [(point.printed_to_s or 0.0) / 2 for point in points]
    least = _least_of_others(
        [(-p.top1, p.cost - half) for p, half in zip(places, halves, strict=True)]
    )
    most = _least_of_others(
        [(-p.top1, p.cost + half) for p, half in zip(places, halves, strict=True)]
    )
    found = []
    for point, place, half, fastest, surely in zip(
        points, places, halves, least, most, strict=True
    ):
        hair = HAIR * half
        may_fall = fastest < place.cost + half - hair
        may_rise = surely > place.cost - half + hair
        found.append(replace(point, open=may_fall if point.status == "front" else may_rise))
    return found


def _place(point: Point) -> _Place:
    assert point.cost is not None
    assert point.top1 is not None
    return _Place(point.cost, point.top1)


def _least_of_others(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """For each (key, value) the least value of the others whose key is no larger; inf: none."""
    order = sorted(range(len(pairs)), key=lambda index: pairs[index][0])
    found = [inf] * len(pairs)
    least, holder, second = inf, -1, inf
    start = 0
    while start < len(order):
        key = pairs[order[start]][0]
        end = start
        while end < len(order) and pairs[order[end]][0] == key:
            value = pairs[order[end]][1]
            if value < least:
                least, holder, second = value, order[end], least
            else:
                second = min(second, value)
            end += 1
        for index in order[start:end]:
            found[index] = second if index == holder else least
        start = end
    return found

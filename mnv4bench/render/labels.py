"""Places names beside their points so that nothing overlaps.

Knows: boxes in points, y downwards. Does not know: text, colours, axes. Greedy: names in the order
given take the cheapest free place, near their own point first, further out with a leader line. A
name that finds no place is left to the caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from math import cos, hypot, pi, sin
from typing import NamedTuple

# Clear space kept around every name.
GAP = 1.2
# Rings, in points between marker and name, tried one after the other. The first needs no leader.
_NEAR = 2.0
_RINGS = (7.0, 12.0, 18.0, 25.0, 33.0, 42.0, 54.0, 68.0, 84.0, 102.0, 124.0)
_DIRECTIONS = 24
# What a name pays, in points of distance: for lying on a front's line, ...
_COVERS_LINE = 30.0
# ... for a leader that crosses the front line or another leader, ...
_CROSSES_LINE = 12.0
# ... and for each further turn away from the preferred side.
_AWAY = 5.0


class Box(NamedTuple):
    """An upright rectangle, left <= right and top <= bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def within(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


class Segment(NamedTuple):
    """A straight line from (x1, y1) to (x2, y2)."""

    x1: float
    y1: float
    x2: float
    y2: float

    def meets(self, box: Box) -> bool:
        """Whether any of it lies inside ``box`` (Liang-Barsky clipping)."""
        enter, leave = 0.0, 1.0
        dx, dy = self.x2 - self.x1, self.y2 - self.y1
        for step, space in (
            (-dx, self.x1 - box.left),
            (dx, box.right - self.x1),
            (-dy, self.y1 - box.top),
            (dy, box.bottom - self.y1),
        ):
            if step == 0:
                if space < 0:
                    return False
            elif step < 0:
                enter = max(enter, space / step)
            else:
                leave = min(leave, space / step)
        return enter < leave

    def crosses(self, other: Segment) -> bool:
        """Whether the two cut through each other."""

        def side(line: Segment, x: float, y: float) -> float:
            return (line.x2 - line.x1) * (y - line.y1) - (line.y2 - line.y1) * (x - line.x1)

        return (
            side(self, other.x1, other.y1) * side(self, other.x2, other.y2) < 0
            and side(other, self.x1, self.y1) * side(other, self.x2, self.y2) < 0
        )


class Mark(NamedTuple):
    """A point with a name to place: its centre, its marker's box, and the size of the name."""

    x: float
    y: float
    box: Box
    name_width: float
    name_height: float
    above_left: bool  # the preferred side: above left, or below right


class Place(NamedTuple):
    """Where a name lies, and the leader to its point where it lies away from it."""

    box: Box
    leader: Segment | None


def place(
    marks: Sequence[Mark],
    frame: Box,
    lines: Sequence[Segment] = (),
    obstacles: Sequence[Box] = (),
) -> list[Place | None]:
    """A place for each mark's name, or None; earlier marks choose first.

    Names keep clear of every mark, every ``obstacles`` box, each other and each other's leaders,
    and stay in ``frame``. They avoid covering ``lines``, but may where it is crowded.
    """
    taken = _Boxes([mark.box for mark in marks] + list(obstacles))
    # Several names may belong to one place; their leaders end there together.
    there: dict[tuple[float, float], set[int]] = defaultdict(set)
    for index, mark in enumerate(marks):
        there[mark.x, mark.y].add(index)
    own = [there[mark.x, mark.y] for mark in marks]
    leaders: list[Segment] = []
    places: list[Place | None] = []
    for index, mark in enumerate(marks):
        best: Place | None = None
        best_cost = float("inf")
        for floor_cost, ring in _offers(mark):
            if floor_cost >= best_cost:
                break
            for cost, offer in ring:
                if cost >= best_cost or not _free(offer, own[index], frame, taken, leaders):
                    continue
                cost += _nuisance(offer, lines, leaders)
                if cost < best_cost:
                    best, best_cost = offer, cost
        places.append(best)
        if best is not None:
            taken.add(best.box)
            if best.leader is not None:
                leaders.append(best.leader)
    return places


def _offers(mark: Mark) -> Iterator[tuple[float, list[tuple[float, Place]]]]:
    """(least cost, [(cost, place)]) by ring, from the inside out; most names lie in the first."""
    wide, high = mark.name_width, mark.name_height
    box = mark.box
    side = -1 if mark.above_left else 1
    near = []
    for dx, dy in ((0, 1), (1, 1), (1, 0), (-1, 1), (0, -1), (1, -1), (-1, 0), (-1, -1)):
        # dx, dy in units of the preferred side: (1, 1) is above left, or below right
        sx, sy = dx * side, dy * side
        # Beside the marker, level with it or at its corner; above and below, centred.
        reach = _NEAR if sx * sy == 0 else 0.0
        left = (
            box.right + reach
            if sx > 0
            else box.left - reach - wide
            if sx < 0
            else mark.x - wide / 2
        )
        top = (
            box.bottom + reach
            if sy > 0
            else box.top - reach - high
            if sy < 0
            else mark.y - high / 2
        )
        turned = 2 - dx - dy if dx and dy else 1.5 - dx - dy
        near.append((_AWAY * turned / 2, Place(Box(left, top, left + wide, top + high), None)))
    yield 0.0, near
    for distance in _RINGS:
        ring = []
        for step in range(_DIRECTIONS):
            angle = 2 * pi * step / _DIRECTIONS
            ux, uy = cos(angle), sin(angle)
            # The name's nearest point lies ``distance`` from the marker's edge along the ray.
            x = mark.x + ux * (distance + (box.right - box.left) / 2)
            y = mark.y + uy * (distance + (box.bottom - box.top) / 2)
            left = x - wide * (1 - ux) / 2
            top = y - high * (1 - uy) / 2
            name = Box(left, top, left + wide, top + high)
            ring.append((distance + _AWAY * (1 - (ux + uy) * side / 2), _with_leader(mark, name)))
        yield distance, ring


def _with_leader(mark: Mark, name: Box) -> Place:
    """A straight leader from the marker's rim to the nearest point of the name."""
    x = min(max(mark.x, name.left), name.right)
    y = min(max(mark.y, name.top), name.bottom)
    length = hypot(x - mark.x, y - mark.y) or 1.0
    rim = min((mark.box.right - mark.box.left) / 2, (mark.box.bottom - mark.box.top) / 2)
    start = min(1.0, rim / length)
    return Place(name, Segment(mark.x + (x - mark.x) * start, mark.y + (y - mark.y) * start, x, y))


def _free(
    offer: Place, own: Set[int], frame: Box, taken: _Boxes, leaders: Sequence[Segment]
) -> bool:
    if not offer.box.within(frame):
        return False
    name = offer.box.grown(GAP)
    for index, other in taken.near(name):
        # Its own marker may be touched, not covered.
        if (offer.box if index in own else name).overlaps(other):
            return False
    leader = offer.leader
    if leader is not None:
        reach = Box(
            min(leader.x1, leader.x2),
            min(leader.y1, leader.y2),
            max(leader.x1, leader.x2),
            max(leader.y1, leader.y2),
        )
        if any(index not in own and leader.meets(other) for index, other in taken.near(reach)):
            return False
    return not any(leader.meets(name) for leader in leaders)


class _Boxes:
    """Boxes filed by the squares of a grid that they touch, so that only near ones are tested."""

    _SQUARE = 24.0  # about the size of a short name

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._boxes: list[Box] = []
        self._squares: dict[tuple[int, int], list[int]] = defaultdict(list)
        for box in boxes:
            self.add(box)

    def add(self, box: Box) -> None:
        for square in self._touched(box):
            self._squares[square].append(len(self._boxes))
        self._boxes.append(box)

    def near(self, box: Box) -> Iterator[tuple[int, Box]]:
        """(index, box) of all that may overlap ``box``; one may come more than once."""
        for square in self._touched(box):
            for index in self._squares.get(square, ()):
                yield index, self._boxes[index]

    def _touched(self, box: Box) -> Iterator[tuple[int, int]]:
        for column in range(int(box.left // self._SQUARE), int(box.right // self._SQUARE) + 1):
            for row in range(int(box.top // self._SQUARE), int(box.bottom // self._SQUARE) + 1):
                yield column, row


def _nuisance(offer: Place, lines: Sequence[Segment], leaders: Sequence[Segment]) -> float:
    box = offer.box.grown(GAP)
    cost = _COVERS_LINE * any(line.meets(box) for line in lines)
    if offer.leader is not None:
        leader = offer.leader
        cost += _CROSSES_LINE * sum(line.crosses(leader) for line in lines)
        cost += 2 * _CROSSES_LINE * sum(other.crosses(leader) for other in leaders)
    return cost

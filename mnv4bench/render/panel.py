"""One panel: a device's accuracy over its latency, with its fronts, on matplotlib axes.

Knows: what is marked how. A measured series is filled with a solid step front and error bars; a
published one is hollow with a dashed front, an emulated one hollow with a dotted one; the less
often a point is on the front the paler it is, and where that is open the share stands behind its
name; a quantised file drawn with the accuracy of the float network is half filled. Does not know:
pages, files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mnv4bench import units
from mnv4bench.findings import Group, Limits, Point
from mnv4bench.records import Origin
from mnv4bench.render import objectives, panel_axes, sureness, typeface
from mnv4bench.render.labels import Box, Mark, Place, Segment, place
from mnv4bench.render.page import LEGEND_SIZE, Entry
from mnv4bench.render.palette import FRAME, GREY, INK, WHITE, Look, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import TEXT_SIZE

NAME_SIZE = 6.2
RADIUS = 3.0  # points, of a marker
# What is left of a dominated point's colour: enough to tell its family, too little to compete.
PALENESS = 0.55
DASH, DOTS, DASH_DOTS = (0, (4, 2.5)), (0, (1, 1.6)), (0, (4, 2, 1, 2))
# More names than this cannot be read in one panel; the table has the others.
MAX_NAMES = 48
# Rounds of placing names, each led by those that found no room in the one before.
ATTEMPTS = 6
# With so many names left over, the panel is full and no order of placing helps.
HOPELESS = 8
# Past so many points every place is crowded, and asking which is most so takes too long.
MAX_CROWDING = 200
# A name wider than this share of the plot, or so many points, has an ellipsis; the JSON beside has
# it whole.
NAME_ROOM, LEAST_NAME_ROOM = 0.4, 64.0
CAP = 1.6  # points, half the height of an error bar's end


@dataclass(frozen=True, slots=True)
class Dot:
    """A drawn point with its place on the page, in points with y downwards."""

    point: Point
    hollow: bool  # not measured
    cost: float  # in the unit of the axis
    reach: tuple[float, float] | None  # the interval of ``cost``
    top1: float  # percent
    x: float
    y: float
    low_x: float
    high_x: float
    low_y: float  # of a measured accuracy, the lower end: the larger number
    high_y: float

    @property
    def name(self) -> str:
        return visible(self.point.model)

    @property
    def suffix(self) -> str:
        """Behind the name: how often it is on the front, where that is open."""
        if not sureness.is_doubtful(self.point):
            return ""
        return f" {units.share(self.point.front_probability or 0.0)}"

    def box(self) -> Box:
        reach = RADIUS * 1.3
        return Box(self.x - reach, self.y - reach, self.x + reach, self.y + reach)


@dataclass(slots=True)
class Panel:
    """What came to lie where: for the notes beneath, and for tests."""

    plot: Box
    dots: list[Dot] = field(default_factory=list)
    names: list[tuple[Dot, Place]] = field(default_factory=list)

    def unnamed(self) -> list[str]:
        """Names that found no room."""
        named = {id(dot) for dot, _ in self.names}
        return [dot.name for dot in self.dots if id(dot) not in named]


def draw(
    axes: Axes, groups: Sequence[Group], looks: Mapping[str, Look], limits: Limits | None = None
) -> Panel:
    """Axes, fronts, points and names. The figure must be at 72 dots an inch: a pixel is a point."""
    page_height = axes.figure.bbox.height
    box = axes.bbox
    panel = Panel(Box(box.x0, page_height - box.y1, box.x1, page_height - box.y0))
    panel_axes.title(axes, groups)
    drawable = [
        (group, point)
        for group in groups
        for point in group.points
        if point.status != "excluded" and point.cost is not None and point.top1 is not None
    ]
    if not drawable:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(
            0.5,
            0.5,
            "no model here can be compared",
            size=TEXT_SIZE,
            color=GREY,
            ha="center",
            transform=axes.transAxes,
        )
        return panel
    unit = objectives.wording(groups[0].objective).unit
    panel_axes.scale(axes, [point for _, point in drawable], unit)
    if limits:
        panel_axes.limit(axes, limits, unit)
    panel.dots = [_dot(axes, group, point, page_height) for group, point in drawable]
    lines: list[Segment] = []
    for group in groups:
        for basis in sorted({point.basis for point in group.points}):
            lines += _front(axes, group, basis, page_height)
    for dot in panel.dots:
        _mark(axes, dot, looks[dot.point.family])
    panel.names = _names(panel.dots, lines, panel.plot)
    for dot, lies in panel.names:
        _name(axes, dot, lies, panel.plot, page_height)
    return panel


def _dot(axes: Axes, group: Group, point: Point, page_height: float) -> Dot:
    assert point.cost is not None
    assert point.top1 is not None
    unit = objectives.wording(group.objective).unit
    cost, top1 = point.cost, point.top1

    def at(value: float, percent: float = top1) -> tuple[float, float]:
        x, y = axes.transData.transform((value / unit, percent))
        return float(x), page_height - float(y)

    x, y = at(cost)
    lowest, highest = point.cost_interval
    low, high = point.top1_low, point.top1_high
    return Dot(
        point=point,
        hollow=group.origin != "measured",
        cost=cost / unit,
        reach=None if lowest is None or highest is None else (lowest / unit, highest / unit),
        top1=top1,
        x=x,
        y=y,
        low_x=at(lowest or cost)[0],
        high_x=at(highest or cost)[0],
        low_y=y if low is None else at(cost, low)[1],
        high_y=y if high is None else at(cost, high)[1],
    )


def line_style(origin: Origin) -> Any:
    """Of a front's line: no two origins share one."""
    match origin:
        case "measured":
            return "-"
        case "published":
            return DASH
        case "emulated":
            return DOTS
        case "predicted":
            return DASH_DOTS


def _front(axes: Axes, group: Group, basis: tuple[str, str], page_height: float) -> list[Segment]:
    """The border of what the front dominates, up from the lower edge and out to the right one."""
    unit = objectives.wording(group.objective).unit
    front = sorted(
        (point.cost / unit, point.top1)
        for point in group.points
        if point.status == "front" and point.basis == basis
        if point.cost is not None and point.top1 is not None
    )
    if not front:
        return []
    measured = group.origin == "measured"
    corners = [(front[0][0], axes.get_ylim()[0]), *front, (axes.get_xlim()[1], front[-1][1])]
    axes.step(
        *zip(*corners, strict=True),
        where="post",
        color=INK if measured else GREY,
        linewidth=0.8,
        linestyle=line_style(group.origin),
        zorder=2,
    )
    steps = [corners[0]]
    for x, y in corners[1:]:
        steps += [(x, steps[-1][1]), (x, y)]
    places = [(float(x), page_height - float(y)) for x, y in axes.transData.transform(steps)]
    return [Segment(*one, *other) for one, other in pairwise(places) if one != other]


def _mark(axes: Axes, dot: Dot, look: Look) -> None:
    point = dot.point
    dominated = point.status == "dominated"
    colour = paler(look.colour, paleness(point))
    # A line with two marks: matplotlib's error bars take three times as long.
    bar: dict[str, Any] = {
        "color": colour,
        "linewidth": 0.8,
        "markersize": 2 * CAP,
        "markeredgewidth": 0.8,
        "zorder": 2.5,
    }
    if dot.high_x > dot.low_x and dot.reach is not None:
        axes.plot(dot.reach, [dot.top1] * 2, marker="|", **bar)
    if point.top1_low is not None and point.top1_high is not None:
        axes.plot([dot.cost] * 2, [point.top1_low, point.top1_high], marker="_", **bar)
    axes.plot(
        [dot.cost],
        [dot.top1],
        look.marker,
        markersize=2 * RADIUS * look.scale,
        zorder=3 if dominated else 4,
        **filling(colour, hollow=dot.hollow, half=point.float_accuracy),
    )


def paleness(point: Point) -> float:
    """The share of white in a point's colour: none on the front, PALENESS surely off it."""
    share = point.front_probability
    if share is None:
        share = float(point.status == "front")
    return PALENESS * (1 - share)


def filling(colour: str, *, hollow: bool, half: bool) -> dict[str, Any]:
    """How a marker is filled: wholly, not at all, or (``half``) in its lower half."""
    outlined = hollow or half
    return {
        "markerfacecolor": WHITE if hollow else colour,
        "markerfacecoloralt": WHITE,
        "fillstyle": "bottom" if half else "full",
        "markeredgecolor": colour if outlined else WHITE,
        "markeredgewidth": 1.0 if outlined else 0.5,
    }


def _name(axes: Axes, dot: Dot, lies: Place, plot: Box, page_height: float) -> None:
    # Fractions of the page, since a printed figure's margins are cut off: points would shift.
    figure = axes.figure
    page_width = figure.bbox.width
    if lies.leader is not None:
        x, y, other_x, other_y = lies.leader
        axes.add_artist(
            Line2D(
                [x / page_width, other_x / page_width],
                [1 - y / page_height, 1 - other_y / page_height],
                transform=figure.transFigure,
                color=FRAME,
                linewidth=0.45,
                clip_on=False,
            )
        )
    baseline = lies.box.bottom - typeface.DESCENT * NAME_SIZE
    axes.text(
        lies.box.left / page_width,
        1 - baseline / page_height,
        _fitted(dot, plot),
        transform=figure.transFigure,
        size=NAME_SIZE,
        color=INK if dot.point.status == "front" else GREY,
        va="baseline",
        parse_math=False,
        bbox={"facecolor": WHITE, "alpha": 0.7, "pad": 0.4, "linewidth": 0},
        zorder=5,
    )


# --- legend -----------------------------------------------------------------------------------


def kinds(families: Mapping[str, Look], present: Set[str], *, hollow: bool = False) -> list[Entry]:
    """Those of ``families`` that are ``present``; two spellings that share a look are one."""
    names: dict[Look, str] = {}
    for family, look in families.items():
        if family in present:
            names.setdefault(look, typeface.shortened(visible(family), LEGEND_SIZE, 120))
    return [(name, sample(look, hollow=hollow), 8.0) for look, name in names.items()]


def sample(look: Look, *, hollow: bool = False, half: bool = False) -> Line2D:
    """A marker."""
    return Line2D(
        [0],
        [0],
        linestyle="none",
        marker=look.marker,
        markersize=2 * RADIUS * look.scale,
        **filling(look.colour, hollow=hollow, half=half),
    )


# --- names ------------------------------------------------------------------------------------


def _fitted(dot: Dot, plot: Box) -> str:
    room = max(NAME_ROOM * (plot.right - plot.left), LEAST_NAME_ROOM)
    return typeface.shortened_within(dot.name, NAME_SIZE, room) + dot.suffix


def _names(dots: Sequence[Dot], fronts: Sequence[Segment], plot: Box) -> list[tuple[Dot, Place]]:
    """Front members choose first, then the dominated ones, the most crowded of each before.

    Of more than MAX_NAMES, the most crowded dominated ones go without.
    """

    def crowding(dot: Dot) -> float:
        if len(dots) > MAX_CROWDING:
            return 0.0
        return -sum(
            1 / (1 + (other.x - dot.x) ** 2 / 900 + (other.y - dot.y) ** 2 / 100) for other in dots
        )

    order = sorted(
        dots, key=lambda dot: (dot.point.status != "front", crowding(dot), dot.x, dot.name)
    )
    first = sum(dot.point.status == "front" for dot in dots)
    last = len(order) - max(0, MAX_NAMES - first)
    named = order[: min(first, MAX_NAMES)] + order[max(first, last) :]
    others = order[min(first, MAX_NAMES) : max(first, last)]
    height = NAME_SIZE * (typeface.CAP_HEIGHT + typeface.DESCENT)
    marks = [
        Mark(
            dot.x,
            dot.y,
            dot.box(),
            typeface.width(_fitted(dot, plot), NAME_SIZE),
            height,
            above_left=dot.point.status == "front",
        )
        for dot in named
    ]
    bars = [
        Box(dot.low_x, dot.y - CAP, dot.high_x, dot.y + CAP)
        for dot in dots
        if dot.high_x - dot.low_x > 2 * RADIUS
    ]
    bars += [
        Box(dot.x - CAP, dot.high_y, dot.x + CAP, dot.low_y)
        for dot in dots
        if dot.low_y - dot.high_y > 2 * RADIUS
    ]
    frame = Box(plot.left + 1, plot.top, plot.right, plot.bottom - 1)
    obstacles = bars + [dot.box() for dot in others]
    best: list[tuple[Dot, Place]] = []
    for _ in range(ATTEMPTS):
        places = place(marks, frame, fronts, obstacles)
        found = [(dot, lies) for dot, lies in zip(named, places, strict=True) if lies]
        if len(found) > len(best):
            best = found
        if len(named) - len(found) not in range(1, HOPELESS):
            break
        # Whoever found no place chooses first the next time.
        turns = sorted(range(len(marks)), key=lambda index: places[index] is not None)
        marks, named = [marks[index] for index in turns], [named[index] for index in turns]
    return best

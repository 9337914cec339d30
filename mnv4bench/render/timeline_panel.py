"""One panel of a history: a model's latencies over time, its levels and its changes, on axes.

Knows: what is marked how. A session is a dot with its interval, hollow and grey where it is not
used; a level is a line with its interval as a band; a change is an upright line with date, commit
and size; another environment a dashed one. Does not know: pages, legends, files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num, num2date
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from mnv4bench import units
from mnv4bench.over_time import ChangePoint, Moment, Segment, Series
from mnv4bench.render import ticks, typeface
from mnv4bench.render.histories import commit, key_changes
from mnv4bench.render.labels import Box
from mnv4bench.render.palette import GREY, GRID, INK, WHITE, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import TEXT_SIZE

SESSION = "#0072b2"
COLOURS = {"slower": "#c04a00", "faster": "#007a58", "environment": GREY}
DASH = (0, (3, 2.2))
LABEL_SIZE = 5.8
ROW = 8.6  # points between the baselines of labels
MAX_ROWS = 5
MAX_TRIES = 1500  # of arrangements of labels, for each number of rows
LABEL_ROOM = 150.0
# So many dots can be told apart, and so many intervals; of more every so many-th is drawn.
MAX_DOTS, MAX_INTERVALS = 600, 150
# A session that is so many times further from its level than half of them are is a mark at the
# edge: one spike must not flatten a year.
FAR = 5
FEW = 20  # sessions whose own intervals are on the axis too
MARGIN = 0.12
# A steady series must not look restless: at least so much of the latency is on the axis.
LEAST_RANGE = 0.06


@dataclass(frozen=True, slots=True)
class Event:
    """Something that began a segment, and where it came to lie on the page (points)."""

    at: str
    text: str
    kind: str  # "slower", "faster", "environment"
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Label:
    """An event's words: their box, y downwards, and the row that they stand in."""

    event: Event
    box: Box
    row: int


@dataclass(slots=True)
class Drawn:
    """What came to lie where: for the notes beneath, and for tests."""

    labels: list[Label] = field(default_factory=list)
    unlabelled: list[Event] = field(default_factory=list)
    above: int = 0  # sessions beyond the axis
    below: int = 0
    every: int = 1  # one of so many sessions is drawn


def events(series: Series) -> list[Event]:
    """Changes and other environments, by time."""
    found = [Event(change.at, _change_text(change), change.direction) for change in series.changes]
    found += [
        Event(segment.start, visible(key_changes(segment.changed)), "environment")
        for segment in series.segments
        if segment.began == "environment"
    ]
    return sorted(found, key=lambda event: event.at)


def _change_text(change: ChangePoint) -> str:
    return f"{change.at[:10]} {visible(commit(change.commit))} {units.change(change.ratio)}"


def rows_needed(series: Series, room: float) -> int:
    """Rows of labels above the plot of a panel ``room`` points wide, before anything is drawn."""
    places = _placed(events(series), _axis(series), 0.0, room)
    return max((label.row + 1 for label in places[0]), default=0)


def draw(axes: Axes, series: Series) -> Drawn:
    """Everything. The figure must be at 72 dots an inch: a pixel is a point."""
    page_height = axes.figure.bbox.height
    left, right, top = axes.bbox.x0, axes.bbox.x1, page_height - axes.bbox.y1
    drawn = Drawn()
    start, end = _axis(series)
    axes.set_xlim(start, end)
    low, high = _scale(series)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: units.milliseconds(value / 1e3)))
    _dates(axes)
    axes.xaxis.get_offset_text().set(size=TEXT_SIZE, color=GREY)
    axes.grid(True, color=GRID, linewidth=0.5)
    axes.annotate(
        "ms", (0, 1), (-3, 6), xycoords="axes fraction", textcoords="offset points",
        size=TEXT_SIZE, color=INK, ha="right",
    )  # fmt: skip
    _sessions(axes, series.moments, (low, high), drawn)
    for segment in series.segments:
        _level(axes, segment)
    labels, drawn.unlabelled = _placed(events(series), (start, end), left, right - left)
    for label in labels:
        box = label.box
        placed = Label(
            label.event,
            Box(box.left, top + box.top, box.right, top + box.bottom),
            label.row,
        )
        drawn.labels.append(placed)
        _upright(axes, placed.event, top - placed.box.top - 1.5)
        baseline = placed.box.bottom - typeface.DESCENT * LABEL_SIZE
        # Fractions of the page, since a printed figure's margins are cut off: points would shift.
        axes.text(
            (box.left + 2) / axes.figure.bbox.width,
            1 - baseline / page_height,
            _fitted(label.event.text),
            transform=axes.figure.transFigure,
            size=LABEL_SIZE,
            color=COLOURS[label.event.kind],
            va="baseline",
            parse_math=False,
        )
    for event in drawn.unlabelled:
        _upright(axes, event, 0.0)
    return drawn


def _dates(axes: Axes) -> None:
    """Ticks whose words stay within the page, beside the plot."""
    start, end = axes.get_xlim()
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    every = locator.tick_values(num2date(start), num2date(end))  # type: ignore[no-untyped-call]
    inside = [float(tick) for tick in every if start <= tick <= end] or [start]
    words = formatter.format_ticks(inside)  # type: ignore[no-untyped-call]
    points = axes.bbox.width / (end - start)
    shown = [
        (tick, text)
        for tick, text in zip(inside, words, strict=True)
        if typeface.width(text, TEXT_SIZE) / 2 <= (end - tick) * points + ticks.OVERHANG
    ]
    fixed = FixedFormatter([text for _, text in shown])
    fixed.set_offset_string(_shared(formatter.get_offset(), inside))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick, _ in shown]))
    axes.xaxis.set_major_formatter(fixed)


def _shared(offset: str, inside: Sequence[float]) -> str:
    """Of ``2026-May``, which is of the last tick, what holds of the first one too: ``2026``."""
    first, last = (
        f"{num2date(tick):%Y-%b-%d}".split("-")  # type: ignore[no-untyped-call]
        for tick in (inside[0], inside[-1])
    )
    count = next((place for place in range(3) if first[place] != last[place]), 3)
    return "-".join(offset.split("-")[: max(1, count)])


def day(at: str) -> float:
    """A date as the axis has it; one that cannot be read lies at its beginning."""
    try:
        return float(date2num(datetime.fromisoformat(at)))  # type: ignore[no-untyped-call]
    except ValueError:
        return 0.0


def _axis(series: Series) -> tuple[float, float]:
    days = [day(moment.at) for moment in series.moments]
    start, end = min(days), max(days)
    space = max((end - start) * 0.04, 1 / 48)
    return start - space, end + space


def _scale(series: Series) -> tuple[float, float]:
    """The latency axis in milliseconds: of each level its usual sessions, and its interval."""
    used = [one for one in series.moments if one.unused is None] or list(series.moments)
    ends: list[float] = []
    for segment in series.segments:
        values = [one.latency_s for one in used if segment.start <= one.at <= segment.end]
        if not values:  # dates that are no dates
            continue
        middle = segment.latency_s
        usual = FAR * sorted(abs(value - middle) for value in values)[len(values) // 2]
        ends += [value for value in values if abs(value - middle) <= usual]
        bounds = (segment.low_s, segment.high_s)
        ends += [one for one in bounds if one is not None and abs(one - middle) <= usual]
    ends = ends or [one.latency_s for one in used]
    if len(used) <= FEW:
        reach = [
            (bound, abs(bound - one.latency_s))
            for one in used
            for bound in (one.low_s, one.high_s)
            if bound is not None
        ]
        usual = FAR * sorted(far for _, far in reach)[len(reach) // 2] if reach else 0.0
        ends += [bound for bound, far in reach if far <= usual]
    low, high = min(ends) * 1e3, max(ends) * 1e3
    missing = max(0.0, LEAST_RANGE * high - (high - low)) / 2
    space = MARGIN * (high - low + 2 * missing)
    return max(0.0, low - missing - space), high + missing + space


def _sessions(
    axes: Axes, moments: Sequence[Moment], limits: tuple[float, float], drawn: Drawn
) -> None:
    low, high = limits
    drawn.every = -(-len(moments) // MAX_DOTS)
    shown = moments[:: drawn.every]
    for used in (False, True):
        ones = [one for one in shown if (one.unused is None) == used]
        inside = [one for one in ones if low <= one.latency_s * 1e3 <= high]
        above = [day(one.at) for one in ones if one.latency_s * 1e3 > high]
        below = [day(one.at) for one in ones if one.latency_s * 1e3 < low]
        drawn.above += len(above)
        drawn.below += len(below)
        colour = SESSION if used else GREY
        if len(shown) <= MAX_INTERVALS:
            known = [one for one in inside if one.low_s is not None and one.high_s is not None]
            axes.vlines(
                [day(one.at) for one in known],
                [(one.low_s or 0) * 1e3 for one in known],
                [(one.high_s or 0) * 1e3 for one in known],
                color=paler(colour, 0.5),
                linewidth=0.8,
                zorder=2,
            )
        size = 3.4 if len(shown) <= 80 else 2.6 if len(shown) <= 250 else 1.8
        look: dict[str, Any] = {
            "markersize": size,
            "markerfacecolor": paler(colour, 0.15) if used else WHITE,
            "markeredgecolor": colour if not used else WHITE,
            "markeredgewidth": 0.7 if not used else 0.25,
            "linestyle": "none",
        }
        axes.plot(
            [day(one.at) for one in inside], [one.latency_s * 1e3 for one in inside], "o",
            zorder=3 if used else 2.5, **look,
        )  # fmt: skip
        edge: dict[str, Any] = {
            "linestyle": "none",
            "markersize": 3.6,
            "color": colour,
            "clip_on": False,
        }
        inset = (high - low) * 0.02  # the labels are above the plot
        axes.plot(above, [high - inset] * len(above), "^", zorder=3, **edge)
        axes.plot(below, [low + inset] * len(below), "v", zorder=3, **edge)


def _level(axes: Axes, segment: Segment) -> None:
    start, end = day(segment.start), day(segment.end)
    if segment.low_s is not None and segment.high_s is not None:
        axes.fill_between(
            [start, end],
            segment.low_s * 1e3,
            segment.high_s * 1e3,
            color=paler(INK, 0.8),
            linewidth=0,
            zorder=1.5,
        )
    axes.plot(
        [start, end], [segment.latency_s * 1e3] * 2, color=INK, linewidth=1.1, zorder=4,
        solid_capstyle="butt",
    )  # fmt: skip


def _upright(axes: Axes, event: Event, beyond: float) -> None:
    """The line of an event, from the axis up to ``beyond`` points above the plot."""
    height = axes.bbox.height
    axes.plot(
        [day(event.at)] * 2,
        [0, 1 + beyond / height],
        transform=axes.get_xaxis_transform(),
        color=COLOURS[event.kind],
        linewidth=0.8,
        linestyle=DASH if event.kind == "environment" else "-",
        clip_on=False,
        zorder=2.2,
    )


# --- labels -----------------------------------------------------------------------------------


def _fitted(text: str) -> str:
    return typeface.shortened(text, LABEL_SIZE, LABEL_ROOM)


def _placed(
    found: Sequence[Event], axis: tuple[float, float], left: float, room: float
) -> tuple[list[Label], list[Event]]:
    """(labels above a plot whose upper edge is y = 0, the events that found no room).

    A label stands beside its line, right or left of it, and touches neither another label nor
    another's line; in as few rows as will do. Where not all find room, changes come first.
    """
    start, end = axis
    events = [
        Event(one.at, one.text, one.kind, left + (day(one.at) - start) / (end - start) * room)
        for one in reversed(found)
    ]
    for rows in range(1, MAX_ROWS + 1):
        tries = [MAX_TRIES]
        labels = _all_placed(events, rows, (left, left + room), [], tries)
        if labels is not None:
            return labels, []
    labels = []
    for event in sorted(events, key=lambda one: one.kind == "environment"):
        for label in _choices(event, MAX_ROWS, (left, left + room)):
            if not any(_collide(label, other) for other in labels):
                labels.append(label)
                break
    named = {label.event for label in labels}
    return labels, [event for event in reversed(events) if event not in named]


def _all_placed(
    events: Sequence[Event],
    rows: int,
    edges: tuple[float, float],
    labels: list[Label],
    tries: list[int],
) -> list[Label] | None:
    """A place for each of ``events`` beside ``labels``, or None; gives up after ``tries``."""
    if not events:
        return labels
    for label in _choices(events[0], rows, edges):
        tries[0] -= 1
        if tries[0] < 0:
            return None
        if not any(_collide(label, other) for other in labels):
            whole = _all_placed(events[1:], rows, edges, [*labels, label], tries)
            if whole is not None:
                return whole
    return None


def _choices(event: Event, rows: int, edges: tuple[float, float]) -> Iterator[Label]:
    """Right of its line in each row, then left of it, as far as the panel reaches."""
    wide = typeface.width(_fitted(event.text), LABEL_SIZE) + 4
    for begin, row in product((event.x, event.x - wide), range(rows)):
        if edges[0] <= begin and begin + wide <= edges[1] + 1:
            bottom = -2.0 - row * ROW
            yield Label(event, Box(begin, bottom - ROW + 1.2, begin + wide, bottom), row)


def _collide(one: Label, other: Label) -> bool:
    """Whether a label touches another or its line."""
    return (
        one.box.overlaps(other.box.grown(0.5))
        or (one.box.left < other.event.x < one.box.right and other.row >= one.row)
        or (other.box.left < one.event.x < other.box.right and one.row >= other.row)
    )

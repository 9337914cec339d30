"""Models as rungs of a ladder: name and latency at the left, at the right what a figure is about.

Knows: how devices share a page, the latency axis, notes and legend. Does not know: what stands at
the right (``clouds`` and ``warmth`` do), files. The figure is a function of one ``Shapes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from mnv4bench import units
from mnv4bench.findings import Shape, ShapeGroup, Shapes
from mnv4bench.render import page, panel, rung_notes, ticks, typeface
from mnv4bench.render.page import LEGEND_ROW, MARGIN, Entry, Pen, Width, flow, grid
from mnv4bench.render.palette import GREY, GRID, INK, Look, looks, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import LINE_SPACING, MAX_FACTS, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE

# Points.
LONE, SHARED = (470.0, 0.0), (340.0, 0.0)  # of a panel; its height is that of its rungs
GUTTER_X, GUTTER_Y = 26.0, 16.0
NAMES = 0.3  # the share of a panel that names may take
LATENCY = 0.34  # of what is left, the share of the latency axis
BETWEEN = 16.0  # of the two axes: more than both overhangs of their ticks' numbers
BOTTOM = 25.0  # under the axes: ticks and titles
# More rungs make a picture that no page holds; the JSON beside has all.
MAX_ROWS = 60
# From so many rungs on they are drawn lower; in print all are, where else no page would do.
MANY = 17
# Latencies that differ by less are compared on a linear axis.
LOG_FROM = 3.0
MS = 1e-3


@dataclass(frozen=True, slots=True)
class Rung:
    """One model's place; y in points downwards from the top of the axes."""

    row: Shape
    look: Look
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    @property
    def hollow(self) -> bool:
        """Drawn unfilled: not measured, or nothing that may be compared."""
        return self.row.origin != "measured" or bool(self.row.tainted)


class Subject(Protocol):
    """What a figure is about: the right-hand side of every rung."""

    aside: float  # points at the right of the axes, for text
    lift: float  # points by which the median stands above the middle of its rung

    def height(self, row: Shape, *, many: bool) -> float:
        """Points that a rung needs."""

    def draw(self, axes: Axes, rungs: Sequence[Rung]) -> None:
        """On axes whose y is the rungs'."""

    def titles(self, group: ShapeGroup) -> Sequence[str]:
        """Of the axis: the first that has room is taken."""

    def reach(self, row: Shape) -> Sequence[float]:
        """Latencies in seconds that the latency axis must show."""

    def latency(self, axes: Axes, rung: Rung) -> None:
        """What stands on the latency axis beside the median."""

    def detail(self, row: Shape) -> str:
        """What stands under a name."""

    def notes(self, group: ShapeGroup) -> Sequence[str]:
        """Sentences under a panel."""

    def signs(self, rows: Sequence[Shape]) -> Sequence[Entry]:
        """Of the legend."""


def draw(found: Shapes, subject: Subject, width: Width = "screen") -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ..., "pdf": ...}."""
    return page.files(lambda: compose(found, subject, width), width)


def compose(found: Shapes, subject: Subject, fit: Width = "screen") -> Figure:
    """Panels row by row, then the legend."""
    cells = found.groups[: page.MAX_PANELS]
    columns, wide, _ = grid(len(cells), fit, lone=LONE, shared=SHARED, gutter=GUTTER_X)
    width = 2 * MARGIN + columns * wide + (columns - 1) * GUTTER_X
    room = width - 2 * MARGIN
    drawn = [row for group in cells for row in group.rows[:MAX_ROWS]]
    families = looks(row.family for row in drawn)
    blocks = [*_legend(drawn, subject, families), page.beyond(len(found.groups))]
    legend = flow(blocks, room)
    descent = 3.0  # of the last line
    below = MARGIN + LEGEND_ROW * len(legend) + descent + (0 if cells else 60)
    many = MANY
    places, bottom = _placed(cells, subject, (columns, wide), many)
    most = page.PRINTED_HEIGHT * 72 + 2 * (MARGIN - page.PRINTED_MARGIN)
    if fit != "screen" and bottom + below > most:
        many = 1
        places, bottom = _placed(cells, subject, (columns, wide), many)
    write = Pen(width, bottom + below)
    for group, (left, top) in zip(cells, places, strict=True):
        _panel(write, group, subject, families, (left, top, wide), many)
    y = bottom + LEGEND_ROW
    if not cells:
        write(width / 2, y + 40, "nothing to draw: no measurement was found", 8, GREY, "center")
        y += 60
    page.draw_legend(write, legend, y)
    return write.figure


def _placed(
    cells: Sequence[ShapeGroup], subject: Subject, abreast: tuple[int, float], many: int
) -> tuple[list[tuple[float, float]], float]:
    """(the top left corner of each panel, where the last one ends)."""
    columns, wide = abreast
    ends, places = [MARGIN] * columns, []
    for group in cells:
        # The shortest column takes the next one, so that forty models beside three leave no hole.
        column = min(range(columns), key=lambda index: ends[index])
        places.append((MARGIN + column * (wide + GUTTER_X), ends[column]))
        ends[column] += _height(group, subject, wide, many) + GUTTER_Y
    return places, max(ends) - (GUTTER_Y if cells else 0)


# --- a panel ----------------------------------------------------------------------------------


def _heading(group: ShapeGroup, room: float) -> list[str]:
    title = visible(f"{group.device}, {group.precision}")
    facts = f"{group.origin.upper()} on {visible(group.machine)}"
    return [
        typeface.shortened_within(title, TITLE_SIZE * typeface.BOLD, room),
        *typeface.wrapped(facts, TEXT_SIZE, room, MAX_FACTS),
    ]


def _heading_height(lines: int) -> float:
    return TITLE_SIZE + 2 + (lines - 1) * TEXT_SIZE * LINE_SPACING + 8


def _notes(group: ShapeGroup, subject: Subject, room: float) -> list[str]:
    sentences = rung_notes.sentences(group, subject.notes(group), MAX_ROWS)
    return [line for text in sentences for line in typeface.wrapped(text, NOTE_SIZE, room)]


def _heights(group: ShapeGroup, subject: Subject, many: int) -> list[float]:
    """Of the rungs; lower where there are ``many``."""
    rows = group.rows[:MAX_ROWS]
    return [subject.height(row, many=len(rows) >= many) for row in rows]


def _height(group: ShapeGroup, subject: Subject, room: float, many: int) -> float:
    notes = len(_notes(group, subject, room)) * NOTE_SIZE * LINE_SPACING
    heading = _heading_height(len(_heading(group, room)))
    return heading + sum(_heights(group, subject, many)) + BOTTOM + notes


def _panel(
    write: Pen,
    group: ShapeGroup,
    subject: Subject,
    families: Any,
    place: tuple[float, float, float],
    many: int,
) -> None:
    left, y, wide = place
    heading = _heading(group, wide)
    write.heading(left, y, heading)
    rungs, at = [], 0.0
    for row, high in zip(group.rows, _heights(group, subject, many), strict=False):
        rungs.append(Rung(row, families[row.family], at, high))
        at += high
    top = y + _heading_height(len(heading))
    names = _names(rungs, subject, wide)
    for rung in rungs:
        _name(write, rung, subject, (left, top + rung.middle, names))
    begin = left + names + 8
    rest = left + wide - begin - subject.aside - BETWEEN
    latency = _axes(write, (begin, top, rest * LATENCY, at))
    other = _axes(write, (begin + rest * LATENCY + BETWEEN, top, rest * (1 - LATENCY), at))
    _latencies(latency, rungs, subject, rest * LATENCY)
    subject.draw(other, rungs)
    _title(other, subject.titles(group), rest * (1 - LATENCY))
    baseline = top + at + BOTTOM
    for line in _notes(group, subject, wide):
        baseline += NOTE_SIZE * LINE_SPACING
        write(left, baseline - 1, line, NOTE_SIZE, GREY)


def _names(rungs: Sequence[Rung], subject: Subject, wide: float) -> float:
    widest = max(
        max(
            typeface.width(visible(rung.row.model), TEXT_SIZE),
            typeface.width(subject.detail(rung.row), NOTE_SIZE),
        )
        for rung in rungs
    )
    return min(widest, NAMES * wide)


def _name(write: Pen, rung: Rung, subject: Subject, place: tuple[float, float, float]) -> None:
    left, middle, room = place
    detail = typeface.shortened(subject.detail(rung.row), NOTE_SIZE, room)
    text = typeface.shortened_within(visible(rung.row.model), TEXT_SIZE, room)
    two = rung.height >= TEXT_SIZE + NOTE_SIZE + 3 and bool(detail)
    baseline = middle + TEXT_SIZE * typeface.CAP_HEIGHT / 2 - (NOTE_SIZE * 0.6 if two else 0)
    write(left + room, baseline, text, TEXT_SIZE, GREY if rung.row.tainted else INK, "right")
    if two:
        write(left + room, baseline + NOTE_SIZE + 1.6, detail, NOTE_SIZE, GREY, "right")


def _axes(write: Pen, place: tuple[float, float, float, float]) -> Axes:
    """Axes whose y counts points downwards."""
    left, top, wide, high = place
    axes = write.axes(left, top, wide, high, "bottom")
    axes.set_ylim(high, 0)
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(True, axis="x", color=GRID, linewidth=0.5)
    return axes


def _title(axes: Axes, texts: Sequence[str], room: float) -> None:
    text = next((one for one in texts if typeface.width(one, TEXT_SIZE) <= room), texts[-1])
    axes.set_xlabel(text, size=TEXT_SIZE, color=INK, loc="right", labelpad=2)


def _latencies(axes: Axes, rungs: Sequence[Rung], subject: Subject, wide: float) -> None:
    ends = [value / MS for rung in rungs for value in subject.reach(rung.row) if value > 0]
    low, high = min(ends), max(ends)
    if high / low >= LOG_FROM:
        room = (log10(high) - log10(low)) * 0.08
        low, high = 10 ** (log10(low) - room), 10 ** (log10(high) + room)
        axes.set_xscale("log")
        shown = ticks.spaced(low, high, wide)
        axes.xaxis.set_major_locator(FixedLocator(shown))
        axes.xaxis.set_major_formatter(FixedFormatter([units.plain(tick) for tick in shown]))
        axes.xaxis.set_minor_locator(NullLocator())
        titles = ("Latency, ms (log scale)", "Latency, ms (log)", "ms (log)")
    else:
        room = max((high - low) * 0.1, high * 0.02)
        low, high = low - room, high + room
        axes.set_xlim(low, high)
        ticks.even(axes, (1, 2, 2.5, 5, 10))
        titles = ("Latency, ms", "ms", "ms")
    axes.set_xlim(low, high)
    _title(axes, titles, wide)
    for rung in rungs:
        row, middle = rung.row, rung.middle - subject.lift
        if row.low_s is not None and row.high_s is not None:
            axes.plot(
                [row.low_s / MS, row.high_s / MS],
                [middle] * 2,
                color=rung.look.colour,
                linewidth=0.8,
                marker="|",
                markersize=4,
                zorder=2.5,
            )
        subject.latency(axes, rung)
        axes.plot(
            [row.latency_s / MS],
            [middle],
            rung.look.marker,
            markersize=2 * panel.RADIUS * rung.look.scale,
            zorder=4,
            **panel.filling(rung.look.colour, hollow=rung.hollow, half=False),
        )


# --- the legend -------------------------------------------------------------------------------


def _legend(rows: Sequence[Shape], subject: Subject, families: Any) -> list[list[Entry]]:
    if not rows:
        return []
    kinds = panel.kinds(families, {row.family for row in rows})
    signs: list[Entry] = []
    plain = Look(GREY, "o")
    measured = [row for row in rows if row.origin == "measured"]
    if any(not row.tainted for row in measured):
        signs.append(("median of the invocations", panel.sample(plain), 8.0))
    if any(row.tainted for row in measured):
        signs.append(("of a tainted measurement", panel.sample(plain, hollow=True), 8.0))
    for origin in sorted({row.origin for row in rows} - {"measured"}):
        signs.append((f"{origin}, not measured", panel.sample(plain, hollow=True), 8.0))
    if any(row.low_s is not None for row in rows):
        bar = Line2D([0], [0], color=GREY, linewidth=0.8, marker="|", markersize=4)
        signs.append(("its interval", bar, 14.0))
    return [kinds, [*signs, *subject.signs(rows)]]


def pale(look: Look) -> str:
    """Of areas: so pale that lines stand out from them, on paper too."""
    return paler(look.colour, 0.62)

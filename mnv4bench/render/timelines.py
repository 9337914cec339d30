"""A history as a figure: a panel for each model and device, one legend, SVG, PNG and PDF.

Knows: how panels share a page, and how many fit. Does not know: how a change was found, or where
files lie. The figure is a function of one ``over_time.History``.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnv4bench import units
from mnv4bench.over_time import History, Series
from mnv4bench.render import page, typeface
from mnv4bench.render import timeline_panel as panels
from mnv4bench.render.histories import circumstances, summary, title, unused
from mnv4bench.render.page import (
    LEGEND_ROW,
    MARGIN,
    MAX_PANELS,
    Entry,
    Pen,
    Width,
    draw_legend,
    flow,
    grid,
)
from mnv4bench.render.palette import GREY, INK, WHITE, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import LINE_SPACING, MAX_FACTS, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE

LONE_PLOT = (440.0, 190.0)
SHARED_PLOT = (318.0, 130.0)
GUTTER_X, GUTTER_Y = 24.0, 12.0
HEADING_GAP = 16.0  # above the axes: the title of the latency axis
LEFT = 26.0  # beside the axes: ticks of the latency
BOTTOM = 26.0  # under the axes: ticks of the dates


def draw(found: History, width: Width = "screen") -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ..., "pdf": ...}."""
    return page.files(lambda: compose(found, width), width)


def compose(found: History, fit: Width = "screen") -> Figure:
    """The page: panels row by row, the legend, and what is not on it."""
    drawable = [one for one in found.series if one.moments]
    cells = drawable[:MAX_PANELS]  # those that changed last come first
    columns, plot_width, plot_height = grid(
        len(cells), fit, lone=LONE_PLOT, shared=SHARED_PLOT, gutter=GUTTER_X
    )
    width = 2 * MARGIN + columns * plot_width + (columns - 1) * GUTTER_X
    room = width - 2 * MARGIN
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    tops = [max(_top(one, plot_width) for one in row) for row in rows]
    step = NOTE_SIZE * LINE_SPACING
    # A note is a line or two; how many is known only when the panel is drawn.
    heights = [top + plot_height + BOTTOM + 2 * step for top in tops]
    legend = flow([_legend(cells)], room)
    closing = _closing(found, len(drawable), room)
    height = (
        2 * MARGIN
        + sum(heights)
        + GUTTER_Y * max(0, len(rows) - 1)
        + LEGEND_ROW * (len(legend) + 1)
        + step * len(closing)
    )
    write = Pen(width, height)
    y = MARGIN
    for row, top, row_height in zip(rows, tops, heights, strict=True):
        for column, series in enumerate(row):
            left = MARGIN + column * (plot_width + GUTTER_X)
            _panel(write, series, (left, y, plot_width, plot_height), top)
        y += row_height + GUTTER_Y
    draw_legend(write, legend, y)
    y += LEGEND_ROW * len(legend)
    for line in closing:
        write(MARGIN, y, line, NOTE_SIZE, GREY)
        y += step
    return write.figure


def _heading(series: Series, room: float) -> list[str]:
    name = typeface.shortened_within(
        visible(f"{title(series)} on {series.device}, {series.precision}"),
        TITLE_SIZE * typeface.BOLD,
        room,
    )
    facts = visible(f"{series.origin.upper()} on {series.machine}; {circumstances(series)}")
    return [name, *typeface.wrapped(facts, TEXT_SIZE, room, MAX_FACTS)]


def _top(series: Series, room: float) -> float:
    """Heading and labels, down to the plot."""
    lines = len(_heading(series, room)) - 1
    rows = panels.rows_needed(series, room - LEFT - 2)
    return TITLE_SIZE + 2 + lines * TEXT_SIZE * LINE_SPACING + HEADING_GAP + rows * panels.ROW


def _panel(
    write: Pen, series: Series, place: tuple[float, float, float, float], top: float
) -> None:
    left, y, wide, high = place
    write.heading(left, y, _heading(series, wide))
    axes = write.axes(left + LEFT, y + top, wide - LEFT - 2, high, "left", "bottom")
    drawn = panels.draw(axes, series)
    baseline = y + top + high + BOTTOM - 2
    for line in typeface.wrapped(" ".join(_notes(series, drawn)), NOTE_SIZE, wide, 2):
        baseline += NOTE_SIZE * LINE_SPACING
        write(left, baseline, line, NOTE_SIZE, GREY)


def _notes(series: Series, drawn: panels.Drawn) -> list[str]:
    notes = []
    if drawn.every > 1:
        notes.append(f"One session of {drawn.every} is drawn; levels are of all.")
    if drawn.above or drawn.below:
        beyond = units.plural(drawn.above + drawn.below, "session")
        notes.append(f"{beyond} beyond the axis.")
    if unused(series):
        notes.append(f"{unused(series)[0].upper()}{visible(unused(series)[1:])}.")
    if drawn.unlabelled:
        names = "; ".join(event.text for event in drawn.unlabelled[:3])
        count = len(drawn.unlabelled)
        notes.append(f"Not labelled for want of room ({count}): {names}.")
    return notes


def _closing(found: History, drawable: int, room: float) -> list[str]:
    sentences = summary(found)
    if drawable > MAX_PANELS:
        sentences.insert(
            0,
            f"{drawable - MAX_PANELS:,} more series are not drawn; those here changed last. "
            "--model and --device choose, the JSON beside has all.",
        )
    return [line for sentence in sentences for line in typeface.wrapped(sentence, NOTE_SIZE, room)]


def _legend(cells: Sequence[Series]) -> list[Entry]:
    """What the marks mean, as far as the figure has them."""
    entries: list[Entry] = []
    moments = [moment for series in cells for moment in series.moments]
    dot = {"marker": "o", "linestyle": "none"}
    if any(one.unused is None for one in moments):
        mark = Line2D([0], [0], color=panels.SESSION, markersize=3.6, **dot)  # type: ignore[arg-type]
        entries.append(("session, with its own interval", mark, 6.0))
    if any(one.unused for one in moments):
        hollow = Line2D(
            [0],
            [0],
            color=GREY,
            markerfacecolor=WHITE,
            markersize=3.6,
            markeredgewidth=0.7,
            **dot,  # type: ignore[arg-type]
        )
        entries.append(("shown and not used", hollow, 6.0))
    segments = [segment for series in cells for segment in series.segments]
    if any(one.start < one.end for one in segments):
        level = Line2D([0], [0], color=INK, linewidth=1.1)
        entries.append(("level (median of sessions)", level, 16.0))
    if any(one.low_s is not None for one in segments):
        band = Line2D([0], [0], color=paler(INK, 0.8), linewidth=5)
        entries.append(("its 95 % interval", band, 16.0))
    for direction in ("slower", "faster"):
        if any(c.direction == direction for series in cells for c in series.changes):
            line = Line2D([0], [0], color=panels.COLOURS[direction], linewidth=1.0)
            entries.append((f"change point, {direction}", line, 16.0))
    if any(segment.began == "environment" for segment in segments):
        line = Line2D([0], [0], color=GREY, linewidth=0.8, linestyle=panels.DASH)
        entries.append(("another environment: levels are not compared", line, 16.0))
    return entries

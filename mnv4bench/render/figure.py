"""A front as a figure: panels on a page, one legend, SVG and PNG.

Knows: how panels share a page. Does not know: how a front was reached, or where files lie. The
figure is a function of one ``findings.Front``; the same front gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnv4bench.findings import Front, Group
from mnv4bench.render import panel as panels
from mnv4bench.render import typeface, words
from mnv4bench.render.palette import GREY, INK, WHITE, Look, looks, paler
from mnv4bench.render.untrusted import visible

# Points. A lone panel fills a text column and a half; several share a page three abreast.
LONE_PLOT = (400.0, 270.0)
SHARED_PLOT = (318.0, 216.0)
MARGIN = 14.0
GUTTER_X, GUTTER_Y = 24.0, 22.0
LEFT = 24.0  # beside the axes: ticks of the accuracy
TITLE_GAP = 20.0  # between heading and axes: the accuracy axis' title
BOTTOM = 25.0  # under the axes: ticks and title of the latency
LEGEND_SIZE = 7.0
LEGEND_ROW = 12.5
LEGEND_GAP = 12.0
PIXELS_PER_INCH = 200  # of print at column width; a screen shows it sharp at twice its size

_STYLE: Any = {  # matplotlib types the keys as one huge literal
    "font.family": typeface.FAMILY,
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "svg.hashsalt": "mnv4bench",  # and the same front gives the same bytes
    "axes.unicode_minus": False,
}


_SAVING: dict[str, Any] = {
    "svg": {"dpi": 72, "metadata": {"Date": None}},
    # Level 3 takes half of the time of the usual 6 for a file of the same size.
    "png": {"dpi": PIXELS_PER_INCH, "pil_kwargs": {"compress_level": 3}},
}


def draw(front: Front) -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ...}."""
    with rc_context(_STYLE):
        figure = compose(front)
        files = {}
        for suffix, options in _SAVING.items():
            data = BytesIO()
            figure.savefig(data, format=suffix, **options)
            files[suffix] = data.getvalue()
    return files


def compose(front: Front) -> Figure:
    """The page: panels row by row, then the legend."""
    cells = share_panels(front.groups)
    columns = _columns(len(cells))
    plot_width, plot_height = LONE_PLOT if len(cells) == 1 else SHARED_PLOT
    width = 2 * MARGIN + columns * plot_width + max(0, columns - 1) * GUTTER_X
    families = looks(point.family for group in front.groups for point in group.points)
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [_row_height(row, plot_width, plot_height) for row in rows]
    legend = _flow(_legend(front.groups, families), width - 2 * MARGIN)
    height = (
        2 * MARGIN
        + sum(heights)
        + GUTTER_Y * max(0, len(rows) - 1)
        + (LEGEND_ROW * (len(legend) + 1) if legend else 0)
        + (0 if cells else 60)
    )
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=WHITE)
    FigureCanvasAgg(figure)
    write = _Pen(figure, height)
    y = MARGIN
    for row, row_height in zip(rows, heights, strict=True):
        top = max(_heading_height(groups, plot_width) for groups in row)
        for column, groups in enumerate(row):
            left = MARGIN + column * (plot_width + GUTTER_X)
            _panel(write, groups, families, (left, y, plot_width, plot_height), top)
        y += row_height + GUTTER_Y
    if not cells:
        write(width / 2, y + 40, "nothing to compare: no measurement was found", 8, GREY, "center")
        y += 60
    _draw_legend(write, legend, y)
    return figure


def share_panels(groups: Sequence[Group]) -> list[tuple[Group, ...]]:
    """Groups by panel: a published one joins the first measured one of its device and precision."""
    cells = [[group] for group in groups if group.origin != "published"]
    for group in groups:
        if group.origin != "published":
            continue
        host = next(
            (
                cell
                for cell in cells
                if cell[0].origin != "published"
                and (cell[0].device, cell[0].precision) == (group.device, group.precision)
                and len(cell) == 1
            ),
            None,
        )
        if host is not None:
            host.append(group)
        else:
            cells.append([group])
    return [tuple(cell) for cell in cells]


def _columns(count: int) -> int:
    """Up to three abreast; four make a square."""
    return 2 if count == 4 else max(1, min(3, count))


class _Pen:
    """Writes one line of text on a figure; points from the top left corner, y is the baseline."""

    def __init__(self, figure: Figure, height: float) -> None:
        self.figure, self.height = figure, height

    def __call__(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        align: str = "left",
        weight: str = "normal",
    ) -> None:
        page = self.figure.bbox
        self.figure.text(
            x / page.width,
            1 - y / page.height,
            text,
            size=size,
            color=colour,
            ha=align,
            va="baseline",
            weight=weight,
            parse_math=False,
        )


def _heading_height(groups: Sequence[Group], room: float) -> float:
    lines = len(words.heading(groups, room)) - 1
    return words.TITLE_SIZE + 2 + lines * words.TEXT_SIZE * words.LINE_SPACING + TITLE_GAP


def _row_height(row: Sequence[tuple[Group, ...]], room: float, plot_height: float) -> float:
    step = words.NOTE_SIZE * words.LINE_SPACING
    under = max(len(words.notes(groups, (), room)) for groups in row) * step
    return max(_heading_height(groups, room) for groups in row) + plot_height + BOTTOM + under


def _panel(
    write: _Pen,
    groups: Sequence[Group],
    families: Mapping[str, Look],
    place: tuple[float, float, float, float],
    top: float,
) -> None:
    left, y, wide, high = place
    title, *origins = words.heading(groups, wide)
    baseline = y + words.TITLE_SIZE * typeface.CAP_HEIGHT
    write(left, baseline, title, words.TITLE_SIZE, INK, weight="bold")
    baseline += 2
    for line in origins:
        baseline += words.TEXT_SIZE * words.LINE_SPACING
        write(left, baseline, line, words.TEXT_SIZE, GREY)
    page = write.figure.bbox
    axes_left, axes_bottom = left + LEFT, y + top + high
    axes = write.figure.add_axes(
        (
            axes_left / page.width,
            1 - axes_bottom / page.height,
            (wide - LEFT - 2) / page.width,
            high / page.height,
        )
    )
    drawn = panels.draw(axes, groups, families)
    baseline = axes_bottom + BOTTOM
    for line in words.notes(groups, drawn.unnamed(), wide):
        baseline += words.NOTE_SIZE * words.LINE_SPACING
        write(left, baseline, line, words.NOTE_SIZE, GREY)


# --- legend -----------------------------------------------------------------------------------

Entry = tuple[str, Line2D, float]  # text, its sample, the sample's width


def _sample(look: Look, colour: str, hollow: bool, half: bool = False) -> Line2D:
    return Line2D(
        [0],
        [0],
        linestyle="none",
        marker=look.marker,
        markersize=2 * panels.RADIUS * look.scale,
        **panels.filling(colour, hollow=hollow, half=half),
    )


def _legend(groups: Sequence[Group], families: Mapping[str, Look]) -> list[list[Entry]]:
    """Families, then what fill, line and paleness mean, as far as the figure has them."""
    drawn = [
        (group.origin == "published", point)
        for group in groups
        for point in group.points
        if point.status != "excluded"
    ]
    if not drawn:
        return []
    present = {point.family for _, point in drawn}
    hollow_only = all(published for published, _ in drawn)
    # Two spellings of one family share a look, and then one entry.
    names: dict[Look, str] = {}
    for family, look in families.items():
        if family in present:
            names.setdefault(look, family)
    kinds = [
        (
            typeface.shortened(visible(family), LEGEND_SIZE, 120),
            _sample(look, look.colour, hollow_only),
            8.0,
        )
        for look, family in names.items()
    ]
    plain = Look(GREY, "o")
    signs: list[Entry] = []
    if any(not published for published, _ in drawn):
        signs.append(("measured", _sample(plain, GREY, False), 8.0))
        signs.append(("measured front", Line2D([0], [0], color=INK, linewidth=0.8), 18.0))
        if any(point.low_s is not None for _, point in drawn):
            signs.append(
                (
                    "interval of the median, where wider than the marker",
                    Line2D([0], [0], color=GREY, linewidth=0.8, marker="|", markersize=4),
                    14.0,
                )
            )
        if any(point.float_accuracy for _, point in drawn):
            half = _sample(plain, GREY, False, half=True)
            signs.append(("quantised, at the accuracy of the float network", half, 8.0))
        if any(point.top1_low is not None for _, point in drawn):
            bar = Line2D([0], [0], color=GREY, linestyle="none", marker="|", markersize=8)
            signs.append(("interval of a measured accuracy", bar, 8.0))
    if any(published for published, _ in drawn):
        line = Line2D([0], [0], color=GREY, linewidth=0.8, linestyle=panels.DASH)
        signs.append(("published", _sample(plain, GREY, True), 8.0))
        signs.append(("published front", line, 18.0))
    if any(point.status == "dominated" for _, point in drawn):
        pale = paler(INK, panels.PALENESS + 0.1)
        signs.append(("dominated (paler)", _sample(plain, pale, hollow_only), 8.0))
    return [kinds, signs]


def _flow(blocks: Sequence[Sequence[Entry]], room: float) -> list[list[tuple[float, Entry]]]:
    """Rows of (x, entry), each block on a new row."""
    rows: list[list[tuple[float, Entry]]] = []
    for block in blocks:
        x = room + 1
        for entry in block:
            wide = entry[2] + 5 + typeface.width(entry[0], LEGEND_SIZE)
            if x > 0 and x + wide > room:
                rows.append([])
                x = 0.0
            rows[-1].append((x, entry))
            x += wide + LEGEND_GAP
    return rows


def _draw_legend(write: _Pen, rows: Sequence[Sequence[tuple[float, Entry]]], y: float) -> None:
    page = write.figure.bbox
    for row in rows:
        for x, (text, sample, wide) in row:
            left, middle = MARGIN + x, y - LEGEND_SIZE * typeface.CAP_HEIGHT / 2
            ends = [left, left + wide] if sample.get_linestyle() != "None" else [left + wide / 2]
            sample.set_data(
                [end / page.width for end in ends], [1 - middle / page.height] * len(ends)
            )
            sample.set_transform(write.figure.transFigure)
            write.figure.add_artist(sample)
            write(left + wide + 5, y, text, LEGEND_SIZE, INK)
        y += LEGEND_ROW

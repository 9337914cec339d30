"""A front as a figure: panels on a page, one legend, SVG, PNG and PDF.

Knows: how panels share a page. Does not know: how a front was reached, or where files lie. The
figure is a function of one ``findings.Front``; the same front gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from msgspec.structs import replace

from mnv4bench.findings import Front, Group, Limits
from mnv4bench.render import page, sureness, words
from mnv4bench.render import panel as panels
from mnv4bench.render.page import (
    LEGEND_ROW,
    MARGIN,
    MAX_PANELS,
    Entry,
    Pen,
    Width,
    beyond,
    draw_legend,
    flow,
    grid,
)
from mnv4bench.render.palette import GREY, INK, LIMIT, Look, looks, paler

# Points. A lone panel fills a text column and a half; several share a page three abreast.
LONE_PLOT = (400.0, 270.0)
SHARED_PLOT = (318.0, 216.0)
GUTTER_X, GUTTER_Y = 24.0, 22.0
LEFT = 24.0  # beside the axes: ticks of the accuracy
TITLE_GAP = 20.0  # between heading and axes: the accuracy axis' title
CROWDED = 250  # characters of names in a panel: until here all find room
SPARSE = 150  # until here even in a third of a printed page
BOTTOM = 25.0  # under the axes: ticks and title of the latency


def draw(front: Front, width: Width = "screen") -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ..., "pdf": ...}."""
    return page.files(lambda: compose(front, width), width)


def compose(front: Front, fit: Width = "screen") -> Figure:
    """The page: panels row by row, then the legend."""
    panels_of_all = share_panels(front.groups)
    cells = panels_of_all[:MAX_PANELS]
    front = replace(front, groups=tuple(group for cell in cells for group in cell))
    sparse = all(_characters(groups) <= SPARSE for groups in cells)
    columns, plot_width, plot_height = grid(
        len(cells),
        fit,
        lone=LONE_PLOT,
        shared=SHARED_PLOT,
        gutter=GUTTER_X,
        abreast=3 if sparse else 2,
    )
    width = 2 * MARGIN + columns * plot_width + max(0, columns - 1) * GUTTER_X
    families = looks(point.family for group in front.groups for point in group.points)
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [_row_height(row, plot_width, plot_height, front.limits) for row in rows]
    blocks = [*_legend(front, families), beyond(len(panels_of_all))]
    legend = flow(blocks, width - 2 * MARGIN)
    height = (
        2 * MARGIN
        + sum(heights)
        + GUTTER_Y * max(0, len(rows) - 1)
        + (LEGEND_ROW * (len(legend) + 1) if legend else 0)
        + (0 if cells else 60)
    )
    write = Pen(width, height)
    y = MARGIN
    for row, row_height in zip(rows, heights, strict=True):
        top = max(_heading_height(groups, plot_width) for groups in row)
        for column, groups in enumerate(row):
            left = MARGIN + column * (plot_width + GUTTER_X)
            place = (left, y, plot_width, plot_height)
            _panel(write, groups, families, place, top, front.limits)
        y += row_height + GUTTER_Y
    if not cells:
        write(width / 2, y + 40, "nothing to compare: no measurement was found", 8, GREY, "center")
        y += 60
    draw_legend(write, legend, y)
    return write.figure


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
                if cell[0].origin == "measured"
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


def _heading_height(groups: Sequence[Group], room: float) -> float:
    lines = len(words.heading(groups, room)) - 1
    return words.TITLE_SIZE + 2 + lines * words.TEXT_SIZE * words.LINE_SPACING + TITLE_GAP


def _row_height(
    row: Sequence[tuple[Group, ...]], room: float, plot_height: float, limits: Limits | None
) -> float:
    step = words.NOTE_SIZE * words.LINE_SPACING
    # Which names find no room is only known once the panel is drawn; until then none has to.
    under = (
        max(
            len(words.notes(groups, (), room, limits)) + words.UNNAMED_LINES * is_crowded(groups)
            for groups in row
        )
        * step
    )
    return max(_heading_height(groups, room) for groups in row) + plot_height + BOTTOM + under


def is_crowded(groups: Sequence[Group]) -> bool:
    """Whether some names may find no room: there are many, or they are long."""
    return _characters(groups) > CROWDED


def _characters(groups: Sequence[Group]) -> int:
    """Of the names in a panel."""
    return sum(len(p.model) for group in groups for p in group.points if p.status != "excluded")


def _panel(
    write: Pen,
    groups: Sequence[Group],
    families: Mapping[str, Look],
    place: tuple[float, float, float, float],
    top: float,
    limits: Limits | None,
) -> None:
    left, y, wide, high = place
    write.heading(left, y, words.heading(groups, wide))
    axes = write.axes(left + LEFT, y + top, wide - LEFT - 2, high, "left", "bottom")
    drawn = panels.draw(axes, groups, families, limits)
    baseline = y + top + high + BOTTOM
    for line in words.notes(groups, drawn.unnamed(), wide, limits):
        baseline += words.NOTE_SIZE * words.LINE_SPACING
        write(left, baseline, line, words.NOTE_SIZE, GREY)


# --- legend -----------------------------------------------------------------------------------


def _legend(front: Front, families: Mapping[str, Look]) -> list[list[Entry]]:
    """Families, then what fill, line and paleness mean, as far as the figure has them."""
    drawn = [
        (group.origin, point)
        for group in front.groups
        for point in group.points
        if point.status != "excluded"
    ]
    if not drawn:
        return []
    present = {point.family for _, point in drawn}
    hollow_only = all(origin != "measured" for origin, _ in drawn)
    plain = Look(GREY, "o")
    signs: list[Entry] = []
    if any(origin == "measured" for origin, _ in drawn):
        signs.append(("measured", panels.sample(plain), 8.0))
        signs.append(("measured front", Line2D([0], [0], color=INK, linewidth=0.8), 18.0))
        if any(None not in point.cost_interval for _, point in drawn):
            signs.append(
                (
                    "interval of the median, where wider than the marker",
                    Line2D([0], [0], color=GREY, linewidth=0.8, marker="|", markersize=4),
                    14.0,
                )
            )
        if any(point.float_accuracy for _, point in drawn):
            half = panels.sample(plain, half=True)
            signs.append(("quantised, at the accuracy of the float network", half, 8.0))
        if any(point.top1_low is not None for _, point in drawn):
            bar = Line2D([0], [0], color=GREY, linestyle="none", marker="|", markersize=8)
            signs.append(("interval of a measured accuracy", bar, 8.0))
    for other in sorted({origin for origin, _ in drawn} - {"measured"}):
        line = Line2D([0], [0], color=GREY, linewidth=0.8, linestyle=panels.line_style(other))
        signs.append((other, panels.sample(plain, hollow=True), 8.0))
        signs.append((f"{other} front", line, 18.0))
    if any(point.status == "dominated" for _, point in drawn):
        pale = Look(paler(INK, panels.PALENESS + 0.1), "o")
        signs.append(("dominated (paler)", panels.sample(pale, hollow=hollow_only), 8.0))
    if any(sureness.is_doubtful(point) for _, point in drawn):
        between = Look(paler(INK, panels.PALENESS / 2), "o")
        mark = panels.sample(between, hollow=hollow_only)
        signs.append(("62 %: in so many resamples on the front", mark, 8.0))
    if front.limits:
        shade = Line2D([0], [0], color=LIMIT, linewidth=7, solid_capstyle="butt")
        signs.append((f"shaded: outside {sureness.asked(front.limits)}", shade, 14.0))
    return [panels.kinds(families, present, hollow=hollow_only), signs]

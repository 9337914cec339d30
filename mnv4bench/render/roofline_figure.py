"""Rooflines as figures: layers under a roof, and models over all ridge points.

Knows: panels of one kind each. Does not know: how layers were counted, files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    MaxNLocator,
    PercentFormatter,
)

from mnv4bench.findings import Roofline, Sweep
from mnv4bench.render import page, panel_axes, ticks, typeface
from mnv4bench.render.page import (
    LEGEND_ROW,
    MARGIN,
    Entry,
    Pen,
    Width,
    draw_legend,
    flow,
    grid,
)
from mnv4bench.render.palette import FRAME, GREY, GRID, LIMIT, WHITE, looks
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import LINE_SPACING, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE

# Points.
LONE, SHARED = (400.0, 250.0), (300.0, 200.0)
GUTTER = 30.0
LEFT, TOP, BOTTOM = 30.0, 26.0, 26.0
SAMPLE = 8.0
SIZE = 20.0  # points squared, of a mark
_STYLES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", "-.", ":")
DECADES = ((0.0, 5.0), (5.0, 50.0), (50.0, 500.0))


def layers(found: Sequence[Roofline], width: Width = "screen") -> dict[str, bytes]:
    """A panel for each network as whole files, by suffix."""
    return page.files(lambda: _layers(found, width), width)


def swept(sweep: Sweep, width: Width = "screen") -> dict[str, bytes]:
    """A panel for each decade of ridge points as whole files, by suffix."""
    return page.files(lambda: _swept(sweep, width), width)


def _layers(found: Sequence[Roofline], fit: Width) -> Figure:
    blocks = looks(row.layer.block for one in found for row in one.layers)
    legend: list[Entry] = [
        (visible(name), _sample(look.colour, look.marker), SAMPLE) for name, look in blocks.items()
    ]

    def panel(index: int, axes: Axes) -> str:
        one = found[index]
        ridge = one.ridge_macs_per_byte
        every = [row.intensity for row in one.layers if row.intensity > 0]
        low, high = min([*every, ridge]) / 1.6, max([*every, ridge]) * 2.5
        top = 1.15 * max(row.share for row in one.layers)
        # The roof as what it is, a share of the peak, behind what waits under it.
        at = [low * (high / low) ** (step / 100) for step in range(101)]
        roof = [top * min(1.0, intensity / ridge) for intensity in at]
        axes.fill_between(at, roof, color=LIMIT, linewidth=0, zorder=0)
        axes.plot(at, roof, color=FRAME, linewidth=0.8, zorder=1)
        axes.axvline(ridge, color=FRAME, linewidth=0.6, linestyle=(0, (3, 2)), zorder=1)
        for row in one.layers:
            look = blocks[row.layer.block]
            axes.scatter(
                [row.intensity],
                [row.share],
                s=SIZE * look.scale**2,
                marker=look.marker,
                facecolor=look.colour,
                edgecolor=WHITE,
                linewidth=0.4,
                alpha=0.85,
                zorder=2,
                clip_on=False,
            )
        panel_axes.logarithmic(axes, low, high)
        axes.grid(True, color=GRID, linewidth=0.5)
        axes.set_ylim(0, top)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None, symbol=" %"))
        panel_axes.titles(axes, "Share of the time", "MACs per byte")
        axes.text(
            ridge, 0.985, f"ridge point {ridge:.0f} ", size=TEXT_SIZE, color=GREY,
            transform=axes.get_xaxis_transform(), va="top", ha="right",
        )  # fmt: skip
        return f"{visible(one.model)}, {one.precision}, {one.input_px} px"

    note = (
        "Each mark is a layer. Left of the ridge point it waits for memory, right of it for "
        "arithmetic; grey is the roof, the share of peak MACs/s in reach. By the model, not "
        "measured."
    )
    return _page(len(found), fit, panel, legend, note)


def _swept(sweep: Sweep, fit: Width) -> Figure:
    names = looks(row.model for row in sweep.models)
    legend: list[Entry] = [
        (visible(row.model), _sample(names[row.model].colour, "", line=True), 2 * SAMPLE)
        for row in sweep.models
    ]
    for index, (_, sample, _) in enumerate(legend):
        sample.set_linestyle(_STYLES[index % len(_STYLES)])

    def panel(index: int, axes: Axes) -> str:
        low, high = DECADES[index]
        chosen = [at for at, ridge in enumerate(sweep.ridges) if low <= ridge <= high]
        for turn, row in enumerate(sweep.models):
            axes.plot(
                [sweep.ridges[at] for at in chosen],
                [row.relative[at] for at in chosen],
                color=names[row.model].colour,
                linestyle=_STYLES[turn % len(_STYLES)],
                linewidth=1.3,
            )
        axes.set_xlim(low, high)
        ticks.even(axes, (1, 2, 5, 10))
        axes.grid(True, color=GRID, linewidth=0.5)
        panel_axes.titles(
            axes, f"Time over {visible(sweep.reference)}'s", "Ridge point, MACs per byte"
        )
        return f"{low:.0f} to {high:.0f} MACs per byte, {sweep.precision}"

    note = "At 0 memory is free and only MACs count. By the model, not measured."
    return _page(len(DECADES), fit, panel, legend, note)


def _page(
    count: int,
    fit: Width,
    panel: Callable[[int, Axes], str],
    entries: list[Entry],
    note: str,
) -> Figure:
    columns, wide, high = grid(count, fit, lone=LONE, shared=SHARED, gutter=GUTTER)
    rows = -(-count // columns)
    width = 2 * MARGIN + columns * wide + (columns - 1) * GUTTER
    legend = flow([entries], width - 2 * MARGIN)
    each = TITLE_SIZE + TOP + high + BOTTOM
    notes = typeface.wrapped(note, NOTE_SIZE, width - 2 * MARGIN)
    step = NOTE_SIZE * LINE_SPACING
    height = 2 * MARGIN + rows * each + LEGEND_ROW * (len(legend) + 1) + step * len(notes)
    write = Pen(width, height)
    for index in range(count):
        left = MARGIN + (index % columns) * (wide + GUTTER)
        y = MARGIN + (index // columns) * each
        top = y + TITLE_SIZE + TOP
        axes = write.axes(left + LEFT, top, wide - LEFT - 2, high, "left", "bottom")
        title = typeface.shortened_within(panel(index, axes), TITLE_SIZE * typeface.BOLD, wide)
        write.heading(left, y, [title])
    y = MARGIN + rows * each + LEGEND_ROW / 2
    draw_legend(write, legend, y)
    y += LEGEND_ROW * len(legend) + 2
    for line in notes:
        write(MARGIN, y, line, NOTE_SIZE, GREY)
        y += step
    return write.figure


def _sample(colour: str, marker: str, *, line: bool = False) -> Line2D:
    return Line2D(
        [], [], color=colour, marker=marker or None, markersize=5, linewidth=1.3,
        linestyle="-" if line else "None", markeredgecolor=WHITE, markeredgewidth=0.4,
    )  # fmt: skip

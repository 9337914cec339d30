"""The axes of a panel: where they begin and end, their ticks and titles, what a limit rules out.

Knows: a logarithmic cost across, top-1 upwards. Does not know: how a point is drawn, pages, files.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from mnv4bench import units
from mnv4bench.findings import Group, Limits, Point
from mnv4bench.render import objectives, ticks, typeface
from mnv4bench.render.palette import GRID, INK, LIMIT
from mnv4bench.render.words import TEXT_SIZE

# Shares of the axis kept free before the lowest and after the highest value.
MARGINS_X, MARGINS_Y = (0.07, 0.09), (0.06, 0.11)
# A lone value needs some axis around it: a factor of two in latency, two points of accuracy.
MIN_DECADES, MIN_POINTS = log10(2), 2.0


def title(axes: Axes, groups: Sequence[Group]) -> None:
    """``groups`` share the panel and are over the same objective."""
    # Published accuracies are ImageNet's; what was measured here, the notes say on what.
    measured = any(
        point.accuracy_source == "measured" for group in groups for point in group.points
    )
    upwards = "Top-1, %" if measured else "ImageNet-1k top-1, %"
    titles(axes, upwards, objectives.wording(groups[0].objective).axis)


def titles(axes: Axes, upwards: str, across: str) -> None:
    """Above the one axis and at the end of the other: nothing is turned."""
    upwards = typeface.shortened_within(upwards, TEXT_SIZE, axes.bbox.width)
    axes.text(
        0, 1, f"{upwards}\n", size=TEXT_SIZE, color=INK, va="baseline",
        transform=axes.transAxes, linespacing=0.9, parse_math=False,
    )  # fmt: skip
    axes.set_xlabel(across, size=TEXT_SIZE, color=INK, loc="right", labelpad=2)


def logarithmic(axes: Axes, low: float, high: float) -> None:
    """Across, from ``low`` to ``high``."""
    shown = ticks.spaced(low, high, axes.bbox.width)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(FixedFormatter([units.plain(tick) for tick in shown]))
    axes.xaxis.set_minor_locator(NullLocator())


def scale(axes: Axes, points: Sequence[Point], unit: float) -> None:
    """Limits and ticks around all points with their intervals; ``unit`` is that of the axis."""
    ends = [
        log10(value / unit)
        for point in points
        for value in (point.cost, *point.cost_interval)
        if value is not None and value > 0
    ]
    low, high = _range(min(ends), max(ends), MIN_DECADES, MARGINS_X)
    logarithmic(axes, 10**low, 10**high)
    tops = [
        value
        for point in points
        for value in (point.top1, point.top1_low, point.top1_high)
        if value is not None
    ]
    axes.set_ylim(*_range(min(tops), max(tops), MIN_POINTS, MARGINS_Y))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.grid(True, color=GRID, linewidth=0.5)


def _range(
    low: float, high: float, least: float, margins: tuple[float, float]
) -> tuple[float, float]:
    missing = max(0.0, least - (high - low)) / 2
    low, high = low - missing, high + missing
    whole = (high - low) / (1 - sum(margins))
    return low - whole * margins[0], high + whole * margins[1]


def limit(axes: Axes, limits: Limits, unit: float) -> None:
    """What the limits rule out, shaded; where they lie outside the axes, all or nothing."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    style: dict[str, Any] = {"facecolor": LIMIT, "edgecolor": "none", "zorder": 0.5}
    if limits.max_latency_s is not None:
        edge = max(left, limits.max_latency_s / unit)
        if edge < right:
            axes.axvspan(edge, right, **style)
    if limits.min_top1 is not None and limits.min_top1 > bottom:
        axes.axhspan(bottom, min(top, limits.min_top1), **style)

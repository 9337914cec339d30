"""Burst against sustained: what is left of the speed while a device gets warm.

Knows: how windows of running back to back are drawn over the speed of the short invocations. Does
not know: pages, the latency axis, how sustained is judged (the median of the last third).
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mnv4bench import units
from mnv4bench.findings import Shape, ShapeGroup, Shapes
from mnv4bench.render import ladder, panel, ticks
from mnv4bench.render.ladder import MS, Rung
from mnv4bench.render.listing import listed
from mnv4bench.render.page import Entry, Width
from mnv4bench.render.palette import GREY, GRID, INK, WHITE, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import TEXT_SIZE

# Points, of a rung.
HIGH, LOW = 30.0, 17.0
LIFT = 3.4  # burst stands above sustained, since the two are often near each other
ASIDE = 36.0  # for what is left, in percent
# Speeds over burst that a rung always spans: a percent is no cliff.
SPAN = (0.9, 1.01)
# From here on minutes are read more easily.
MINUTES_FROM_S = 300.0


def draw(found: Shapes, width: Width = "screen") -> dict[str, bytes]:
    """The figure of burst against sustained as whole files, by suffix."""
    return ladder.draw(found, Warmth(), width)


class Warmth:
    """A ``ladder.Subject``."""

    aside, lift = ASIDE, LIFT

    def height(self, row: Shape, *, many: bool) -> float:  # noqa: ARG002
        return LOW if many else HIGH

    def titles(self, group: ShapeGroup) -> Sequence[str]:
        unit = "min" if _minutes(group.rows) else "s"
        return (f"Speed left, by time back to back, {unit}", f"Back to back, {unit}", unit)

    def reach(self, row: Shape) -> Sequence[float]:
        every = (row.latency_s, row.low_s, row.high_s, row.sustained_s)
        return [value for value in every if value is not None]

    def latency(self, axes: Axes, rung: Rung) -> None:
        row = rung.row
        if row.sustained_s is None:
            return
        ends = [row.latency_s / MS, row.sustained_s / MS]
        heights = [rung.middle - LIFT, rung.middle + LIFT]
        axes.plot(ends, heights, color=rung.look.colour, linewidth=0.8, zorder=2)
        axes.plot(
            ends[1:],
            heights[1:],
            rung.look.marker,
            markersize=2 * panel.RADIUS * rung.look.scale * 0.8,
            zorder=3,
            **panel.filling(ladder.pale(rung.look), hollow=False, half=False)
            | {"markeredgecolor": rung.look.colour, "markeredgewidth": 0.8},
        )

    def detail(self, row: Shape) -> str:
        burst = units.seconds(row.latency_s)
        if row.sustained_s is None:
            return f"{burst}, cut short" if row.sustained_cut else burst
        return f"{burst} to {units.seconds(row.sustained_s)}"

    def notes(self, group: ShapeGroup) -> Sequence[str]:
        rows = group.rows[: ladder.MAX_ROWS]
        low, high = _speeds(rows)
        sentences = [
            f"Each row is {units.percent(low)} to {units.percent(high)} of the speed of the short "
            "invocations high; the line is 100 %."
        ]
        cut = [visible(row.model) for row in rows if row.sustained_cut]
        if cut:
            sentences.append(f"Cut short, so what is left is unknown ({len(cut)}): {listed(cut)}.")
        tainted = sum(bool(one.tainted) for row in rows for one in row.windows)
        if tainted:
            sentences.append(f"{units.plural(tainted, 'window')} tainted (hollow).")
        return sentences

    def signs(self, rows: Sequence[Shape]) -> Sequence[Entry]:
        line = Line2D([0], [0], color=GREY, linewidth=0.8)
        last = Line2D([0], [0], color=GREY, linewidth=2.0, solid_capstyle="butt")
        lost = Line2D([0], [0], color=paler(GREY, 0.6), linewidth=6, solid_capstyle="butt")
        entries: list[Entry] = []
        if any(row.sustained_s is not None for row in rows):
            mark = Line2D([0], [0], linestyle="none", marker="o", markersize=4.8)
            mark.set(markerfacecolor=paler(GREY, 0.6), markeredgecolor=GREY, markeredgewidth=0.8)
            entries.append(("sustained (back to back, last third)", mark, 8.0))
            entries.append(("the windows that it rests on", last, 14.0))
        entries += [("a window back to back", line, 14.0), ("lost speed", lost, 12.0)]
        return entries

    def draw(self, axes: Axes, rungs: Sequence[Rung]) -> None:
        rows = [rung.row for rung in rungs]
        unit = 60.0 if _minutes(rows) else 1.0
        end = max(row.windows[-1].end_s for row in rows) / unit
        axes.set_xlim(0, end)
        ticks.even(axes, (1, 2, 3, 5, 6, 10))
        speeds = _speeds(rows)
        for rung in rungs:
            _rung(axes, rung, unit, end, speeds)


def _minutes(rows: Sequence[Shape]) -> bool:
    return max(row.windows[-1].end_s for row in rows) >= MINUTES_FROM_S


def _speeds(rows: Sequence[Shape]) -> tuple[float, float]:
    """The slowest and the fastest window of all, over burst; at least SPAN."""
    every = [row.latency_s / one.median_s for row in rows for one in row.windows]
    return min([SPAN[0], *every]), max([SPAN[1], *every])


def _rung(axes: Axes, rung: Rung, unit: float, end: float, speeds: tuple[float, float]) -> None:
    row, colour = rung.row, rung.look.colour
    low, high = speeds
    room, floor = rung.height - 6, rung.top + rung.height - 3

    def level(speed: float) -> float:
        return floor - room * (speed - low) / (high - low)

    whole = level(1.0)
    axes.axhline(floor + 3, color=GRID, linewidth=0.5, zorder=0.5)
    axes.plot([0, end], [whole] * 2, color=GREY, linewidth=0.6, zorder=2)
    if row.low_s is not None and row.high_s is not None:
        ends = (level(row.latency_s / row.low_s), level(row.latency_s / row.high_s))
        axes.fill_between([0, end], *ends, color=paler(INK, 0.86), linewidth=0, zorder=1)
    xs = [at / unit for one in row.windows for at in (one.begin_s, one.end_s)]
    ys = [level(row.latency_s / one.median_s) for one in row.windows for _ in range(2)]
    axes.fill_between(
        xs,
        ys,
        [whole] * len(xs),
        where=[y > whole for y in ys],
        color=paler(colour, 0.7),
        linewidth=0,
        zorder=1.5,
    )
    axes.plot(xs, ys, color=colour, linewidth=0.8, zorder=3)
    if row.sustained_s is not None:
        last = 2 * max(1, len(row.windows) // 3)
        axes.plot(xs[-last:], ys[-last:], color=colour, linewidth=2.0, zorder=3.2)
    for one, y in zip(row.windows, ys[::2], strict=True):
        if one.tainted:
            axes.plot(
                [(one.begin_s + one.end_s) / 2 / unit],
                [y],
                "o",
                markersize=3,
                markerfacecolor=WHITE,
                markeredgecolor=GREY,
                markeredgewidth=0.6,
                zorder=4,
            )
    left = units.percent(1 / row.sustained_ratio) if row.sustained_ratio else "unknown"
    axes.text(
        1 + 4 / axes.bbox.width,
        rung.middle,
        left,
        transform=axes.get_yaxis_transform(),
        size=TEXT_SIZE,
        color=INK if row.sustained_ratio and not row.tainted else GREY,
        va="center",
        clip_on=False,
        parse_math=False,
    )

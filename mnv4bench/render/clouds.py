"""How samples spread: over each model's own median, as a cloud with its invocations beneath.

Knows: how a histogram, an invocation and a mean are drawn. Does not know: pages, the latency axis.
Times are divided by the model's median, since on one axis of seconds for models that differ by
decades every distribution would be a line.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from mnv4bench import units
from mnv4bench.findings import Histogram, Shape, ShapeGroup, Shapes, Strand
from mnv4bench.render import ladder, ticks
from mnv4bench.render.ladder import Rung
from mnv4bench.render.listing import listed
from mnv4bench.render.page import Entry, Width
from mnv4bench.render.palette import GREY, INK, WHITE, paler
from mnv4bench.render.untrusted import visible

# Points: of a cloud, of one invocation's line, of all lines of a rung, around them.
CLOUD, STRAND, STRANDS, PADDING = 13.0, 2.6, 30.0, 5.0
LOW_CLOUD, LOW_STRANDS, LOW_PADDING = 8.0, 9.0, 3.0
LEAST = 17.0
# The axis ends here even where samples lie beyond; an arrow says so.
WIDEST = (0.5, 2.0)
NARROWEST = (0.97, 1.04)
MOST = 0.96
_Lines = list[list[tuple[float, float]]]


def draw(found: Shapes, width: Width = "screen") -> dict[str, bytes]:
    """The figure of distributions as whole files, by suffix."""
    return ladder.draw(found, Clouds(), width)


class Clouds:
    """A ``ladder.Subject``."""

    aside, lift = 6.0, 0.0  # beside the axes: half of the last tick's number

    def height(self, row: Shape, *, many: bool) -> float:
        cloud = 0.0 if row.histogram is None else LOW_CLOUD if many else CLOUD
        lines = min(len(row.strands) * STRAND, LOW_STRANDS if many else STRANDS)
        return max(LEAST, cloud + lines + (LOW_PADDING if many else PADDING))

    def titles(self, group: ShapeGroup) -> Sequence[str]:
        if all(_is_mean(one) for row in group.rows for one in row.strands):
            return ("Mean of each process over the model's median", "Over the median")
        return ("Each inference over the model's median", "Over the model's median", "Over median")

    def reach(self, row: Shape) -> Sequence[float]:
        return [value for value in (row.latency_s, row.low_s, row.high_s) if value is not None]

    def latency(self, axes: Axes, rung: Rung) -> None:
        pass

    def detail(self, row: Shape) -> str:
        if row.low_s is None or row.high_s is None:
            return units.seconds(row.latency_s)
        half = units.half_width(row.latency_s, row.low_s, row.high_s)
        value = units.seconds(row.latency_s, half)
        return f"{value} {units.spread(row.latency_s, row.low_s, row.high_s)}"

    def notes(self, group: ShapeGroup) -> Sequence[str]:
        rows, sentences = group.rows[: ladder.MAX_ROWS], []
        means = [visible(row.model) for row in rows if any(map(_is_mean, row.strands))]
        if means:
            which = "" if len(means) == len(rows) else f" ({listed(means)})"
            sentences.append(
                f"The benchmark program gives the mean of each process and no single "
                f"inferences{which}."
            )
        few = [
            visible(row.model)
            for row in rows
            if row.histogram is None and not any(map(_is_mean, row.strands))
        ]
        if few:
            sentences.append(f"Too few samples for a shape ({len(few)}): {listed(few)}.")
        aside = sum(not one.used for row in rows for one in row.strands)
        if aside:
            was = "was" if aside == 1 else "were"
            sentences.append(
                f"{units.plural(aside, 'tainted invocation')} {was} set aside and feed no median."
            )
        return sentences

    def signs(self, rows: Sequence[Shape]) -> Sequence[Entry]:
        entries: list[Entry] = []
        strands = [one for row in rows for one in row.strands]
        if any(row.low_s is not None for row in rows):
            band = Line2D([0], [0], color=paler(INK, 0.86), linewidth=8, solid_capstyle="butt")
            entries.append(("the same, over the median", band, 10.0))
        if any(row.histogram for row in rows):
            cloud = Line2D([0], [0], color=paler(GREY, 0.55), linewidth=6, solid_capstyle="butt")
            entries.append(("inferences, 0.5th to 98th percentile", cloud, 14.0))
        if any(one.quarter_s is not None for one in strands):
            line = Line2D([0], [0], color=GREY, linewidth=1.4, marker="o", markersize=2.6)
            line.set_markerfacecolor(INK)
            entries.append(("an invocation: median, middle half (thick), 5 to 95 %", line, 16.0))
        if any(_is_mean(one) for one in strands):
            mark = Line2D([0], [0], color=GREY, linestyle="none", marker="D", markersize=3.4)
            entries.append(("mean of a process", mark, 8.0))
        if any(_is_mean(one) and one.low_s is not None for one in strands):
            line = Line2D([0], [0], color=GREY, linewidth=0.7, linestyle=(0, (1, 1.4)))
            entries.append(("its program's own 5 to 95 %", line, 14.0))
        if any(one.tainted for one in strands):
            line = Line2D([0], [0], color=GREY, linewidth=0.7, linestyle=(0, (3, 1.6)), marker="o")
            line.set(markersize=3.0, markerfacecolor=WHITE, markeredgewidth=0.7)
            entries.append(("tainted invocation", line, 16.0))
        return entries

    def draw(self, axes: Axes, rungs: Sequence[Rung]) -> None:
        low, high = _range(rungs)
        axes.set_xlim(low, high)
        ticks.even(axes, (1, 2, 5, 10))
        axes.axvline(1.0, color=INK, linewidth=0.6, zorder=1.5)
        for rung in rungs:
            _interval(axes, rung)
            bottom = _cloud(axes, rung)
            _strands(axes, rung, bottom, (low, high))


def _is_mean(one: Strand) -> bool:
    return one.inferences_per_value > 1


def _range(rungs: Sequence[Rung]) -> tuple[float, float]:
    """Of the axis: all that is drawn, within WIDEST and around NARROWEST.

    Where anything has percentiles, the extremes of a few samples do not stretch it.
    """
    firm, loose = list[float](), list[float]()
    for rung in rungs:
        row, seen = rung.row, []
        if row.histogram is not None:
            cloud = row.histogram
            seen += [cloud.low_s, _most(cloud)]
        for one in row.strands:
            seen.append(one.median_s)
            ends = [value for value in (one.low_s, one.high_s) if value is not None]
            few = one.quarter_s is None and not _is_mean(one)
            (loose if few else firm).extend(value / row.latency_s for value in ends)
        seen += [value for value in (row.low_s, row.high_s) if value is not None]
        firm += [value / row.latency_s for value in seen]
    shaped = any(rung.row.histogram is not None for rung in rungs)
    every = [*firm, *NARROWEST, *([] if shaped else loose)]
    low, high = max(min(every), WIDEST[0]), min(max(every), WIDEST[1])
    room = (high - low) * 0.03
    return low - room, high + room


def _most(cloud: Histogram) -> float:
    """Below this lie MOST of the samples; what is above would squeeze them."""
    left = MOST * (sum(cloud.counts) + cloud.below + cloud.above) - cloud.below
    for index, count in enumerate(cloud.counts):
        left -= count
        if left <= 0:
            return cloud.low_s + (index + 1) * cloud.width_s
    return cloud.low_s + len(cloud.counts) * cloud.width_s


def _interval(axes: Axes, rung: Rung) -> None:
    row = rung.row
    if row.low_s is None or row.high_s is None:
        return
    axes.fill_between(
        [row.low_s / row.latency_s, row.high_s / row.latency_s],
        rung.top + 1,
        rung.top + rung.height - 1,
        color=paler(INK, 0.86),
        linewidth=0,
        zorder=1,
    )


def _cloud(axes: Axes, rung: Rung) -> float:
    """Draws it and says where, below, there is room for the invocations."""
    cloud, scale = rung.row.histogram, rung.row.latency_s
    padding = (PADDING if rung.height > LOW_CLOUD + LOW_STRANDS + LOW_PADDING else LOW_PADDING) / 2
    if cloud is None:
        return rung.top + padding
    high = CLOUD if rung.height >= CLOUD + STRAND + PADDING else LOW_CLOUD
    base, peak = rung.top + padding + high, max(cloud.counts)
    xs, ys = [cloud.low_s / scale], [base]
    for index, count in enumerate(cloud.counts):
        level = base - (high - 1) * count / peak if peak else base
        xs += [(cloud.low_s + (index + step) * cloud.width_s) / scale for step in (0, 1)]
        ys += [level, level]
    xs.append(xs[-1])
    ys.append(base)
    axes.fill(
        xs,
        ys,
        facecolor=WHITE if rung.hollow else ladder.pale(rung.look),
        edgecolor=rung.look.colour,
        linewidth=0.6,
        zorder=2,
    )
    if xs[-1] > axes.get_xlim()[1]:
        axes.plot([axes.get_xlim()[1]], [base - 2], ">", markersize=2.2, clip_on=False,
                  color=rung.look.colour)  # fmt: skip
    return base + 1


def _strands(axes: Axes, rung: Rung, top: float, ends: tuple[float, float]) -> None:
    """A line for each invocation, one beneath the other, in measured order."""
    row = rung.row
    room = rung.top + rung.height - top - 1
    step = min(STRAND * 1.4, room / max(1, len(row.strands)))
    begin = top + (room - step * len(row.strands)) / 2 if row.histogram is None else top
    thin, thick, dashed, dotted = _Lines(), _Lines(), _Lines(), _Lines()
    marks: dict[tuple[bool, bool], list[tuple[float, float]]] = {}
    beyond: dict[str, list[float]] = {"<": [], ">": []}
    for index, one in enumerate(row.strands):
        y = begin + (index + 0.5) * step
        middle = one.median_s / row.latency_s
        if one.low_s is not None and one.high_s is not None:
            line = [(one.low_s / row.latency_s, y), (one.high_s / row.latency_s, y)]
            (dotted if _is_mean(one) else dashed if one.tainted else thin).append(line)
        if one.quarter_s is not None and one.three_quarters_s is not None:
            box = [(one.quarter_s / row.latency_s, y), (one.three_quarters_s / row.latency_s, y)]
            if not one.tainted:
                thick.append(box)
        marks.setdefault((bool(one.tainted), _is_mean(one)), []).append((middle, y))
        reach = [middle, (one.high_s or 0) / row.latency_s]
        if max(reach) > ends[1]:
            beyond[">"].append(y)
        if min(middle, (one.low_s or one.median_s) / row.latency_s) < ends[0]:
            beyond["<"].append(y)
    colour, size = rung.look.colour, min(2.6, step * 1.1)
    for lines, width, style in (
        (thin, 0.6, "-"),
        (thick, min(1.5, step * 0.7), "-"),
        (dashed, 0.6, (0, (3, 1.6))),
        (dotted, 0.6, (0, (1, 1.4))),
    ):
        if lines:
            axes.add_collection(
                LineCollection(
                    lines, colors=colour, linewidths=width, linestyles=[style], zorder=3
                ),
                autolim=False,
            )
    for (tainted, mean), points in marks.items():
        axes.plot(
            *zip(*points, strict=True),
            "D" if mean else "o",
            markersize=size * (1.1 if mean else 1.0),
            markerfacecolor=WHITE if tainted else colour if mean else INK,
            markeredgecolor=GREY if tainted else WHITE if mean else INK,
            markeredgewidth=0.6 if tainted else 0.2,
            zorder=4,
        )
    for arrow, ys in beyond.items():
        if ys:
            edge = ends[0] if arrow == "<" else ends[1]
            axes.plot([edge] * len(ys), ys, arrow, markersize=2.2, color=colour, clip_on=False)

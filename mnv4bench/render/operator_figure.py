"""Where the time goes as a figure: a bar for each block, in the order of the network.

Knows: bars, what they are made of, how a comparison's two sides look different without colour. Does
not know: how a time was taken, or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from mnv4bench import units
from mnv4bench.findings import ComparedProfiles, Difference, OperatorProfile
from mnv4bench.render import page, ticks, typeface
from mnv4bench.render import profile_words as words
from mnv4bench.render.page import LEGEND_ROW, MARGIN, Entry, Pen, Width
from mnv4bench.render.palette import GREY, GRID, INK, WHITE, looks, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import LINE_SPACING, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE

# Points.
ROOM = 500.0  # between the margins of a screen
ROW = 13.0
BAR = 8.0
NAME_ROOM = 170.0
LEAST_BARS = 90.0
VALUE_GAP = 3.0
AXIS = 22.0  # numbers and what they are

# More rows than this are no figure; the table and the JSON have the others.
MAX_ROWS = 70
MAX_KINDS = 6  # with a colour of their own; the others are one
LEAST_SHARE = 0.01  # of the time; what takes less has no colour of its own
OTHERS = "other operators"


@dataclass(frozen=True, slots=True)
class _Bar:
    """Stretches of one row: (seconds, colour, hollow), from the axis on."""

    name: str
    lines: tuple[tuple[tuple[float, str, bool], ...], ...]  # one bar, or two under each other
    value: str

    @property
    def seconds(self) -> float:
        return max(sum(stretch[0] for stretch in line) for line in self.lines)


def draw(found: OperatorProfile, width: Width = "screen") -> dict[str, bytes]:
    """A profile as whole files, by suffix."""
    return page.files(lambda: compose(found, width), width)


def draw_compared(found: ComparedProfiles, width: Width = "screen") -> dict[str, bytes]:
    """A comparison as whole files, by suffix."""
    return page.files(lambda: compose_compared(found, width), width)


def compose(found: OperatorProfile, width: Width = "screen") -> Figure:
    """A bar for each block, made of kinds of operators; a bar for each kind without blocks."""
    large = [one.operator for one in found.kinds if one.share >= LEAST_SHARE]
    kinds = large[:MAX_KINDS]
    colours = {kind: look.colour for kind, look in looks(kinds).items()}
    bars = []
    if found.blocks:
        for block in found.blocks:
            times = dict.fromkeys([*kinds, OTHERS], 0.0)
            for row in found.operators:
                if row.block == block.block or (not row.block and block.path == "" == row.block):
                    times[row.operator if row.operator in colours else OTHERS] += row.seconds
            line = tuple(
                (seconds, colours.get(kind, paler(GREY, 0.4)), False)
                for kind, seconds in times.items()
                if seconds
            )
            bars.append(_Bar(block.block, (line,), units.seconds(block.seconds)))
        several = len(found.kinds) > len(kinds)
        legend = [_box(kind, colours[kind]) for kind in kinds]
        legend += [_box(OTHERS, paler(GREY, 0.4))] if several else []
        title = "Time of one profiled inference by block, ms"
    else:
        for kind in found.kinds:
            line = ((kind.seconds, looks(["operators"])["operators"].colour, False),)
            bars.append(_Bar(kind.operator, (line,), units.seconds(kind.seconds)))
        legend, title = [], "Time of one profiled inference by kind of operator, ms"
    heads = [words.title(found)]
    notes = [*words.how(found), *words.notes(found.notes)]
    return _page(bars, heads, title, legend, notes, width)


def compose_compared(found: ComparedProfiles, width: Width = "screen") -> Figure:
    """Two bars for each block, in the order of A's network; A is filled, B hollow."""
    two = looks(["a", "b"])
    a, b = two["a"].colour, two["b"].colour
    order = [one.block for one in (*found.a.blocks, *found.b.blocks)]
    by_name = {one.name: one for one in found.blocks}
    bars = [_pair(by_name[name], a, b) for name in dict.fromkeys(order) if name in by_name]
    heads = [f"{name}: {words.title(one)}" for name, one in (("A", found.a), ("B", found.b))]
    legend = [_box("A", a), _box("B", b, hollow=True)]
    notes = [words.ratio(found), *words.notes(found.notes)]
    return _page(bars, heads, "Time of one profiled inference by block, ms", legend, notes, width)


def _pair(one: Difference, a: str, b: str) -> _Bar:
    lines = (((one.a_s or 0.0, a, False),), ((one.b_s or 0.0, b, True),))
    value = words.signed(one.difference_s)
    return _Bar(one.name, lines, f"{value} {words.over(one)}".strip())


def _box(text: str, colour: str, *, hollow: bool = False) -> Entry:
    sample = Line2D([0], [0], linestyle="none", marker="s", markersize=6)
    sample.set(markerfacecolor=WHITE if hollow else colour, markeredgecolor=colour)
    return (visible(text), sample, 8.0)


def _page(
    bars: Sequence[_Bar],
    heads: Sequence[str],
    title: str,
    legend: Sequence[Entry],
    notes: Sequence[str],
    width: Width,
) -> Figure:
    room = page.printed_room(width) or ROOM
    shown = bars[:MAX_ROWS]
    if len(bars) > MAX_ROWS:
        notes = [*notes, f"{len(bars) - MAX_ROWS:,} more rows are in the JSON."]
    lines = [
        line
        for head in heads
        for line in typeface.wrapped(visible(head), TITLE_SIZE * typeface.BOLD, room)
    ]
    small = [line for note in notes for line in typeface.wrapped(visible(note), NOTE_SIZE, room)]
    rows = page.flow([legend], room) if legend else []
    step, note = TITLE_SIZE * LINE_SPACING, NOTE_SIZE * LINE_SPACING
    body = len(shown) * ROW
    height = 2 * MARGIN + len(lines) * step + step + 6 + body + AXIS
    height += len(rows) * LEGEND_ROW + 8 + len(small) * note
    write = Pen(room + 2 * MARGIN, height)
    y = MARGIN
    for line in lines:
        write(MARGIN, y + TITLE_SIZE * typeface.CAP_HEIGHT, line, TITLE_SIZE, INK, weight="bold")
        y += step
    write(MARGIN, y + TEXT_SIZE, title, TEXT_SIZE, GREY)
    y += step + 6
    _bars(write, shown, (y, room))
    y += body + AXIS
    if rows:
        page.draw_legend(write, rows, y + LEGEND_ROW / 2)
        y += len(rows) * LEGEND_ROW + 8
    for line in small:
        y += note
        write(MARGIN, y - 2, line, NOTE_SIZE, GREY)
    return write.figure


def _bars(write: Pen, bars: Sequence[_Bar], place: tuple[float, float]) -> None:
    top, room = place
    most = min(NAME_ROOM, room * 0.45)
    names = [typeface.shortened_within(visible(bar.name), TEXT_SIZE, most) for bar in bars]
    named = max((typeface.width(name, TEXT_SIZE) for name in names), default=0.0)
    values = max((typeface.width(bar.value, TEXT_SIZE) for bar in bars), default=0.0)
    left = MARGIN + named + 6
    wide = max(LEAST_BARS / 2, room - named - 6 - values - VALUE_GAP - 4)
    body = len(bars) * ROW
    axes = write.axes(left, top, wide, max(body, 1.0), "bottom")
    end = max((bar.seconds for bar in bars), default=0.0) * 1e3 or 1.0
    _dress(axes, end, body)
    for index, (bar, name) in enumerate(zip(bars, names, strict=True)):
        middle = (index + 0.5) * ROW
        baseline = top + middle + TEXT_SIZE * typeface.CAP_HEIGHT / 2
        write(left - 6, baseline, name, TEXT_SIZE, INK, "right")
        reach = left + wide * bar.seconds * 1e3 / end
        write(reach + VALUE_GAP, baseline, bar.value, TEXT_SIZE, INK)
        high = BAR / len(bar.lines)
        for turn, line in enumerate(bar.lines):
            begin = 0.0
            for seconds, colour, hollow in line:
                axes.add_patch(
                    Rectangle(
                        (begin, middle - BAR / 2 + turn * high),
                        seconds * 1e3,
                        high - (0.8 if len(bar.lines) > 1 else 0.0),
                        facecolor=WHITE if hollow else colour,
                        edgecolor=colour if hollow else WHITE,
                        linewidth=0.8 if hollow else 0.3,
                        zorder=2,
                    )
                )
                begin += seconds * 1e3


def _dress(axes: Axes, end: float, body: float) -> None:
    axes.set_xlim(0, end)
    axes.set_ylim(body, 0)
    axes.set_yticks([])
    axes.grid(visible=True, axis="x", color=GRID, linewidth=0.5, zorder=0)
    ticks.even(axes, (1, 2, 2.5, 5, 10))

"""Models across devices as a figure: a cell for each, coloured by how far from the front it is.

Knows: cells, their colours, how a table of them fills a page. Does not know: how a cell was judged,
or files. On the front is blue, off it light to dark orange by the ratio, unknown is hatched: the
two hues survive colour-blindness, the hatch survives print, and each cell has its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from msgspec.structs import replace

from mnv4bench import units
from mnv4bench.findings import Cell, Front, Spanned, Universality
from mnv4bench.render import objectives, page, spanning, sureness, typeface
from mnv4bench.render.page import MARGIN, Pen, Width
from mnv4bench.render.palette import FRAME, GREY, INK, WHITE, paler
from mnv4bench.render.untrusted import visible
from mnv4bench.render.words import LINE_SPACING, NOTE_SIZE, TEXT_SIZE, TITLE_SIZE

# Points.
ROW = 15.0
CELL = (44.0, 78.0)  # the narrowest and the widest column
NAME_ROOM = 150.0
LEAST_NAMES = 56.0  # shortened so that all devices stand abreast
GAP = 1.0  # between cells
TOTALS = ("on front", "mean", "worst")
TOTALS_GAP = 12.0  # before each of them
SECTION = 22.0  # between the tables of two origins
MIN_WIDTH = 400.0
# More models than this are no figure; the table and the JSON have the others.
MAX_ROWS = 60
# From this ratio on a cell is as dark as it gets.
DARKEST = 8.0
ON_FRONT, OFF_FRONT = "#005b8f", "#e69f00"
LIGHTEST = 0.88  # share of white just off the front
UNKNOWN_MARKS = {"failed on the device": "failed"}


def draw(front: Front, width: Width = "screen") -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ..., "pdf": ...}."""
    return page.files(lambda: compose(front, width), width)


class _Part(NamedTuple):
    """As many devices of a table as stand abreast; the last part has the totals and the notes."""

    one: Universality
    whole: Universality
    first: bool
    last: bool


def compose(front: Front, fit: Width = "screen") -> Figure:
    """One table of cells for each origin, under each other."""
    found = [one for one in front.universality if one.rows and one.columns]
    printed = page.printed_room(fit)
    least = CELL[0] if printed is None else _texts_width(found)
    cell = max((_cell_width(one, least) for one in found), default=least)
    totals = [max((_totals_widths(one)[i] for one in found), default=0.0) for i in range(3)]
    columns = max((len(one.columns) for one in found), default=0)
    most = NAME_ROOM
    if printed is not None:
        # There is room for one device and the totals beside the names at least; and for all
        # devices abreast, where names as short as may be make it.
        beside = printed - 8 - sum(totals)
        whole = beside - columns * cell
        most = min(NAME_ROOM, whole if whole >= LEAST_NAMES else beside - cell)
    names = max((_names_width(one, most) for one in found), default=0.0)
    room = max(MIN_WIDTH - 2 * MARGIN, names + 8 + columns * cell + sum(totals))
    parts = [_Part(one, one, True, True) for one in found]
    if printed is not None:
        room = printed
        parts = [part for one in found for part in _abreast(one, room - names - 8, cell, totals)]
    width = room + 2 * MARGIN
    heights = [_height(part, cell, room) for part in parts]
    gaps = [SECTION if part.last else SECTION / 2 for part in parts]
    height = 2 * MARGIN + sum(heights) + sum(gaps[:-1]) + (0 if found else 60)
    write = Pen(width, height)
    y = MARGIN
    for part, high, gap in zip(parts, heights, gaps, strict=True):
        _table(write, part, (y, names, cell, room), totals)
        y += high + gap
    if not found:
        write(width / 2, y + 40, "nothing to compare: no measurement was found", 8, GREY, "center")
    return write.figure


def _abreast(
    one: Universality, room: float, cell: float, totals: Sequence[float]
) -> Iterator[_Part]:
    """``one`` cut into parts whose cells fit ``room``; the totals need room in the last one."""
    at, count = 0, len(one.columns)
    while True:
        fits = max(1, int(room // cell))
        last = count - at <= max(1, int((room - sum(totals)) // cell))
        if not last:
            fits = min(fits, count - at - 1)  # one device at least stands beside the totals
        end = count if last else at + fits
        rows = tuple(replace(row, cells=row.cells[at:end]) for row in one.rows)
        yield _Part(replace(one, columns=one.columns[at:end], rows=rows), one, at == 0, last)
        if last:
            return
        at = end


def _rows(one: Universality) -> Sequence[Spanned]:
    return one.rows[:MAX_ROWS]


def _name(row: Spanned, room: float) -> str:
    return typeface.shortened_within(visible(row.model), TEXT_SIZE, room)


def _names_width(one: Universality, room: float) -> float:
    return max(typeface.width(_name(row, room), TEXT_SIZE) for row in _rows(one))


def _totals_widths(one: Universality) -> list[float]:
    """Of the three columns at the right, each with the gap before it."""
    texts = [TOTALS, *(_totals(row) for row in _rows(one))]
    return [
        TOTALS_GAP + max(typeface.width(text[index], TEXT_SIZE) for text in texts)
        for index in range(len(TOTALS))
    ]


def _heading(text: str, cell: float) -> list[str]:
    """A device's name in as many lines as it needs: it may break behind a hyphen too."""
    lines: list[str] = []
    for part in visible(text).replace("-", "- ").split():
        longer = lines[-1] + (part if lines[-1].endswith("-") else f" {part}") if lines else part
        if lines and typeface.width(longer, TEXT_SIZE) <= cell - 4:
            lines[-1] = longer
        else:
            lines.append(typeface.shortened(part, TEXT_SIZE, cell - 4))
    return lines


def _texts_width(found: Sequence[Universality]) -> float:
    """So wide that every cell's text fits."""
    texts = {look(cell)[2] for one in found for row in _rows(one) for cell in row.cells}
    return max((typeface.width(text, TEXT_SIZE - 0.4) + 5 for text in texts), default=CELL[0])


def _cell_width(one: Universality, least: float) -> float:
    """So wide that the longest part of a device's name fits."""
    parts = [
        part for column in one.columns for part in visible(column.device).replace("-", "- ").split()
    ]
    widest = max(typeface.width(part, TEXT_SIZE) for part in parts) if parts else 0.0
    return min(CELL[1], max(least, widest + 6))


def _title(one: Universality) -> str:
    noun = objectives.wording(one.objective).noun
    return f"{one.origin.upper()}: {noun} over that of the front at the model's accuracy"


def _notes(one: Universality, room: float) -> list[str]:
    lines = [*spanning.reading(one), *spanning.families(one), *spanning.left_aside(one)]
    paragraphs = [visible(line) for line in lines]
    paragraphs += [visible(line) for line in spanning.unknowns(one)]
    if len(one.rows) > MAX_ROWS:
        paragraphs.append(f"{len(one.rows) - MAX_ROWS:,} more models are in the JSON beside.")
    return [
        line for paragraph in paragraphs for line in typeface.wrapped(paragraph, NOTE_SIZE, room)
    ]


def _head_lines(one: Universality, cell: float) -> int:
    return max(len(_heading(column.device, cell)) for column in one.columns) + 1


def _title_lines(part: _Part, room: float) -> list[str]:
    return (
        typeface.wrapped(_title(part.one), TITLE_SIZE * typeface.BOLD, room) if part.first else []
    )


def _height(part: _Part, cell: float, room: float) -> float:
    title = len(_title_lines(part, room)) * TITLE_SIZE * LINE_SPACING
    head = _head_lines(part.one, cell) * TEXT_SIZE * LINE_SPACING
    notes = len(_notes(part.whole, room)) * NOTE_SIZE * LINE_SPACING + 6 if part.last else 0
    return title + 4 + head + 4 + len(_rows(part.one)) * ROW + notes


def _table(
    write: Pen,
    part: _Part,
    layout: tuple[float, float, float, float],
    totals: Sequence[float],
) -> None:
    one, (y, names, cell, room) = part.one, layout
    for text in _title_lines(part, room):
        write(MARGIN, y + TITLE_SIZE * typeface.CAP_HEIGHT, text, TITLE_SIZE, INK, weight="bold")
        y += TITLE_SIZE * LINE_SPACING
    step = TEXT_SIZE * LINE_SPACING
    first = MARGIN + names + 8
    y += 4
    bottom = y + _head_lines(one, cell) * step  # headings stand on one line
    for index, column in enumerate(one.columns):
        under = f"{column.precision}{spanning.cited(one, column)}"
        lines = [*_heading(column.device, cell), visible(under)]
        for turn, line in enumerate(reversed(lines)):
            x = first + (index + 0.5) * cell
            write(x, bottom - 2 - turn * step, line, TEXT_SIZE, GREY if not turn else INK, "center")
    x = first + len(one.columns) * cell
    for heading, wide in zip(TOTALS, totals, strict=True):
        x += wide
        if part.last:
            write(x, bottom - 2, heading, TEXT_SIZE, INK, "right")
    y = bottom + 4
    for row in _rows(one):
        _row(write, row, (first, y, cell), totals if part.last else ())
        y += ROW
    y += 6
    for line in _notes(part.whole, room) if part.last else ():
        y += NOTE_SIZE * LINE_SPACING
        write(MARGIN, y - 1, line, NOTE_SIZE, GREY)


def _row(
    write: Pen, row: Spanned, place: tuple[float, float, float], totals: Sequence[float]
) -> None:
    first, y, cell = place
    baseline = y + ROW / 2 + TEXT_SIZE * typeface.CAP_HEIGHT / 2
    write(first - 8, baseline, _name(row, first - 8 - MARGIN), TEXT_SIZE, INK, "right")
    for index, one in enumerate(row.cells):
        left = first + index * cell
        colour, ink, text = look(one)
        _box(write, (left, y, cell), colour, hatched=one.status == "unknown")
        write(left + cell / 2, baseline, text, TEXT_SIZE - 0.4, ink, "center")
    x = first + len(row.cells) * cell
    for text, wide in zip(_totals(row), totals, strict=False):  # none but in the last part
        x += wide
        write(x, baseline, text, TEXT_SIZE, INK if row.known else GREY, "right")


def _totals(row: Spanned) -> tuple[str, str, str]:
    if not row.known:
        return ("unknown", "-", "-")
    return (spanning.count(row), units.ratio(row.mean_ratio), units.ratio(row.worst_ratio))


def look(cell: Cell) -> tuple[str, str, str]:
    """(colour, ink, text) of a cell."""
    share = cell.front_probability
    match cell.status:
        case "front":
            doubt = share is not None and share < sureness.DOUBTFUL[1]
            text = f"front {units.share(share)}" if doubt and share is not None else "front"
            # As in a panel: the less sure, the paler; still dark enough for white text.
            pale = 0.15 * (1 - share) if doubt and share is not None else 0.0
            return paler(ON_FRONT, pale), WHITE, text
        case "dominated":
            assert cell.ratio is not None
            text = units.ratio(cell.ratio)
            if share is not None and share >= sureness.DOUBTFUL[0]:
                text += f" {units.share(share)}"
            depth = min(1.0, log(max(1.0, cell.ratio)) / log(DARKEST))
            return paler(OFF_FRONT, LIGHTEST * (1 - depth)), INK, text
        case "unknown":
            return WHITE, GREY, UNKNOWN_MARKS.get(cell.reason, "-")


def _box(write: Pen, place: tuple[float, float, float], colour: str, *, hatched: bool) -> None:
    left, y, cell = place
    sheet = write.figure.bbox
    write.figure.add_artist(
        Rectangle(
            (left / sheet.width, 1 - (y + ROW - GAP) / sheet.height),
            (cell - GAP) / sheet.width,
            (ROW - GAP) / sheet.height,
            transform=write.figure.transFigure,
            facecolor=colour,
            edgecolor=paler(FRAME, 0.6) if hatched else "none",
            hatch="////" if hatched else None,
            linewidth=0.0,
        )
    )

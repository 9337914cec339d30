"""Models across devices as tables on a terminal, and what they say of the paper's claim.

Knows: columns, and how a share of devices is worded. Does not know: how a cell was judged, figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Cell, Column, FamilySpan, Front, Spanned, Universality
from mnv4bench.render import front_rows, objectives, sureness
from mnv4bench.render.listing import listed
from mnv4bench.render.terminal import NAME_WIDTH, Write, left_out, plain_table

# Sentences of its abstract (arXiv:2404.10518v2): models that are "mostly Pareto optimal" across
# CPUs, DSPs, GPUs and accelerators, which is said of no other model tested.
CLAIM = "arXiv:2404.10518 calls MobileNetV4 mostly Pareto optimal across devices, and no other."
# More lines than this hide the tables; --json has them all.
MAX_LINES = 24
COLUMN_GAP = 3  # characters between two columns of a table
TOTALS = ("On front", "Mean", "Worst")  # behind the devices

_FRONT, _UNKNOWN = "front", "-"
OPEN = " ?"  # behind a published cell of which rounding may decide
_STYLES = {"front": "bold green", "dominated": "", "unknown": "dim"}


def table(found: Front) -> RenderableType:
    """A table for each origin: models by rows, devices by columns, totals at the right."""
    return _Tables(found)


class _Tables:
    """Devices that have no room beside the others go on in another table beneath."""

    def __init__(self, found: Front) -> None:
        self._found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        write = Write(options.ascii_only)
        for one in self._found.universality:
            yield from _origin(one, write, options.max_width)
        for line in answers(self._found):
            yield write(line)
        if not self._found.universality:
            yield write("Nothing to compare: no measurement was found.")
        yield from left_out(self._found.skipped, write)


def _origin(one: Universality, write: Write, room: int) -> list[RenderableType]:
    rows = listed_rows(one)
    letters = [_letter(index) for index in range(len(one.columns))]
    columns = [
        (letter, [_cell(row.cells[index], write) for row in rows])
        for index, letter in enumerate(letters)
    ]
    every = [totals(row) for row in rows]
    summed = [
        (heading, [write(row[index], "dim" if row[index] == "unknown" else "") for row in every])
        for index, heading in enumerate(TOTALS)
    ]
    names = [row.model for row in rows]
    title = Text.assemble(
        write(f"{places(one, len(one.columns))}  ", "bold"),
        write(one.origin.upper(), "bold cyan"),
    )
    parts: list[RenderableType] = []
    for block in _blocks(
        [[one] for one in columns] + [summed], max(map(len, names), default=0), room
    ):
        if parts:
            parts.append(write(""))
        made = plain_table(
            write,
            ("Model", "left"),
            *((heading, "right") for heading, _ in block),
            names=names,
            title=title if not parts else None,
        )
        for index, name in enumerate(names):
            made.add_row(write(name), *(cells[index] for _, cells in block))
        parts.append(made)
    notes = [
        write(f"{letter}  {place(column)}{cited(one, column)}", "dim")
        for letter, column in zip(letters, one.columns, strict=True)
    ]
    notes += [write(line) for line in (*unlisted(one), *sentences(one))]
    return [*parts, Padding(Group(*notes), (0, 0, 1, 0))]


_Block = list[tuple[str, list[Text]]]


def _blocks(columns: Sequence[_Block], names: int, room: int) -> list[_Block]:
    """Columns side by side as far as they fit; those of one entry stay together."""
    found: list[_Block] = [[]]
    used = min(names, NAME_WIDTH)
    for together in columns:
        wide = sum(
            COLUMN_GAP + max([len(heading), *(len(cell) for cell in cells)])
            for heading, cells in together
        )
        if found[-1] and used + wide > room:
            found.append([])
            used = min(names, NAME_WIDTH)
        found[-1] += together
        used += wide
    return found


def _letter(index: int) -> str:
    """``A`` to ``Z``, then ``AA``: devices' own names are too wide for a column."""
    turn, place_in_turn = divmod(index, 26)
    return (_letter(turn - 1) if turn else "") + chr(ord("A") + place_in_turn)


def _cell(cell: Cell, write: Write) -> Text:
    text = write(_place(cell), _STYLES[cell.status])
    return text + write(_doubt(cell), "yellow")


def cell(one: Cell) -> str:
    """``"front"``, ``"front 62 %"`` where it is not sure, ``"×1.20"``, or ``"-"``."""
    return _place(one) + _doubt(one)


def _place(cell: Cell) -> str:
    match cell.status:
        case "front":
            return _FRONT
        case "dominated":
            return units.ratio(cell.ratio)
        case "unknown":
            return _UNKNOWN


def _doubt(cell: Cell) -> str:
    """The share on the front, where that leaves it open, or that the digits printed do."""
    if cell.open:
        return OPEN
    share = cell.front_probability
    low, high = sureness.DOUBTFUL
    if share is None or (share >= high if cell.status == "front" else share < low):
        return ""
    return f" {units.share(share)}"


def totals(row: Spanned) -> list[str]:
    """What stands under ``TOTALS``."""
    if not row.known:
        return ["unknown", _UNKNOWN, _UNKNOWN]
    return [count(row), units.ratio(row.mean_ratio), units.ratio(row.worst_ratio)]


def count(row: Spanned) -> str:
    """``"5 of 7"``, with the range that resampling gives where it gives one."""
    text = f"{row.on_front} of {row.known}"
    if row.on_front_low is not None and row.on_front_low != row.on_front_high:
        text += f" ({row.on_front_low}..{row.on_front_high})"
    return text


def place(column: Column) -> str:
    """A device in words, with its precision, and its machine where that says more."""
    machine = f"  {column.machine}" if column.machine and column.machine != column.device else ""
    return f"{column.device}, {column.precision}{machine}"


def citations(one: Universality) -> list[str]:
    """Of published tables, as they come; none of what was measured."""
    if one.origin != "published":
        return []
    return list(dict.fromkeys(column.environment for column in one.columns))


def cited(one: Universality, column: Column) -> str:
    """``" [2]"`` where the columns are from several tables; ``citations`` has them in order."""
    known = citations(one)
    return f" [{known.index(column.environment) + 1}]" if len(known) > 1 else ""


def sentences(one: Universality) -> list[str]:
    """What the table says: how to read it, families against the claim, where it fails."""
    return [*reading(one), *families(one), *cell_by_cell(one), *unknowns(one), *left_aside(one)]


def listed_rows(one: Universality) -> Sequence[Spanned]:
    """The first of many models, which are those that are on the front most often."""
    return one.rows[: front_rows.MOST_ROWS]


def unlisted(one: Universality) -> list[str]:
    """What is said of the models that the table has no row for."""
    return front_rows.not_listed(len(one.rows))


def answers(found: Front) -> list[str]:
    """The best model within the limits, device by device, where there are limits."""
    return [
        f"{group.device}, {group.precision}, {group.origin}: {line}"
        for group in found.groups
        for line in sureness.answers(group, found.limits)
    ]


def places(one: Universality, count: int) -> str:
    """``"7 devices"``, or what else tells the columns apart."""
    pairs = {(column.device, column.precision) for column in one.columns}
    if len({device for device, _ in pairs}) == len(one.columns):
        return units.plural(count, "device")
    if len(pairs) == len(one.columns):
        return units.plural(count, "pair of device and precision", "pairs of device and precision")
    return units.plural(count, "device and source", "devices and sources")


def unknowns(one: Universality) -> list[str]:
    """Why cells are unknown, and how many for each reason."""
    reasons: dict[str, int] = {}
    for row in one.rows:
        for cell in row.cells:
            if cell.status == "unknown":
                # Up to the first colon: what comes behind is one measurement's own sentence.
                kind = cell.reason.split(":")[0]
                reasons[kind] = reasons.get(kind, 0) + 1
    if not reasons:
        return []
    kinds = [f"{kind} ({count})" for kind, count in reasons.items()]
    return [f"Unknown: {listed(kinds)}."]


def reading(one: Universality) -> list[str]:
    """What a cell means, and what its certainty rests on."""
    noun = objectives.wording(one.objective).noun
    lines = [
        f"front, or {noun} over that of the front at the model's accuracy (×1.00: as good, but "
        "another is more accurate); - is unknown and counts for nothing. Mean is geometric."
    ]
    if one.resamples:
        lines.append(
            f"Percentages, and ranges in brackets (95 %): {one.resamples:,} resamples of the "
            f"invocations (seed {one.seed}), where the front is not sure."
        )
    else:
        lines.append("No certainty: nothing here could be resampled.")
    if any(cell.open for row in one.rows for cell in row.cells):
        lines.append(
            "?: within half of the last digit printed, it may be on the front as well as off it."
        )
    known = citations(one)
    if len(known) == 1:
        lines.append(f"As published in {known[0]}.")
    else:
        lines += [f"[{number}] {citation}" for number, citation in enumerate(known, 1)]
    return lines


def left_aside(one: Universality) -> list[str]:
    """Groups that do not count, and why."""
    return [f"Left out: {reason}." for reason in one.left_out]


def families(one: Universality) -> list[str]:
    """Each family's cells on the front, and what that says of the claim."""
    known = [family for family in one.families if family.known]
    lines = [f"{family.family}: {_span(family, one)}." for family in known[:MAX_LINES]]
    if len(known) > MAX_LINES:
        lines.append(f"And {len(known) - MAX_LINES:,} more families; --json lists them all.")
    claimed = [family for family in known if _is_mnv4(family.family)]
    if one.objective != "latency" or not claimed or len(known) < 2 or len(one.columns) < 2:
        return lines
    lines.insert(0, CLAIM)
    mnv4 = claimed[0]
    if mnv4.mostly_on < mnv4.devices:
        short = mnv4.devices - mnv4.mostly_on
        lines.append(
            f"Here it is not: on {short} of {places(one, mnv4.devices)} half or less of its known "
            "cells are on the front."
        )
        return lines
    rivals = [
        family for family in known if family is not mnv4 and family.mostly_on == family.devices
    ]
    text = "By family these numbers support it: more than half wherever it is known"
    if rivals:
        alike = [f"{rival.family} ({places(one, rival.devices)})" for rival in rivals]
        text += f", but the same holds of {listed(alike)}"
    else:
        text += ", which holds of no other family"
    lines.append(f"{text}.")
    singles = [
        f"{row.model} ({row.known})"
        for row in one.rows
        if row.known > 1 and row.on_front == row.known and not _is_mnv4(row.family)
    ]
    if singles:
        lines.append(
            "By model it has rivals that are on the front on every device where they are known: "
            f"{listed(singles)}."
        )
    return lines


def _is_mnv4(family: str) -> bool:
    return family.lower().replace(" ", "") == "mobilenetv4"


def _span(family: FamilySpan, whole: Universality) -> str:
    text = f"{family.on_front} of {units.plural(family.known, 'known cell')} on the front"
    low, high = family.on_front_low, family.on_front_high
    if low is not None and low != high:
        text += f" ({low}..{high})"
    where = places(whole, family.devices)
    opens = f"; {units.plural(family.open, 'cell')} open (?)" if family.open else ""
    if family.devices == 1:
        return f"{text}, on {where}{opens}"
    return f"{text}, more than half of them on {family.mostly_on} of {where}{opens}"


def cell_by_cell(one: Universality) -> list[str]:
    """MobileNetV4's cells off the front, and those of which it is open: where the claim ends."""
    lines = []
    for row in one.rows:
        if not _is_mnv4(row.family):
            continue
        for column, cell in zip(one.columns, row.cells, strict=True):
            share = cell.front_probability
            doubtful = share is not None and share <= sureness.DOUBTFUL[1]
            sure = "" if share is None else f"on the front in {units.share(share)} of resamples"
            where = f"{row.model} on {column.device}, {column.precision}"
            if cell.status == "dominated":
                text = (
                    f"{where}: {units.ratio(cell.ratio)} of the front, dominated by "
                    f"{', '.join(cell.dominated_by)}"
                )
                opens = "; rounding may decide" if cell.open else ""
                lines.append(f"{text}{'; ' if sure else ''}{sure}{opens}.")
            elif cell.status == "front" and doubtful:
                lines.append(f"{where}: {sure} only.")
            elif cell.status == "front" and cell.open:
                lines.append(f"{where}: on the front, but rounding may decide.")
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"And {len(lines) - MAX_LINES:,} more cells; --json lists them all."]
    return lines

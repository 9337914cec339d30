"""Models across devices as tables on a terminal, and what they say of the paper's claim.

Knows: columns, and how a share of devices is worded. Does not know: how a cell was judged, figures.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Cell, Column, FamilySpan, Front, Spanned, Universality
from mnv4bench.render import objectives, sureness
from mnv4bench.render.terminal import View, Write, left_out, plain_table

# Sentences of its abstract (arXiv:2404.10518v2): models that are "mostly Pareto optimal" across
# CPUs, DSPs, GPUs and accelerators, which is said of no other model tested.
CLAIM = "arXiv:2404.10518 calls MobileNetV4 mostly Pareto optimal across devices, and no other."
# More lines than this hide the tables; --json has them all.
MAX_LINES = 24

_FRONT, _UNKNOWN = "front", "-"


def table(found: Front) -> View:
    """A table for each origin: models by rows, devices by columns, totals at the right."""

    def build(write: Write) -> RenderableType:
        parts = [part for one in found.universality for part in _origin(one, write)]
        if not parts:
            parts.append(write("Nothing to compare: no measurement was found."))
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def _origin(one: Universality, write: Write) -> list[RenderableType]:
    letters = [_letter(index) for index in range(len(one.columns))]
    made = plain_table(
        write,
        ("Model", "left"),
        *((letter, "right") for letter in letters),
        ("On front", "right"),
        ("Mean", "right"),
        ("Worst", "right"),
        names=(row.model for row in one.rows),
        title=Text.assemble(
            write(f"{units.plural(len(one.columns), 'device')}  ", "bold"),
            write(one.origin.upper(), "bold cyan"),
        ),
    )
    for row in one.rows:
        made.add_row(
            write(row.model), *(_cell(cell, write) for cell in row.cells), *_totals(row, write)
        )
    notes = [
        write(f"{letter}  {place(column)}", "dim")
        for letter, column in zip(letters, one.columns, strict=True)
    ]
    notes += [write(line) for line in sentences(one)]
    return [made, Padding(Group(*notes), (0, 0, 1, 0))]


def _letter(index: int) -> str:
    """``A`` to ``Z``, then ``AA``: devices' own names are too wide for a column."""
    turn, place_in_turn = divmod(index, 26)
    return (_letter(turn - 1) if turn else "") + chr(ord("A") + place_in_turn)


def _cell(cell: Cell, write: Write) -> Text:
    match cell.status:
        case "front":
            share = cell.front_probability
            doubt = share is not None and share < sureness.DOUBTFUL[1]
            text = write(_FRONT, "bold green")
            return text + write(f" {units.share(share)}", "yellow") if doubt and share else text
        case "dominated":
            share = cell.front_probability
            text = write(units.ratio(cell.ratio))
            doubt = share is not None and share >= sureness.DOUBTFUL[0]
            return text + write(f" {units.share(share)}", "yellow") if doubt and share else text
        case "unknown":
            return write(_UNKNOWN, "dim")


def _totals(row: Spanned, write: Write) -> list[Text]:
    if not row.known:
        return [write("unknown", "dim"), write("-"), write("-")]
    return [
        write(count(row)),
        write(units.ratio(row.mean_ratio)),
        write(units.ratio(row.worst_ratio)),
    ]


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


def sentences(one: Universality) -> list[str]:
    """What the table says: how to read it, families against the claim, where it fails."""
    return [*reading(one), *families(one), *failures(one), *left_aside(one)]


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
    return lines


def left_aside(one: Universality) -> list[str]:
    """Groups that do not count, and why."""
    return [f"Left out: {reason}." for reason in one.left_out]


def families(one: Universality) -> list[str]:
    """Each family's cells on the front, and what that says of the claim."""
    known = [family for family in one.families if family.known]
    lines = [f"{family.family}: {_span(family)}." for family in known]
    claimed = [family for family in known if _is_mnv4(family.family)]
    if not claimed or len(known) < 2 or len(one.columns) < 2:
        return lines
    lines.insert(0, CLAIM)
    mnv4 = claimed[0]
    if mnv4.mostly_on < mnv4.devices:
        short = mnv4.devices - mnv4.mostly_on
        lines.append(
            f"Here it is not: on {short} of {units.plural(mnv4.devices, 'device')} half or less of "
            "its known cells are on the front."
        )
        return lines
    rivals = [one for one in known if one is not mnv4 and one.mostly_on == one.devices]
    text = "By family these numbers support it: more than half on each device where it is known"
    if rivals:
        listed = ", ".join(
            f"{one.family} ({units.plural(one.devices, 'device')})" for one in rivals
        )
        text += f", but the same holds of {listed}"
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
            f"{', '.join(singles)}."
        )
    return lines


def _is_mnv4(family: str) -> bool:
    return family.lower().replace(" ", "") == "mobilenetv4"


def _span(one: FamilySpan) -> str:
    text = f"{one.on_front} of {units.plural(one.known, 'known cell')} on the front"
    if one.on_front_low is not None and one.on_front_low != one.on_front_high:
        text += f" ({one.on_front_low}..{one.on_front_high})"
    if one.devices == 1:
        return f"{text}, on 1 device"
    devices = units.plural(one.devices, "device")
    return f"{text}, more than half of them on {one.mostly_on} of {devices}"


def failures(one: Universality) -> list[str]:
    """MobileNetV4's cells off the front, one by one: where the claim does not hold."""
    lines = []
    for row in one.rows:
        if not _is_mnv4(row.family):
            continue
        for column, cell in zip(one.columns, row.cells, strict=True):
            if cell.status != "dominated":
                continue
            text = (
                f"{row.model} on {column.device}, {column.precision}: {units.ratio(cell.ratio)} "
                f"of the front, dominated by {', '.join(cell.dominated_by)}"
            )
            if cell.front_probability is not None:
                text += f"; on the front in {units.share(cell.front_probability)} of resamples"
            lines.append(f"{text}.")
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"And {len(lines) - MAX_LINES:,} more cells; --json lists them all."]
    return lines

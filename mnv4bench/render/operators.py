"""Where the time goes, on a terminal.

Knows: columns, and how many rows a reader goes through. Does not know: how a time was taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import ComparedProfiles, Difference, OperatorProfile, OperatorRow
from mnv4bench.render import profile_words as words
from mnv4bench.render.terminal import PLACEMENT_STYLE, View, Write, plain_table

MAX_SLOWEST = 12
MAX_KINDS = 16
MAX_DIFFERENCES = 24
PATH_CHARACTERS = 60


def profile(found: OperatorProfile) -> View:
    """By block, by kind of operator, and the slowest operators one by one."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = [*_head(found, write), write("")]
        if found.blocks:
            parts += [_blocks(found, write), write(words.joined(found), "dim"), write("")]
        parts += [_kinds(found, write), write(""), _slowest(found, write)]
        return Group(*parts, *_notes(found.notes, write))

    return View(build)


def compared(found: ComparedProfiles) -> View:
    """A beside B, the largest difference first: by block, and by role in all blocks of a kind."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = []
        for name, one in (("A", found.a), ("B", found.b)):
            parts += [write(f"{name}:", "bold"), *_head(one, write), write("")]
        parts += [write(words.ratio(found), "bold"), write("")]
        for heading, rows in (("Block", found.blocks), ("Where in a block", found.roles)):
            if rows:
                parts += [_differences(heading, rows, write), write("")]
        if not found.blocks:
            parts.append(write("Neither side's operators are known by block.", "yellow"))
        notes = dict.fromkeys((*found.notes, *found.a.notes, *found.b.notes))
        return Group(*parts, *_notes(tuple(notes), write))

    return View(build)


def _head(found: OperatorProfile, write: Write) -> list[RenderableType]:
    lines: list[RenderableType] = [write(words.title(found), "bold")]
    lines += [write(line, "dim") for line in words.how(found)]
    verdict = found.placement
    if verdict is not None and verdict != "full":
        lines.append(write(f"Placement: {verdict}.", PLACEMENT_STYLE[verdict]))
    return lines


def _blocks(found: OperatorProfile, write: Write) -> RenderableType:
    table = plain_table(
        write,
        ("Block", "left"),
        ("Operators", "right"),
        ("Time", "right"),
        ("Share", "right"),
        ("Modules", "left"),
        names=(one.block for one in found.blocks),
    )
    longest = max(one.seconds for one in found.blocks)
    for one in found.blocks:
        style = "bold" if one.seconds == longest else ""
        table.add_row(
            write(one.block, style),
            write(f"{one.operators:,}"),
            write(units.seconds(one.seconds), style),
            write(units.percent(one.share), style),
            write(one.path, "dim"),
        )
    return table


def _kinds(found: OperatorProfile, write: Write) -> RenderableType:
    table = plain_table(
        write,
        ("Operator", "left"),
        ("Count", "right"),
        ("Time", "right"),
        ("Share", "right"),
        names=(one.operator for one in found.kinds),
    )
    for one in found.kinds[:MAX_KINDS]:
        table.add_row(
            write(one.operator),
            write(f"{one.count:,}"),
            write(units.seconds(one.seconds)),
            write(units.percent(one.share)),
        )
    left = found.kinds[MAX_KINDS:]
    if left:
        table.add_row(
            write(f"and {units.plural(len(left), 'kind')} more", "dim"),
            write(f"{sum(one.count for one in left):,}", "dim"),
            write(units.seconds(sum(one.seconds for one in left)), "dim"),
            write(units.percent(sum(one.share for one in left)), "dim"),
        )
    return table


def _slowest(found: OperatorProfile, write: Write) -> RenderableType:
    rows = sorted(found.operators, key=lambda one: -one.seconds)[:MAX_SLOWEST]
    table = plain_table(
        write,
        ("Slowest operators", "left"),
        ("Time", "right"),
        ("Share", "right"),
        ("Where", "left"),
        names=(one.operator for one in rows),
    )
    for one in rows:
        table.add_row(
            write(one.operator),
            write(units.seconds(one.seconds)),
            write(units.percent(one.share)),
            _where(one, write),
        )
    return table


def _where(one: OperatorRow, write: Write) -> Text:
    if one.path:
        return write(_short(one.path), "dim" if one.joined == "neighbour" else "")
    return write(_short(one.name), "dim")


def _short(text: str) -> str:
    """The end of a long path, where two of them differ."""
    return text if len(text) <= PATH_CHARACTERS else f"…{text[1 - PATH_CHARACTERS :]}"


def _differences(heading: str, rows: Sequence[Difference], write: Write) -> RenderableType:
    table = plain_table(
        write,
        (heading, "left"),
        ("A", "right"),
        ("B", "right"),
        ("A - B", "right"),
        ("A/B", "right"),
        ("Operators in A", "left"),
        ("Operators in B", "left"),
        names=(one.name for one in rows[:MAX_DIFFERENCES]),
    )
    for one in rows[:MAX_DIFFERENCES]:
        table.add_row(
            write(one.name),
            write("" if one.a_s is None else units.seconds(one.a_s)),
            write("" if one.b_s is None else units.seconds(one.b_s)),
            write(words.signed(one.difference_s), "bold"),
            write(words.over(one)),
            write(words.side(one.a), "dim"),
            write(words.side(one.b), "dim"),
        )
    left = rows[MAX_DIFFERENCES:]
    if left:
        rest = sum(one.difference_s for one in left)
        more = write(f"and {len(left):,} more", "dim")
        table.add_row(more, write(""), write(""), write(words.signed(rest), "dim"))
    return table


def _notes(notes: Sequence[str], write: Write) -> list[RenderableType]:
    return [write(note, "yellow") for note in words.notes(notes)]

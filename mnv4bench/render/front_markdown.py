"""Fronts and models across devices as Markdown, to be pasted where people write.

Knows: GitHub's tables. Does not know: how anything was judged, or what is said of it. Whatever a
report names stands in code or is written so that it does nothing (inert).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mnv4bench.findings import Front, Group, SideBySide, Universality
from mnv4bench.render import front_notes, front_rows, spanning
from mnv4bench.render.beside import sentences as beside_sentences
from mnv4bench.render.beside import tables as beside_tables
from mnv4bench.render.inert import plain_code, sentence
from mnv4bench.render.markdown import left_out, row

NOTHING = "Nothing to compare: no measurement was found."


def lines(found: Front) -> Iterator[str]:
    """Every group of ``found``, what stands beside it, and what was not used."""
    for group in found.groups:
        yield from _group(found, group)
        yield ""
    if not found.groups:
        yield NOTHING
    if found.side_by_side is not None:
        yield from _beside(found.side_by_side)
    yield from left_out(found.skipped)


def across(found: Front) -> Iterator[str]:
    """Models across devices, a table for each origin, and what was not used."""
    for one in found.universality:
        yield from _across(one)
        yield ""
    for line in spanning.answers(found):
        yield f"* {sentence(line)}"
    if not found.universality:
        yield NOTHING
    yield from left_out(found.skipped)


def _group(found: Front, group: Group) -> Iterator[str]:
    yield f"### {plain_code(group.device)}, {group.precision}, {group.origin}"
    yield ""
    columns = front_rows.columns(group)
    yield from _head(columns)
    for cells in front_rows.rows(group):
        (name, *marks), *numbers, status = cells
        yield row(
            (
                plain_code(name.text) + "".join(mark.text for mark in marks),
                *("".join(piece.text for piece in cell) for cell in numbers),
                "".join(sentence(piece.text) for piece in status),
            )
        )
    yield ""
    yield from (f"* {line}" for line in front_rows.not_listed(len(group.points)))
    for note in front_notes.notes(group, found.limits):
        strong = "**" if note.tone == "answer" else ""
        yield f"* {strong}{sentence(note.text)}{strong}"


def _across(one: Universality) -> Iterator[str]:
    yield f"### {spanning.places(one, len(one.columns))}, {one.origin}"
    yield ""
    headings = [
        f"{plain_code(column.device)}, {column.precision}{spanning.cited(one, column)}"
        for column in one.columns
    ]
    totals = [(heading, "right") for heading in spanning.TOTALS]
    yield from _head([("Model", "left"), *((text, "right") for text in headings), *totals])
    for model in spanning.listed_rows(one):
        cells = [spanning.cell(cell) for cell in model.cells]
        yield row([plain_code(model.model), *cells, *spanning.totals(model)])
    yield ""
    for line in (*spanning.unlisted(one), *spanning.sentences(one)):
        yield f"* {sentence(line)}"


def _beside(found: SideBySide) -> Iterator[str]:
    for table in beside_tables(found):
        yield f"### {plain_code(table.device)}, measured beside published"
        yield ""
        yield from _head([(sentence(heading), side) for heading, side in table.columns])
        for name, *others in table.rows:
            yield row([plain_code(name), *map(sentence, others)])
        yield ""
        yield from (f"* **{sentence(line)}**" for line in table.notes)
        yield ""
    yield from (f"* {sentence(line)}" for line in beside_sentences(found))


def _head(columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield row(heading for heading, _ in columns)
    yield row("---:" if side == "right" else "---" for _, side in columns)

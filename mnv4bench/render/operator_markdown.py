"""Where the time goes, as Markdown tables to be pasted where people write.

Knows: GitHub's tables. Does not know: how a time was taken. Names stand in code (inert).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mnv4bench import units
from mnv4bench.findings import ComparedProfiles, Difference, OperatorProfile
from mnv4bench.render import profile_words as words
from mnv4bench.render.inert import plain_code, sentence


def profile(found: OperatorProfile) -> Iterator[str]:
    """Lines: what it is, by block, by kind, notes."""
    yield from _head(found)
    if found.blocks:
        yield ""
        yield from _table(("Block", "Operators:", "Time:", "Share:"))
        for one in found.blocks:
            cells = (plain_code(one.block), f"{one.operators:,}")
            yield _row((*cells, units.seconds(one.seconds), units.percent(one.share)))
    yield ""
    yield from _table(("Operator", "Count:", "Time:", "Share:"))
    for kind in found.kinds:
        cells = (plain_code(kind.operator), f"{kind.count:,}")
        yield _row((*cells, units.seconds(kind.seconds), units.percent(kind.share)))
    yield from _notes(found.notes)


def compared(found: ComparedProfiles) -> Iterator[str]:
    """Lines: both sides, then what differs most."""
    for name, one in (("A", found.a), ("B", found.b)):
        yield f"{name}:"
        yield ""
        yield from _head(one)
        yield ""
    yield sentence(words.ratio(found))
    for heading, rows in (("Block", found.blocks), ("Where in a block", found.roles)):
        if rows:
            yield ""
            yield from _differences(heading, rows)
    yield from _notes(tuple(dict.fromkeys((*found.notes, *found.a.notes, *found.b.notes))))


def _head(found: OperatorProfile) -> Iterator[str]:
    yield plain_code(words.title(found))
    yield ""
    yield sentence(" ".join(filter(None, (*words.how(found), words.joined(found)))))


def _differences(heading: str, rows: Sequence[Difference]) -> Iterator[str]:
    yield from _table((heading, "A:", "B:", "A - B:", "A/B:", "Operators in A", "Operators in B"))
    for one in rows:
        yield _row((
            plain_code(one.name),
            "" if one.a_s is None else units.seconds(one.a_s),
            "" if one.b_s is None else units.seconds(one.b_s),
            words.signed(one.difference_s),
            words.over(one),
            plain_code(words.side(one.a)),
            plain_code(words.side(one.b)),
        ))  # fmt: skip


def _table(headings: Sequence[str]) -> Iterator[str]:
    """A heading that ends with a colon stands over numbers."""
    yield _row(heading.removesuffix(":") for heading in headings)
    yield _row("---:" if heading.endswith(":") else "---" for heading in headings)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield ""
        for note in words.notes(notes):
            yield f"* {sentence(note)}"

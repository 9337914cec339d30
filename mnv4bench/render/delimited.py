"""Rows as CSV: RFC 4180 with line feeds, a heading line, numbers as Python writes them.

Knows: what a spreadsheet would take for a formula. Does not know: which columns there are
(findings.rows). Numbers keep all their digits and base units; an empty cell is None; true and false
are words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from msgspec.structs import astuple, replace

from mnv4bench.findings.rows import Row, RowKind, SampleRun, columns
from mnv4bench.render.untrusted import visible

# What a spreadsheet calculates when a cell begins with it (OWASP, "CSV Injection"); tabs and line
# ends, which it strips first, are written out by ``visible``. The wide forms count as well. Where
# commas are decimal, cells end at semicolons, whatever stands in quotes.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@＝＋－＠])")
# Characters of output that are handed over at once.
PIECE = 2**18


def csv_pieces(kind: RowKind, rows: Iterable[Row] | Iterable[SampleRun]) -> Iterator[str]:
    """The whole file, a piece at a time."""
    heading = ",".join(column.name for column in columns(kind)) + "\n"
    lines = _sample_lines(rows) if kind == "samples" else map(_line, rows)  # type: ignore[arg-type]
    held, size = [heading], len(heading)
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


def _line(row: Row) -> str:
    return _joined(astuple(row))


def _joined(values: Iterable[Any]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow([cell(value) for value in values])
    return out.getvalue()


def cell(value: str | float | bool | None) -> str:
    """Text that a spreadsheet shows and does not calculate: an apostrophe goes before a formula.

    Names of models come from files and devices; "=HYPERLINK(...)" is a name there too.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return _FORMULA.sub(r"\1'", visible(value))
        case _:
            return repr(value)


def _sample_lines(runs: Iterable[SampleRun]) -> Iterator[str]:
    """What the rows of one run share is written once; index, latency and count come last."""
    for run in runs:
        shared = _joined(astuple(replace(run.first, latency_s=None, instructions=None)))
        start = shared[: -len(",0,,\n")]
        assert shared == f"{start},0,,\n"
        if run.latencies_s:
            yield "".join([f"{start},{at},{one!r},\n" for at, one in enumerate(run.latencies_s)])
        else:
            yield "".join([f"{start},{at},,{one}\n" for at, one in enumerate(run.instructions)])

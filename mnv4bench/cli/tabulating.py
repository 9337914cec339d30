"""``show`` as CSV, Parquet and Markdown: a report at a time, in the memory of one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench.cli import waiting
from mnv4bench.cli.reading import AccuracyTable, accuracy_of, emit
from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import Skipped
    from mnv4bench.findings.rows import Row, SampleRun

# Reasons on stderr beyond this many repeat; how many more there are is said.
MAX_REASONS = 20


class TableFormat(StrEnum):
    """What ``show`` prints or writes."""

    TABLE = "table"
    MARKDOWN = "markdown"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class TableRows(StrEnum):
    """One row for each of these; findings.rows.RowKind."""

    MEASUREMENTS = "measurements"
    INVOCATIONS = "invocations"
    SAMPLES = "samples"


_BY_SUFFIX = {
    ".csv": TableFormat.CSV,
    ".parquet": TableFormat.PARQUET,
    ".json": TableFormat.JSON,
    ".md": TableFormat.MARKDOWN,
}


def chosen(
    format: TableFormat | None, rows: TableRows, out: Path | None, as_json: bool
) -> TableFormat:
    """The format that was meant. Raises UsageError for words that do not go together."""
    if as_json:
        if format not in (None, TableFormat.JSON):
            raise UsageError(f"--json and --format {format} are two formats.", "one of the two")
        format = TableFormat.JSON
    if format is None and out is not None:
        format = _BY_SUFFIX.get(out.suffix.lower())
        if format is None:
            raise UsageError(
                f"--out {out}: its suffix names no format.", f"--out FILE{'|'.join(_BY_SUFFIX)}"
            )
    format = format or TableFormat.TABLE
    if rows is not TableRows.MEASUREMENTS and format not in (TableFormat.CSV, TableFormat.PARQUET):
        raise UsageError(f"--rows {rows} is for csv and parquet.", f"--format csv --rows {rows}")
    if format is TableFormat.PARQUET and out is None:
        raise UsageError("Parquet is not for a terminal.", "--out FILE.parquet")
    if format is TableFormat.TABLE and out is not None:
        raise UsageError(
            "the table is for a terminal.", "--format csv, parquet, markdown or json with --out"
        )
    return format


def tabulate(
    paths: list[Path] | None,
    published: tuple[str, ...],
    format: TableFormat,
    rows: TableRows,
    out: Path | None,
) -> None:
    """Print or write the rows. What could not be read is said on stderr, in Markdown below."""
    from mnv4bench import frames, store
    from mnv4bench.render import delimited, markdown

    if published and rows is not TableRows.MEASUREMENTS:
        raise UsageError(f"published tables have no {rows}.", "--rows measurements")
    skipped: list[Skipped] = []
    # Rows that appear on a terminal one by one say themselves how far it is.
    silent = out is None and waiting.is_terminal(sys.stdout)
    made = _rows(paths, published, rows, skipped, silent)
    if format is TableFormat.PARQUET:
        assert out is not None
        frames.require()
        with store.replacing(out) as temporary:
            count = frames.write_parquet(temporary, rows.value, made)
    else:
        if format is TableFormat.CSV:
            pieces = delimited.csv_pieces(rows.value, made)
        else:
            pieces = (f"{line}\n" for line in markdown.table(made, skipped))  # type: ignore[arg-type]
        put(pieces, out)
    if format is not TableFormat.MARKDOWN:
        _say(skipped)
    if out is not None:
        written = f", {count:,} rows" if format is TableFormat.PARQUET else ""
        emit(f"written: {out}{written}")


def put(pieces: Iterable[str], out: Path | None) -> None:
    """Print the pieces, or write them to ``out`` as one file."""
    from mnv4bench import store

    if out is None:
        for piece in pieces:
            emit(piece, end="")
        return
    with store.replacing(out) as temporary, temporary.open("xb") as file:
        for piece in pieces:
            file.write(piece.encode())


def _rows(
    paths: list[Path] | None,
    published: tuple[str, ...],
    kind: TableRows,
    skipped: list[Skipped],
    silent: bool,
) -> Iterator[Row] | Iterator[SampleRun]:
    from mnv4bench.analysis import rows
    from mnv4bench.analysis.accuracy import choose
    from mnv4bench.cli.gathering import evaluated, reports
    from mnv4bench.models import published_tables

    tables = published_tables.named(published)  # a bad one is said before anything is read
    read = partial(reports, paths, skipped, silent=silent)
    match kind:
        case TableRows.MEASUREMENTS:
            measured, others = choose(evaluated(paths, skipped))
            skipped += others
            look_up = accuracy_of(AccuracyTable.TIMM, measured)
            cells = [cell for table in tables for cell in table.cells]
            return chain(
                (row for one in read() for row in rows.measurements(one, look_up)),
                rows.published(cells),
            )
        case TableRows.INVOCATIONS:
            return (row for one in read() for row in rows.invocations(one))
        case TableRows.SAMPLES:
            return (run for one in read() for run in rows.samples(one))


def _say(skipped: list[Skipped]) -> None:
    from mnv4bench.render.untrusted import visible

    for one in skipped[:MAX_REASONS]:
        sys.stderr.write(f"not used: {visible(one.path)}: {visible(one.reason)}\n")
    if len(skipped) > MAX_REASONS:
        sys.stderr.write(f"not used: {len(skipped) - MAX_REASONS:,} more\n")

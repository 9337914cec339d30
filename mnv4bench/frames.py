"""Rows as a polars frame or a Parquet file, a piece at a time.

Knows: polars, which is imported here alone and only when a frame is asked for. Does not know:
reports, or which columns a table has (findings.rows). polars and not pandas: it reads and writes
Parquet by itself, where pandas needs pyarrow beside it, and its wheel is the smaller.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from mnv4bench.errors import MissingExtra, NotMeasured
from mnv4bench.findings.rows import Row, RowKind, SampleRun, columns

if TYPE_CHECKING:
    import polars

# Rows that are held as Python values at once: some 100 MB of them at the widest table.
PIECE = 100_000
# Columns of a sample that differ within its invocation.
_WITHIN = ("index", "latency_s", "instructions")


def require() -> Any:
    """The module polars. Raises MissingExtra with the line that installs it."""
    try:
        import polars
    except ImportError:
        raise MissingExtra("polars", "data", "a frame or a Parquet file") from None
    return polars


def frame(kind: RowKind, rows: Iterable[Row] | Iterable[SampleRun]) -> polars.DataFrame:
    """All ``rows`` in memory, one typed column for each of ``findings.rows.columns(kind)``."""
    pl = require()
    pieces = list(_pieces(pl, kind, rows))
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=_schema(pl, kind))


def write_parquet(path: Path, kind: RowKind, rows: Iterable[Row] | Iterable[SampleRun]) -> int:
    """Write ``rows`` to ``path`` (zstd) in the memory of one piece; returns how many there were.

    Pieces go to files beside each other first, in a folder that is removed, and are then streamed
    into one. Raises NotMeasured when the disk is full.
    """
    pl = require()
    count = 0
    with tempfile.TemporaryDirectory(prefix=".mnv4bench-", dir=path.parent) as folder:
        parts = []
        try:
            for number, piece in enumerate(_pieces(pl, kind, rows)):
                parts.append(Path(folder, f"{number:06d}.parquet"))
                piece.write_parquet(parts[-1], compression="lz4")
                count += piece.height
            if parts:
                pl.scan_parquet(parts).sink_parquet(path, compression="zstd")
            else:
                pl.DataFrame(schema=_schema(pl, kind)).write_parquet(path, compression="zstd")
        except pl.exceptions.PolarsError as error:
            raise NotMeasured(
                f"the Parquet file could not be written: {error}. What was there before is whole.",
                "make room, or choose another place",
            ) from None
    return count


def _schema(pl: Any, kind: RowKind) -> dict[str, Any]:
    types = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
    return {column.name: types[column.kind] for column in columns(kind)}


def _pieces(pl: Any, kind: RowKind, rows: Iterable[Any]) -> Iterator[Any]:
    if kind == "samples":
        return _pieces_of_runs(pl, rows)
    return _pieces_of_rows(pl, kind, rows)


def _pieces_of_rows(pl: Any, kind: RowKind, rows: Iterable[Row]) -> Iterator[Any]:
    schema = _schema(pl, kind)
    held: list[tuple[Any, ...]] = []
    for row in rows:
        held.append(astuple(row))
        if len(held) == PIECE:
            yield pl.DataFrame(dict(zip(schema, zip(*held, strict=True), strict=True)), schema)
            held = []
    if held:
        yield pl.DataFrame(dict(zip(schema, zip(*held, strict=True), strict=True)), schema)


def _pieces_of_runs(pl: Any, runs: Iterable[SampleRun]) -> Iterator[Any]:
    """Of each run what its rows share is one value until polars spreads it: no row is an object."""
    held: list[SampleRun] = []
    count = 0
    for run in runs:
        # One piece has either latencies or instructions.
        if held and (count >= PIECE or bool(run.latencies_s) != bool(held[0].latencies_s)):
            yield _spread(pl, held)
            held, count = [], 0
        held.append(run)
        count += len(run.latencies_s) or len(run.instructions)
    if held:
        yield _spread(pl, held)


def _spread(pl: Any, runs: list[SampleRun]) -> Any:
    schema = _schema(pl, "samples")
    names = list(schema)
    shared = dict(zip(names, zip(*(astuple(run.first) for run in runs), strict=True), strict=True))
    data = {name: shared[name] for name in names if name not in _WITHIN}
    varying = "latency_s" if runs[0].latencies_s else "instructions"
    other = "instructions" if varying == "latency_s" else "latency_s"
    lists = [getattr(run, "latencies_s" if run.latencies_s else varying) for run in runs]
    # One flat column cut by lengths is built ten times as fast as a column of lists.
    flat = pl.Series(varying, list(chain.from_iterable(lists)), dtype=schema[varying])
    lengths = pl.Series("length", [len(values) for values in lists], dtype=pl.UInt32)
    of_runs = pl.DataFrame(data, {name: schema[name] for name in data})
    within = of_runs.select(pl.int_ranges(0, lengths).alias("index"))
    whole = of_runs.with_columns(within["index"]).explode("index")
    return whole.with_columns(flat, pl.lit(None, schema[other]).alias(other)).select(
        pl.col(name).cast(schema[name]) for name in names
    )

"""``mnv4bench.load``: reports as a frame, for notebooks and scripts.

Knows: that what cannot be read is warned of, never left out in silence. Does not know: polars
(frames), columns (findings.rows), what reports conclude (analysis).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mnv4bench import frames, store
from mnv4bench.analysis import accuracy, rows
from mnv4bench.errors import BadFile, BenchError, NotMeasured, UsageError, nearest
from mnv4bench.findings import Evaluated, Summary
from mnv4bench.findings.rows import Row, RowKind, SampleRun
from mnv4bench.models import accuracies, published_tables
from mnv4bench.records import Accuracy, Report
from mnv4bench.render.untrusted import visible

if TYPE_CHECKING:
    import polars

# Beyond so many files the reasons repeat; how many more there are is said.
MAX_WARNINGS = 20

Where = str | PathLike[str]


class NotRead(UserWarning):
    """A file that could not be read, with the reason; the frame is without it."""


def load(
    paths: Where | Iterable[Where], kind: RowKind, published: Where | Iterable[Where]
) -> polars.DataFrame:
    """See ``mnv4bench.load``."""
    if kind not in get_args(RowKind):
        raise UsageError(
            f"rows={kind!r} is no table of mnv4bench.load.",
            nearest(str(kind), list(get_args(RowKind))),
        )
    frames.require()  # before anything is read
    places = [Path(one) for one in _listed(paths)]
    tables = published_tables.named([str(one) for one in _listed(published)])
    if tables and kind != "measurements":
        raise UsageError(
            f"published tables have no {kind}.", 'rows="measurements", or without published'
        )
    made = _made(kind, places)
    if not tables:
        return frames.frame(kind, made)
    cells = (cell for table in tables for cell in table.cells)
    return frames.frame(kind, (*made, *rows.published(cells)))


def _listed(given: Where | Iterable[Where]) -> list[Where]:
    return [given] if isinstance(given, (str, PathLike)) else list(given)


def _made(kind: RowKind, paths: list[Path]) -> Iterator[Row] | Iterator[SampleRun]:
    match kind:
        case "measurements":
            accuracy_of = partial(_accuracy_of, measured=_evaluated(paths))
            return (row for one in _reports(paths) for row in rows.measurements(one, accuracy_of))
        case "invocations":
            return (row for one in _reports(paths) for row in rows.invocations(one))
        case "samples":
            return (run for one in _reports(paths) for run in rows.samples(one))


def _accuracy_of(summary: Summary, measured: dict[str, Evaluated]) -> Evaluated | Accuracy | None:
    """As a front has it: measured on this very file, else timm's of the same architecture."""
    if own := measured.get(summary.artifact_sha256):
        return own
    return accuracies.choose(summary.model, summary.input_px, "timm", summary.weights)


def _evaluated(paths: list[Path]) -> dict[str, Evaluated]:
    found = []
    warn = _Warning()
    for path, one in store.evaluations(paths):
        if isinstance(one, BenchError):
            warn(one)
        elif one.finished_at is not None:
            found.append(accuracy.summarise(one, str(path)))
    warn.done()
    return dict(accuracy.choose(found)[0])


def _reports(paths: list[Path]) -> Iterator[Report]:
    warn = _Warning()
    found = 0
    for _, report in store.walk(paths):
        if isinstance(report, BenchError):
            warn(report)
        else:
            found += 1
            yield report
    warn.done()
    if not found:
        where = ", ".join(map(str, paths))
        if warn.count:
            raise BadFile(f"no report could be read from {where}; the warnings say why.")
        raise NotMeasured(f"{where} holds no report.", "mnv4bench run measures this machine")


class _Warning:
    """Warns of each file, up to MAX_WARNINGS of them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, error: BenchError) -> None:
        self.count += 1
        if self.count <= MAX_WARNINGS:
            _warn(error.what)

    def done(self) -> None:
        if self.count > MAX_WARNINGS:
            more = self.count - MAX_WARNINGS
            _warn(f"and {more:,} more could not be read.")


def _warn(sentence: str) -> None:
    """Without a registry: a notebook's cell that runs again is warned again."""
    warnings.warn_explicit(visible(sentence), NotRead, "mnv4bench.load", 1, registry=None)

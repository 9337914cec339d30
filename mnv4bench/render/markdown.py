"""Measurements as a Markdown table, to be pasted where people write.

Knows: GitHub's tables. Does not know: how a figure was reached. Whatever a report names stands in
code, where no link, mention, image or tag is one (inert).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mnv4bench import units
from mnv4bench.findings import Skipped
from mnv4bench.findings.rows import MeasurementRow
from mnv4bench.render.inert import plain_code

_HEADINGS = (
    "Model", "Device", "Origin", "Precision", "Input", "Median", "Interval", "p90",
    "Invocations", "Placement", "Top-1", "Weights", "Notes",
)  # fmt: skip
_RIGHT = frozenset({"Input", "Median", "Interval", "p90", "Invocations", "Top-1"})


def table(rows: Iterable[MeasurementRow], skipped: Sequence[Skipped]) -> Iterator[str]:
    """Lines: the table, then what was not used and why."""
    yield row(_HEADINGS)
    yield row("---:" if name in _RIGHT else "---" for name in _HEADINGS)
    for one in rows:
        yield row(_cells(one))
    yield from left_out(skipped)


def left_out(skipped: Sequence[Skipped]) -> Iterator[str]:
    """What was found and not used, with the sentence why; nothing where there is nothing."""
    if skipped:
        yield ""
        yield f"Not used ({len(skipped):,}):"
        yield ""
        for one in skipped:
            yield f"* {plain_code(one.path)}: {plain_code(one.reason)}"


def row(cells: Iterable[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cells)} |"


def _cells(row: MeasurementRow) -> Iterator[str]:
    low, high, latency = row.low_s, row.high_s, row.latency_s
    width = None
    if latency is not None and low is not None and high is not None:
        width = units.half_width(latency, low, high)
    yield plain_code(row.model)
    yield plain_code(row.device)
    yield row.origin
    yield row.precision
    yield "" if row.input_px is None else str(row.input_px)
    if row.instructions is not None:
        yield f"{units.whole(row.instructions)} instructions"  # exact, so no digit is dropped
    elif latency is None:
        yield ""
    elif row.origin == "published":
        yield units.seconds_as_printed(latency)
    else:
        yield units.seconds(latency, width)
    yield "" if latency is None or width is None else units.spread(latency, low, high)
    yield "" if row.p90_s is None else units.seconds(row.p90_s)
    yield _invocations(row)
    yield row.placement or ""
    yield _top1(row)
    yield plain_code(row.weights)
    yield "; ".join(_notes(row))


def _invocations(row: MeasurementRow) -> str:
    if row.invocations is None:
        return ""
    if not row.invocations_tainted:
        return f"{row.invocations:,}"
    return f"{row.invocations:,} of {row.invocations + row.invocations_tainted:,}"


def _top1(row: MeasurementRow) -> str:
    if row.top1_percent is None:
        return ""
    whose = {
        "measured": "measured", "timm": "timm's", "paper": "the paper's", "table": "published",
    }  # fmt: skip
    floats = row.precision in ("fp32", "fp16") or row.accuracy_source not in ("timm", "paper")
    network = "" if floats else ", float network"
    return f"{units.top1(row.top1_percent)} ({whose[row.accuracy_source or 'table']}{network})"


def _notes(row: MeasurementRow) -> Iterator[str]:
    if row.failure:
        yield f"not measured: {plain_code(row.failure)}"
    if row.tainted:
        yield f"tainted: {plain_code(row.tainted)}"
    if row.calibration:
        yield plain_code(row.calibration)
    if row.citation:
        yield f"as published in {plain_code(row.citation)}"

"""How the samples of a measurement spread, summed up so that a picture of them stays small.

Knows: histograms, nearest-rank percentiles, windows of running back to back, and of many
measurements the latest of each variant. Does not know: files, drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil, isfinite

from mnv4bench.analysis.latest import Latest, labels
from mnv4bench.analysis.stats import MIN_CLEAN_INVOCATIONS, median
from mnv4bench.findings import (
    Histogram,
    Shape,
    ShapeGroup,
    Shapes,
    Skipped,
    Strand,
    Summary,
    Window,
)
from mnv4bench.records import Measurement, Report, Samples

# Fewer samples have no shape to speak of: they are drawn one by one, by their percentiles.
MIN_SHAPED = 50
# Bins lie between these percentiles; a single slow inference would leave one bin for the rest.
INNER = (0.005, 0.98)
BINS = (8, 48)
# Fewer samples of an invocation have no 5th percentile other than the smallest.
MIN_PERCENTILES = 20

_Identity = tuple[str, str, str, int | None, str]  # report, model, artifact, size, shapes


class LatestShapes:
    """Takes reports one at a time and keeps how the latest measurement of each variant spreads."""

    def __init__(self) -> None:
        self._latest = Latest()
        self._found: dict[_Identity, Shape] = {}

    def add(self, report: Report) -> None:
        """Take every measurement of ``report``."""
        for one in report.measurements:
            if self._latest.take(report, one) and one.invocations:
                artifact = one.artifact
                identity = (
                    report.report,
                    artifact.model,
                    artifact.sha256,
                    artifact.input_px,
                    artifact.chosen_shapes,
                )
                self._found[identity] = _shape(one)

    def merge(self, other: LatestShapes) -> None:
        """Take over what ``other`` gathered from other reports."""
        self._latest.merge(other._latest)
        self._found.update(other._found)

    def shapes(self, skipped: Sequence[Skipped] = ()) -> Shapes:
        """By device, precision, origin and environment; what has no latency is left aside."""
        groups, reasons = [], list(skipped)
        for key, machine, members in self._latest.groups():
            names = labels(list(members))
            rows = []
            for variant, one in members.items():
                if isinstance(one, Summary):
                    rows.append(self._row(one, names[variant]))
                else:
                    why = getattr(one, "reason", "instructions were counted, which is no latency")
                    reasons.append(Skipped(path=one.report, reason=f"{names[variant]}: {why}"))
            if rows:
                rows.sort(key=lambda row: (row.latency_s, row.model))
                groups.append(
                    ShapeGroup(
                        device=key.device,
                        precision=key.precision,
                        origin=key.origin,
                        machine=machine,
                        environment=key.environment,
                        rows=tuple(rows),
                    )
                )
        return Shapes(groups=tuple(groups), skipped=(*reasons, *self._latest.superseded()))

    def _row(self, one: Summary, name: str) -> Shape:
        identity = (one.report, one.model, one.artifact_sha256, one.input_px, one.chosen_shapes)
        shape = self._found[identity]
        return Shape(
            model=name,
            family=one.family,
            origin=one.origin,
            weights=one.weights.text,
            placement=one.placement,
            latency_s=one.latency_s,
            low_s=one.low_s,
            high_s=one.high_s,
            confidence=one.confidence,
            tainted=one.tainted,
            report=one.report,
            histogram=shape.histogram,
            strands=shape.strands,
            windows=shape.windows,
            sustained_s=one.sustained_s,
            sustained_ratio=one.sustained_ratio,
            sustained_cut=shape.sustained_cut,
        )


def sustained_only(found: Shapes) -> Shapes:
    """Only the rows that were run back to back; groups without one are left out."""
    groups = []
    for group in found.groups:
        if rows := tuple(row for row in group.rows if row.windows):
            groups.append((group, rows))
    return Shapes(
        groups=tuple(
            ShapeGroup(
                device=group.device,
                precision=group.precision,
                origin=group.origin,
                machine=group.machine,
                environment=group.environment,
                rows=rows,
            )
            for group, rows in groups
        ),
        skipped=found.skipped,
    )


# --- one measurement --------------------------------------------------------------------------


def _shape(one: Measurement) -> Shape:
    """Its shape; the figures of the whole are the summary's and filled in from there."""
    clean = sum(not samples.tainted for samples in one.invocations)
    # As stats does: tainted ones are set aside while enough clean ones remain.
    every = clean < MIN_CLEAN_INVOCATIONS
    strands = tuple(
        strand(samples, used=every or not samples.tainted) for samples in one.invocations
    )
    pooled = [
        value
        for samples, drawn in zip(one.invocations, strands, strict=True)
        if drawn.used and drawn.inferences_per_value == 1
        for value in samples.latencies_s
    ]
    return Shape(
        model=one.artifact.model,
        family=one.artifact.family,
        origin=one.origin,
        weights=one.artifact.weights.text,
        placement=one.placement.verdict if one.placement else "unproven",
        latency_s=0.0,
        low_s=None,
        high_s=None,
        confidence=0.0,
        tainted=(),
        report="",
        histogram=histogram(pooled),
        strands=strands,
        windows=windows(one.sustained),
        sustained_cut=one.sustained_cut,
    )


def strand(samples: Samples, *, used: bool = True) -> Strand:
    """One invocation's samples by their percentiles."""
    ordered = sorted(samples.latencies_s)
    enough = len(ordered) >= MIN_PERCENTILES
    low, high = (_rank(ordered, 0.05), _rank(ordered, 0.95)) if enough else (None, None)
    if samples.inferences_per_value > 1:
        # Percentiles of means are none of inferences; the program's own are.
        own = samples.spread
        low, high = (own.p5_s, own.p95_s) if own else (None, None)
        enough = False
    elif not enough and len(ordered) > 1:
        low, high = ordered[0], ordered[-1]
    return Strand(
        median_s=median(ordered),
        count=len(ordered),
        low_s=low,
        high_s=high,
        quarter_s=_rank(ordered, 0.25) if enough else None,
        three_quarters_s=_rank(ordered, 0.75) if enough else None,
        inferences_per_value=samples.inferences_per_value,
        tainted=samples.tainted,
        used=used,
    )


def _rank(ordered: Sequence[float], p: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, ceil(p * len(ordered)) - 1)]


def histogram(values: Sequence[float]) -> Histogram | None:
    """Bins as wide as Freedman and Diaconis have them, within BINS; None under MIN_SHAPED values.

    Values that are all equal have one bin.
    """
    if len(values) < MIN_SHAPED:
        return None
    ordered = sorted(values)
    low, high = _rank(ordered, INNER[0]), _rank(ordered, INNER[1])
    if high <= low:
        return Histogram(
            low_s=low * 0.9995,
            width_s=low * 0.001,
            counts=(sum(value == low for value in ordered),),
            below=sum(value < low for value in ordered),
            above=sum(value > low for value in ordered),
        )
    middle_half = _rank(ordered, 0.75) - _rank(ordered, 0.25)
    width = 2 * middle_half / len(ordered) ** (1 / 3)
    wanted = (high - low) / width if width > 0 else float(BINS[1])
    bins = max(BINS[0], min(BINS[1], ceil(wanted) if isfinite(wanted) else BINS[1]))
    step = (high - low) / bins
    counts, below, above = [0] * bins, 0, 0
    for value in ordered:
        if value < low:
            below += 1
        elif value > high:
            above += 1
        else:
            counts[min(bins - 1, int((value - low) / step))] += 1
    return Histogram(low_s=low, width_s=step, counts=tuple(counts), below=below, above=above)


def windows(sustained: Sequence[Samples]) -> tuple[Window, ...]:
    """Windows on one clock; where theirs cannot be read, or runs backwards, one after another."""
    found: list[Window] = []
    starts = [_at(samples.started_at) for samples in sustained]
    for samples, start in zip(sustained, starts, strict=True):
        after = found[-1].end_s if found else 0.0
        begin = start - starts[0] if start is not None and starts[0] is not None else after
        begin = max(begin, after) if found else 0.0
        lasted = samples.noise.wall_s or sum(samples.latencies_s) * samples.inferences_per_value
        found.append(
            Window(
                begin_s=begin,
                end_s=begin + lasted,
                median_s=median(samples.latencies_s),
                tainted=samples.tainted,
            )
        )
    return tuple(found)


def _at(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None

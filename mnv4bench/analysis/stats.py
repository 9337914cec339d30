"""One measurement in figures: medians, intervals and percentiles that assume no distribution.

Knows: order statistics, and which invocations a figure may rest on. Does not know: files, other
measurements, or how a figure is shown. Times are seconds; confidences and widths are fractions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import exp, lgamma, log
from typing import NamedTuple

from mnv4bench.analysis.circumstances import circumstances
from mnv4bench.findings import Summary
from mnv4bench.records import (
    Measurement,
    Origin,
    Precision,
    Report,
    Samples,
    Weights,
)

# The usual level for an interval that people read.
INTERVAL_CONFIDENCE = 0.95
# LoadGen's level for a reported percentile (MLPerf inference rules, early stopping).
PERCENTILE_CONFIDENCE = 0.99
# Below three, one odd invocation is the median: then every invocation speaks, marked as tainted.
MIN_CLEAN_INVOCATIONS = 3


# --- numbers ----------------------------------------------------------------------------------


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two middle ones. Raises ValueError on none."""
    if not values:
        raise ValueError("the median of no values was asked for")
    # sorted() on tens of floats costs under 2 microseconds; an array would cost more to build.
    return _middle(sorted(values))


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_interval(
    values: Sequence[float], confidence: float = INTERVAL_CONFIDENCE
) -> tuple[float, float, float] | None:
    """(low, high, reached): order statistics that cover the true median; None for under two values.

    The pair is the narrowest one symmetric in rank that reaches ``confidence``. Where even the full
    range does not (n < 6 for 95 %), it is the full range, with the confidence that it does reach:
    five values give 0.9375. Assumes independent values and nothing else.
    """
    if len(values) < 2:
        return None
    ordered = sorted(values)
    rank, reached = _interval_rank(len(ordered), confidence)
    return ordered[rank - 1], ordered[-rank], reached


@lru_cache(maxsize=1024)
def _interval_rank(count: int, confidence: float) -> tuple[int, float]:
    """(k, coverage): the k-th smallest and k-th largest of ``count`` cover the median.

    Coverage is 1 - 2 P(Binomial(count, 1/2) < k), summed in exact integers.
    """
    whole = 2**count
    term = tail = 1  # comb(count, 0), and the sum of the terms below rank k
    rank, reached = 1, 1 - 2 * tail / whole
    while 2 * (rank + 1) <= count + 1:
        term = term * (count - rank + 1) // rank
        tail += term
        coverage = 1 - 2 * tail / whole
        if coverage < confidence:
            break
        rank, reached = rank + 1, coverage
    return rank, reached


def interval_half_width(values: Sequence[float]) -> float | None:
    """The wider side of the 95 % interval over the median; None while too few values reach 95 %."""
    found = median_interval(values)
    if found is None or found[2] < INTERVAL_CONFIDENCE:
        return None
    low, high, _ = found
    middle = median(values)
    return max(high - middle, middle - low) / middle


def percentile(
    values: Sequence[float], p: float, confidence: float = PERCENTILE_CONFIDENCE
) -> float | None:
    """An upper bound of the ``p`` quantile (0..1) that holds with ``confidence``.

    LoadGen's early-stopping rule with no tolerance: find the largest t for which t or fewer of n
    samples lie above the quantile with probability at most 1 - confidence; report the t-th
    largest sample. None where no t >= 1 exists: p90 needs 64 samples, p95 130, p99 662.
    """
    rank = _percentile_rank(len(values), p, confidence)
    return sorted(values)[-rank] if rank else None


@lru_cache(maxsize=1024)
def _percentile_rank(count: int, p: float, confidence: float) -> int:
    """The largest t with P(Binomial(count, 1 - p) <= t) <= 1 - confidence; 0 if there is none."""
    low, high = 0, count  # invariant: low is allowed (or 0), high is not
    while high - low > 1:
        middle = (low + high) // 2
        if _binomial_tail(count, middle, 1 - p) <= 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def _binomial_tail(count: int, at_most: int, chance: float) -> float:
    """P(Binomial(count, chance) <= at_most), by summing downwards from its largest term."""
    if at_most > count * chance:  # past the mean the terms grow downwards; 1/2 is all we need
        return 0.5
    term = exp(
        lgamma(count + 1)
        - lgamma(at_most + 1)
        - lgamma(count - at_most + 1)
        + at_most * log(chance)
        + (count - at_most) * log(1 - chance)
    )
    total = 0.0
    for k in range(at_most, -1, -1):
        total += term
        if term < total * 1e-16:
            break
        term *= k * (1 - chance) / ((count - k + 1) * chance)
    return total


# --- measurements -----------------------------------------------------------------------------


def _used(measurement: Measurement) -> tuple[tuple[Samples, ...], tuple[str, ...]]:
    """The invocations that figures rest on, and the reasons that taint the whole measurement."""
    every = measurement.invocations
    clean = tuple(samples for samples in every if not samples.tainted)
    reasons: list[str] = []
    if len(clean) == len(every) or len(clean) >= MIN_CLEAN_INVOCATIONS:
        used = clean
    else:
        used = every
        reasons = _together(every)
    if measurement.failure:
        reasons.append(f"stopped by a failure: {measurement.failure}")
    return used, tuple(reasons)


def _together(invocations: tuple[Samples, ...]) -> list[str]:
    """One reason a kind: they differ by their readings, so the first stands for all of its kind."""
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for samples in invocations:
        kinds = {re.sub(r"[\d.]+", "#", reason): reason for reason in samples.tainted}
        counts.update(kinds.keys())
        examples = kinds | examples
    of = f"of {len(invocations)} invocations"
    return [f"{examples[kind]}, in {count} {of}" for kind, count in counts.most_common()]


def half_width(measurement: Measurement) -> float | None:
    """Of the 95 % interval of the median across invocations, over it; None while it has none."""
    used, _ = _used(measurement)
    return interval_half_width([median(samples.latencies_s) for samples in used])


def is_precise(measurement: Measurement, target: float) -> bool:
    """Whether the 95 % interval of the median across invocations is within ±``target`` of it."""
    width = half_width(measurement)
    return width is not None and width <= target


Ordered = Sequence[Sequence[float]]  # of each invocation, its samples in ascending order


def ordered_samples(measurement: Measurement) -> Ordered:
    """What a reader who asks several things of one measurement hands from one to the next."""
    return [sorted(samples.latencies_s) for samples in measurement.invocations]


def ordered_medians(ordered: Ordered) -> list[float]:
    """The median of each invocation."""
    return [_middle(values) for values in ordered]


def _ordered_used(
    measurement: Measurement, used: Sequence[Samples], ordered: Ordered | None
) -> Ordered:
    if ordered is None:
        return [sorted(samples.latencies_s) for samples in used]
    if len(used) == len(ordered):
        return ordered
    every = zip(ordered, measurement.invocations, strict=True)
    return [values for values, samples in every if not samples.tainted]


def summarise(
    report: Report, measurement: Measurement, ordered: Ordered | None = None
) -> Summary | None:
    """The measurement in figures; None when nothing was measured.

    Tainted invocations are set aside while at least MIN_CLEAN_INVOCATIONS clean ones remain.
    Otherwise all are used, and the measurement carries their reasons. ``ordered``: see
    ``ordered_samples``, for whoever has them already.
    """
    used, reasons = _used(measurement)
    if not used:
        return None
    runs = _ordered_used(measurement, used, ordered)
    medians = ordered_medians(runs)
    found = median_interval(medians)
    low, high, confidence = found if found else (None, None, 0.0)
    # Sorted runs end to end: sorting them again for the percentile is a cheap merge.
    pooled = list(chain.from_iterable(runs))
    # A percentile of means of k inferences is not a percentile of inferences.
    single = all(samples.inferences_per_value == 1 for samples in used)
    artifact, profile = measurement.artifact, report.profile
    machine, environment = circumstances(report.environment, profile)
    return Summary(
        report=report.report,
        device=profile.device,
        model=artifact.model,
        family=artifact.family,
        format=artifact.format,
        precision=artifact.precision,
        origin=measurement.origin,
        latency_s=median(medians),
        low_s=low,
        high_s=high,
        confidence=confidence,
        p90_s=percentile(pooled, 0.90) if single else None,
        invocations=len(used),
        invocations_tainted=len(measurement.invocations) - len(used),
        samples=len(pooled),
        placement=measurement.placement.verdict if measurement.placement else "unproven",
        tainted=reasons,
        artifact_sha256=artifact.sha256,
        weights=artifact.weights,
        threads=profile.threads,
        input_px=artifact.input_px,
        size_bytes=artifact.size_bytes,
        measured_at=measured_at(measurement),
        machine=machine,
        environment=environment,
        calibration=artifact.calibration.text if artifact.calibration else None,
        chosen_shapes=artifact.chosen_shapes,
        inferences_per_value=max(samples.inferences_per_value for samples in used),
        sustained_s=(sustained_s := _sustained(measurement)),
        sustained_ratio=sustained_s / median(medians) if sustained_s else None,
        paced_s=(at_beat := paced(used))[0],
        paced_period_s=at_beat[1],
        apart_s=median(apart) if (apart := [s for one in used if (s := one.apart_s)]) else None,
        device_s=median([_middle(sorted(one.device_s)) for one in used])
        if all(one.device_s for one in used)
        else None,
        signals=measurement.placement.signals if measurement.placement else (),
        medians_s=tuple(medians),
        loads_s=tuple(one.load_s for one in used if one.load_s is not None),
        peaks_bytes=tuple(
            one.peak_memory_bytes for one in used if one.peak_memory_bytes is not None
        ),
    )


def paced(invocations: Sequence[Samples]) -> tuple[float | None, float | None]:
    """(latency at a beat, the beat): the median over invocations of the medians of their second
    halves, since the first still shows what ran back to back before. None where none was run so."""
    beats = [one.paced for one in invocations if one.paced is not None]
    if not beats:
        return None, None
    late = [median(one.latencies_s[len(one.latencies_s) // 2 :]) for one in beats]
    return median(late), max(one.period_s for one in beats)


def _sustained(measurement: Measurement) -> float | None:
    """The speed at the end of running back to back: of the last third, at least of one window.

    None of a run that was cut short: its last third was still cool.
    """
    windows = measurement.sustained
    if not windows or measurement.sustained_cut:
        return None
    last = windows[-max(1, len(windows) // 3) :]
    return median([median(samples.latencies_s) for samples in last])


def measured_at(measurement: Measurement) -> str:
    """When its last invocation began, UTC, ISO 8601; it must have one, timed or counted."""
    timed = [one.started_at for one in measurement.invocations]
    return max(timed + [one.started_at for one in measurement.counts])


class Unmeasured(NamedTuple):
    """A model that was to be measured and could not be: what a front lists as excluded."""

    report: str
    device: str
    model: str
    family: str
    precision: Precision
    origin: Origin
    weights: Weights
    artifact_sha256: str
    input_px: int | None
    machine: str
    environment: str
    started_at: str
    reason: str
    chosen_shapes: str = ""
    counted: bool = False  # it has figures, and none of them is a latency

    @property
    def at(self) -> str:
        """When its run began, as Summary's."""
        return self.started_at


def unmeasured(report: Report, measurement: Measurement) -> Unmeasured | None:
    """The failure of a measurement that has no latencies; None for one that has some."""
    if measurement.invocations:
        return None
    artifact = measurement.artifact
    machine, environment = circumstances(report.environment, report.profile)
    return Unmeasured(
        report=report.report,
        device=report.profile.device,
        model=artifact.model,
        family=artifact.family,
        precision=artifact.precision,
        origin=measurement.origin,
        weights=artifact.weights,
        artifact_sha256=artifact.sha256,
        input_px=artifact.input_px,
        machine=machine,
        environment=environment,
        started_at=report.started_at,
        reason=why_no_latency(measurement),
        chosen_shapes=artifact.chosen_shapes,
        counted=bool(measurement.counts),
    )


def why_no_latency(measurement: Measurement) -> str:
    """The sentence why a measurement without invocations has none."""
    if measurement.counts:
        return "instructions were counted: a cost, not a latency (mnv4bench show)"
    return measurement.failure or "the run ended before its first invocation"


def medians(
    measurement: Measurement, ordered: Ordered | None = None
) -> tuple[list[float], tuple[str, ...]]:
    """(the median of each invocation that figures rest on, the reasons that taint the whole).

    ``ordered``: see ``ordered_samples``.
    """
    used, reasons = _used(measurement)
    return ordered_medians(_ordered_used(measurement, used, ordered)), reasons

"""Reports as tidy tables: one row a measurement, an invocation or a sample.

Knows: which value of a report stands in which column. Does not know: files, CSV, Parquet, frames.
One report at a time, so that a store of any size passes through in the memory of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median, median_low

from mnv4bench.analysis import stats
from mnv4bench.analysis.circumstances import circumstances
from mnv4bench.analysis.counts import tally
from mnv4bench.analysis.pareto import AccuracyOf
from mnv4bench.findings import Evaluated
from mnv4bench.findings.rows import InvocationRow, MeasurementRow, SampleRow, SampleRun
from mnv4bench.records import (
    Accuracy,
    Counted,
    Measurement,
    PublishedLatency,
    Report,
    Samples,
)


def measurements(report: Report, accuracy_of: AccuracyOf) -> Iterator[MeasurementRow]:
    """A row for each measurement of ``report``; those that failed say why and have no latency."""
    for one in report.measurements:
        yield _measurement(report, one, accuracy_of)


def _measurement(report: Report, one: Measurement, accuracy_of: AccuracyOf) -> MeasurementRow:
    artifact, profile, environment = one.artifact, report.profile, report.environment
    found = stats.summarise(report, one)
    machine, digest = circumstances(environment, profile)
    accuracy = accuracy_of(found) if found else None
    counted = tally(report, one)
    figures = found or counted
    failure = one.failure
    if figures is None:
        failure = stats.why_no_latency(one)
    return MeasurementRow(
        report=report.report,
        measured_at=figures.measured_at if figures else None,
        origin=one.origin,
        device=profile.device,
        machine=machine,
        environment=digest,
        model=artifact.model,
        family=artifact.family,
        format=artifact.format,
        precision=artifact.precision,
        input_px=artifact.input_px,
        weights=artifact.weights.text,
        artifact_sha256=artifact.sha256,
        size_bytes=artifact.size_bytes,
        params=artifact.params,
        macs=artifact.macs,
        calibration=artifact.calibration.text if artifact.calibration else None,
        accelerator=profile.accelerator,
        runtime=environment.runtime_name or profile.runtime,
        runtime_version=environment.runtime_version,
        threads=profile.threads,
        latency_s=found.latency_s if found else None,
        low_s=found.low_s if found else None,
        high_s=found.high_s if found else None,
        confidence=found.confidence if found and found.low_s is not None else None,
        p90_s=found.p90_s if found else None,
        sustained_s=found.sustained_s if found else None,
        paced_s=found.paced_s if found else None,
        device_s=found.device_s if found else None,
        load_s=_middle(samples.load_s for samples in one.invocations),
        warm_load_s=_middle(samples.warm_load_s for samples in one.invocations),
        first_inference_s=_middle(samples.first_inference_s for samples in one.invocations),
        peak_memory_bytes=max(
            (s.peak_memory_bytes for s in one.invocations if s.peak_memory_bytes is not None),
            default=None,
        ),
        instructions=counted.instructions if counted else None,
        instructions_low=counted.instructions_low if counted else None,
        instructions_high=counted.instructions_high if counted else None,
        load_instructions=counted.load_instructions if counted else None,
        invocations=figures.invocations if figures else 0,
        invocations_tainted=found.invocations_tainted if found else 0,
        samples=figures.samples if figures else 0,
        inferences_per_value=found.inferences_per_value if found else 1 if counted else None,
        placement=one.placement.verdict if one.placement else None,
        placement_unit=one.placement.unit if one.placement else None,
        operators=one.placement.operators if one.placement else None,
        operators_on_unit=one.placement.on_unit if one.placement else None,
        cost_on_unit=one.placement.cost_on_unit if one.placement else None,
        top1_percent=accuracy.top1 if accuracy else None,
        top1_low_percent=accuracy.top1_low if isinstance(accuracy, Evaluated) else None,
        top1_high_percent=accuracy.top1_high if isinstance(accuracy, Evaluated) else None,
        accuracy_source=_source(accuracy),
        tainted="; ".join(figures.tainted) or None if figures else None,
        failure=failure,
        citation=None,
        commit=environment.commit,
        tool_version=environment.tool_version,
    )


def _source(accuracy: Evaluated | Accuracy | None) -> str | None:
    match accuracy:
        case Evaluated():
            return "measured"
        case Accuracy():
            return accuracy.source
        case None:
            return None


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def published(cells: Iterable[PublishedLatency]) -> Iterator[MeasurementRow]:
    """Cells of published tables as rows of the same columns, with their citation."""
    for cell in cells:
        failure = {"ok": None, "failed": "failed on the device", "not_benchmarked": None}
        if cell.status == "not_benchmarked":
            continue  # the table says nothing about it
        empty = dict.fromkeys(MeasurementRow.__struct_fields__)
        known = {
            "report": "",
            "origin": "published",
            "device": cell.device,
            "machine": cell.runtime,
            "model": cell.model,
            "family": cell.family,
            "precision": cell.precision,
            "input_px": cell.input_px,
            "weights": "as published",
            "latency_s": cell.latency_s,
            "top1_percent": cell.top1,
            "accuracy_source": None if cell.top1 is None else cell.accuracy_source,
            "failure": failure[cell.status],
            "citation": cell.citation,
        }
        yield MeasurementRow(**{**empty, **known})  # type: ignore[arg-type]


def invocations(report: Report) -> Iterator[InvocationRow]:
    """A row for each fresh process of ``report``, sustained windows among them."""
    for one in report.measurements:
        for samples in one.invocations:
            yield _invocation(report, one, samples, "burst")
        for samples in one.sustained:
            yield _invocation(report, one, samples, "sustained")
        for counted in one.counts:
            yield _counted(report, one, counted)


def _same(report: Report, one: Measurement) -> dict[str, object]:
    """What all rows of one measurement share."""
    return {
        "report": report.report,
        "origin": one.origin,
        "device": report.profile.device,
        "model": one.artifact.model,
        "format": one.artifact.format,
        "precision": one.artifact.precision,
        "input_px": one.artifact.input_px,
        "artifact_sha256": one.artifact.sha256,
    }


def _invocation(report: Report, one: Measurement, samples: Samples, phase: str) -> InvocationRow:
    noise, spread = samples.noise, samples.spread
    return InvocationRow(
        **_same(report, one),  # type: ignore[arg-type]
        phase=phase,
        round=samples.round,
        position=samples.position,
        started_at=samples.started_at,
        median_s=stats.median(samples.latencies_s),
        min_s=min(samples.latencies_s),
        max_s=max(samples.latencies_s),
        instructions=None,
        samples=len(samples.latencies_s),
        inferences_per_value=samples.inferences_per_value,
        program_median_s=spread.median_s if spread else None,
        program_p5_s=spread.p5_s if spread else None,
        program_p95_s=spread.p95_s if spread else None,
        paced_s=(at_beat := stats.paced([samples]))[0],
        paced_period_s=at_beat[1],
        apart_s=samples.apart_s,
        device_s=stats.median(samples.device_s) if samples.device_s else None,
        load_s=samples.load_s,
        warm_load_s=samples.warm_load_s,
        first_inference_s=samples.first_inference_s,
        warmup_samples=len(samples.warmup_s),
        warmup_steady=samples.warmup_steady,
        capped=samples.capped,
        peak_memory_bytes=samples.peak_memory_bytes,
        wall_s=noise.wall_s,
        cpu_s=noise.cpu_s,
        involuntary_switches=noise.involuntary_switches,
        steal_s=noise.steal_s,
        pressure_s=noise.pressure_s,
        frequency_before_hz=noise.frequency_before_hz,
        frequency_after_hz=noise.frequency_after_hz,
        frequency_mean_hz=noise.frequency_mean_hz,
        temperature_before_c=noise.temperature_before_c,
        temperature_after_c=noise.temperature_after_c,
        thermal_status_before=noise.thermal_status_before,
        thermal_status_after=noise.thermal_status_after,
        tainted="; ".join(samples.tainted) or None,
    )


def _counted(report: Report, one: Measurement, counted: Counted) -> InvocationRow:
    known = {
        **_same(report, one),
        "phase": "counted",
        "round": counted.round,
        "position": counted.position,
        "started_at": counted.started_at,
        "instructions": median_low(counted.instructions),
        "samples": len(counted.instructions),
        "inferences_per_value": 1,
        "tainted": "; ".join(counted.tainted) or None,
    }
    empty = dict.fromkeys(InvocationRow.__struct_fields__)
    return InvocationRow(**{**empty, **known})  # type: ignore[arg-type]


def samples(report: Report) -> Iterator[SampleRun]:
    """The samples of ``report``, a run for each phase of each invocation, the warm-up first."""
    for one in report.measurements:
        same = _same(report, one)
        for invocation, phase in (
            *((each, "timed") for each in one.invocations),
            *((each, "sustained") for each in one.sustained),
        ):
            if invocation.warmup_s:
                yield _run(same, invocation, "warm-up", invocation.warmup_s)
            yield _run(same, invocation, phase, invocation.latencies_s)
            if invocation.paced is not None:
                yield _run(same, invocation, "paced", invocation.paced.latencies_s)
        for counted in one.counts:
            first = SampleRow(
                **same,  # type: ignore[arg-type]
                phase="counted",
                round=counted.round,
                position=counted.position,
                inferences_per_value=1,
                tainted=bool(counted.tainted),
                index=0,
                latency_s=None,
                instructions=counted.instructions[0],
            )
            yield SampleRun(first, (), counted.instructions)


def _run(
    same: dict[str, object], samples: Samples, phase: str, values: tuple[float, ...]
) -> SampleRun:
    each = samples.inferences_per_value
    if phase == "warm-up" and samples.warmup_inferences:  # that many behind all its values
        each = max(1, samples.warmup_inferences // len(values))
    first = SampleRow(
        **same,  # type: ignore[arg-type]
        phase=phase,
        round=samples.round,
        position=samples.position,
        inferences_per_value=each,
        tainted=bool(samples.tainted),
        index=0,
        latency_s=values[0],
        instructions=None,
    )
    return SampleRun(first, values, ())

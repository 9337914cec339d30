"""One counted measurement in figures, and whether its processes agree.

Knows: that counts of one file in one environment are equal or something is wrong. Does not know:
files, latencies, how a figure is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench.analysis.circumstances import circumstances
from mnv4bench.analysis.stats import measured_at
from mnv4bench.findings import Tally
from mnv4bench.records import Counted, Measurement, Report


def tally(report: Report, measurement: Measurement) -> Tally | None:
    """The measurement in figures; None where nothing was counted."""
    counts = measurement.counts
    if not counts:
        return None
    each = sorted(one for process in counts for one in process.instructions)
    loads = {process.load_instructions for process in counts}
    reasons = list(disagreement(counts))
    reasons += dict.fromkeys(reason for process in counts for reason in process.tainted)
    if measurement.failure:
        reasons.append(f"stopped by a failure: {measurement.failure}")
    artifact, profile = measurement.artifact, report.profile
    machine, environment = circumstances(report.environment, profile)
    return Tally(
        report=report.report,
        device=profile.device,
        model=artifact.model,
        family=artifact.family,
        format=artifact.format,
        precision=artifact.precision,
        origin=measurement.origin,
        instructions=each[(len(each) - 1) // 2],
        instructions_low=each[0],
        instructions_high=each[-1],
        load_instructions=loads.pop() if len(loads) == 1 else None,
        invocations=len(counts),
        samples=len(each),
        placement=measurement.placement.verdict if measurement.placement else "unproven",
        tainted=tuple(reasons),
        artifact_sha256=artifact.sha256,
        weights=artifact.weights,
        input_px=artifact.input_px,
        size_bytes=artifact.size_bytes,
        measured_at=measured_at(measurement),
        machine=machine,
        environment=environment,
        emulator=report.environment.emulator or "unknown",
        calibration=artifact.calibration.text if artifact.calibration else None,
        chosen_shapes=artifact.chosen_shapes,
        signals=measurement.placement.signals if measurement.placement else (),
    )


def disagreement(counts: Sequence[Counted]) -> tuple[str, ...]:
    """Why the processes show no exact count; empty where they do.

    Inferences of one process may differ as long as each process has the same sequence of them.
    """
    if len(counts) < 2:
        return ("one process alone: nothing shows that another would count the same",)
    reasons = []
    if len({one.instructions for one in counts}) > 1:
        every = [one for process in counts for one in process.instructions]
        reasons.append(
            f"the processes do not agree: {min(every)} to {max(every)} instructions an inference"
        )
    if len({one.outputs_sha256 for one in counts}) > 1:
        reasons.append("the processes answered differently to the same input")
    return tuple(reasons)

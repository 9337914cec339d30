"""Reports as rows: every value in its column, nothing left out."""

from msgspec.structs import replace

from mnv4bench.analysis import rows, stats
from mnv4bench.findings import Evaluated, Summary
from mnv4bench.models import published
from mnv4bench.records import Accuracy, Counted, Spread
from tests.sample_reports import FULL, artifact, measurement, report, samples

TIMM = Accuracy(top1=73.8, source="timm", weights="a tag", input_px=224, citation="timm")


def no_accuracy(_: Summary) -> Evaluated | Accuracy | None:
    return None


def test_a_measurement_has_the_figures_that_show_has() -> None:
    one = measurement(
        invocations=tuple(samples(r, 0.002, 0.003, load_s=0.1, peak_memory_bytes=7 + r)
                          for r in range(6)),
    )  # fmt: skip
    made = report(one)
    [row] = rows.measurements(made, lambda _: TIMM)
    summary = stats.summarise(made, one)
    assert summary is not None
    for name in ("latency_s", "low_s", "high_s", "confidence", "p90_s", "invocations", "samples",
                 "environment", "machine", "measured_at", "origin", "threads"):  # fmt: skip
        assert getattr(row, name) == getattr(summary, name), name
    assert (row.load_s, row.peak_memory_bytes) == (0.1, 12)
    assert (row.placement, row.operators, row.operators_on_unit) == ("full", 10, 10)
    assert (row.top1_percent, row.top1_low_percent, row.accuracy_source) == (73.8, None, "timm")
    assert (row.tainted, row.failure, row.citation) == (None, None, None)


def test_a_single_invocation_has_no_interval_and_no_confidence() -> None:
    [row] = rows.measurements(report(measurement(rounds=1)), no_accuracy)
    assert row.latency_s is not None
    assert (row.low_s, row.high_s, row.confidence) == (None, None, None)


def test_what_failed_is_a_row_with_its_reason() -> None:
    failed = measurement(invocations=(), placement=None, failure="the delegate refused it")
    begun = measurement("mnv4-conv-m", invocations=(), placement=None)
    first, second = rows.measurements(report(failed, begun), no_accuracy)
    assert (first.failure, first.latency_s) == ("the delegate refused it", None)
    assert second.failure is not None
    assert "before its first invocation" in second.failure


def test_taint_is_carried_and_set_aside_invocations_are_counted() -> None:
    clean = tuple(samples(r) for r in range(3))
    odd = samples(3, tainted=("steal 12 %",))
    [row] = rows.measurements(report(measurement(invocations=(*clean, odd))), no_accuracy)
    assert (row.tainted, row.invocations, row.invocations_tainted) == (None, 3, 1)
    [row] = rows.measurements(report(measurement(invocations=(odd,))), no_accuracy)
    assert row.tainted == "steal 12 %, in 1 of 1 invocations"
    states = [one.tainted for one in rows.invocations(report(measurement(invocations=(odd,))))]
    assert states == ["steal 12 %"]


def counted() -> Counted:
    return Counted(round=0, position=1, started_at="2026-11-24T10:00:00+00:00",
                   instructions=(120, 110, 110))  # fmt: skip


def test_counted_instructions_are_no_latency() -> None:
    one = measurement(origin="emulated", invocations=(), counts=(counted(),) * 2, placement=FULL)
    made = report(one)
    [row] = rows.measurements(made, no_accuracy)
    assert (row.origin, row.instructions, row.latency_s, row.failure) == (
        "emulated", 110, None, None,
    )  # fmt: skip
    assert (row.instructions_low, row.instructions_high, row.samples) == (110, 120, 6)
    assert row.tainted is None
    [alone] = rows.measurements(report(replace(one, counts=(counted(),))), no_accuracy)
    assert alone.tainted is not None
    assert "one process alone" in alone.tainted
    invocation, _ = rows.invocations(made)
    assert (invocation.phase, invocation.instructions, invocation.median_s) == (
        "counted", 110, None,
    )  # fmt: skip
    run, _ = rows.samples(made)
    assert (run.first.phase, run.latencies_s, run.instructions) == ("counted", (), (120, 110, 110))


def test_phases_stay_apart_and_in_order() -> None:
    each = samples(0, 0.002, 0.003, warmup_s=(0.009, 0.005), position=4)
    one = measurement(invocations=(each,), sustained=(samples(0, 0.004),))
    made = report(one)
    runs = [(run.first.phase, run.latencies_s) for run in rows.samples(made)]
    assert runs == [
        ("warm-up", (0.009, 0.005)),
        ("timed", (0.002, 0.003)),
        ("sustained", (0.004,)),
    ]
    phases = [(row.phase, row.samples, row.warmup_samples) for row in rows.invocations(made)]
    assert phases == [("burst", 2, 2), ("sustained", 1, 0)]


def test_means_say_of_how_many() -> None:
    spread = Spread(median_s=0.0021, p5_s=0.002, p95_s=0.003)
    each = samples(0, 0.0022, inferences_per_value=50, spread=spread, warmup_s=(0.003,),
                   warmup_inferences=7)  # fmt: skip
    made = report(measurement(invocations=(each,)))
    warm_up, timed = rows.samples(made)
    assert (warm_up.first.inferences_per_value, timed.first.inferences_per_value) == (7, 50)
    [row] = rows.invocations(made)
    assert (row.program_median_s, row.program_p95_s) == (0.0021, 0.003)


def test_published_cells_say_so() -> None:
    made = list(rows.published(published.table()))
    assert {row.origin for row in made} == {"published"}
    assert {row.citation for row in made} == {published.CITATION}
    printed = [cell for cell in published.table() if cell.status != "not_benchmarked"]
    assert [row.latency_s for row in made] == [cell.latency_s for cell in printed]
    assert all((row.latency_s is None) == (row.failure is not None) for row in made)
    assert {row.accuracy_source for row in made} == {"paper"}


def test_names_are_left_as_they_are() -> None:
    odd = "=cmd|' /C calc'!A0\x1b[31m"
    [row] = rows.measurements(report(measurement(artifact=artifact(odd))), no_accuracy)
    assert row.model == odd

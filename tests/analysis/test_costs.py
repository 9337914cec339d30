"""What a front may be over: which values stand for it, and why a model has none."""

import pytest
from msgspec.structs import replace

from mnv4bench.analysis.costs import cost_of
from mnv4bench.analysis.latest import Latest
from mnv4bench.analysis.pareto import latest_groups, published_groups
from mnv4bench.analysis.stats import summarise, unmeasured
from mnv4bench.findings import Group, Objective
from mnv4bench.models.published import table
from mnv4bench.records import Accuracy, Measurement
from tests.sample_reports import artifact, counted, measurement, report, samples

TOP1 = Accuracy(top1=70.0, source="timm", weights="tag", input_px=224, citation="a test")


def timed(**changes: object) -> Measurement:
    invocations = tuple(
        samples(i, 0.002 + i / 1e4, load_s=0.1 + i, peak_memory_bytes=100 + i) for i in range(3)
    )
    return replace(measurement(invocations=invocations), **changes)


def counts(*instructions: int, processes: int = 2, **changes: object) -> Measurement:
    each = tuple(counted(round, *instructions) for round in range(processes))
    made = measurement(invocations=(), origin="emulated", counts=each)
    return replace(made, **changes)


def group(objective: Objective, *measurements: Measurement) -> Group:
    latest = Latest()
    latest.add(report(*measurements))
    [found] = latest_groups(latest, lambda _: TOP1, objective)
    return found


@pytest.mark.parametrize(
    ("objective", "value", "values"),
    [
        ("latency", 0.0021, (0.002, 0.0021, 0.0022)),
        ("size", 1000.0, ()),
        ("load-time", 1.1, (0.1, 1.1, 2.1)),
        ("peak-memory", 101.0, (100.0, 101.0, 102.0)),
    ],
)
def test_each_objective_has_its_value_and_its_invocations(
    objective: Objective, value: float, values: tuple[float, ...]
) -> None:
    [point] = group(objective, timed()).points
    assert point.cost == pytest.approx(value)
    assert point.values == pytest.approx(values)
    assert point.status == "front"
    assert point.latency_s == pytest.approx(0.0021)
    assert (point.x is None) == (objective == "latency")
    low, high = point.cost_interval
    assert (low, high) == ((None, None) if not values else (values[0], values[-1]))


def test_tainted_invocations_are_no_part_of_any_objective() -> None:
    several = tuple(
        samples(i, 0.002, load_s=1.0 + i, peak_memory_bytes=5, tainted=("busy",) if not i else ())
        for i in range(4)
    )
    assert group("load-time", timed(invocations=several)).points[0].values == (2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        ("peak-memory", "its report has no peak memory"),
        ("load-time", "its report has no load time"),
        ("instructions", "its instructions were not counted"),
    ],
)
def test_what_a_report_lacks_is_the_reason(objective: Objective, reason: str) -> None:
    [point] = group(objective, measurement()).points
    assert (point.status, point.reason, point.x) == ("excluded", reason, None)


def test_a_load_time_of_nothing_is_no_load_time() -> None:
    zero = timed(invocations=(samples(0, 0.002, load_s=0.0),))
    assert group("load-time", zero).points[0].reason == "its report has a load time of 0"


def test_a_taint_spoils_times_and_leaves_sizes_and_memory() -> None:
    busy = tuple(
        samples(i, 0.002, load_s=1.0, peak_memory_bytes=5, tainted=("busy",)) for i in range(3)
    )
    for objective, status in (
        ("latency", "excluded"), ("load-time", "excluded"), ("size", "front"),
        ("peak-memory", "front"),
    ):  # fmt: skip
        assert group(objective, timed(invocations=busy)).points[0].status == status, objective


def test_a_size_needs_no_placement() -> None:
    unproven = replace(timed(), placement=None)
    assert group("size", unproven).points[0].status == "front"
    assert group("latency", unproven).points[0].reason == "placement unproven"


def test_counts_are_exact_and_stand_under_their_own_origin() -> None:
    found = group("instructions", counts(500, 500, 700))
    [point] = found.points
    assert (found.origin, point.status, point.x, point.values) == ("emulated", "front", 500.0, ())
    assert point.latency_s is None


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (counts(500, processes=1), "tainted: one process alone: nothing shows that another"),
        (replace(counts(500), counts=(*counts(500).counts, *counts(501).counts)),
         "tainted: the processes do not agree: 500 to 501 instructions"),
        (counts(0), "a count of 0"),
        (replace(counts(500), placement=None), "placement unproven"),
    ],
)  # fmt: skip
def test_counts_that_are_not_exact_are_excluded(measured: Measurement, reason: str) -> None:
    [point] = group("instructions", measured).points
    assert point.status == "excluded"
    assert (point.reason or "").startswith(reason)


def test_a_count_is_no_latency() -> None:
    [point] = group("latency", counts(500)).points
    assert (point.reason or "").startswith("instructions were counted: a cost, not a latency")


def test_a_failure_has_no_cost_at_all() -> None:
    failed = unmeasured(report(), measurement(invocations=(), failure="no room"))
    assert failed is not None
    for objective in ("latency", "size", "instructions"):
        assert cost_of(failed, objective).reasons == ("not measured: no room",)


def test_the_paper_prints_latencies_alone() -> None:
    for found in published_groups(table(), objective="size"):
        assert found.objective == "size"
        assert {point.reason for point in found.points} == {
            "the table prints latencies, no size"
        }  # fmt: skip


def test_models_are_compared_over_what_was_asked_for() -> None:
    """The faster one is the larger: each is on the front of its own objective."""
    small = timed(artifact=replace(artifact("small"), size_bytes=10))
    fast = timed(
        artifact=replace(artifact("fast"), size_bytes=20),
        invocations=(samples(0, 0.001), samples(1, 0.001)),
    )
    assert {p.model: p.status for p in group("latency", small, fast).points} == {
        "fast": "front",
        "small": "dominated",
    }
    assert {p.model: p.status for p in group("size", small, fast).points} == {
        "small": "front",
        "fast": "dominated",
    }


def test_a_summary_keeps_its_invocations() -> None:
    found = summarise(report(), timed())
    assert found is not None
    assert found.medians_s == pytest.approx((0.002, 0.0021, 0.0022))
    assert found.peaks_bytes == (100, 101, 102)


def test_a_time_on_a_gpu_that_the_processor_plays_is_on_no_front() -> None:
    played = timed(origin="emulated")
    for objective in ("latency", "load-time"):
        [point] = group(objective, played).points
        assert point.status == "excluded"
        assert "no GPU's latency" in (point.reason or "")
    [point] = group("latency", played).points
    assert point.latency_s == pytest.approx(0.0021)  # it is shown all the same
    for objective in ("size", "peak-memory"):  # which no emulation changes
        [point] = group(objective, played).points
        assert point.status == "front"

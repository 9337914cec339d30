"""How samples are summed up for a picture, and which measurement counts."""

import random

import pytest
from msgspec.structs import replace

from mnv4bench.analysis import shapes, stats
from mnv4bench.analysis.shapes import LatestShapes
from mnv4bench.findings import Shapes
from mnv4bench.records import Measurement, Noise, Report, Samples, Spread
from tests.sample_reports import PROFILE, counted, counting_report, measurement, report, samples

NOISY = [0.002 * (1 + abs(random.Random(1).gauss(0, 0.01))) for _ in range(500)]


def of(*reports: Report) -> Shapes:
    made = LatestShapes()
    for one in reports:
        made.add(one)
    return made.shapes()


@pytest.mark.parametrize("count", [50, 64, 1000, 20_000])
def test_every_sample_is_in_a_bin_or_counted_beyond(count: int) -> None:
    draw = random.Random(count)
    values = [0.002 * (1 + abs(draw.gauss(0, 0.01))) for _ in range(count)]
    found = shapes.histogram(values)
    assert found is not None
    assert sum(found.counts) + found.below + found.above == count
    assert shapes.BINS[0] <= len(found.counts) <= shapes.BINS[1]
    top = found.low_s + found.width_s * len(found.counts)
    assert found.above == sum(value > top * (1 + 1e-12) for value in values)
    assert found.above <= 0.02 * count


def test_one_slow_inference_leaves_the_bins_as_they_are() -> None:
    draw = random.Random(4)
    values = [0.002 + draw.random() * 1e-5 for _ in range(200)]
    calm, spiked = shapes.histogram(values), shapes.histogram([*values, 3.0])
    assert calm is not None
    assert spiked is not None
    assert spiked.width_s < 1.2 * calm.width_s
    assert spiked.above >= 1


def test_equal_samples_have_one_bin_and_few_have_no_shape() -> None:
    one = shapes.histogram([0.002] * 60)
    assert one is not None
    assert one.counts == (60,)
    assert one.low_s < 0.002 < one.low_s + one.width_s
    mostly = shapes.histogram([0.002] * 399 + [0.001])
    assert mostly is not None
    assert (mostly.counts, mostly.below, mostly.above) == ((399,), 1, 0)
    assert shapes.histogram([0.002] * 49) is None
    assert shapes.histogram([]) is None


def test_an_invocation_by_its_percentiles() -> None:
    hundred = samples(0, *(0.001 * (100 - step) for step in range(100)))
    found = shapes.strand(hundred)
    assert (found.low_s, found.high_s) == pytest.approx((0.005, 0.095))
    assert (found.quarter_s, found.three_quarters_s) == pytest.approx((0.025, 0.075))
    assert (found.median_s, found.count) == (pytest.approx(0.0505), 100)
    few = shapes.strand(samples(0, 0.001, 0.003, 0.002))
    assert (few.low_s, few.high_s, few.quarter_s) == (0.001, 0.003, None)
    alone = shapes.strand(samples(0, 0.002))
    assert (alone.low_s, alone.high_s, alone.median_s) == (None, None, 0.002)


def test_a_mean_has_the_programs_percentiles_and_none_of_its_own() -> None:
    spread = Spread(p5_s=0.0018, p95_s=0.0024)
    found = shapes.strand(samples(0, 0.002, inferences_per_value=400, spread=spread))
    assert (found.low_s, found.high_s, found.inferences_per_value) == (0.0018, 0.0024, 400)
    many = shapes.strand(samples(0, *NOISY, inferences_per_value=3))
    assert (many.low_s, many.quarter_s) == (None, None)
    means = measurement(
        invocations=tuple(samples(turn, *NOISY, inferences_per_value=3) for turn in range(3))
    )
    [group] = of(report(means)).groups
    assert group.rows[0].histogram is None


def taint(which: set[int], rounds: int = 6) -> Measurement:
    return measurement(
        invocations=tuple(
            samples(turn, *NOISY, tainted=("busy 30 %",) if turn in which else ())
            for turn in range(rounds)
        )
    )


@pytest.mark.parametrize("which", [set(), {1}, {1, 4, 5}, {0, 1, 2, 3}, set(range(6))])
def test_what_is_set_aside_is_what_the_figures_do_without(which: set[int]) -> None:
    made = report(taint(which))
    [group] = of(made).groups
    [row] = group.rows
    summary = stats.summarise(made, made.measurements[0])
    assert summary is not None
    assert sum(one.used for one in row.strands) == summary.invocations
    assert [bool(one.tainted) for one in row.strands] == [turn in which for turn in range(6)]
    assert row.histogram is not None
    drawn = sum(row.histogram.counts) + row.histogram.below + row.histogram.above
    assert drawn == summary.samples
    assert (row.latency_s, row.low_s, row.tainted) == (
        summary.latency_s, summary.low_s, summary.tainted,
    )  # fmt: skip


def window(number: int, value: float, at: str, wall_s: float = 10.0) -> Samples:
    made = samples(number, value, value, value, started_at=at)
    return replace(made, noise=Noise(wall_s=wall_s))


def test_windows_stand_on_one_clock() -> None:
    found = shapes.windows(
        (
            window(0, 0.002, "2026-11-22T16:00:00+00:00"),
            window(1, 0.0021, "2026-11-22T16:00:12+00:00"),
        )
    )
    assert [(one.begin_s, one.end_s) for one in found] == [(0, 10), (12, 22)]
    assert [one.median_s for one in found] == [0.002, 0.0021]
    assert shapes.windows(()) == ()


@pytest.mark.parametrize("at", ["2026-11-22T15:00:00+00:00", "yesterday", "0001-01-01T00:00:00"])
def test_a_clock_that_cannot_be_read_or_ran_backwards_is_not_followed(at: str) -> None:
    found = shapes.windows((window(0, 0.002, "2026-11-22T16:00:00+00:00"), window(1, 0.002, at)))
    assert [(one.begin_s, one.end_s) for one in found] == [(0, 10), (10, 20)]


def test_of_two_reports_the_later_one_counts_in_any_order() -> None:
    older = report(measurement(), name="r1")
    each = tuple(
        replace(one, started_at="2026-11-23T15:00:00+00:00", latencies_s=(0.004,) * 60)
        for one in measurement().invocations
    )
    newer = report(measurement(invocations=each), name="r2")
    both = of(older, newer)
    assert both == of(newer, older)
    [group] = both.groups
    [row] = group.rows
    assert (row.report, row.latency_s) == ("r2", 0.004)
    assert row.histogram is not None
    [old] = both.skipped
    assert "superseded by a later measurement in r2" in old.reason
    parts = LatestShapes(), LatestShapes()
    parts[0].add(older)
    parts[1].add(newer)
    parts[0].merge(parts[1])
    assert parts[0].shapes() == both


def test_groups_are_devices_and_what_has_no_latency_is_said() -> None:
    failed = measurement("mnv4-conv-l", invocations=(), placement=None, failure="no room")
    other = report(measurement(), name="r2", profile=replace(PROFILE, device="host-ort-cpu"))
    found = of(report(measurement(), failed, name="r1"), other, counting_report(counted()))
    assert [group.device for group in found.groups] == ["host-cpu", "host-ort-cpu"]
    reasons = " ".join(one.reason for one in found.skipped)
    assert "mnv4-conv-l: no room" in reasons
    assert "counted" in reasons


def test_only_what_ran_back_to_back_is_kept_for_sustained() -> None:
    warm = measurement(
        "mnv4-conv-m", sustained=tuple(window(n, 0.0025, f"2026-11-22T16:00:{n}0+00:00")
                                       for n in range(3))
    )  # fmt: skip
    found = of(report(measurement(), warm))
    [group] = shapes.sustained_only(found).groups
    assert [row.model for row in group.rows] == ["mnv4-conv-m"]
    assert group.rows[0].sustained_ratio == pytest.approx(1.25)
    assert shapes.sustained_only(of(report())).groups == ()

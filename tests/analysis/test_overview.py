"""A store of reports as one value: what counts, what it rests on, what is left out."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis.overview import Material, gathered
from mnv4bench.findings import Limits, Summary, Tally
from mnv4bench.overview import Overview
from mnv4bench.records import Accuracy, Report
from tests.render.report_stores import changing, hard, warm
from tests.sample_reports import measurement, report


def accuracy(top1: float = 70.0) -> Accuracy:
    return Accuracy(top1=top1, source="timm", weights="w", input_px=224, citation="c")


def overview(*reports: Report, stretches: bool = True) -> Overview:
    material = Material(stretches=stretches)
    for one in reports:
        material.add(one)
    return material.overview(lambda _: accuracy())


def test_every_point_that_was_run_has_its_exhibit() -> None:
    whole = overview(*hard())
    exhibits = {(e.device, e.precision, e.origin, e.environment, e.label) for e in whole.exhibits}
    points = {
        (g.device, g.precision, g.origin, g.environment, p.model)
        for g in whole.front.groups
        for p in g.points
    }
    assert points == exhibits
    assert len(points) == 12
    assert {one.report for one in whole.settings} == {one.report for one in whole.exhibits}


def test_counts_have_a_front_over_instructions_and_no_latency() -> None:
    whole = overview(*hard())
    [emulated] = [one for one in whole.front.groups if one.origin == "emulated"]
    assert emulated.objective == "instructions"
    [point] = emulated.points
    assert (point.status, point.latency_s, point.x) == ("front", None, 120_465_190.0)
    [exhibit] = [one for one in whole.exhibits if one.origin == "emulated"]
    assert isinstance(exhibit.figures, Tally)
    assert exhibit.steps == ()
    assert {one.objective for one in whole.front.universality} == {"latency", "instructions"}


def test_a_step_is_an_invocation_as_it_came_about() -> None:
    made = warm(2, 0.002, tainted=("steal",))
    [exhibit] = overview(report(measurement(invocations=(made,)))).exhibits
    [step] = exhibit.steps
    assert isinstance(exhibit.figures, Summary)
    assert step.latency_s == exhibit.figures.latency_s
    assert (step.round, step.at, step.samples) == (2, made.started_at, 60)
    assert (step.temperature_before_c, step.temperature_after_c) == (33.0, 34.5)
    assert (step.frequency_hz, step.tainted) == (2.1e9, ("steal",))
    assert step.warmup_s == made.warmup_s
    assert len(step.timed_s) == 24
    [bare] = overview(report(measurement(invocations=(made,))), stretches=False).exhibits
    assert (bare.steps[0].warmup_s, bare.steps[0].timed_s) == ((), ())


def test_a_failure_is_an_exhibit_with_its_sentence() -> None:
    [failed] = [one for one in overview(*hard()).exhibits if one.figures is None]
    assert (failed.label, failed.failure) == ("fastvit-s12", "no room <left>")


def test_a_history_stands_where_something_was_measured_twice() -> None:
    assert overview(*hard()).history is None
    found = overview(*changing()).history
    assert found is not None
    assert [len(one.changes) for one in found.series] == [1]


def test_parts_of_several_processes_merge_to_the_same() -> None:
    reports = [*hard(), *changing()]
    parts = [Material(), Material()]
    for place, one in enumerate(reports):
        parts[place % 2].add(one)
    whole = Material()
    for part in parts:
        whole.merge(part)
    found, alone = whole.overview(lambda _: accuracy()), overview(*reports)
    assert found.front == alone.front
    assert found.exhibits == alone.exhibits
    assert found.history == alone.history


def test_what_one_process_hands_to_another_is_the_same() -> None:
    material = Material()
    for one in (*hard(), *changing()):
        material.add(one)
    handed = pickle.loads(pickle.dumps(material))
    assert handed.overview(lambda _: accuracy()) == material.overview(lambda _: accuracy())


def test_limits_are_asked_of_latencies_alone() -> None:
    limits = Limits(max_latency_s=0.005)
    material = Material()
    for one in hard():
        material.add(one)
    found = material.overview(lambda _: accuracy(), limits=limits).front
    assert found.limits == limits
    picks = {one.objective: one.certainty.picks for one in found.groups if one.certainty}
    assert picks["latency"]
    assert picks["instructions"] == ()


def test_no_report_is_an_empty_overview() -> None:
    whole = Material().overview(lambda _: None)
    assert (whole.front.groups, whole.exhibits, whole.history) == ((), (), None)


@given(
    st.lists(st.floats(1e-6, 1.0), max_size=200),
    st.integers(min_value=1, max_value=40),
)
def test_stretches_are_few_and_within_what_they_stand_for(values: list[float], most: int) -> None:
    found = gathered(values, most)
    assert len(found) == min(most, len(values))
    if values:
        assert min(values) <= min(found) <= max(found) <= max(values)


def test_stretches_keep_the_order() -> None:
    assert gathered([1.0, 1.0, 5.0, 5.0, 2.0, 2.0], 3) == pytest.approx((1.0, 5.0, 2.0))

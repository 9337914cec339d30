"""Comparing stored sessions: verdicts, what takes one away, and what is not said."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis import comparing, matching
from mnv4bench.over_time import Compared, KeyChange
from mnv4bench.records import UNREADABLE, Evaluation, Report
from tests.over_time import nights, taint, with_measurements
from tests.sample_reports import ENVIRONMENT, FULL, PROFILE, artifact, evaluation

OTHER_FILE = artifact(sha256="b" * 64)


def sessions(reports: Sequence[Report]) -> matching.Sessions:
    gathered = matching.Sessions()
    for one in reports:
        gathered.add(one)
    return gathered


def compared(
    a: Sequence[Report],
    b: Sequence[Report],
    *evaluations: Evaluation,
    across: Sequence[str] = (),
) -> Compared:
    pairs, _ = matching.match(sessions(a), sessions(b), frozenset(across))
    [pair] = pairs
    known: dict[str, list[Evaluation]] = {}
    for one in evaluations:
        known.setdefault(one.artifact.sha256, []).append(one)
    return comparing.judge(pair, known)


def one(level: float, first: int = 0, **changes: object) -> list[Report]:
    return nights([level], first=first, sd=0.0, **changes)


def several(level: float, first: int = 0, sd: float = 0.01) -> list[Report]:
    return nights([level] * 8, first=first, sd=sd)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.2, "slower"), (0.8, "faster"), (1.0, "same"), (1.01, "same"), (1.03, "inconclusive")],
)
def test_verdicts_of_one_session_each(factor: float, verdict: str) -> None:
    found = compared(one(0.002), one(0.002 * factor, 1))
    assert (found.verdict, found.rests_on) == (verdict, "invocations")
    assert found.low < found.ratio < found.high
    assert found.ratio == pytest.approx(factor, rel=0.01)
    assert (found.a.values, found.b.values) == (6, 6)
    assert found.confidence >= 0.95


@pytest.mark.parametrize(("factor", "verdict"), [(1.06, "slower"), (0.9, "faster"), (1.0, "same")])
def test_verdicts_of_several_sessions(factor: float, verdict: str) -> None:
    found = compared(several(0.002), several(0.002 * factor, 8))
    assert (found.verdict, found.rests_on) == (verdict, "sessions")
    assert (found.a.values, len(found.a.reports)) == (8, 8)


def test_sessions_that_differ_widen_the_interval() -> None:
    quiet = compared(several(0.002, sd=0.005), several(0.0021, 8, sd=0.005))
    restless = compared(several(0.002, sd=0.05), several(0.0021, 8, sd=0.05))
    assert quiet.verdict == "slower"
    assert restless.verdict == "inconclusive"
    assert restless.high - restless.low > 3 * (quiet.high - quiet.low)


def test_what_the_interval_does_not_hold_is_said() -> None:
    single = comparing.notes([compared(one(0.002), one(0.002, 1))])
    assert "one session each" in single[0]
    assert "nothing of what sessions differ by" in single[0]
    assert (
        "not measured in turns" in comparing.notes([compared(several(0.002), several(0.002, 8))])[0]
    )


def test_few_invocations_are_inconclusive() -> None:
    three = [
        with_measurements(r, invocations=r.measurements[0].invocations[:3]) for r in one(0.004, 1)
    ]
    found = compared([replace(r) for r in one(0.002)], three)
    assert found.confidence == pytest.approx(1 - 4 / 84)  # 6 and 3 do reach 95 %
    fewer = [
        with_measurements(r, invocations=r.measurements[0].invocations[:1]) for r in one(0.004, 1)
    ]
    found = compared(one(0.002), fewer)
    assert found.verdict == "inconclusive"
    assert "too few values" in found.reason


def test_one_and_the_same_measurement_is_nothing_to_compare() -> None:
    found = compared(one(0.002), one(0.002))
    assert (found.verdict, found.ratio) == ("not comparable", None)
    assert "same measurement" in found.reason
    # a new session that also lies in the folder of the old ones counts once, for B
    old, new = one(0.002), one(0.003, 1)
    assert compared(old + new, new).verdict == "slower"


@pytest.mark.parametrize("verdict", ["unproven", "none"])
def test_a_head_whose_placement_is_not_proven_is_not_comparable(verdict: str) -> None:
    placement = replace(FULL, verdict=verdict)
    head = [with_measurements(r, placement=placement) for r in one(0.001, 1)]
    found = compared(one(0.002), head)
    assert found.verdict == "not comparable"
    assert f"B's placement is {verdict}" in found.reason
    assert "A's placement" in compared(head, one(0.002)).reason


def test_a_faster_head_that_lost_its_delegate_is_not_faster() -> None:
    partial = replace(FULL, verdict="partial")
    found = compared(one(0.002), [with_measurements(r, placement=partial) for r in one(0.001, 1)])
    assert found.verdict == "not comparable"
    assert "placement went from full to partial" in found.reason
    slower = compared(one(0.002), [with_measurements(r, placement=partial) for r in one(0.003, 1)])
    assert slower.verdict == "slower"
    assert "from full to partial" in slower.reason
    regained = compared(
        [with_measurements(r, placement=partial) for r in one(0.002)], one(0.001, 1)
    )
    assert regained.verdict == "faster"


def ranks(right: int, count: int = 1000) -> list[int]:
    return [0] * right + [9] * (count - right)


def of_file(file: object, right: int, **changes: object) -> Evaluation:
    return replace(evaluation(*ranks(right)), artifact=file, **changes)


def test_a_faster_head_that_lost_its_accuracy_is_not_faster() -> None:
    head = [with_measurements(r, artifact=OTHER_FILE) for r in one(0.001, 1)]
    lost = compared(one(0.002), head, of_file(artifact(), 800), of_file(OTHER_FILE, 700))
    assert lost.verdict == "not comparable"
    assert "less accurate" in lost.reason
    assert lost.accuracy.difference == pytest.approx(-10)
    assert (lost.a.top1, lost.b.top1) == (80, 70)
    kept = compared(one(0.002), head, of_file(artifact(), 800), of_file(OTHER_FILE, 799))
    assert kept.verdict == "faster"
    assert kept.accuracy.low < 0 < kept.accuracy.high
    gained = compared(one(0.002), head, of_file(artifact(), 700), of_file(OTHER_FILE, 800))
    assert gained.verdict == "faster"
    assert "more accurate" in gained.reason


def test_accuracies_of_other_images_are_not_compared() -> None:
    head = [with_measurements(r, artifact=OTHER_FILE) for r in one(0.001, 1)]
    elsewhere = replace(evaluation().dataset, sha256="e" * 64, count=1000)
    found = compared(
        one(0.002), head, of_file(artifact(), 900), of_file(OTHER_FILE, 100, dataset=elsewhere)
    )
    assert found.verdict == "faster"
    assert found.accuracy is None
    assert "not measured on the same images" in found.reason
    assert (found.a.top1, found.b.top1) == (90, 10)
    unreadable = replace(of_file(OTHER_FILE, 0), ranks=(*[UNREADABLE] * 999, 0))
    none_readable = replace(of_file(artifact(), 0), ranks=(*[0] * 999, UNREADABLE))
    assert compared(one(0.002), head, none_readable, unreadable).accuracy is None


def test_tainted_sessions_are_left_out_and_nothing_else_is_not_comparable() -> None:
    found = compared([*one(0.002), *map(taint, one(0.009, 1))], one(0.002, 2))
    assert (found.verdict, found.a.reports) == ("same", ("night-0000",))
    only = compared(list(map(taint, one(0.002))), one(0.002, 2))
    assert only.verdict == "not comparable"
    assert only.reason == "A is tainted: steal 0.12, in 6 of 6 invocations"
    assert only.a.tainted != ()


def test_keys_that_differ_are_named() -> None:
    newer = replace(ENVIRONMENT, runtime_version="2.4.0", unit="abcd")
    found = compared(one(0.002), one(0.002, 1, environment=newer))
    assert set(found.differing) == {
        KeyChange(key="runtime_version", before="2.3.0", after="2.4.0"),
        KeyChange(key="unit", before=None, after="abcd"),
    }


def test_an_environment_that_both_sides_have_is_compared_before_newer_ones() -> None:
    newer = replace(ENVIRONMENT, runtime_version="2.4.0")
    a = one(0.002) + one(0.009, 1, environment=newer)
    found = compared(a, one(0.002, 2))
    assert (found.verdict, found.differing) == ("same", ())


def test_devices_are_matched_first_and_another_device_is_a_differing_key() -> None:
    other = replace(PROFILE, device="host-ort-cpu")
    both = one(0.002) + one(0.009, 1, profile=other)
    pairs, alone = matching.match(sessions(both), sessions(one(0.002, 2)), frozenset())
    assert [pair.b[0].device for pair in pairs] == ["host-cpu"]
    assert [said.reason.split(",")[0] for said in alone] == ["A alone has it on host-ort-cpu"]
    found = compared(one(0.002), one(0.002, 1, profile=other))
    assert (
        KeyChange(key="profile.device", before="host-cpu", after="host-ort-cpu") in found.differing
    )


def test_precisions_are_compared_on_request_alone() -> None:
    int8 = [
        with_measurements(r, artifact=replace(OTHER_FILE, precision="int8"))
        for r in one(0.001, 1, profile=replace(PROFILE, precision="int8"))
    ]
    assert matching.match(sessions(one(0.002)), sessions(int8), frozenset())[0] == []
    found = compared(one(0.002), int8, across=("profile.precision",))
    assert found.verdict == "faster"
    assert found.differing[0].key == "profile.precision"


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5, 2), st.floats(0.01, 100))
def test_ratios_turn_round_and_do_not_depend_on_the_unit(factor: float, unit: float) -> None:
    there = compared(one(0.002), one(0.002 * factor, 1))
    back = compared(one(0.002 * factor, 1), one(0.002))
    assert back.ratio == pytest.approx(1 / there.ratio)
    turned = {"slower": "faster", "faster": "slower"}
    assert back.verdict == turned.get(there.verdict, there.verdict)
    scaled = compared(one(0.002 * unit), one(0.002 * factor * unit, 1))
    assert scaled.ratio == pytest.approx(there.ratio)

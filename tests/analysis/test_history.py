"""Histories: what belongs to one series, what counts, and what starts a new segment."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis.history import Timeline
from mnv4bench.over_time import History, KeyChange
from mnv4bench.records import Report, Weights
from tests.over_time import commit, night, nights, taint, with_measurements
from tests.sample_reports import ENVIRONMENT, FULL, PROFILE, artifact, measurement

STEP = [0.002] * 20 + [0.0022] * 12


def history(reports: list[Report], **options: float) -> History:
    timeline = Timeline()
    for one in reports:
        timeline.add(one)
    return timeline.history(**options)


def test_a_change_has_its_commits_dates_size_and_certainty() -> None:
    [series] = history(nights(STEP)).series
    [change] = series.changes
    assert (change.at, change.report, change.commit) == (night(20), "night-0020", commit(20))
    assert (change.at_before, change.commit_before) == (night(19), commit(19))
    assert change.direction == "slower"
    assert change.ratio == pytest.approx(1.1, abs=0.01)
    assert 1.08 < change.ratio_low < change.ratio < change.ratio_high < 1.12
    assert change.confidence >= 0.95
    assert 0.999 <= change.certainty < 1
    assert change.certainty == 1 - change.p_value
    before, after = series.segments
    assert [one.began for one in series.segments] == ["first", "change"]
    assert (before.measurements, after.measurements) == (20, 12)
    assert (after.start, after.first, after.commit) == (change.at, change.report, change.commit)
    assert before.low_s < before.latency_s == change.before_s < before.high_s
    assert after.latency_s == change.after_s
    assert len(series.moments) == 32


def test_what_changed_with_it_is_said() -> None:
    reports = nights(STEP)
    other = [
        with_measurements(
            one, artifact=artifact(sha256="f" * 64), placement=replace(FULL, verdict="partial")
        )
        for one in reports[20:]
    ]
    [series] = history(reports[:20] + other).series
    [change] = series.changes
    assert {one.key: (one.before, one.after) for one in change.along} == {
        "artifact": (artifact().sha256[:12], "f" * 12),
        "placement": ("full", "partial"),
    }


def test_another_environment_starts_a_segment_and_is_no_change() -> None:
    newer = replace(ENVIRONMENT, runtime_version="2.4.0", os_name="Linux")
    reports = nights([0.002] * 15) + nights([0.004] * 15, first=15, environment=newer)
    found = history(reports)
    [series] = found.series
    assert series.changes == ()
    first, second = series.segments
    assert second.began == "environment"
    assert set(second.changed) == {
        KeyChange(key="os_name", before=None, after="Linux"),
        KeyChange(key="runtime_version", before="2.3.0", after="2.4.0"),
    }
    assert first.environment != second.environment
    assert series.machine == "Test CPU, LiteRT 2.4.0, 1 thread"
    assert found.judged == 2


def test_a_constant_in_every_environment_changes_nothing() -> None:
    plain = history(nights(STEP))
    added = history(nights(STEP, environment=replace(ENVIRONMENT, build="one/and/the/same")))
    [one], [other] = plain.series, added.series
    assert one.changes == other.changes
    strip = {"environment": ""}
    assert [replace(s, **strip) for s in one.segments] == [
        replace(s, **strip) for s in other.segments
    ]


def test_keys_that_need_not_match_start_nothing() -> None:
    other = replace(ENVIRONMENT, os_version="6.9", tool_version="9", python_version="3.13")
    [series] = history(
        nights([0.002] * 10) + nights([0.002] * 10, first=10, environment=other)
    ).series
    assert len(series.segments) == 1


def test_machines_that_take_turns_have_a_series_each() -> None:
    units = [replace(ENVIRONMENT, unit=name) for name in ("aaaa", "bbbb")]
    reports = [
        one
        for number in range(24)
        for one in nights([0.002 * (1 + number % 2)], first=number, environment=units[number % 2])
    ]
    found = history(reports).series
    assert [one.apart for one in found] == ["unit aaaa", "unit bbbb"]
    assert all(len(one.segments) == 1 and not one.changes for one in found)


def test_a_machine_that_was_replaced_is_a_segment() -> None:
    newer = replace(ENVIRONMENT, cpu_model="Other CPU")
    [series] = history(nights([0.002] * 8) + nights([0.001] * 8, first=8, environment=newer)).series
    assert [one.began for one in series.segments] == ["first", "environment"]
    assert series.segments[1].changed == (
        KeyChange(key="cpu_model", before="Test CPU", after="Other CPU"),
    )


def test_a_version_that_is_taken_back_is_a_segment_and_a_matrix_of_versions_is_series() -> None:
    newer = replace(ENVIRONMENT, runtime_version="2.4.0")
    back = nights([0.002] * 5) + nights([0.002] * 5, first=5, environment=newer)
    back += nights([0.002] * 5, first=10)
    [series] = history(back).series
    assert [one.began for one in series.segments] == ["first", "environment", "environment"]
    matrix = [
        one
        for number in range(8)
        for one in nights([0.002], first=number, environment=(ENVIRONMENT, newer)[number % 2])
    ]
    assert [one.apart for one in history(matrix).series] == [
        "runtime_version 2.3.0",
        "runtime_version 2.4.0",
    ]


def test_tainted_and_unproven_are_shown_and_not_used() -> None:
    reports = nights(STEP)
    spoiled = [taint(one) if number % 5 == 2 else one for number, one in enumerate(reports)]
    unproven = replace(FULL, verdict="unproven")
    spoiled[3] = with_measurements(spoiled[3], placement=unproven)
    spoiled[4] = with_measurements(spoiled[4], placement=None)
    spoiled[5] = with_measurements(spoiled[5], placement=replace(FULL, verdict="none"))
    [series] = history(spoiled).series
    assert len(series.moments) == 32
    reasons = {one.report: one.unused for one in series.moments if one.unused}
    assert reasons["night-0002"] == "tainted: steal 0.12, in 6 of 6 invocations"
    assert reasons["night-0003"] == reasons["night-0004"] == "placement unproven"
    assert reasons["night-0005"] == "placement none"
    assert sum(one.measurements for one in series.segments) == 32 - len(reasons)
    assert len(series.changes) == 1


def test_nothing_but_tainted_measurements_has_no_level() -> None:
    found = history([taint(one) for one in nights(STEP)])
    [series] = found.series
    assert (series.segments, series.changes, len(series.moments)) == ((), (), 32)
    assert found.judged == 0


def test_origins_precisions_devices_weights_and_sizes_never_mix() -> None:
    base = nights([0.002] * 3)
    others = [
        [with_measurements(one, origin="emulated") for one in base],
        [with_measurements(one, artifact=artifact(precision="int8")) for one in base],
        [with_measurements(one, artifact=artifact(input_shape=(1, 256, 256, 3))) for one in base],
        [
            with_measurements(one, artifact=artifact(weights=Weights(kind="timm", detail="a_tag")))
            for one in base
        ],
        [replace(one, profile=replace(PROFILE, device="pixel6-cpu")) for one in base],
    ]
    found = history(base + [one for several in others for one in several]).series
    assert len(found) == 6
    assert all(len(one.moments) == 3 for one in found)


def test_threads_are_a_key_like_any_other() -> None:
    two = replace(PROFILE, threads=2)
    [series] = history(nights([0.002] * 5) + nights([0.001] * 5, first=5, profile=two)).series
    assert series.segments[1].changed == (KeyChange(key="profile.threads", before=1, after=2),)
    assert series.threads == 2


def test_files_of_one_name_in_one_report_have_a_series_each() -> None:
    def both(one: Report) -> Report:
        [first] = one.measurements
        return replace(
            one, measurements=(first, replace(first, artifact=artifact(sha256="b" * 64)))
        )

    found = history([both(one) for one in nights([0.002] * 4)]).series
    assert sorted(one.apart for one in found) == sorted([artifact().sha256[:8], "b" * 8])


def test_the_same_report_twice_counts_once_and_is_said() -> None:
    reports = nights(STEP)
    once, twice = history(reports), history([*reports, reports[7], reports[7]])
    assert twice.series == once.series
    [said] = twice.skipped
    assert (said.path, said.reason) == ("night-0007", "read more than once; it counts once")


def test_one_report_is_a_series_of_one() -> None:
    [series] = history(nights([0.002])).series
    [segment] = series.segments
    assert (segment.measurements, segment.low_s, series.changes) == (1, None, ())


def test_what_failed_is_listed() -> None:
    failed = with_measurements(nights([0.002])[0], invocations=(), failure="no room")
    found = history([failed])
    assert found.series == ()
    assert found.skipped[0].reason == "mnv4-conv-s: no room"


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_files_and_how_they_are_shared_out_do_not_matter(rng: random.Random) -> None:
    reports = nights(STEP, ("mnv4-conv-s", "mnv4-conv-m"))
    reports += nights([0.002] * 6, ("fastvit-t8",), first=32,
                      environment=replace(ENVIRONMENT, sdk=35))  # fmt: skip
    whole = history(reports)
    shuffled = list(reports)
    rng.shuffle(shuffled)
    cut = rng.randrange(len(reports))
    parts = [Timeline(), Timeline()]
    for place, one in enumerate(shuffled):
        parts[place < cut].add(one)
    parts[1].merge(parts[0])
    assert parts[1].history() == whole


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100))
def test_other_latencies_by_one_factor_change_at_the_same_places(factor: float) -> None:
    [one] = history(nights(STEP)).series
    [other] = history(nights([level * factor for level in STEP])).series
    assert [change.at for change in other.changes] == [change.at for change in one.changes]
    assert other.changes[0].ratio == pytest.approx(one.changes[0].ratio)


def test_a_spike_is_no_change_however_high() -> None:
    levels = [0.002] * 40
    for at in (0, 1, 20, 38, 39):
        [series] = history(nights([*levels[:at], 0.5, *levels[at + 1 :]])).series
        assert series.changes == ()
        assert len(series.segments) == 1


def test_what_changed_last_comes_first() -> None:
    reports = (
        nights(STEP, ("a",)) + nights([0.002] * 32, ("b",)) + nights(STEP[:10] + STEP[-20:], ("c",))
    )
    for number, one in enumerate(reports):
        reports[number] = replace(one, report=f"r{number}")
    assert [one.model for one in history(reports).series] == ["a", "c", "b"]


def test_a_measurement_without_placement_is_unproven() -> None:
    bare = replace(nights([0.002])[0], measurements=(measurement(placement=None),))
    [series] = history([bare]).series
    assert series.moments[0].placement == "unproven"

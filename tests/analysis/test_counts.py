"""Counts in figures: exact, or said not to be; and never a latency."""

import msgspec
import pytest
from msgspec.structs import replace

from mnv4bench import codec
from mnv4bench.analysis import counts, pareto, stats
from mnv4bench.analysis.circumstances import circumstances
from mnv4bench.analysis.history import Timeline
from mnv4bench.analysis.matching import Sessions, match
from mnv4bench.records import Counted, Report
from tests.sample_reports import counted, counting_report, measurement, report

REASON = "instructions were counted: a cost, not a latency (mnv4bench show)"


def tally(found: Report):
    return counts.tally(found, found.measurements[0])


def test_two_processes_that_agree_are_exact() -> None:
    one = tally(counting_report(counted(0), counted(1)))
    assert one is not None
    assert one.instructions == one.instructions_low == one.instructions_high == 120_465_190
    assert one.exact
    assert one.tainted == ()
    assert (one.invocations, one.samples) == (2, 6)
    assert one.load_instructions == 2_000_000
    assert one.latency_s is None
    assert one.origin == "emulated"
    assert one.measured_at == "2026-11-24T23:01:00+00:00"


def test_processes_that_differ_taint_it_with_both_numbers() -> None:
    one = tally(counting_report(counted(0, 100, 100), counted(1, 100, 103)))
    assert one is not None
    assert not one.exact
    assert any("do not agree: 100 to 103 instructions" in reason for reason in one.tainted)


def test_one_process_shows_nothing() -> None:
    one = tally(counting_report(counted(0)))
    assert one is not None
    assert any("one process alone" in reason for reason in one.tainted)


def test_inferences_may_differ_where_every_process_has_the_same_ones() -> None:
    one = tally(counting_report(counted(0, 101, 103, 102), counted(1, 101, 103, 102)))
    assert one is not None
    assert one.tainted == ()
    assert not one.exact
    assert (one.instructions_low, one.instructions, one.instructions_high) == (101, 102, 103)


def test_another_answer_to_the_same_input_taints_it() -> None:
    one = tally(counting_report(counted(0), counted(1, outputs_sha256="b" * 64)))
    assert one is not None
    assert any("answered differently" in reason for reason in one.tainted)


def test_what_a_process_says_of_itself_is_kept() -> None:
    said = "other threads executed up to 5 instructions in an inference"
    one = tally(counting_report(counted(0, tainted=(said,)), counted(1, tainted=(said,))))
    assert one is not None
    assert one.tainted == (said,)


def test_loading_that_differs_is_unknown_and_no_taint() -> None:
    one = tally(counting_report(counted(0), counted(1, load_instructions=2_000_001)))
    assert one is not None
    assert one.load_instructions is None
    assert one.tainted == ()


def test_a_measurement_of_latencies_has_no_tally() -> None:
    assert tally(report()) is None


def test_no_reader_of_latencies_takes_a_count_for_one() -> None:
    found = counting_report(counted(0), counted(1))
    [one] = found.measurements
    assert stats.summarise(found, one) is None
    unmeasured = stats.unmeasured(found, one)
    assert unmeasured is not None
    assert unmeasured.counted
    groups, _ = pareto.measured_groups([], lambda _: None, [unmeasured])
    [point] = groups[0].points
    assert (point.status, point.latency_s, point.reason) == ("excluded", None, REASON)
    timeline = Timeline()
    timeline.add(found)
    assert timeline.models() == []
    [skipped] = timeline.history().skipped
    assert REASON in skipped.reason
    sides = Sessions(), Sessions()
    for side in sides:
        side.add(found)
    pairs, alone = match(*sides, frozenset())
    assert pairs == []
    assert all(REASON in one.reason for one in alone)


def test_counts_of_another_emulator_are_in_another_environment() -> None:
    found = counting_report(counted(0), counted(1))
    newer = replace(found.environment, emulator="qemu 10.2 cortex-a76, glibc 2.41, board 0490cda3")
    _, first = circumstances(found.environment, found.profile)
    _, second = circumstances(newer, found.profile)
    assert first != second


def test_a_report_of_counts_goes_through_its_file() -> None:
    found = counting_report(counted(0), counted(1))
    assert codec.decode_report(codec.encode_report(found), "x.json") == found


@pytest.mark.parametrize("wrong", [{"instructions": ()}, {"instructions": (-1,)}])
def test_a_count_of_nothing_is_no_count(wrong: dict) -> None:
    data = msgspec.to_builtins(counted(0)) | wrong
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(data, Counted)


def test_a_report_from_before_there_were_counts_has_none() -> None:
    assert measurement().counts == ()
    data = msgspec.to_builtins(report())
    del data["measurements"][0]["counts"]
    assert msgspec.convert(data, Report, strict=False).measurements[0].counts == ()

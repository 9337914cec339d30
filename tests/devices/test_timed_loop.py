"""The two loops of the protocol, driven by inferences whose cost the test chooses."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import pytest
from msgspec.structs import replace

from mnv4bench.devices import timed_loop
from mnv4bench.devices.timed_loop import (
    RuntimeClock,
    alternating,
    clock_tick_s,
    loop_overhead_s,
    paced,
    timed,
    warm_up,
)
from tests.devices.conftest import TIMING

MS = 1_000_000


class FakeClock:
    """A clock that only inferences and fills move: the loops' logic without real time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0
        monkeypatch.setattr(timed_loop.time, "perf_counter_ns", lambda: self.now)

    def turn(self, costs_ns: Iterator[int], fill_ns: int = 0) -> tuple[Callable, Callable]:
        def advance(by: int) -> None:
            self.now += by

        return (lambda: advance(fill_ns)), (lambda: advance(next(costs_ns)))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    return FakeClock(monkeypatch)


def test_samples_stand_in_measured_order_without_the_filling(clock: FakeClock) -> None:
    turn = clock.turn(iter(range(1, 6)), fill_ns=1000)
    assert timed([turn], min_count=5, min_duration_s=0, max_duration_s=1) == (
        [1, 2, 3, 4, 5],
        False,
    )


def test_inputs_rotate(clock: FakeClock) -> None:
    turns = [clock.turn(repeat(cost)) for cost in (1, 2, 3)]
    samples, _ = timed(turns, min_count=7, min_duration_s=0, max_duration_s=1)
    assert samples == [1, 2, 3, 1, 2, 3, 1]


@pytest.mark.parametrize(
    ("min_count", "min_duration_s", "samples"),
    [(3, 0.010, 10), (30, 0.010, 30), (1, 0.0, 1)],
)
def test_count_and_duration_are_both_reached(clock, min_count, min_duration_s, samples) -> None:
    turn = clock.turn(repeat(MS), fill_ns=5 * MS)
    taken, capped = timed(
        [turn], min_count=min_count, min_duration_s=min_duration_s, max_duration_s=60
    )
    assert (len(taken), capped) == (samples, False)


def test_the_cap_counts_wall_time_and_is_told(clock: FakeClock) -> None:
    turn = clock.turn(repeat(MS), fill_ns=MS)
    assert timed([turn], min_count=100, min_duration_s=0, max_duration_s=0.010) == ([MS] * 5, True)


def test_enough_at_the_very_cap_is_enough(clock: FakeClock) -> None:
    turn = clock.turn(repeat(MS))
    _, capped = timed([turn], min_count=10, min_duration_s=0.010, max_duration_s=0.010)
    assert not capped


WARM = replace(
    TIMING,
    warmup_window_s=0.010,
    warmup_window_count=5,
    warmup_agreement=0.02,
    warmup_cap_s=1.0,
)


def test_warm_up_ends_when_two_windows_agree(clock: FakeClock) -> None:
    # The first inference, a falling window of ten, then steady windows of ten.
    costs = chain([50 * MS], range(3 * MS, 2 * MS, -MS // 10), repeat(MS))
    durations, steady = warm_up([clock.turn(costs)], WARM)
    assert steady
    assert durations[0] == 50 * MS
    assert durations[-20:] == [MS] * 20
    assert len(durations) < 40


def test_the_first_inference_belongs_to_no_window(clock: FakeClock) -> None:
    one_call_fills_a_window = replace(WARM, warmup_window_count=1, warmup_window_s=0.001)
    durations, steady = warm_up([clock.turn(chain([50 * MS], repeat(MS)))], one_call_fills_a_window)
    assert (durations, steady) == ([50 * MS, MS, MS], True)


def test_a_window_needs_its_duration_and_its_count(clock: FakeClock) -> None:
    by_count, _ = warm_up([clock.turn(repeat(20 * MS))], WARM)
    assert len(by_count) == 1 + 2 * 5
    by_duration, _ = warm_up([clock.turn(repeat(MS))], WARM)
    assert len(by_duration) == 1 + 2 * 10


def test_what_never_agrees_stops_at_the_cap(clock: FakeClock) -> None:
    rising = (round(MS * 1.01**i) for i in range(10_000))
    durations, steady = warm_up([clock.turn(rising)], WARM)
    assert not steady
    assert sum(durations[:-1]) < 1000 * MS <= sum(durations)


def test_the_loop_s_own_cost_is_at_least_its_two_clock_reads(monkeypatch) -> None:
    reads = iter(range(0, 10**9, 100))  # a clock whose every read costs 100 ns
    monkeypatch.setattr(timed_loop.time, "perf_counter_ns", lambda: next(reads))
    assert loop_overhead_s() == pytest.approx(200e-9, rel=0.01)


def test_a_clock_that_stands_still_between_reads_is_coarse(monkeypatch) -> None:
    reads = iter(i // 4 * 100 for i in range(10**6))  # 100 ns steps, four reads in each
    monkeypatch.setattr(timed_loop.time, "perf_counter_ns", lambda: next(reads))
    assert clock_tick_s() == pytest.approx(100e-9)


def test_a_clock_that_always_moves_is_fine_enough(monkeypatch) -> None:
    reads = iter(range(0, 10**9, 55))
    monkeypatch.setattr(timed_loop.time, "perf_counter_ns", lambda: next(reads))
    assert clock_tick_s() == 0


def test_a_clock_that_never_moves_is_as_coarse_as_can_be(monkeypatch) -> None:
    monkeypatch.setattr(timed_loop.time, "perf_counter_ns", lambda: 7)
    assert clock_tick_s() == 1.0


def test_real_sleeps_are_timed_as_they_are() -> None:
    turn = (lambda: None, lambda: time.sleep(0.002))
    samples, capped = timed([turn], min_count=5, min_duration_s=0, max_duration_s=60)
    assert not capped
    assert all(ns >= 2 * MS * 0.9 for ns in samples)


def test_blocks_alternate(clock: FakeClock) -> None:
    seen: list[str] = []

    def side(name: str, cost_ns: int) -> tuple[Callable, Callable]:
        fill, infer = clock.turn(repeat(cost_ns))
        return fill, lambda: (seen.append(name), infer())

    base, head, capped = alternating(
        [side("b", 2 * MS)],
        [side("h", 3 * MS)],
        block=2,
        min_count=7,
        min_duration_s=0.0,
        max_duration_s=1.0,
    )
    assert "".join(seen) == "bbhh" * 4
    assert base == [[2 * MS] * 2] * 4
    assert head == [[3 * MS] * 2] * 4
    assert not capped


def test_both_sides_reach_the_duration_or_the_cap(clock: FakeClock) -> None:
    short, long = clock.turn(repeat(MS)), clock.turn(repeat(10 * MS))
    base, head, capped = alternating(
        [short], [long], block=1, min_count=1, min_duration_s=0.01, max_duration_s=10.0
    )
    assert (len(base), len(head), capped) == (10, 10, False)
    base, head, capped = alternating(
        [short], [long], block=1, min_count=1000, min_duration_s=0.0, max_duration_s=0.1
    )
    assert len(base) == len(head) < 20
    assert capped


# --- a runtime's own clock, and a beat ------------------------------------------------------------


def spoken(clock: RuntimeClock, costs_ns: list[int]) -> tuple[Callable, Callable]:
    """A turn of a runtime that says how long it took, and takes this machine longer."""
    said = iter(costs_ns)
    return (lambda: None), (lambda: clock.said(next(said)))


def test_a_runtimes_own_durations_are_the_samples(clock: FakeClock) -> None:
    own = RuntimeClock()
    turn = spoken(own, [700, 500, 600, 600])
    assert timed([turn], min_count=3, min_duration_s=0, max_duration_s=1, clock=own) == (
        [700, 500, 600],
        False,
    )


def test_caps_are_this_machines_time(clock: FakeClock) -> None:
    """A trip to a phone takes seconds, its inference a millisecond."""
    own = RuntimeClock()
    there, _ = clock.turn(repeat(0), fill_ns=2_000 * MS)
    turn = (there, lambda: own.said(MS))
    samples, capped = timed([turn], min_count=10**6, min_duration_s=0, max_duration_s=10, clock=own)
    assert (samples, capped) == ([MS] * 5, True)
    durations, steady = warm_up(
        [turn], replace(TIMING, warmup_window_s=1.0, warmup_cap_s=10), clock=own
    )
    assert (len(durations), steady) == (5, False)


def test_an_inference_that_says_nothing_is_timed_here(clock: FakeClock) -> None:
    turn = clock.turn(repeat(7))
    samples, _ = timed(
        [turn], min_count=2, min_duration_s=0, max_duration_s=1, clock=RuntimeClock()
    )
    assert samples == [7, 7]


def test_inferences_begin_at_a_beat(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []

    def slept(seconds: float) -> None:
        clock.now += round(seconds * 1e9)

    monkeypatch.setattr(timed_loop.time, "sleep", slept)
    fill, infer = clock.turn(chain([MS, 25 * MS], repeat(2 * MS)))

    def noted() -> None:
        starts.append(clock.now // MS)
        infer()

    samples = paced([(fill, noted)], count=5, period_s=0.010)
    assert samples == [MS, 25 * MS, 2 * MS, 2 * MS, 2 * MS]
    assert starts == [0, 10, 40, 50, 60]  # 20 and 30 went by during the long one

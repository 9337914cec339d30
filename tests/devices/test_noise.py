"""Taint is a pure function of the evidence: each rule on both sides of its limit."""

import pytest
from msgspec.structs import replace

from mnv4bench.devices import noise
from mnv4bench.devices.noise import Reading, between, taints
from mnv4bench.records import Noise

CLEAN = Noise(
    wall_s=1.0,
    cpu_s=0.99,
    involuntary_switches=3,
    steal_s=0.0,
    pressure_s=0.001,
    frequency_before_hz=3.0e9,
    frequency_after_hz=2.95e9,
    temperature_before_c=50.0,
    temperature_after_c=60.0,
)


def reasons(evidence: Noise = CLEAN, **changes: object) -> tuple[str, ...]:
    facts = {
        "latencies_s": (0.001, 0.001, 0.0012),
        "warmup_steady": True,
        "capped": False,
        "clock_tick_s": 0.0,
    }
    return taints(evidence, **{**facts, **changes})


def test_a_quiet_interval_is_clean() -> None:
    assert reasons() == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cpu_s": 0.877}, "waited for a processor 12.3 % of the time (limit 10 %)"),
        (
            {"involuntary_switches": 51},
            "was taken off its processor 51 times a second (limit 50)",
        ),
        ({"steal_s": 0.08}, "the hypervisor took 8 % of a processor's time (limit 5 %)"),
        ({"pressure_s": 0.5}, "some program waited for a processor 50 % of the time (limit 10 %)"),
        (
            {"frequency_after_hz": 2.4e9},
            "the processor's frequency fell by 20 % (limit 10 %)",
        ),
    ],
)
def test_one_disturbance_is_one_sentence_with_reading_and_limit(change, reason) -> None:
    assert reasons(replace(CLEAN, **change)) == (reason,)


@pytest.mark.parametrize(
    "change",
    [
        {"cpu_s": 0.91},
        {"involuntary_switches": 50},
        {"steal_s": 0.05},
        {"pressure_s": 0.10},
        {"frequency_after_hz": 2.75e9},
        {"frequency_after_hz": 3.5e9},  # a rise is no throttling
        {"cpu_s": 1.9},  # two threads
    ],
)
def test_at_the_limit_is_still_clean(change) -> None:
    assert reasons(replace(CLEAN, **change)) == ()


def test_shares_are_of_the_interval_not_of_a_second() -> None:
    long = replace(CLEAN, wall_s=10.0, cpu_s=9.9, pressure_s=0.5, involuntary_switches=400)
    assert reasons(long) == ()


def test_two_ticks_of_steal_in_a_short_interval_mean_nothing() -> None:
    short = replace(CLEAN, wall_s=0.1, cpu_s=0.1)
    assert reasons(replace(short, steal_s=0.02)) == ()
    assert len(reasons(replace(short, steal_s=0.03))) == 1


def test_unknown_evidence_never_taints() -> None:
    assert reasons(Noise(wall_s=1.0), warmup_steady=None, clock_tick_s=None) == ()


@pytest.mark.parametrize("missing", ["frequency_before_hz", "frequency_after_hz"])
def test_half_a_pair_is_unknown(missing: str) -> None:
    assert reasons(replace(CLEAN, **{missing: None})) == ()


def test_the_loops_verdicts_taint() -> None:
    assert "did not become steady" in reasons(warmup_steady=False)[0]
    assert "after 3 inferences in 1 s" in reasons(capped=True)[0]


def test_a_clock_coarser_than_a_thousandth_of_an_inference_taints() -> None:
    assert reasons(clock_tick_s=1e-6) == ()
    assert "the clock's step is 0.2 % of an inference" in reasons(clock_tick_s=2e-6)[0]


def test_an_interval_without_length_has_no_shares() -> None:
    assert reasons(Noise(wall_s=0.0, cpu_s=0.0, involuntary_switches=1, pressure_s=1.0)) == ()


def test_reasons_add_up() -> None:
    bad = replace(CLEAN, cpu_s=0.3, pressure_s=0.9, involuntary_switches=150)
    assert len(reasons(bad, capped=True)) == 4


def reading(**changes: object) -> Reading:
    facts = {
        "wall_s": 100.0,
        "cpu_s": 5.0,
        "involuntary_switches": 7,
        "steal_s": 1.0,
        "pressure_s": 2.0,
        "frequency_hz": 3.0e9,
        "temperature_c": 40.0,
    }
    return Reading(**{**facts, **changes})


def test_evidence_is_the_growth_of_the_counters() -> None:
    after = reading(
        wall_s=101.5, cpu_s=6.0, involuntary_switches=9, steal_s=1.25, frequency_hz=2.0e9
    )
    evidence = between(reading(), after)
    assert evidence == Noise(
        wall_s=1.5,
        cpu_s=1.0,
        involuntary_switches=2,
        steal_s=0.25,
        pressure_s=0.0,
        frequency_before_hz=3.0e9,
        frequency_after_hz=2.0e9,
        temperature_before_c=40.0,
        temperature_after_c=40.0,
    )


@pytest.mark.parametrize("counter", ["involuntary_switches", "steal_s", "pressure_s"])
def test_a_counter_that_was_unreadable_once_is_unknown(counter: str) -> None:
    for before, after in ((None, 3), (3, None)):
        evidence = between(reading(**{counter: before}), reading(wall_s=101, **{counter: after}))
        assert getattr(evidence, counter) is None


def test_a_counter_that_went_backwards_is_no_growth() -> None:
    assert between(reading(steal_s=5.0), reading(wall_s=101, steal_s=4.0)).steal_s == 0


def test_this_machine_s_counters_move_with_work() -> None:
    before = noise.read()
    sum(range(2_000_000))
    evidence = between(before, noise.read())
    assert evidence.wall_s > 0
    assert evidence.cpu_s is not None
    assert evidence.cpu_s > 0


def test_a_process_that_waits_for_an_accelerator_is_not_crowded_out() -> None:
    resting = replace(CLEAN, cpu_s=0.2)
    assert reasons(resting, accelerator="gpu") == ()
    assert len(reasons(resting)) == 1


def test_threads_that_nobody_knows_may_rest() -> None:
    """Core ML's, while another unit works."""
    resting = replace(CLEAN, cpu_s=0.1)
    assert reasons(resting) == ("waited for a processor 90 % of the time (limit 10 %)",)
    assert reasons(resting, threads=None) == ()

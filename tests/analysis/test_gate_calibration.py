"""The gate keeps its word on machines whose noise is known (`tests/gate_simulator.py`).

Small, for every run; `benchmarks/gate_calibration.py` plays tens of thousands. All seeds are fixed.
"""

from math import log

import numpy as np
import pytest

from mnv4bench.analysis import gating
from mnv4bench.analysis.gating import FALSE_ALARM_RATE, MAX_PROCESSES, judge
from mnv4bench.analysis.pairing import Observation, Paired, observe
from tests import gate_simulator, peer_gates
from tests.gate_simulator import MACHINES, clopper_pearson, draw, log_ratios, play

HARD = ("two threads", "modes", "not interleaved")  # the machines that err most


def at_least(hits: int, trials: int) -> float:
    """The rate that so many hits leave no doubt of, at 99.9 %."""
    return clopper_pearson(hits, trials, 0.998)[0]


# --- the simulator ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["drifting", "coarse clock", "not interleaved"])
def test_the_simulator_computes_what_the_product_does(name: str) -> None:
    blocks = draw(MACHINES[name], 1.05, 3, 5, np.random.default_rng(0))
    fast = log_ratios(blocks)
    for gate in range(3):
        for process in range(5):
            order = "base first" if blocks.base_first[gate, process] else "head first"
            base, head = (
                tuple(side[gate, process].tolist()) for side in (blocks.base, blocks.head)
            )
            found = observe(Paired(base, head, order)).log_ratio
            assert fast[gate, process] == pytest.approx(found, abs=1e-12)


def test_the_usual_machine_scatters_as_was_measured() -> None:
    numbers = log_ratios(draw(MACHINES["usual"], 1.0, 200, 10, np.random.default_rng(0)))
    assert numbers.std() == pytest.approx(0.012, rel=0.1)
    assert np.median(numbers) == pytest.approx(0, abs=0.001)


def test_a_planted_slowdown_is_there() -> None:
    numbers = log_ratios(draw(MACHINES["two busy loops"], 1.1, 200, 10, np.random.default_rng(0)))
    assert np.median(numbers) == pytest.approx(log(1.1), abs=0.002)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Closed forms for none and all; the middle one from tables of the beta distribution.
        (0, 10_000, 0.0, 1 - 0.025**1e-4),
        (10, 10, 0.025**0.1, 1.0),
        (5, 100, 0.01643, 0.11283),
    ],
)
def test_exact_bounds(hits: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, trials) == pytest.approx((low, high), rel=1e-3, abs=1e-9)


# --- false alarms -----------------------------------------------------------------------------


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Ten times as many would show: of 1,500 gates 9, and none would be a chance of 1 in 10,000."""
    played = [play(MACHINES[name], 1.0, 500, seed=1) for name in HARD]
    alarms = sum(one.verdicts["slower"] for one in played)
    assert at_least(alarms, 1500) <= FALSE_ALARM_RATE
    assert at_least(9, 1500) > FALSE_ALARM_RATE
    # Of the first measurement alone, which errs often enough to be counted.
    suspected = sum(one.suspected for one in played)
    assert suspected > 0
    assert at_least(suspected, 1500) <= gating.ERROR


def test_a_measurement_that_errs_ten_times_as_often_would_be_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stated = gating.ERROR
    monkeypatch.setattr(gating, "_REFUTED", 1 / (10 * stated))
    monkeypatch.setattr(gating, "ERROR", 10 * stated)
    monkeypatch.setattr(gating, "FEWEST", 2)
    monkeypatch.setattr(gate_simulator, "FEWEST", 2)
    played = [play(MACHINES[name], 1.0, 500, seed=1) for name in HARD]
    assert at_least(sum(one.suspected for one in played), 1500) > stated


def test_twenty_models_alarm_no_more_than_one() -> None:
    found = play(MACHINES["modes"], 1.0, 15, models=20, seed=2)
    assert (found.gates, found.models) == (15, 300)
    assert found.alarmed_gates == 0
    # Uncorrected, about 1 % of 300 models are slower in the first measurement.
    assert found.suspected <= 1


def test_a_fixed_difference_of_order_is_no_slowdown() -> None:
    machine = gate_simulator.Machine(first=0.03)
    found = play(machine, 1.0, 200, seed=3)
    assert found.suspected == 0
    assert found.share("same") > 0.95


# --- power ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "slowdown", "promised"),
    [
        ("usual", 1.03, 0.95),
        ("usual", 1.05, 0.99),
        ("usual", 1.10, 1.0),
        ("one busy loop", 1.03, 0.95),
        ("two busy loops", 1.03, 0.95),
        ("two busy loops", 1.10, 1.0),
        ("two threads", 1.05, 0.99),
        ("outliers", 1.10, 1.0),
    ],
)
def test_slowdowns_are_caught(name: str, slowdown: float, promised: float) -> None:
    found = play(MACHINES[name], slowdown, 150, seed=4)
    assert found.share("slower") >= promised


def test_nothing_changed_is_said_soon() -> None:
    found = play(MACHINES["usual"], 1.0, 200, seed=5)
    assert found.share("same") > 0.98
    assert np.mean(found.processes) < 9
    assert np.percentile(found.processes, 95) <= 12


def test_a_machine_too_noisy_is_inconclusive_and_not_wrong() -> None:
    machine = gate_simulator.Machine(between=0.1)
    found = play(machine, 1.0, 50, seed=6)
    assert found.share("inconclusive") > 0.8
    assert found.verdicts["slower"] == 0


def test_the_interval_covers_where_a_gate_stops() -> None:
    """As often as it says, although the data said when to stop."""
    covered = 0
    numbers = log_ratios(
        draw(MACHINES["modes"], 1.03, 300, MAX_PROCESSES, np.random.default_rng(7))
    )
    for row in numbers.tolist():
        observed = [
            Observation(one, "head first" if n % 2 else "base first", 20, 1.0, 1.0)
            for n, one in enumerate(row)
        ]
        for count in range(gating.FEWEST, MAX_PROCESSES + 1, 2):
            look = judge({"m": observed[:count]})["m"]
            if look.decision != "go on":
                break
        covered += (look.low or 0) <= 1.03 <= (look.high or 9)
    assert 1 - at_least(300 - covered, 300) >= gating.CONFIDENCE


# --- today's rules ----------------------------------------------------------------------------


def test_students_quantiles() -> None:
    # From the tables of the t distribution.
    assert peer_gates.student_quantile(0.975, 3) == pytest.approx(3.182, abs=1e-3)
    assert peer_gates.student_quantile(0.99, 9) == pytest.approx(2.821, abs=1e-3)


def test_mann_whitney_by_hand() -> None:
    # U is 9 of 9: z = (9 - 4.5 - 0.5) / sqrt(9 * 7 / 12) = 1.7457, p = 0.0809.
    p, slower = peer_gates.mann_whitney(np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]]))
    assert p[0] == pytest.approx(0.0809, abs=1e-4)
    assert slower[0]


@pytest.mark.parametrize("name", peer_gates.RULES)
def test_todays_rules_find_what_is_plain_and_let_equals_pass(name: str) -> None:
    rule = peer_gates.RULES[name]
    quiet = MACHINES["quiet"]
    rng = np.random.default_rng(8)
    plain, none = draw(quiet, 1.3, 50, 20, rng), draw(quiet, 1.0, 50, 20, rng)
    assert rule(plain.base, plain.head).all()
    assert rule(plain.head, plain.base).sum() == 0
    assert rule(none.base, none.head).mean() < 0.2
    still = np.ones((2, 20, 20))
    assert not rule(still, still).any()

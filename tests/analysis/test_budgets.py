"""Budgets: the interval that holds at every look, and what is concluded from it."""

import random

import pytest

from mnv4bench.analysis import budgets
from mnv4bench.analysis.budgets import Reading, confirm, finding, interval, judge
from mnv4bench.analysis.gating import ERROR, Rules

WORTH = 1 / ERROR
BUSY = ("waited for a processor 30 % of the time (limit 10 %)",)


def readings(*milliseconds: float) -> list[Reading]:
    return [Reading(value / 1000) for value in milliseconds]


def stands(budget_ms: float, *milliseconds: float, rules: Rules | None = None) -> budgets.Look:
    return judge({"m": budget_ms / 1000}, {"m": readings(*milliseconds)}, rules)["m"]


def test_six_on_one_side_are_an_answer() -> None:
    times = (2.0, 2.1, 2.2, 2.0, 2.3, 2.1)
    assert stands(2.5, *times).decision == "within"
    assert stands(1.9, *times).decision == "over"
    assert stands(2.5, *times[:5]).decision == "go on"
    look = stands(2.15, *times)
    assert look.decision == "go on"
    assert (look.low_s, look.high_s) == (0.002, 0.0023)
    assert look.latency_s == pytest.approx(0.0021)


def test_at_the_limit_of_processes_it_is_inconclusive_with_the_reason() -> None:
    look = stands(2.0, *[1.9, 2.1] * 10, rules=Rules(max_processes=20))
    assert look.decision == "inconclusive"
    assert "holds the budget" in look.reason


def test_disturbed_processes_are_set_aside_and_said() -> None:
    disturbed = [Reading(0.002, BUSY)] * 20
    look = judge({"m": 0.0015}, {"m": disturbed}, Rules(max_processes=20))["m"]
    assert look.decision == "inconclusive"
    assert look.latency_s is None
    assert BUSY[0] in look.reason
    assert (look.processes, look.set_aside) == (0, 20)


def test_what_disturbs_only_adds_so_within_stays_within() -> None:
    disturbed = [*readings(1.9, 2.0), *[Reading(0.0021, BUSY)] * 4]
    look = judge({"m": 0.0025}, {"m": disturbed})["m"]
    assert look.decision == "within"
    assert "4 of 6 processes were disturbed" in look.reason
    assert (look.processes, look.high_s) == (6, 0.0021)


def test_an_alarm_needs_two_measurements() -> None:
    budget, slow = {"m": 0.0019}, readings(2.0, 2.1, 2.2, 2.0, 2.3, 2.1)
    first = judge(budget, {"m": slow})["m"]
    alone = finding("m", 0.0019, first, None)
    assert (alone.verdict, alone.confirmed) == ("inconclusive", False)
    second = confirm(budget, {"m": slow})["m"]
    both = finding("m", 0.0019, first, second)
    assert (both.verdict, both.confirmed) == ("over", True)
    contradicted = confirm(budget, {"m": readings(*[1.0] * 6)})["m"]
    assert finding("m", 0.0019, first, contradicted).verdict == "inconclusive"
    assert "go on" not in finding("m", 0.0019, first, confirm(budget, {"m": slow[:2]})["m"]).reason


def test_several_budgets_are_one_family() -> None:
    """Six values on one side no longer suffice: the error is shared."""
    times = readings(2.0, 2.1, 2.2, 2.0, 2.3, 2.1)
    looks = judge(dict.fromkeys("abc", 0.0025), dict.fromkeys("abc", times))
    assert {look.decision for look in looks.values()} == {"go on"}
    more = [*times, *times]
    looks = judge(dict.fromkeys("abc", 0.0025), dict.fromkeys("abc", more))
    assert {look.decision for look in looks.values()} == {"within"}


@pytest.mark.parametrize("worth", [WORTH, 10 * WORTH])
def test_the_interval_is_wrong_at_any_look_no_more_often_than_it_says(worth: float) -> None:
    """Exact, by all paths of heads and tails up to 40 values: no simulation, no luck."""
    alive = {0: 1.0}  # values below the true median -> the probability of that path, unrefuted
    refuted = 0.0
    for count in range(1, 41):
        grown: dict[int, float] = {}
        for below, chance in alive.items():
            for one in (below, below + 1):
                grown[one] = grown.get(one, 0.0) + chance / 2
        alive = {}
        for below, chance in grown.items():
            values = [-1.0] * below + [1.0] * (count - below)
            low, high = interval(values, worth)
            missed = (low is not None and low > 0) or (high is not None and high < 0)
            if missed:
                refuted += chance
            else:
                alive[below] = chance
    assert 0 < refuted <= 2 / worth


def test_alarms_on_a_skewed_machine_are_as_rare_as_stated() -> None:
    """Other programs only add time, so the noise is lopsided; a side is a side all the same."""
    chance = random.Random(0)
    alarms = 0
    for _ in range(400):
        times: list[float] = []
        decision = "go on"
        while decision == "go on":
            times.append(2.0 + chance.expovariate(1.0))
            # The true median lies on the budget: half of all processes take longer.
            decision = stands(2.0 + 0.6931, *times).decision
        alarms += decision == "over"
    assert alarms <= 400 * ERROR + 3 * (400 * ERROR) ** 0.5

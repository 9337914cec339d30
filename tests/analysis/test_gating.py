"""The gate's decisions: what they must not depend on, what moves them, and what they refuse."""

import random
from itertools import product
from math import exp, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis import gating, symmetry
from mnv4bench.analysis.gating import Look, Rules, judge
from mnv4bench.analysis.pairing import Observation, Order

SCALE = log(1.03)
ratios = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=16)


def orders(count: int) -> list[Order]:
    return ["head first" if n % 2 else "base first" for n in range(count)]


def observations(
    log_ratios: list[float], tainted: tuple[int, ...] = (), reason: str = "two other programs ran"
) -> list[Observation]:
    """One process each, orders balanced, twenty blocks on either side."""
    return [
        Observation(ratio, order, 20, 0.002, 0.002 * exp(ratio), (reason,) * (n in tainted))
        for n, (ratio, order) in enumerate(zip(log_ratios, orders(len(log_ratios)), strict=True))
    ]


def look(log_ratios: list[float], rules: Rules | None = None, **more: tuple[int, ...]) -> Look:
    return judge({"m": observations(log_ratios, **more)}, rules)["m"]


def noise(count: int, spread: float, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [draw.gauss(0.0, spread) for _ in range(count)]


# --- a look -----------------------------------------------------------------------------------


def test_six_processes_decide_where_there_is_no_noise() -> None:
    assert look([0.0] * 5).decision == "go on"
    assert look([0.0] * 6).decision == "same"
    assert look([SCALE] * 6).decision == "slower"
    assert look([-SCALE] * 6).decision == "faster"


def test_no_noise_at_all_is_no_division_by_zero() -> None:
    found = look([0.0] * 6)
    assert (found.ratio, found.p, found.significant, found.relevant) == (1.0, 1.0, False, False)
    assert found.low is not None
    assert found.high is not None
    assert 1 / 1.03 < found.low < 1 < found.high < 1.03


def test_one_process_says_nothing() -> None:
    found = look([0.5])
    assert (found.decision, found.low, found.high, found.p) == ("go on", None, None, 1.0)
    assert found.owed == "head first"


def test_no_process_says_nothing() -> None:
    found = look([])
    assert (found.decision, found.ratio, found.owed) == ("go on", None, None)


def test_usual_noise_decides_within_ten_processes() -> None:
    # 1.2 % is the scatter of processes with alternating blocks.
    for seed in range(20):
        values = noise(10, 0.012, seed)
        assert "same" in {look(values[:n]).decision for n in (6, 8, 10)}, seed
        slower = [value + log(1.05) for value in values]
        assert "slower" in {look(slower[:n]).decision for n in (6, 8, 10)}, seed


def test_a_small_difference_is_significant_and_not_relevant() -> None:
    found = look([log(1.008) + value for value in noise(30, 0.001)])
    assert (found.decision, found.significant, found.relevant) == ("same", True, False)
    assert "smaller than what matters" in found.reason


def test_what_a_person_allows_is_what_is_relevant() -> None:
    values = [log(1.04) + value for value in noise(12, 0.004)]
    assert look(values).decision == "slower"
    assert look(values, Rules(max_slowdown=1.2)).decision == "same"


def test_the_limit_ends_in_inconclusive_with_about_how_many_more() -> None:
    values = noise(30, 0.06)
    found = look(values, Rules(max_processes=30))
    assert found.decision == "inconclusive"
    assert "30 processes scatter too much" in found.reason
    assert found.needs_more is None or found.needs_more % 2 == 0
    assert look(values).decision == "go on"


def test_needs_about_as_many_more_as_it_then_needs() -> None:
    """For the middle one of many: not half of it, and not three times."""
    said, needed = [], []
    for seed in range(40):
        values = noise(120, 0.035, seed)
        found = look(values[:16], Rules(max_processes=16))
        if found.decision != "inconclusive" or found.needs_more is None:
            continue
        said.append(found.needs_more)
        rules = Rules(max_processes=120)
        needed.append(
            next(
                count - 16
                for count in range(18, 121, 2)
                if look(values[:count], rules).decision != "go on"
            )
        )
    assert len(said) > 15
    assert 0.5 < sorted(said)[len(said) // 2] / sorted(needed)[len(needed) // 2] < 3


# --- what it must not depend on ---------------------------------------------------------------


@given(ratios, st.randoms(use_true_random=False))
def test_the_order_of_processes_does_not_matter(values: list[float], draw: random.Random) -> None:
    observed = observations(values)
    shuffled = list(observed)
    draw.shuffle(shuffled)
    one, other = judge({"m": observed})["m"], judge({"m": shuffled})["m"]
    assert one.decision == other.decision
    for a, b in ((one.ratio, other.ratio), (one.low, other.low), (one.p, other.p)):
        assert a == pytest.approx(b)


@given(ratios)
def test_swapping_base_and_head_inverts_the_verdict(values: list[float]) -> None:
    one, other = look(values), look([-value for value in values])
    opposite = {"slower": "faster", "faster": "slower"}
    assert other.decision == opposite.get(one.decision, one.decision)
    assert one.p == other.p
    assert one.ratio is not None
    assert other.ratio == pytest.approx(1 / one.ratio)
    if one.low is None:
        assert other.high is None
    else:
        assert other.high == pytest.approx(1 / one.low)


@given(st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=20), st.floats(0, 0.1))
def test_a_larger_effect_never_looks_smaller(values: list[float], more: float) -> None:
    one, other = look(values), look([value + more for value in values])
    assert one.ratio is not None
    assert other.ratio is not None
    assert other.ratio >= one.ratio * (1 - 1e-12)
    for a, b in ((one.low, other.low), (one.high, other.high)):
        assert a is not None
        assert b is not None
        assert b >= a * (1 - 1e-4)
    standing = {"faster": 0, "same": 1, "go on": 1, "inconclusive": 1, "slower": 2}
    # A slower one stays slower; where 3 % was excluded it may come to be slower, never faster.
    assert standing[other.decision] >= standing[one.decision]


@given(ratios)
def test_the_interval_holds_the_estimate(values: list[float]) -> None:
    found = look(values)
    assert found.ratio is not None
    assert found.low is None or found.low <= found.ratio * (1 + 1e-12)
    assert found.high is None or found.high >= found.ratio * (1 - 1e-12)


@given(st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=20))
def test_the_interval_and_the_decision_agree(values: list[float]) -> None:
    found = look(values)
    assert found.low is not None
    assert found.high is not None
    slack = 1e-4
    if found.decision == "slower":
        assert found.low > 1 - slack
        assert found.ratio is not None
        assert found.ratio >= 1.03**0.5 * (1 - 1e-12)
    if found.decision == "same":
        assert found.low > 1 / 1.03 - slack
        assert found.high < 1.03 + slack


# --- several models ---------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    # Holm 1979: sorted p times 4, 3, 2, 1, never falling.
    found = gating.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


def test_many_models_need_more_evidence_each() -> None:
    observed = observations([SCALE] * 6)
    assert judge({"m": observed})["m"].decision == "slower"
    others = {f"other {n}": observations([0.0] * 6) for n in range(9)}
    found = judge({"m": observed, **others})
    assert found["m"].decision == "go on"
    assert found["other 0"].decision == "same"
    assert judge({"m": observations([SCALE] * 12), **others})["m"].decision == "slower"


def test_an_alarm_makes_room_for_the_next() -> None:
    slow = {f"slow {n}": observations([SCALE] * 10) for n in range(5)}
    assert {one.decision for one in judge(slow).values()} == {"slower"}


# --- disturbed --------------------------------------------------------------------------------


def test_disturbed_processes_are_set_aside() -> None:
    values = [0.0] * 8
    values[2] = values[5] = 0.5
    found = look(values, tainted=(2, 5))
    assert (found.decision, found.processes, found.set_aside) == ("same", 6, 2)
    assert found.blocks == 120


def test_too_few_undisturbed_ones_are_inconclusive_with_the_reason() -> None:
    rules = Rules(max_processes=10)
    found = look([0.0] * 10, rules, tainted=tuple(range(6)))
    assert found.decision == "inconclusive"
    assert "6 of 10 processes were disturbed" in found.reason
    assert "two other programs ran" in found.reason
    found = look([0.0] * 10, rules, tainted=tuple(range(10)))
    assert (found.decision, found.ratio, found.processes) == ("inconclusive", None, 0)
    assert look([0.0] * 9, rules, tainted=tuple(range(9))).decision == "go on"


def test_orders_that_taints_unbalanced_are_owed() -> None:
    values = [0.0] * 10
    found = look(values, tainted=(1, 3))
    assert (found.decision, found.owed) == ("go on", "head first")
    found = look(values, Rules(max_processes=10), tainted=(1, 3))
    assert found.decision == "inconclusive"
    assert "base came first in 5 of 8" in found.reason


def test_wild_processes_do_not_make_a_verdict() -> None:
    wild = [0.0, 3.0, -2.5, 0.01, 4.0, -3.0, 2.0, -0.5, 1.5, -4.0]
    assert look(wild, Rules(max_processes=10)).decision == "inconclusive"


def test_a_single_wild_process_costs_a_few_more() -> None:
    values = [log(1.05) + value for value in noise(16, 0.005)]
    values[3] = -2.0
    assert look(values[:6]).decision == "go on"
    found = look(values)
    assert found.decision == "slower"
    assert found.ratio == pytest.approx(1.05, abs=0.005)


# --- what it promises -------------------------------------------------------------------------


def test_a_bet_against_a_true_middle_is_worth_one_on_average() -> None:
    """Exactly, over all signs of any magnitudes: what makes every look free."""
    magnitudes = [0.001, 0.2, 0.013, 0.0, 0.04, 0.03, 0.007]
    worths = [
        symmetry.evidence([s * m for s, m in zip(signs, magnitudes, strict=True)], 0.0, SCALE)
        for signs in product((-1, 1), repeat=len(magnitudes))
    ]
    for side in (0, 1):
        assert sum(worth[side] for worth in worths) / len(worths) == pytest.approx(1, abs=1e-12)


def test_the_centre_is_the_median_of_pairwise_means() -> None:
    # Pairs of 1, 2, 6 with themselves: 1, 1.5, 2, 3.5, 4, 6.
    assert symmetry.centre([6, 1, 2]) == 2.75


def test_what_a_session_could_have_seen_grows_with_its_noise() -> None:
    found = [gating.detectable(observations(noise(20, s))) for s in (0.0, 0.01, 0.04, 0.08)]
    assert found[0] == 1.03
    assert found[-1] is not None
    assert found == sorted(found)  # type: ignore[type-var]
    assert 1.05 < found[-1] < 1.2
    assert gating.detectable(observations([0.0])) is None


@pytest.mark.parametrize(
    "rules", [Rules(max_slowdown=1.0), Rules(max_slowdown=nan), Rules(max_processes=5)]
)
def test_rules_that_cannot_be_kept_are_refused(rules: Rules) -> None:
    with pytest.raises(ValueError, match="must be"):
        judge({"m": []}, rules)

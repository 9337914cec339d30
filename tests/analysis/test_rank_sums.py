"""Rank sums: exact against counting every ordering, and intervals that cover as they say."""

import random
from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnv4bench.analysis import rank_sums


def mann_whitney(first: list[float], second: list[float]) -> float:
    return sum((b > a) + (a == b) / 2 for a in first for b in second)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (3, 3), (4, 6), (5, 5)])
def test_small_groups_are_counted_exactly(first: int, second: int) -> None:
    places = range(first + second)
    counts = []
    for chosen in combinations(places, first):
        others = [place for place in places if place not in chosen]
        counts.append(mann_whitney(list(chosen), others))
    assert len(counts) == comb(first + second, first)
    for smaller in range(first * second // 2 + 1):
        share = sum(min(one, first * second - one) <= smaller for one in counts) / len(counts)
        assert rank_sums.two_sided(smaller, first, second) >= share - 1e-12
        if smaller < first * second / 2 - 0.5:
            assert rank_sums.two_sided(smaller, first, second) == pytest.approx(share)


def test_the_normal_curve_meets_the_counted_orderings() -> None:
    # 10 is counted, 11 is not: neighbours must nearly agree where it matters, around 1 in 1,000
    counted = rank_sums.two_sided(200, 10, 90)
    curve = rank_sums.two_sided(220, 11, 90)
    assert 0.3 < counted / curve < 3
    # far out the curve is the larger one
    assert rank_sums.two_sided(0, 150, 160) > 2 / comb(310, 150)
    assert rank_sums.two_sided(0, 20, 20) == pytest.approx(2 / comb(40, 20))


def test_deviations_and_back() -> None:
    assert rank_sums.deviations(0.05) == pytest.approx(1.959964, abs=1e-5)
    for p in (0.5, 1e-3, 1e-12, 1e-100):
        assert rank_sums.outside(rank_sums.deviations(p)) == pytest.approx(p, rel=1e-6)
    assert rank_sums.deviations(1.0) == 0
    assert rank_sums.deviations(0.0) > 30


@given(
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30),
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30),
    st.floats(0.1, 10),
)
def test_a_ratio_scales_and_turns_round(
    before: list[float], after: list[float], factor: float
) -> None:
    found = rank_sums.ratio(before, after)
    assert found.low <= found.value <= found.high
    scaled = rank_sums.ratio(before, [one * factor for one in after])
    assert scaled.value == pytest.approx(found.value * factor)
    assert scaled.low == pytest.approx(found.low * factor)
    back = rank_sums.ratio(after, before)
    assert (back.low, back.high) == pytest.approx((1 / found.high, 1 / found.low))


@pytest.mark.parametrize(("first", "second", "reached"), [(1, 1, 0), (3, 3, 0.9), (4, 4, 34 / 35)])
def test_few_values_reach_what_they_can(first: int, second: int, reached: float) -> None:
    found = rank_sums.ratio([1.0] * first, [1.0] * second)
    assert found.confidence == pytest.approx(reached)


@settings(deadline=None)
@given(st.integers(0, 3))
def test_the_interval_covers_the_true_factor_as_often_as_it_says(kind: int) -> None:
    rng = random.Random(kind)
    first, second = [(6, 6), (12, 12), (4, 25), (30, 60)][kind]
    covered, rounds, said = 0, 600, 0.0
    for _ in range(rounds):
        before = [rng.lognormvariate(0, 0.05) for _ in range(first)]
        after = [1.03 * rng.lognormvariate(0, 0.05) for _ in range(second)]
        found = rank_sums.ratio(before, after)
        covered += found.low <= 1.03 <= found.high
        said = found.confidence
    assert said >= 0.95
    # three standard deviations of a binomial under what is said
    assert covered / rounds >= said - 3 * (said * (1 - said) / rounds) ** 0.5

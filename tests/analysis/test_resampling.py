"""The bootstrap's medians against plain resampling, and dominance in columns against its words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnv4bench.analysis.resampling import (
    RIGHT,
    UNREAD,
    WRONG,
    Cloud,
    Drawn,
    _Medians,
    areas,
    judged,
    kept,
    relations,
    winners,
)
from tests.analysis.test_pareto import clouds


def drawn(costs: list[list[float]], top1: list[float] | list[list[float]]) -> Drawn:
    return Drawn(np.array(costs, float), np.array(top1, float))


def resampled(cloud: Cloud, resamples: int = 2000) -> Drawn:
    parts = list(cloud.resampled(resamples, (1,)))
    top1 = parts[0].top1
    if top1.ndim == 2:
        top1 = np.concatenate([part.top1 for part in parts])
    return Drawn(np.concatenate([part.cost for part in parts]), top1)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 12, 17, 40])
def test_medians_are_those_of_drawing_with_replacement(count: int) -> None:
    """The exact distribution against the bootstrap done plainly, by its cumulated shares."""
    values = np.cumsum(np.arange(1.0, count + 1))
    drawings = 40_000
    plain = np.median(np.random.default_rng(5).choice(values, (drawings, count)), axis=1)
    exact = resampled(Cloud.of([tuple(values)], [70.0], [0]), drawings).cost[:, 0]
    for level in np.unique(plain):
        assert (exact <= level).mean() == pytest.approx((plain <= level).mean(), abs=0.015)
    assert _Medians.of(count).upto[-1] == pytest.approx(1.0)


def test_the_median_of_three_by_hand() -> None:
    """Of 27 equally likely draws 7 have the smallest as median, 13 the middle one."""
    assert _Medians.of(3).upto * 27 == pytest.approx([7, 20, 27])


def test_the_median_of_two_by_hand() -> None:
    """Both the first, one of each (twice as likely), both the second."""
    medians = _Medians.of(2)
    pairs = list(zip(medians.lower, medians.upper, strict=True))
    assert pairs == [(0, 0), (0, 1), (1, 1)]
    assert medians.upto == pytest.approx([0.25, 0.75, 1.0])


def test_parts_of_any_size_are_the_same_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud.of([(1.0, 2.0, 3.0), (2.0, 4.0)], [70.0, 60.0], [100, 0])
    whole = resampled(cloud, 50)
    monkeypatch.setattr("mnv4bench.analysis.resampling.CHUNK", 7)
    cut = resampled(cloud, 50)
    assert (whole.cost == cut.cost).all()
    assert (whole.top1 == cut.top1).all()


def test_parts_of_any_size_have_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = [sheet(70, 30), sheet(60, 40), b""]
    cloud = Cloud.of([(1.0,)] * 3, [70.0, 60.0, 50.0], [100, 100, 100], sheets)
    whole = resampled(cloud, 50)
    monkeypatch.setattr("mnv4bench.analysis.resampling.CHUNK", 7)
    assert resampled(cloud, 50).top1 == pytest.approx(whole.top1, rel=1e-5)


def test_a_measured_accuracy_varies_as_its_images_allow() -> None:
    """80 % of 400 images: a standard deviation of 2 points; an accuracy of no images stays."""
    top1 = resampled(Cloud.of([(1.0,), (1.0,)], [80.0, 70.0], [400, 0]), 20_000).top1
    assert top1[:, 0].std() == pytest.approx(2.0, rel=0.03)
    assert top1[:, 0].mean() == pytest.approx(80.0, abs=0.1)
    assert (top1[:, 1] == 70.0).all()


def test_all_images_right_is_no_certainty() -> None:
    top1 = resampled(Cloud.of([(1.0,)], [100.0], [40])).top1
    assert 0 < top1.std() < 2
    assert top1.max() <= 100


def sheet(right: int, wrong: int, unread: int = 0) -> bytes:
    return bytes([RIGHT] * right + [WRONG] * wrong + [UNREAD] * unread)


def test_two_files_on_the_same_images_differ_by_those_of_which_they_differ() -> None:
    """Of 1,000 images 40 and 30 only one had right: the difference has an error of 0.84 points.

    Apart, the files' errors of 1.45 points each would make it 2.05.
    """
    first, second = sheet(700, 300), sheet(660, 40) + sheet(30, 270)
    cloud = Cloud.of([(1.0,), (1.0,)], [70.0, 69.0], [1000, 1000], [first, second])
    top1 = resampled(cloud, 20_000).top1
    expected = 100 * ((40 + 30 - 10**2 / 1000) / 1000**2) ** 0.5
    assert (top1[:, 0] - top1[:, 1]).std() == pytest.approx(expected, rel=0.04)
    assert (top1[:, 0] - top1[:, 1]).mean() == pytest.approx(1.0, abs=0.03)


def test_each_file_alone_has_the_same_posterior_as_without_its_images() -> None:
    """Beta(right + 1/2, wrong + 1/2); an image that could not be read is neither."""
    sheets = [sheet(9, 3, 2), sheet(14, 0), sheet(2, 12)]
    top1 = resampled(Cloud.of([(1.0,)] * 3, [75, 100, 14.3], [12, 14, 14], sheets), 40_000).top1
    for column, (right, wrong) in enumerate([(9, 3), (14, 0), (2, 12)]):
        drawn = 100 * np.random.default_rng(3).beta(right + 0.5, wrong + 0.5, 40_000)
        levels = np.percentile(drawn, [5, 25, 50, 75, 95])
        found = [(top1[:, column] <= level).mean() for level in levels]
        assert found == pytest.approx([0.05, 0.25, 0.5, 0.75, 0.95], abs=0.01)


def test_files_that_never_differed_may_differ_on_other_images() -> None:
    same = sheet(70, 30)
    top1 = resampled(Cloud.of([(1.0,)] * 2, [70.0, 70.0], [100] * 2, [same, same])).top1
    assert 0.1 < (top1[:, 0] - top1[:, 1]).std() < 1.5
    assert (top1[:, 0] > top1[:, 1]).mean() == pytest.approx(0.5, abs=0.05)


def test_sheets_of_different_lengths_are_not_of_the_same_images() -> None:
    cloud = Cloud.of([(1.0,)] * 2, [70.0, 70.0], [10, 20], [sheet(7, 3), sheet(14, 6)])
    assert not len(cloud.paired())
    assert resampled(cloud).top1.shape == (2000, 2)


def by_words(costs: list[float], top1: list[float]) -> list[bool]:
    return [
        not any(
            cost <= own and accuracy >= mine and (cost < own or accuracy > mine)
            for cost, accuracy in zip(costs, top1, strict=True)
        )
        for own, mine in zip(costs, top1, strict=True)
    ]


@settings(deadline=None)
@given(clouds.filter(bool))
def test_membership_in_columns_is_dominance_in_words(pairs: list[tuple[int, int]]) -> None:
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    costs, top1 = [float(cost) for cost, _ in pairs], [float(one) for _, one in pairs]
    expected = by_words(costs, top1)
    fixed = judged(drawn([costs, costs[::-1]], top1))
    assert fixed.member[0].tolist() == expected
    assert fixed.member[1].tolist() == by_words(costs[::-1], top1)
    for index, ratio in enumerate(fixed.ratio[0]):
        rivals = [c for c, a in zip(costs, top1, strict=True) if a >= top1[index]]
        assert ratio == costs[index] / min(rivals)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 99)), min_size=1, max_size=12,
             unique_by=lambda pair: pair[1])
)  # fmt: skip
def test_rows_with_accuracies_of_their_own_are_judged_row_by_row(
    pairs: list[tuple[int, int]],
) -> None:
    costs, top1 = [float(cost) for cost, _ in pairs], [float(one) for _, one in pairs]
    turned = top1[::-1]
    found = judged(drawn([costs, costs], [top1, turned]))
    assert found.member[0].tolist() == by_words(costs, top1)
    assert found.member[1].tolist() == by_words(costs, turned)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(60, 70)),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_who_is_no_contender_is_never_on_the_front_and_changes_nothing(
    models: list[tuple[list[int], int]],
) -> None:
    models.sort(key=lambda model: (-model[1], sorted(model[0])[len(model[0]) // 2]))
    cloud = Cloud.of(
        [tuple(map(float, values)) for values, _ in models],
        [float(top1) for _, top1 in models],
        [0] * len(models),
    )
    left = cloud.contenders()
    every = resampled(cloud, 200)
    member = judged(every).member
    out = np.setdiff1d(np.arange(len(models)), left)
    assert not member[:, out].any()
    alone = Drawn(every.cost[:, left], every.top1[left])
    assert (judged(alone).member == member[:, left]).all()
    assert areas(alone, 40.0, 50.0) == pytest.approx(areas(every, 40.0, 50.0))


def test_the_area_by_hand() -> None:
    """Up to 8 ms and 60 %: 70 % at 2 ms is 10 points over 2 doublings; 75 % at 4 adds 5 over 1."""
    assert areas(drawn([[4, 2]], [75, 70]), 8, 60) == pytest.approx([25.0])
    assert areas(drawn([[4, 2]], [[75, 70]]), 8, 60) == pytest.approx([25.0])


def test_the_area_ignores_what_is_dominated_or_beyond_the_reference() -> None:
    costs, top1 = [[4, 16, 2, 3]], [75, 74, 70, 55]
    assert areas(drawn(costs, top1), 8, 60) == pytest.approx([25.0])
    assert areas(drawn([[16.0]], [75]), 8, 60) == pytest.approx([0.0])


def test_the_area_with_ties() -> None:
    assert areas(drawn([[4, 2, 3]], [75, 70, 70]), 8, 60) == pytest.approx([25.0])


@settings(deadline=None)
@given(clouds.filter(bool), st.floats(1e-6, 1e6))
def test_the_area_does_not_depend_on_the_unit(pairs: list[tuple[int, int]], unit: float) -> None:
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    costs, top1 = np.array([[float(c) for c, _ in pairs]]), np.array([float(a) for _, a in pairs])
    assert areas(Drawn(costs * unit, top1), 20 * unit, 50.0) == pytest.approx(
        areas(Drawn(costs, top1), 20, 50.0), rel=1e-6, abs=1e-6
    )


def test_relations_of_two() -> None:
    first, second = np.array([0]), np.array([1])

    def relation(one: tuple[float, float], other: tuple[float, float]) -> int:
        pair = drawn([[one[0], other[0]]], [one[1], other[1]])
        return int(relations(pair, first, second)[0, 0])

    assert relation((1, 70), (2, 60)) == 1
    assert relation((2, 60), (1, 70)) == -1
    assert relation((1, 60), (2, 70)) == 0
    assert relation((1, 70), (1, 70)) == 0
    assert relation((1, 70), (1, 60)) == 1
    assert relation((1, 70), (2, 70)) == 1


def test_the_best_within_limits() -> None:
    rows = drawn([[4, 2, 1], [6, 2, 1], [6, 7, 8]], [75, 70, 65])
    assert winners(rows, 5, 0, cheapest=False).tolist() == [0, 1, -1]
    assert winners(rows, float("inf"), 70, cheapest=True).tolist() == [1, 1, 0]
    assert kept(rows, 5, 70).tolist() == [
        [True, True, False], [False, True, False], [False, False, False],
    ]  # fmt: skip


def test_of_equally_accurate_models_the_cheaper_wins() -> None:
    assert winners(drawn([[3, 2]], [70, 70]), 5, 0, cheapest=False).tolist() == [1]

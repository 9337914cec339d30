"""How sure a front is: by hand, by simulation, and what is said where nothing is sure."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.front_calibration import asked, crowds, shares
from mnv4bench.analysis.certainty import CONTESTED_SHARE, Reference, with_certainty
from mnv4bench.analysis.pareto import front_of, published_groups
from mnv4bench.analysis.stats import median
from mnv4bench.analysis.universality import across
from mnv4bench.findings import Certainty, Group, Limits, Point
from mnv4bench.models.published import table


def point(model: str, top1: float, *values: float, **changes: object) -> Point:
    made = Point(
        model=model,
        family="F",
        latency_s=median(values),
        low_s=min(values),
        high_s=max(values),
        top1=top1,
        accuracy_source="timm",
        status="front",
        values=values,
    )
    return replace(made, **changes)


def group(*points: Point, **changes: object) -> Group:
    made = Group(
        device="host-cpu",
        precision="fp32",
        origin="measured",
        machine="Test CPU",
        environment="0123456789ab",
        points=front_of(points),
    )
    return replace(made, **changes)


def certainty(found: Group) -> Certainty:
    assert found.certainty is not None
    return found.certainty


def probabilities(found: Group) -> dict[str, float | None]:
    return {one.model: one.front_probability for one in found.points}


CLEAR = (
    point("fast", 70, 1.0, 1.01, 1.02),
    point("slow", 80, 2.0, 2.01, 2.02),
    point("bad", 65, 3.0, 3.01, 3.02),
)


def test_what_is_clear_is_certain() -> None:
    found = with_certainty(group(*CLEAR))
    assert probabilities(found) == {"fast": 1.0, "slow": 1.0, "bad": 0.0}
    assert certainty(found).contested == ()
    assert certainty(found).monte_carlo_error == pytest.approx(0.0112, abs=1e-4)


def test_a_probability_by_hand() -> None:
    """The less accurate model's median is 1 or 3 (each 7 of 27) or 2; the other's is always 1.5.

    So it is on the front when its median is 1: 7 of 27.
    """
    found = with_certainty(group(point("a", 70, 1.5, 1.5, 1.5), point("b", 69, 1.0, 2.0, 3.0)))
    assert probabilities(found) == {"a": 1.0, "b": pytest.approx(7 / 27, abs=0.03)}
    [pair] = certainty(found).contested
    assert (pair.first, pair.second, pair.relation) == ("a", "b", "first")
    assert pair.share == pytest.approx(7 / 27, abs=0.03)
    assert certainty(found).contested_count == 1


def test_a_pair_that_hardly_ever_changes_is_not_contested() -> None:
    """Of nine draws five must be the one fast value: 3 times of 1,000."""
    slow = point("b", 69, 1.0, *(2.0 + i / 100 for i in range(8)))
    found = with_certainty(group(point("a", 70, *[1.5] * 9), slow))
    assert 0 < (probabilities(found)["b"] or 0) < CONTESTED_SHARE
    assert certainty(found).contested == ()


def test_models_that_measured_alike_are_as_likely_on_the_front() -> None:
    """Where both medians fall on the same value they tie, and both are on the front."""
    values = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
    found = with_certainty(group(point("a", 70, *values), point("b", 70, *values)))
    one, other = (share or 0.0 for share in probabilities(found).values())
    assert one == pytest.approx(other, abs=0.04)
    assert 1.0 < one + other < 1.5
    assert certainty(found).contested_count == 1


def test_equal_latencies_throughout_are_a_tie() -> None:
    found = with_certainty(group(point("a", 70, 1.0, 1.0, 1.0), point("b", 70, 1.0, 1.0, 1.0)))
    assert probabilities(found) == {"a": 1.0, "b": 1.0}
    assert [one.status for one in found.points] == ["front", "front"]


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.randoms())
def test_neither_unit_nor_order_matters(unit: float, rng: random.Random) -> None:
    source = random.Random(3)
    points = [
        point(f"m{i}", 70 - i % 4, *(source.uniform(1 + i / 8, 1.5 + i / 8) for _ in range(5)))
        for i in range(9)
    ]
    scaled = [
        point(one.model, one.top1 or 0, *(value * unit for value in one.values)) for one in points
    ]
    rng.shuffle(scaled)
    first = with_certainty(group(*points), resamples=300)
    other = with_certainty(group(*scaled), resamples=300)
    assert probabilities(first) == probabilities(other)
    assert certainty(first).contested == certainty(other).contested
    assert certainty(first).hypervolumes[0].value == pytest.approx(
        certainty(other).hypervolumes[0].value
    )


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    points = (point("a", 70, 1.5, 1.6, 1.7), point("b", 69, 1.0, 1.6, 3.0))
    assert with_certainty(group(*points)) == with_certainty(group(*points))
    other = with_certainty(group(*points), seed=1)
    assert probabilities(with_certainty(group(*points))) != probabilities(other)
    assert certainty(other).seed == 1


@pytest.mark.parametrize("noise", ["normal", "skewed", "two modes"])
def test_a_share_may_be_read_as_a_probability(noise: str) -> None:
    """300 pairs of models of six invocations: those said to be sure are, within what 300 show."""
    share, belongs = shares(noise, 6, 300, seed=4).T
    sure, unlikely = belongs[share > 0.95], belongs[share < 0.05]
    assert len(sure) > 50
    assert len(unlikely) > 50
    assert sure.mean() > 0.95
    assert unlikely.mean() < 0.05
    between = (share >= 0.2) & (share <= 0.8)
    assert belongs[between].mean() == pytest.approx(share[between].mean(), abs=0.15)


def test_a_share_of_files_on_the_same_images_may_be_read_as_a_probability() -> None:
    """Drawn apart they would be less sure than they are: fewer are called sure."""
    together, apart = asked(400, 0.8, 300, seed=5)
    share, belongs = together.T
    sure, unlikely = share > 0.95, share < 0.05
    assert belongs[sure].mean() > 0.95
    assert belongs[unlikely].mean() < 0.05
    between = (share >= 0.2) & (share <= 0.8)
    assert belongs[between].mean() == pytest.approx(share[between].mean(), abs=0.15)
    named = [((one[:, 0] > 0.95) | (one[:, 0] < 0.05)).sum() for one in (together, apart)]
    assert named[0] > 1.15 * named[1]


def test_the_interval_of_the_area_holds_the_area() -> None:
    """95 of 100 fronts of twelve models; of 150 at least 134 (chance of fewer: 1 in 200)."""
    assert crowds(6, 0.02, 150, seed=8).held.sum() >= 134


# --- what cannot be sure ----------------------------------------------------------------------


def test_one_invocation_has_no_probability_and_gives_the_area_no_interval() -> None:
    found = with_certainty(group(point("one", 80, 2.0), *CLEAR[:1]))
    assert probabilities(found) == {"fast": 1.0, "one": None}
    assert certainty(found).scant == ("one",)
    assert certainty(found).few == ("fast",)
    [area] = certainty(found).hypervolumes
    assert (area.low, area.high) == (None, None)


def test_one_invocation_of_each_resamples_nothing_and_says_so() -> None:
    found = with_certainty(
        group(point("a", 80, 2.0), point("b", 70, 1.0)), limits=Limits(max_latency_s=1.5)
    )
    assert probabilities(found) == {"a": None, "b": None}
    assert certainty(found).resamples == 0
    assert "one or two invocations" in certainty(found).reason
    [pick] = certainty(found).picks
    assert (pick.model, pick.share, pick.none_share) == ("b", None, None)


def test_published_numbers_have_no_certainty() -> None:
    for found in map(with_certainty, published_groups(table())):
        assert set(probabilities(found).values()) == {None}
        assert certainty(found).reason.startswith("one number a model was published")
        [area] = certainty(found).hypervolumes
        assert area.value > 0
        assert area.low is None


@pytest.mark.parametrize("reason", ["tainted: busy", "no accuracy known"])
def test_a_group_without_a_front(reason: str) -> None:
    out = [replace(one, status="excluded", reason=reason) for one in CLEAR]
    found = with_certainty(group(*out), limits=Limits(min_top1=10))
    assert set(probabilities(found).values()) == {None}
    assert certainty(found).reason == "no model here can be compared"
    assert certainty(found).picks == ()


def test_excluded_models_take_no_part() -> None:
    out = replace(point("out", 90, 0.1, 0.1, 0.1), status="excluded", reason="tainted: busy")
    assert probabilities(with_certainty(group(*CLEAR, out))) == {
        "fast": 1.0,
        "slow": 1.0,
        "bad": 0.0,
        "out": None,
    }


def test_one_model() -> None:
    found = with_certainty(group(CLEAR[0]))
    assert probabilities(found) == {"fast": 1.0}
    [area] = certainty(found).hypervolumes
    assert area.value == pytest.approx(1.0)  # a point above the reference, over one doubling


# --- accuracies -------------------------------------------------------------------------------


def evaluated(one: Point, images: int) -> Point:
    top1 = one.top1 or 0.0
    reach = 196 * (top1 / 100 * (1 - top1 / 100) / images) ** 0.5
    return replace(
        one,
        accuracy_source="measured",
        accuracy_sha256="d" * 64,
        accuracy_data="val",
        accuracy_images=images,
        top1_low=top1 - reach,
        top1_high=top1 + reach,
    )


def test_a_measured_accuracy_makes_a_front_less_sure() -> None:
    """Half a point between two networks on 1,000 images: about a third of a standard error."""
    points = (point("a", 70.5, 1.0, 1.0, 1.0), point("b", 70.0, 2.0, 2.0, 2.0))
    assert probabilities(with_certainty(group(*points)))["b"] == 0.0
    unsure = with_certainty(group(*(evaluated(one, 1000) for one in points)))
    assert probabilities(unsure)["a"] == 1.0
    assert probabilities(unsure)["b"] == pytest.approx(0.40, abs=0.05)
    assert certainty(unsure).contested[0].share == pytest.approx(0.40, abs=0.05)
    sure = with_certainty(group(*(evaluated(one, 1_000_000) for one in points)))
    assert probabilities(sure)["b"] == 0.0


def test_files_on_the_same_images_are_drawn_on_the_same_images() -> None:
    """Half a point apart; of 1,000 images only five were answered otherwise, all by the better."""
    points = [
        replace(evaluated(point(name, top1, *times), 1000), artifact_sha256=name)
        for name, top1, times in (("a", 70.5, (1.0, 1.0, 1.0)), ("b", 70.0, (2.0, 2.0, 2.0)))
    ]
    sheets = {"a": b"\1" * 705 + b"\0" * 295, "b": b"\1" * 700 + b"\0" * 300}
    apart = with_certainty(group(*points))
    paired = with_certainty(group(*points), sheets=sheets)
    assert probabilities(apart)["b"] == pytest.approx(0.40, abs=0.05)
    assert probabilities(paired)["b"] == pytest.approx(0.01, abs=0.01)
    assert (certainty(apart).evaluated, certainty(apart).paired) == (2, 0)
    assert (certainty(paired).evaluated, certainty(paired).paired) == (2, 2)
    [found] = across([group(*points)], sheets=sheets)
    assert found.rows[1].cells[0].front_probability == probabilities(paired)["b"]


def test_bases_are_judged_apart() -> None:
    measured = evaluated(point("own", 60, 5.0, 5.1, 5.2), 1000)
    found = with_certainty(group(*CLEAR, measured), limits=Limits(max_latency_s=10))
    assert probabilities(found)["own"] == 1.0
    assert {one.accuracy_source for one in certainty(found).hypervolumes} == {"timm", "measured"}
    assert [(one.model, one.accuracy_data) for one in certainty(found).picks] == [
        ("own", "val"),
        ("slow", ""),
    ]


def test_an_exact_cost_varies_with_a_measured_accuracy_alone() -> None:
    sizes = [replace(one, x=one.latency_s, values=()) for one in CLEAR]
    exact = with_certainty(group(*sizes, objective="size"))
    assert set(probabilities(exact).values()) == {None}
    assert "exact" in certainty(exact).reason
    varied = with_certainty(group(*(evaluated(one, 500) for one in sizes), objective="size"))
    assert probabilities(varied)["fast"] == 1.0


# --- hypervolume ------------------------------------------------------------------------------


def test_the_area_its_interval_and_its_reference() -> None:
    points = (point("a", 70, 1.9, 2.0, 2.1), point("b", 75, 3.0, 4.0, 5.0))
    [area] = certainty(with_certainty(group(*points), reference=Reference(8.0, 60.0))).hypervolumes
    assert area.value == pytest.approx(25.0)
    assert area.low is not None
    assert area.high is not None
    assert area.low < 25.0 < area.high
    assert area.reference_given
    [default] = certainty(with_certainty(group(*points))).hypervolumes
    assert (default.reference_x, default.reference_top1) == (8.0, 69.0)
    assert not default.reference_given


# --- the best within limits -------------------------------------------------------------------


def pick(limits: Limits, *points: Point):
    [found] = certainty(with_certainty(group(*points), limits=limits)).picks
    return found


def test_the_best_under_a_latency_is_the_most_accurate() -> None:
    found = pick(Limits(max_latency_s=2.5), *CLEAR)
    assert (found.model, found.share, found.keeps) == ("slow", 1.0, 1.0)
    assert (found.runner_up, found.runner_up_share, found.none_share) == ("fast", 0.0, 0.0)


def test_a_limit_in_the_middle_of_an_interval() -> None:
    """Its median is under 2 in 7 + 13 of 27 resamples; else the next one is the best."""
    found = pick(Limits(max_latency_s=2.0), point("a", 80, 1.0, 2.0, 3.0), CLEAR[0])
    assert found.model == "a"
    assert found.share == pytest.approx(20 / 27, abs=0.03)
    assert found.share == found.keeps
    assert found.runner_up == "fast"
    assert found.runner_up_share == pytest.approx(7 / 27, abs=0.03)


def test_the_best_with_an_accuracy_is_the_fastest() -> None:
    assert pick(Limits(min_top1=65), *CLEAR).model == "fast"
    assert pick(Limits(min_top1=75), *CLEAR).model == "slow"


def test_both_limits() -> None:
    found = pick(Limits(max_latency_s=2.5, min_top1=75), *CLEAR)
    assert (found.model, found.runner_up) == ("slow", None)


def test_limits_that_no_model_keeps() -> None:
    found = pick(Limits(max_latency_s=0.5), *CLEAR)
    assert (found.model, found.share, found.none_share) == (None, None, 1.0)


def test_limits_that_a_model_keeps_only_sometimes() -> None:
    found = pick(Limits(max_latency_s=1.5), point("a", 80, 1.0, 2.0, 3.0))
    assert found.model is None
    assert found.runner_up == "a"
    assert found.runner_up_share == pytest.approx(7 / 27, abs=0.03)
    assert found.none_share == pytest.approx(20 / 27, abs=0.03)

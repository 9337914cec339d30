"""Dominance against a brute-force oracle, on random clouds and on the paper's seven devices."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis.accuracy import summarise as figures
from mnv4bench.analysis.pareto import front_of, measured_groups, published_groups
from mnv4bench.analysis.stats import summarise, unmeasured
from mnv4bench.findings import Point, Summary
from mnv4bench.models.published import table
from mnv4bench.records import Accuracy, Calibration, PublishedLatency, Weights
from tests.sample_reports import PROFILE, artifact, evaluation, measurement, report, samples

# Few distinct values, so that ties are common.
clouds = st.lists(st.tuples(st.integers(1, 12), st.integers(60, 72)), max_size=30)
SEVEN = {
    "pixel6-cpu", "pixel8-edgetpu", "iphone13-ane", "pixel4-hexagon", "pixel7-gpu", "s23-cpu",
    "s23-gpu",
}  # fmt: skip


def candidate(model: str, latency_s: float, top1: float) -> Point:
    return Point(
        model=model,
        family="F",
        latency_s=latency_s,
        low_s=None,
        high_s=None,
        top1=top1,
        accuracy_source="paper",
        status="front",
    )


def cloud(pairs: list[tuple[int, int]]) -> list[Point]:
    return [candidate(f"m{i}", latency / 1e3, top1) for i, (latency, top1) in enumerate(pairs)]


def dominates(one: Point, other: Point) -> bool:
    assert None not in (one.latency_s, other.latency_s, one.top1, other.top1)
    no_worse = one.latency_s <= other.latency_s and one.top1 >= other.top1
    return no_worse and (one.latency_s < other.latency_s or one.top1 > other.top1)


def assert_judged_rightly(points: tuple[Point, ...]) -> None:
    judged = [point for point in points if point.status != "excluded"]
    front = {
        point.model for point in judged if not any(dominates(other, point) for other in judged)
    }
    for point in judged:
        assert (point.status == "front") == (point.model in front), point
        expected = {other.model for other in judged if dominates(other, point)} & front
        assert set(point.dominated_by) == expected
        assert bool(point.dominated_by) == (point.status == "dominated")


def statuses(points: tuple[Point, ...]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {point.model: (point.status, tuple(sorted(point.dominated_by))) for point in points}


@given(clouds)
def test_the_front_is_what_brute_force_finds(pairs: list[tuple[int, int]]) -> None:
    points = front_of(cloud(pairs))
    assert_judged_rightly(points)
    assert [point.latency_s for point in points] == sorted(point.latency_s for point in points)


@given(clouds, st.randoms(use_true_random=False))
def test_order_does_not_matter(pairs: list[tuple[int, int]], rng: random.Random) -> None:
    points = cloud(pairs)
    shuffled = rng.sample(points, len(points))
    assert front_of(points) == front_of(shuffled)


@given(clouds, st.sampled_from([1e-3, 0.5, 2.0, 1024.0]))
def test_scale_does_not_matter(pairs: list[tuple[int, int]], factor: float) -> None:
    points = cloud(pairs)
    scaled = [replace(p, latency_s=p.latency_s * factor, top1=p.top1 / 2) for p in points]
    assert statuses(front_of(points)) == statuses(front_of(scaled))


def test_exact_ties_stand_side_by_side() -> None:
    points = front_of(cloud([(1, 70), (1, 70), (1, 69), (2, 70)]))
    assert statuses(points) == {
        "m0": ("front", ()),
        "m1": ("front", ()),
        "m2": ("dominated", ("m0", "m1")),
        "m3": ("dominated", ("m0", "m1")),
    }


# --- measured ---------------------------------------------------------------------------------


def accuracy(top1: float) -> Accuracy:
    return Accuracy(top1=top1, source="paper", weights="w", input_px=224, citation="c")


def summary(model: str, ms: float, *, at: str = "10", name: str = "r1", **changes: object):
    one = measurement(
        model,
        invocations=tuple(
            replace(samples(i, ms / 1e3), started_at=f"2026-11-22T{at}:00:00Z") for i in range(6)
        ),
    )
    made = summarise(report(one, name=name), one)
    assert made is not None
    return replace(made, **changes)


def judge(*summaries: Summary, known: dict[str, float] | None = None, failed=()):
    top1s = {"a": 70.0, "b": 75.0, "c": 69.0} if known is None else known
    return measured_groups(
        summaries, lambda s: accuracy(top1s[s.model]) if s.model in top1s else None, failed
    )


def test_a_group_holds_what_may_be_compared() -> None:
    groups, skipped = judge(
        summary("a", 1),
        summary("b", 2),
        summary("c", 3),
        summary("a", 1, device="other"),
        summary("a", 1, precision="int8"),
        summary("a", 1, environment="other"),
    )
    assert skipped == ()
    assert len(groups) == 4
    [large] = [group for group in groups if len(group.points) == 3]
    assert statuses(large.points) == {
        "a": ("front", ()),
        "b": ("front", ()),
        "c": ("dominated", ("a", "b")),
    }
    assert large.machine == "Test CPU, LiteRT 2.3.0, 1 thread"
    assert large.points[0].weights == "random (seed 0)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"placement": "none"}, "placement none"),
        ({"placement": "unproven"}, "placement unproven"),
        ({"model": "unheard-of"}, "no accuracy known"),
        ({"tainted": ("heat", "load")}, "tainted: heat, load"),
        (
            {"placement": "none", "model": "x", "tainted": ("heat",)},
            "placement none; no accuracy known; tainted: heat",
        ),
    ],
)
def test_what_may_not_stand_on_the_front_is_listed_with_the_reason(
    changes: dict[str, object], reason: str
) -> None:
    groups, _ = judge(replace(summary("a", 1), **changes), summary("c", 3))
    [group] = groups
    assert [(p.status, p.reason) for p in group.points] == [("front", None), ("excluded", reason)]
    assert group.points[1].latency_s == 0.001


def test_partial_placement_is_compared_and_says_so() -> None:
    groups, _ = judge(summary("a", 1, placement="partial"))
    assert [(p.status, p.placement) for p in groups[0].points] == [("front", "partial")]


def test_the_latest_measurement_counts_and_the_older_are_named() -> None:
    groups, skipped = judge(
        summary("a", 5, at="12", name="new"),
        summary("a", 1, at="09", name="old"),
        summary("b", 2, at="09", name="old"),
        summary("b", 3, at="11", name="newer"),
        summary("a", 2, at="10", name="middle"),
    )
    assert [p.latency_s for p in groups[0].points] == [0.003, 0.005]
    assert [(item.path, item.reason) for item in skipped] == [
        ("middle", "a: superseded by a later measurement in new"),
        ("old", "2 measurements superseded by later ones in newer and 1 more"),
    ]


def test_many_superseded_measurements_are_one_line_a_report() -> None:
    every = [
        summary(model, 1, name=f"r{run:03}", at=f"{run % 24:02}")
        for run in range(20)
        for model in ("a", "b", "c")
    ]
    _, skipped = judge(*every)
    assert len(skipped) == 19
    assert {item.reason for item in skipped} == {"3 measurements superseded by later ones in r019"}


def test_variants_of_a_model_stay_apart_with_a_label() -> None:
    trained = Weights(kind="timm", detail="e2400_r224_in1k")
    groups, skipped = judge(
        summary("a", 1), summary("a", 2, input_px=256), summary("a", 3, weights=trained)
    )
    assert skipped == ()
    assert sorted(point.model for point in groups[0].points) == [
        "a @224, e2400_r224_in1k",
        "a @224, random (seed 0)",
        "a @256, random (seed 0)",
    ]


def test_two_files_of_one_name_are_two_things() -> None:
    own = Weights(kind="own", detail="model.tflite")
    groups, skipped = judge(
        summary("a", 1, weights=own, artifact_sha256="a" * 64),
        summary("a", 2, weights=own, artifact_sha256="b" * 64),
    )
    assert skipped == ()
    assert sorted(p.model for p in groups[0].points) == ["a aaaaaaaa", "a bbbbbbbb"]


def test_a_failure_counts_only_where_nothing_was_measured() -> None:
    broken = measurement("b", invocations=(), placement=None, failure="it does not load")
    lost = measurement("a", invocations=(), placement=None, failure="killed")
    failed = [unmeasured(report(one, name="broken"), one) for one in (broken, lost)]
    groups, skipped = judge(summary("a", 1), failed=failed)
    assert [(p.model, p.status, p.reason) for p in groups[0].points] == [
        ("a", "front", None),
        ("b", "excluded", "not measured: it does not load"),
    ]
    assert [item.path for item in skipped] == ["broken"]


def test_int8_artifacts_form_their_own_group() -> None:
    int8 = measurement("a", artifact=artifact("a", precision="int8"))
    made = summarise(report(int8, profile=replace(PROFILE, precision="int8")), int8)
    assert made is not None
    groups, _ = judge(summary("a", 1), made)
    assert [group.precision for group in groups] == ["fp32", "int8"]


# --- published --------------------------------------------------------------------------------


def test_published_failures_are_kept_apart_from_gaps() -> None:
    def row(model: str, status: str, latency_s: float | None) -> PublishedLatency:
        return PublishedLatency(
            model=model, family="F", device="d", status=status, latency_s=latency_s, top1=70,
            input_px=224, precision="int8", citation="Table 6", confidence="one-source",
        )  # fmt: skip

    [group] = published_groups(
        [row("a", "ok", 0.001), row("b", "failed", None), row("c", "not_benchmarked", None)],
        {"d": "Device D"},
    )
    assert (group.origin, group.machine, group.environment) == ("published", "Device D", "Table 6")
    assert [(p.model, p.status, p.reason) for p in group.points] == [
        ("a", "front", None),
        ("b", "excluded", "failed on the device"),
        ("c", "excluded", "not benchmarked"),
    ]


def test_the_papers_fronts_replay_on_all_seven_devices() -> None:
    groups = published_groups(table())
    assert {group.device for group in groups} == SEVEN
    assert len(groups) == 7
    for group in groups:
        assert_judged_rightly(group.points)
        assert len(group.points) == 25
    excluded = [p.reason for group in groups for p in group.points if p.status == "excluded"]
    assert excluded.count("failed on the device") == 8
    assert excluded.count("not benchmarked") == 27


def test_the_paper_calls_mnv4_mostly_pareto_optimal() -> None:
    """Read off Table 6 (arXiv:2404.10518v2): MobileNetV4 holds most of its places."""
    points = [
        point
        for group in published_groups(table())
        for point in group.points
        if point.family == "MobileNetV4" and point.status != "excluded"
    ]
    on_front = sum(point.status == "front" for point in points)
    assert len(points) == 31
    assert on_front / len(points) > 0.8
    assert on_front < len(points)  # "mostly": Conv-M on the Pixel 7 GPU, for one, is dominated


def test_measured_and_published_never_share_a_group() -> None:
    measured, _ = judge(summary("a", 1, device="pixel6-cpu", precision="int8"))
    groups = (*measured, *published_groups(table()))
    assert {group.origin for group in groups} == {"measured", "published"}
    assert len({(g.device, g.precision, g.origin) for g in groups}) == len(groups)


# --- whose accuracy -----------------------------------------------------------------------------


def drawn(precision: str, accuracy) -> Point:
    """One measured artifact, drawn with what ``accuracy`` gives."""
    made = replace(artifact(), precision=precision, calibration=SYNTHETIC)
    found = summarise(report(measurement(artifact=made)), measurement(artifact=made))
    assert found is not None
    groups, _ = measured_groups([found], lambda _: accuracy)
    [point] = groups[0].points
    return point


SYNTHETIC = Calibration(kind="synthetic", detail="seed 2", count=64, sha256="c" * 64)
PUBLISHED = Accuracy(top1=73.8, source="timm", weights="w", input_px=224, citation="c")


@pytest.mark.parametrize(
    ("precision", "is_float"),
    [
        ("fp32", True),
        ("fp16", True),
        ("int8", False),
        ("int8-dynamic", False),
        ("int8-weights", False),
        ("palette4", False),
    ],
)
def test_a_published_accuracy_of_a_quantised_file_is_marked(precision: str, is_float: bool) -> None:
    point = drawn(precision, PUBLISHED)
    assert (point.top1, point.accuracy_source) == (73.8, "timm")
    assert point.float_accuracy is not is_float
    assert point.calibration == "synthetic calibration"
    assert point.top1_low is None


def test_a_measured_accuracy_takes_the_place_of_the_published_one() -> None:
    found = figures(evaluation(0, 0, 0, 1), "e.json")
    point = drawn("int8", found)
    assert (point.top1, point.accuracy_source) == (75.0, "measured")
    assert not point.float_accuracy
    assert (point.top1_low, point.top1_high) == (found.top1_low, found.top1_high)
    assert (point.accuracy_data, point.accuracy_images) == ("val", 4)
    assert point.accuracy_weights == point.weights


# --- accuracies of different bases --------------------------------------------------------------


def test_accuracies_of_different_bases_do_not_dominate_one_another() -> None:
    """An easy data set of six classes would put everything published into its shadow."""

    def measured_on(sha256: str, *ranks: int):
        made = evaluation(*ranks)
        return figures(replace(made, dataset=replace(made.dataset, sha256=sha256)), "e.json")

    known = {
        "a": measured_on("a" * 64, 0, 0, 0, 0),
        "b": measured_on("a" * 64, 0, 0, 0, 1),
        "c": measured_on("b" * 64, 0, 0, 1, 1),
        "d": accuracy(40.0),
        "e": accuracy(30.0),
    }
    summaries = [summary(model, ms) for ms, model in enumerate("abcde", 1)]
    [group], _ = measured_groups(summaries, lambda one: known[one.model])
    assert statuses(group.points) == {
        "a": ("front", ()),
        "b": ("dominated", ("a",)),
        "c": ("front", ()),
        "d": ("front", ()),
        "e": ("dominated", ("d",)),
    }
    assert [point.model for point in group.points] == list("abcde")

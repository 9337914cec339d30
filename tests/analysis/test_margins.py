"""Margins: by hand, and against moving a point there."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis.pareto import front_of
from mnv4bench.findings import Point
from tests.analysis.test_pareto import candidate, cloud, clouds


def margins(*points: Point) -> dict[str, tuple[float | None, float | None]]:
    return {point.model: (point.margin_x, point.margin_top1) for point in front_of(points)}


def test_by_hand() -> None:
    found = margins(
        candidate("fast", 1.0, 60), candidate("mid", 2.0, 70), candidate("best", 4.0, 80),
        candidate("late", 3.0, 65),
    )  # fmt: skip
    assert found == {
        "fast": (1.0, None),  # at 2 s "mid" is as fast; nothing is faster than "fast" now
        "mid": (2.0, 10.0),
        "best": (None, 10.0),
        "late": (-1.0, -5.0),
    }


def test_ties_have_no_margin() -> None:
    assert margins(candidate("a", 1.0, 70), candidate("b", 1.0, 70)) == {
        "a": (0.0, 0.0),
        "b": (0.0, 0.0),
    }


def test_a_lone_model_has_no_bounds() -> None:
    assert margins(candidate("a", 1.0, 70)) == {"a": (None, None)}


def test_what_is_excluded_sets_no_bound_and_has_none() -> None:
    out = replace(candidate("out", 1.5, 75), status="excluded", reason="tainted")
    assert margins(candidate("a", 1.0, 70), out) == {"a": (None, None), "out": (None, None)}


@settings(deadline=None)
@given(clouds)
def test_a_point_changes_its_place_just_beyond_its_margin(pairs: list[tuple[int, int]]) -> None:
    """In units of a quarter of a step, which no two points are apart."""
    points = front_of(cloud(pairs))
    for index, point in enumerate(points):
        others = [one for at, one in enumerate(points) if at != index]
        assert point.latency_s is not None
        assert point.top1 is not None
        for margin, moved in (
            (point.margin_x, lambda by, p=point: replace(p, latency_s=p.latency_s + by)),
            (point.margin_top1, lambda by, p=point: replace(p, top1=p.top1 - by)),
        ):
            if margin is None:
                continue
            step = 0.00025 if margin == point.margin_x else 0.25
            for by, expected in ((margin - step, True), (margin + step, False)):
                there = next(
                    one for one in front_of([*others, moved(by)]) if one.model == point.model
                )
                assert (there.status == "front") == expected, (point, by)


# --- what was rounded away --------------------------------------------------------------------


def printed(pairs: list[tuple[int, int]]) -> list[Point]:
    """Times of whole seconds, printed to the second."""
    return [replace(one, printed_to_s=1.0) for one in cloud(pairs)]


def test_equal_in_print_is_open_which_is_faster() -> None:
    """The paper on the Pixel 8: 0.7 ms each; 0.8 ms cannot have been faster than 0.7."""
    found = front_of(
        [
            replace(candidate(name, ms / 1e3, top1), printed_to_s=1e-4)
            for name, ms, top1 in (("conv-s", 0.7, 73.8), ("v2", 0.7, 73.4), ("v1", 0.8, 74.0),
                                   ("late", 0.9, 73.0))
        ]
    )  # fmt: skip
    assert {one.model: one.open for one in found} == {
        "conv-s": False, "v2": True, "v1": False, "late": False,
    }  # fmt: skip


def test_what_was_not_rounded_is_not_open() -> None:
    assert not any(one.open for one in front_of(cloud([(1, 70), (1, 60), (2, 70)])))


@settings(deadline=None)
@given(clouds.filter(bool), st.randoms(use_true_random=False))
def test_a_place_that_is_not_open_stays_whatever_was_rounded(
    pairs: list[tuple[int, int]], random: Random
) -> None:
    points = front_of(printed(pairs))
    for _ in range(10):
        moved = front_of(
            [
                replace(one, latency_s=one.latency_s + random.uniform(-0.499, 0.499), open=False)
                for one in points
                if one.latency_s
            ]
        )
        true = {one.model: one.status for one in moved}
        assert all(one.open or true[one.model] == one.status for one in points)


@settings(deadline=None)
@given(clouds.filter(bool))
def test_an_open_place_can_be_another_one(pairs: list[tuple[int, int]]) -> None:
    """Moved by almost half a digit, against all others."""
    points = front_of(printed(pairs))
    for point in points:
        if point.open:
            by = 0.499 if point.status == "front" else -0.499
            moved = front_of(
                [
                    replace(one, latency_s=one.latency_s + (by if one is point else -by))
                    for one in points
                    if one.latency_s
                ]
            )
            [found] = [one for one in moved if one.model == point.model]
            assert found.status != point.status

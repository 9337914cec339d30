"""Names never lie on each other, on points, or outside the plot."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mnv4bench.analysis.pareto import front_of
from mnv4bench.render import panel, words
from mnv4bench.render.labels import Box, Mark, Segment, place
from mnv4bench.render.palette import looks
from tests.render import fixed


def laid_out(groups) -> panel.Panel:
    """A panel of the size that a shared page gives it."""
    families = looks(point.family for group in groups for point in group.points)
    page = Figure(figsize=(318 / 72, 216 / 72), dpi=72)
    FigureCanvasAgg(page)
    return panel.draw(page.add_axes((0.08, 0.1, 0.9, 0.85)), groups, families)


def assert_clear(laid: panel.Panel) -> None:
    boxes = [lies.box for _, lies in laid.names]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for dot in laid.dots:
        for box in boxes:
            assert not dot.box().overlaps(box)
    for dot, lies in laid.names:
        assert lies.box.within(laid.plot)
        if lies.leader is None:
            # Close enough that nobody takes it for another point's name.
            assert lies.box.grown(4).overlaps(dot.box())
            continue
        for other, name in laid.names:
            if other is not dot:
                assert not lies.leader.meets(name.box)
        for other in laid.dots:
            apart = max(abs(other.x - dot.x), abs(other.y - dot.y))
            assert apart < 1e-6 or not lies.leader.meets(other.box()) or other is dot


@pytest.mark.parametrize("group", fixed.published(), ids=lambda group: group.device)
def test_every_model_of_the_papers_table_is_named_and_clear(group) -> None:
    laid = laid_out([group])
    assert_clear(laid)
    drawn = {point.model for point in group.points if point.status != "excluded"}
    assert {dot.point.model for dot, _ in laid.names} == drawn


def test_measured_and_published_together_are_clear() -> None:
    pixel = fixed.measured(device="pixel6-cpu", precision="int8")
    assert_clear(laid_out([pixel, fixed.published()[0]]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.0005, 0.5), st.floats(60, 85), st.integers(1, 40)),
        min_size=1,
        max_size=30,
    )
)
def test_random_clouds_are_clear(cloud: list[tuple[float, float, int]]) -> None:
    points = [
        fixed.point(f"{i}{'n' * length}", latency_s, top1)
        for i, (latency_s, top1, length) in enumerate(cloud)
    ]
    assert_clear(laid_out([fixed.measured(points=front_of(points))]))


def test_a_crowd_is_clear_and_the_rest_is_listed() -> None:
    points = [
        fixed.point(f"model-{i}", 0.001 + i % 20 * 1e-5, 70 + i // 20 / 10) for i in range(200)
    ]
    laid = laid_out([fixed.measured(points=front_of(points))])
    assert_clear(laid)
    assert 0 < len(laid.names) <= panel.MAX_NAMES
    [note] = [
        line for line in words.notes([], [f"m{i}" for i in range(30)], 1e6) if "Not named" in line
    ]
    assert note.startswith("Not named for want of room (30): m0, ")
    assert note.endswith("and 6 more.")
    cut = words.notes([], ["a-rather-long-name"] * 30, 300)
    assert len(cut) == words.UNNAMED_LINES
    assert cut[-1].endswith("more.")


def test_a_name_with_no_room_is_left_out() -> None:
    box = Box(4, 4, 6, 6)
    mark = Mark(5, 5, box, name_width=50, name_height=8, above_left=True)
    assert place([mark], Box(0, 0, 10, 10)) == [None]


def test_models_at_one_place_share_it() -> None:
    points = [fixed.point(f"model-{i}", 0.005, 75.0) for i in range(8)]
    laid = laid_out([fixed.measured(points=front_of(points))])
    assert_clear(laid)
    assert len(laid.names) == 8


def test_of_too_many_names_those_with_room_are_kept() -> None:
    crowd = [fixed.point(f"c{i}", 0.010 + i * 1e-5, 70 + i % 7 / 10) for i in range(80)]
    alone = [fixed.point("alone", 0.1, 62.0), fixed.point("lonely", 0.2, 64.0)]
    laid = laid_out([fixed.measured(points=front_of([*crowd, *alone]))])
    assert_clear(laid)
    named = {dot.name for dot, _ in laid.names}
    assert {"alone", "lonely"} < named


def test_a_name_keeps_clear_of_the_fronts_line() -> None:
    """A line along a name's edge is read as a letter of it."""
    mark = Mark(100, 100, Box(97, 97, 103, 103), 30, 8, above_left=True)
    frame = Box(0, 0, 200, 200)
    [first] = place([mark], frame)
    assert first is not None
    edge = Segment(first.box.left - 0.5, 0, first.box.left - 0.5, 200)
    [second] = place([mark], frame, [edge])
    assert second is not None
    assert not edge.meets(second.box.grown(1))


def test_a_lone_name_lies_on_its_preferred_side() -> None:
    frame = Box(0, 0, 200, 200)
    box = Box(97, 97, 103, 103)
    [above] = place([Mark(100, 100, box, 30, 8, above_left=True)], frame)
    [below] = place([Mark(100, 100, box, 30, 8, above_left=False)], frame)
    assert above is not None
    assert below is not None
    assert above.box.bottom <= 97
    assert below.box.top >= 103


@pytest.mark.parametrize(
    ("segment", "meets"),
    [
        (Segment(0, 5, 20, 5), True),
        (Segment(0, 0, 20, 20), True),
        (Segment(12, 12, 13, 13), True),  # inside
        (Segment(0, 0, 9, 20), False),
        (Segment(0, 21, 20, 21), False),
        (Segment(25, 0, 25, 20), False),
    ],
)
def test_segment_against_box(segment: Segment, meets: bool) -> None:
    assert segment.meets(Box(10, 3, 20, 20)) is meets

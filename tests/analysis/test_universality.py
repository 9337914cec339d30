"""Models across devices: by hand, and the paper's claim on the paper's own table."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mnv4bench.analysis.certainty import with_certainty
from mnv4bench.analysis.pareto import published_groups
from mnv4bench.analysis.universality import ABSENT, across
from mnv4bench.findings import Spanned, Universality
from mnv4bench.models.published import table
from mnv4bench.render import spanning
from tests.analysis.test_certainty import group, point


def by_model(found: Universality) -> dict[str, Spanned]:
    return {row.model: row for row in found.rows}


A = point("a", 80, 2.0, 2.0, 2.0)
B = point("b", 70, 1.0, 1.0, 1.0)
ELSEWHERE_A = point("a", 80, 1.0, 1.0, 1.0)
ELSEWHERE_B = point("b", 70, 4.0, 4.0, 4.0)


def test_by_hand() -> None:
    [found] = across(
        [
            group(A, B, device="x"),
            group(ELSEWHERE_A, ELSEWHERE_B, device="y"),
            group(A, device="z"),
        ]
    )
    assert [column.device for column in found.columns] == ["x", "y", "z"]
    rows = by_model(found)
    assert [cell.status for cell in rows["a"].cells] == ["front", "front", "front"]
    assert [cell.status for cell in rows["b"].cells] == ["front", "dominated", "unknown"]
    b = rows["b"]
    assert [cell.ratio for cell in b.cells] == [1.0, 4.0, None]
    assert (b.on_front, b.known, b.worst_ratio, b.worst_device) == (1, 2, 4.0, "y")
    assert b.mean_ratio == pytest.approx(2.0)  # geometric: of 1 and 4
    assert b.cells[1].dominated_by == ("a",)
    assert b.cells[2].reason == ABSENT
    assert (b.on_front_low, b.on_front_high, b.everywhere_probability) == (1, 1, 0.0)
    assert [row.model for row in found.rows] == ["a", "b"]
    [family] = found.families
    assert (family.models, family.on_front, family.known, family.devices) == (2, 4, 5, 3)
    assert family.mostly_on == 2  # on y one of two, which is not more than half


def test_excluded_is_unknown_and_keeps_its_reason() -> None:
    out = replace(B, status="excluded", reason="placement unproven")
    [found] = across([group(A, out)])
    cell = by_model(found)["b"].cells[0]
    assert (cell.status, cell.ratio, cell.reason) == ("unknown", None, "placement unproven")
    assert by_model(found)["b"].known == 0


def test_certainty_is_that_of_the_fronts() -> None:
    unsure = [
        with_certainty(group(A, point("b", 79, 1.0, 2.0, 3.0), device=device)) for device in "xyz"
    ]
    [found] = across(unsure)
    row = by_model(found)["b"]
    for cell, judged in zip(row.cells, unsure, strict=True):
        [same] = [one for one in judged.points if one.model == "b"]
        assert cell.front_probability == same.front_probability
        assert cell.front_probability == pytest.approx(7 / 27, abs=0.03)
        assert (cell.low, cell.high) == (1.0, 1.5)
    assert row.everywhere_probability == pytest.approx((7 / 27) ** 3, abs=0.02)
    assert (row.on_front, row.on_front_low, row.on_front_high) == (0, 0, 2)


def test_one_device_without_certainty_leaves_none_for_the_whole() -> None:
    single = group(point("a", 80, 2.0), point("b", 70, 1.0), device="y")
    [found] = across([group(A, B, device="x"), single])
    row = by_model(found)["a"]
    assert row.cells[0].front_probability == 1.0
    assert row.cells[1].front_probability is None
    assert (row.on_front_low, row.mean_low, row.everywhere_probability) == (None, None, None)


def test_the_latest_environment_of_a_device_counts() -> None:
    old = group(A, B, environment="1", measured_at="2026-01-01")
    new = group(ELSEWHERE_A, ELSEWHERE_B, environment="2", measured_at="2026-02-01")
    for groups in ([old, new], [new, old]):
        [found] = across(groups)
        assert [column.environment for column in found.columns] == ["2"]
        [reason] = found.left_out
        assert "host-cpu fp32 in another environment" in reason


def test_origins_have_tables_of_their_own() -> None:
    found = across([group(A, B), *published_groups(table())])
    assert [one.origin for one in found] == ["measured", "published"]
    assert len(found[1].columns) == 7


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e3), st.randoms())
def test_neither_unit_nor_order_matters(unit: float, rng: random.Random) -> None:
    source = random.Random(5)
    places = [
        [(f"m{i}", 60.0 + i, [source.uniform(1 + i / 9, 2 + i / 9) for _ in range(4)])
         for i in range(6)]
        for _ in range(3)
    ]  # fmt: skip

    def table_of(scale: float, shuffle: bool) -> dict[str, dict[str, tuple[str, float | None]]]:
        groups = []
        for index, models in enumerate(places):
            points = [point(m, top1, *(v * scale for v in values)) for m, top1, values in models]
            if shuffle:
                rng.shuffle(points)
            groups.append(group(*points, device=f"d{index}"))
        if shuffle:
            rng.shuffle(groups)
        [found] = across(groups, resamples=50)
        return {
            row.model: {
                column.device: (cell.status, cell.front_probability)
                for column, cell in zip(found.columns, row.cells, strict=True)
            }
            for row in found.rows
        }

    assert table_of(1.0, shuffle=False) == table_of(unit, shuffle=True)


def test_published_tables_never_stand_for_one_another() -> None:
    papers = published_groups(table())
    vendors = published_groups([replace(row, citation="a vendor's page") for row in table()])
    [found] = across([*papers, *vendors])
    assert len(found.columns) == 14
    assert found.left_out == ()
    assert spanning.places(found, 14) == "14 devices and sources"
    assert spanning.cited(found, found.columns[0]) == " [1]"
    assert spanning.cited(found, found.columns[-1]) == " [2]"
    assert "[2] a vendor's page" in spanning.reading(found)


def test_no_group_is_no_table() -> None:
    assert across([]) == ()


def test_the_papers_claim_on_the_papers_table() -> None:
    """MobileNetV4 is "mostly Pareto optimal" (arXiv:2404.10518v2): on each of seven devices."""
    [found] = across(published_groups(table()))
    assert found.resamples == 0
    families = {one.family: one for one in found.families}
    mnv4 = families["MobileNetV4"]
    assert (mnv4.on_front, mnv4.known, mnv4.mostly_on, mnv4.devices) == (30, 31, 7, 7)
    assert found.families[0] == mnv4
    known = [one for one in found.families if one.known]
    assert [one.family for one in known if one.mostly_on == one.devices] == ["MobileNetV4"]
    off = [
        (row.model, column.device)
        for row in found.rows
        for column, cell in zip(found.columns, row.cells, strict=True)
        if row.family == "MobileNetV4" and cell.status == "dominated"
    ]
    assert off == [("mnv4-conv-m", "pixel7-gpu")]
    # Half of a digit in print decides none of its cells, and a dozen of the others'.
    assert mnv4.open == 0
    assert sum(one.open for one in known) == 12
    # Model by model it is not alone.
    alike = {row.model for row in found.rows if row.on_front == row.known == 7}
    assert alike == {"mnv4-conv-s", "mnv4-conv-l", "mobilenetv2-1.5x"}
    nextvit = by_model(found)["nextvit-b"]
    assert (nextvit.known, nextvit.mean_ratio) == (0, None)
    assert found.rows[-1] == nextvit


def test_the_claim_is_one_of_latencies() -> None:
    """Of sizes the paper says no such thing, and neither does the table."""
    over_size = [
        replace(
            group(*(replace(one, x=1.0, family="MobileNetV4") for one in (A, B)), device=device),
            objective="size",
        )
        for device in "xy"
    ]
    other = replace(point("c", 90, 9.0, 9.0, 9.0), x=0.5)
    [found] = across([*over_size, replace(group(other, device="z"), objective="size")])
    assert found.objective == "size"
    assert not any("Pareto optimal" in line for line in spanning.sentences(found))

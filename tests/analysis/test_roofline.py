"""Rooflines: each layer's bound, models over ridge points, ridge points from latencies."""

import random

import pytest

from mnv4bench.analysis import roofline
from mnv4bench.analysis.roofline import Known
from mnv4bench.models import layer_table, published
from mnv4bench.models.ridge_points import TABLE_16
from mnv4bench.records import Costs, Layer

# 100 MACs for 10 bytes, and 100 MACs for 100 bytes, in int8
BUSY = Layer("busy", "conv", "convolution", 3, 100, 2, 4, 4)
IDLE = Layer("idle", "fc", "linear", 1, 100, 90, 5, 5)


def networks(count: int = 12, seed: int = 0) -> list[Costs]:
    """Of layers with anything from 1 to 200 MACs for each byte."""
    chosen = random.Random(seed)
    found = []
    for _ in range(count):
        rows = []
        size, leaning = 10 ** chosen.uniform(4, 6), chosen.uniform(0.2, 1.8)
        for _ in range(chosen.randint(20, 60)):
            moved = int(size * chosen.uniform(0.2, 2))
            macs = int(moved * 10 ** min(2.3, chosen.uniform(0, 1.3) * leaning))
            rows.append(Layer("", "", "pointwise", 1, macs, moved // 2, moved // 4, moved // 4))
        found.append(Costs(tuple(rows)))
    return found


def known(ridge: float, bytes_per_s: float = 1e9, *, off: float = 0.0) -> list[Known]:
    """Latencies of hardware of that ridge point, off by a factor up to 1 + ``off``."""
    chosen = random.Random(7)
    found = []
    for index, costs in enumerate(networks()):
        time = sum(max(row.macs / ridge, row.moved_bytes(1)) for row in costs.layers) / bytes_per_s
        found.append(Known(f"net{index}", costs, time * (1 + off * chosen.uniform(-1, 1))))
    return found


def test_a_layer_waits_for_memory_left_of_the_ridge_point() -> None:
    found = roofline.place("two", 224, Costs((BUSY, IDLE)), "int8", 5.0)
    busy, idle = found.layers
    assert (busy.intensity, busy.bound) == (10.0, "compute")
    assert (idle.intensity, idle.bound) == (1.0, "memory")
    # max(100 / 5, 10) = 20 against max(100 / 5, 100) = 100
    assert busy.share == pytest.approx(20 / 120)
    assert found.memory_bound_share == pytest.approx(100 / 120)
    assert (found.macs, found.moved_bytes) == (200, 110)


def test_wider_numbers_move_more_bytes_for_the_same_work() -> None:
    found = roofline.place("two", 224, Costs((BUSY, IDLE)), "fp32", 5.0)
    assert found.moved_bytes == 440
    assert [row.intensity for row in found.layers] == [2.5, 0.25]


def test_with_free_memory_only_macs_count() -> None:
    one, other = Costs((BUSY, BUSY)), Costs((IDLE,))
    found = roofline.sweep([("one", one), ("other", other)], "int8", (0.0, 5.0, 1000.0))
    assert found.reference == "one"
    assert found.models[0].relative == (1.0, 1.0, 1.0)
    assert found.models[1].relative == pytest.approx((0.5, 100 / 40, 100 / 20))


@pytest.mark.parametrize("ridge", [8.0, 31.2, 60.0])
def test_hardware_of_a_known_ridge_point_is_recognised(ridge: float) -> None:
    found = roofline.fit("made", "int8", known(ridge), origin="measured", source="made")
    assert found is not None
    assert found.ridge_macs_per_byte == pytest.approx(ridge, rel=0.03)
    assert found.peak_bytes_per_s == pytest.approx(1e9, rel=0.02)
    assert found.peak_macs_per_s == pytest.approx(ridge * 1e9, rel=0.05)
    assert found.error < 0.01
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.ridge_low <= found.ridge_macs_per_byte <= found.ridge_high


def test_noise_widens_what_fits_nearly_as_well() -> None:
    exact = roofline.fit("made", "int8", known(31.2), origin="measured", source="made")
    noisy = roofline.fit("made", "int8", known(31.2, off=0.3), origin="measured", source="made")
    assert exact is not None
    assert noisy is not None
    assert noisy.ridge_high / noisy.ridge_low > exact.ridge_high / exact.ridge_low
    assert noisy.error > exact.error


def test_too_few_latencies_give_no_ridge_point() -> None:
    assert roofline.fit("made", "int8", known(9.0)[:3], origin="measured", source="x") is None


def test_what_is_not_explained_is_left_out_and_named() -> None:
    odd = Known("odd", Costs((BUSY,), ("layer norm",)), 1.0)
    found = roofline.fit("made", "int8", [*known(9.0), odd], origin="measured", source="made")
    assert found is not None
    assert [(one.model, one.reason) for one in found.left_out] == [("odd", "has layer norm")]
    assert len(found.models) == 12


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 1, 2, 3], [1, 2, 3, 4], 0.9486832980505138),  # by scipy.stats.spearmanr
        ([5, 5, 5], [1, 2, 3], 0.0),
    ],
)
def test_rank_correlation_shares_ranks_of_ties(first, second, expected) -> None:
    assert roofline.rank_correlation(first, second) == pytest.approx(expected)


def published_on(device: str) -> tuple[str, list[Known]]:
    rows = [cell for cell in published.table() if cell.device == device and cell.latency_s]
    found = [
        Known(cell.model, costs, cell.latency_s)
        for cell in rows
        if cell.latency_s and (costs := layer_table.of(cell.model, cell.input_px))
    ]
    return rows[0].precision, found


@pytest.mark.parametrize("device", ["pixel6-cpu", "s23-cpu"])
def test_the_papers_ridge_points_of_processors_come_out_again(device: str) -> None:
    """Table 16 from Table 6, though the paper says neither which models nor which bytes."""
    precision, rows = published_on(device)
    found = roofline.fit(device, precision, rows, origin="published", source="Table 6")
    assert found is not None
    assert found.ridge_low <= TABLE_16[device].ridge <= found.ridge_high
    assert found.error < found.error_macs / 3


@pytest.mark.parametrize("device", ["pixel4-hexagon", "pixel8-edgetpu"])
def test_accelerators_have_high_ridge_points_that_the_table_hardly_tells_apart(device) -> None:
    precision, rows = published_on(device)
    found = roofline.fit(device, precision, rows, origin="published", source="Table 6")
    assert found is not None
    assert found.ridge_low > 80
    assert found.ridge_low < TABLE_16[device].ridge < found.ridge_high
    assert found.ridge_high / found.ridge_low > 10

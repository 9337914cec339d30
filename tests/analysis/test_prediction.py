"""Predictions: from few anchors, judged by leaving each out, refused where nothing is known."""

from math import log

import numpy as np
import pytest
from msgspec.structs import replace

from mnv4bench.analysis import prediction
from mnv4bench.analysis.roofline import Known
from mnv4bench.models import layer_table, spec_layers
from mnv4bench.models.specs import CONV_M, NETWORKS
from mnv4bench.records import Costs
from tests.analysis.test_roofline import BUSY, known, published_on


def device(costs: Costs, *, fixed_s: float = 1e-3) -> float:
    """A made-up processor that follows the model: ridge 20, depthwise twice as dear."""
    rate = {"depthwise": 2e-10, "matmul": 1.5e-10}
    return fixed_s + sum(
        2e-6 + rate.get(row.kind, 1e-10) * max(row.macs / 20, row.moved_bytes(1))
        for row in costs.layers
    )


def anchors() -> list[Known]:
    sizes = {network.name: (160, network.input_px) for network in NETWORKS}
    return [
        Known(f"{network.name}@{px}", costs, device(costs))
        for network in NETWORKS
        for px in sizes[network.name]
        if (costs := spec_layers.of(network, px))
    ]


def fitted(rows: list[Known], precision="int8"):
    found = prediction.fit("made", precision, rows, origin="measured", source="made")
    assert found is not None
    return found


def test_a_device_that_follows_the_model_is_predicted() -> None:
    found = fitted(anchors())
    assert found.mean_error < 0.03
    assert found.mean_error < found.mean_error_macs / 5
    assert found.rank_correlation > 0.98
    costs = spec_layers.of(CONV_M, 224)
    one = prediction.predict(found, "mnv4-conv-m", 224, costs)
    assert one.latency_s == pytest.approx(device(costs), rel=0.03)
    assert one.low_s < device(costs) < one.high_s
    assert one.origin == "predicted"


def test_an_anchor_is_predicted_from_the_others_alone() -> None:
    rows = anchors()
    spoiled = [rows[0]._replace(latency_s=3 * rows[0].latency_s), *rows[1:]]
    found = fitted(spoiled)
    one = prediction.predict(found, rows[0].model, 160, rows[0].costs)
    assert one.known_s == pytest.approx(3 * rows[0].latency_s)
    assert one.latency_s == pytest.approx(rows[0].latency_s, rel=0.1)
    assert found.worst_error == pytest.approx(2 / 3, abs=0.05)


def test_the_interval_is_what_held_of_the_left_out() -> None:
    found = fitted(known(31.2, off=0.3))
    off = [abs(log(one.predicted_s / one.latency_s)) for one in found.anchors]
    held = sum(one <= log(found.spread) + 1e-12 for one in off)
    assert held >= 0.8 * len(off)
    assert fitted(known(31.2)).spread < found.spread


def test_with_few_anchors_nothing_is_fitted() -> None:
    rows = anchors()[: prediction.FEWEST - 1]
    assert prediction.fit("made", "int8", rows, origin="measured", source="x") is None


def test_networks_outside_of_what_is_known_are_refused() -> None:
    found = fitted(anchors())
    inside = spec_layers.of(CONV_M)
    assert prediction.refusal(found, inside) is None
    assert "layer norm" in (
        prediction.refusal(found, replace(inside, unexplained=("layer norm",))) or ""
    )
    assert "far from all anchors" in (prediction.refusal(found, Costs((BUSY,))) or "")


def test_no_factor_is_below_nothing() -> None:
    found = fitted(known(31.2, off=0.5))
    factors = (found.dense_s_per_byte, found.depthwise_s_per_byte, found.matmul_s_per_byte)
    assert min(*factors, found.layer_s, found.fixed_s) >= 0


def test_the_best_of_all_supports_is_the_least_of_all_non_negative_answers() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        equations, wanted = random.standard_normal((9, 5)), random.standard_normal(9)
        found = prediction._non_negative(equations, wanted)
        assert (found >= 0).all()
        # The conditions of Karush, Kuhn and Tucker, which only the least fulfils.
        slope = equations.T @ (equations @ found - wanted)
        assert (slope > -1e-9).all()
        assert abs(slope @ found) < 1e-9


# Table 6, each network left out in turn: mean error, and rank correlation.
PUBLISHED = {
    "pixel6-cpu": (0.062, 0.994),
    "s23-cpu": (0.076, 0.982),
    "pixel4-hexagon": (0.077, 0.975),
    "pixel8-edgetpu": (0.079, 0.900),
    "iphone13-ane": (0.064, 0.911),
    "s23-gpu": (0.054, 0.992),
    "pixel7-gpu": (0.159, 0.929),
}


@pytest.mark.parametrize("device", PUBLISHED)
def test_the_papers_devices_are_predicted_as_the_documents_say(device: str) -> None:
    precision, rows = published_on(device)
    found = fitted(rows, precision)
    error, ranks = PUBLISHED[device]
    assert found.mean_error == pytest.approx(error, abs=0.002)
    assert found.rank_correlation == pytest.approx(ranks, abs=0.002)
    assert found.mean_error < found.mean_error_macs / 2.5


def test_every_table_6_network_but_three_has_layers() -> None:
    """Two MultiHardware networks and NextViT-B are in no package."""
    from mnv4bench.models import published

    missing = {
        cell.model
        for cell in published.table()
        if layer_table.of(cell.model, cell.input_px) is None
    }
    assert missing == {"multihardware-max-1.5x", "multihardware-avg-1.5x", "nextvit-b"}

"""Arithmetic counts against the cited integers and against torch's own counter."""

import pytest
import torch

from mnv4bench.models import build, counts, specs
from mnv4bench.models.mnv4 import MobileNetV4
from tests.models.facts import rows

NETWORKS = {network.name: network for network in specs.NETWORKS}


@pytest.mark.parametrize(
    "row", rows("counts.csv"), ids=lambda row: f"{row['model']}-{row['input_px']}"
)
def test_totals_are_the_cited_ones(row: dict[str, str]) -> None:
    network = NETWORKS[row["model"]]
    assert counts.total_params(network) == int(row["params"])
    assert counts.total_macs(network, int(row["input_px"])) == int(row["macs"])


@pytest.mark.parametrize("network", specs.NETWORKS, ids=lambda network: network.name)
def test_each_block_costs_what_is_cited(network: specs.Network) -> None:
    cited = [
        (int(row["params"]), int(row["macs"]), int(row["out_ch"]), int(row["out_px"]))
        for row in rows("architecture.csv")
        if row["model"] == network.name and row["kind"] != "global_avg_pool"
    ]
    counted = [(c.params, c.macs, c.channels, c.px) for c in counts.by_block(network)]
    assert counted == cited


# The official size, and an odd one at which every stride has to round.
@pytest.mark.parametrize("px", [None, 97])
@pytest.mark.parametrize("network", specs.NETWORKS, ids=lambda network: network.name)
def test_torch_counts_the_same(network: specs.Network, px: int | None) -> None:
    with torch.device("meta"):  # shapes only
        net = MobileNetV4(network).eval()
        counted = build.measured_macs(net, px or network.input_px)
    assert counts.total_macs(network, px) == counted
    assert counts.total_params(network) == sum(p.numel() for p in net.parameters())
    assert counts.total_macs(network) == counts.total_macs(network, network.input_px)


def test_a_custom_network_is_counted_like_torch_does() -> None:
    network = specs.Network(
        name="all-kinds",
        input_px=64,
        stem=specs.ConvBN(5, 16, stride=2),
        stages=(
            (specs.FusedIB(3, 32, 24), specs.UIB(5, 0, 48, 32, stride=2)),
            (specs.ffn(64, 32), specs.MQA(heads=2, key_dim=8, kv_stride=2), specs.ib(3, 64, 40)),
        ),
        layer_scale=0.1,
        head_width=72,
        classes=10,
    )
    with torch.device("meta"):
        net = MobileNetV4(network).eval()
        counted = build.measured_macs(net, 64)
    assert counts.total_macs(network) == counted
    assert counts.total_params(network) == sum(p.numel() for p in net.parameters())

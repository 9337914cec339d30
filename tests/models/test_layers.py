"""Layers of networks: by running them on shapes, and by arithmetic over the table."""

import csv
import subprocess
import sys

import pytest

from mnv4bench.models import catalog, layer_table, layers, published_networks, spec_layers
from mnv4bench.models.specs import NETWORKS
from mnv4bench.records import Layer

ALL = [entry.model for entry in catalog.entries()]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_arithmetic_finds_the_layers_that_torch_runs(network) -> None:
    assert spec_layers.of(network).layers == layers.of(network.name).layers
    assert spec_layers.of(network, 192).layers == layers.of(network.name, 192).layers


@pytest.mark.parametrize("model", ALL)
def test_the_layers_add_up_to_the_known_macs(model: str) -> None:
    assert layers.of(model).macs == catalog.entry(model).macs


def test_a_layer_reads_and_writes_every_activation_once() -> None:
    layer = Layer("conv", "stem", "convolution", 3, 10, 100, 1000, 500)
    assert layer.moved_bytes(1) == 1600
    assert layer.moved_bytes(4) == 6400


def test_blocks_have_the_papers_names() -> None:
    blocks = {layer.block for layer in layers.of("mnv4-hybrid-m").layers}
    assert blocks == {
        "conv_stem", "FusedIB", "UIB ExtraDW", "UIB FFN", "UIB ConvNext", "MQA", "ConvBN",
        "conv_head", "classifier",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "unexplained"),
    [
        ("mnv4-hybrid-l", set()),
        ("mobilenetv3-large", set()),
        ("fastvit-sa12", {layers.LARGE, layers.WIDENING}),
        ("efficientvit-b0", {layers.GROUPED, layers.LINEAR_ATTENTION, layers.LAYER_NORM}),
        ("timm:convnext_atto", {layers.LARGE, layers.LAYER_NORM}),
    ],
)
def test_what_work_and_traffic_do_not_explain_is_named(model: str, unexplained: set[str]) -> None:
    assert set(layers.of(model).unexplained) == unexplained


def test_the_table_is_what_torch_and_timm_build() -> None:
    built = [
        {name: str(value) for name, value in row.items()}
        for model, px, costs in published_networks.every()
        for row in layer_table.rows(model, px, costs)
    ]
    kept = list(csv.DictReader(layer_table.PATH.read_text("utf-8").splitlines()))
    assert kept == built, "write it anew: python -m mnv4bench.models.published_networks"


def test_the_table_adds_up_to_the_known_macs() -> None:
    for entry in catalog.entries():
        costs = layer_table.of(entry.model, entry.input_px)
        assert costs is not None
        assert costs.macs == entry.macs
    assert layer_table.of("fastvit-t8", 224) is None  # kept at 256 alone
    assert layer_table.of("no-such-model", 224) is None


def test_two_hundred_networks_are_counted_without_torch() -> None:
    """A search stands on it; benchmarks/prediction_speed.py has the time."""
    code = (
        "import sys\n"
        "from mnv4bench.models import spec_layers\n"
        "from mnv4bench.models.specs import CONV_M\n"
        "for px in range(64, 264): assert spec_layers.of(CONV_M, px).macs\n"
        "assert not {'torch', 'timm', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The networks of the paper's Table 6 as far as timm can build them, for their layers.

Table 6 has width multipliers that timm names no architecture for; timm's own generators take any.
Its two MultiHardware networks and NextViT-B are in no package, so nothing is known of their layers.
MobileOne-S4 is built as timm has it, with 2.98 G MACs where the table prints 1.5.

Knows: how each is built. Does not know: their latencies (published).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator

import torch
from torch import nn

from mnv4bench.models import baselines, catalog, layer_table, layers
from mnv4bench.records import Costs

_INPUT_PX = 224


def _generated(module: str, generator: str, arch: str, width: float) -> nn.Module:
    """timm's architecture with another width multiplier; the generators are private names."""
    baselines.timm_package()
    from importlib import import_module

    make: Callable[..., nn.Module] = getattr(import_module(f"timm.models.{module}"), generator)
    return make(arch, width)


def _v2(width: float) -> nn.Module:
    return _generated("efficientnet", "_gen_mobilenet_v2", "mobilenetv2_100", width)


_OTHERS: dict[str, Callable[[], nn.Module]] = {
    "mobilenetv1": lambda: baselines.create("mobilenetv1_100"),
    "mobilenetv2-0.5x": lambda: _v2(0.5),
    "mobilenetv2": lambda: _v2(1.0),
    "mobilenetv2-1.5x": lambda: _v2(1.5),
    "mobilenetv2-2.0x": lambda: _v2(2.0),
    "mobilenetv3-large-0.5x": lambda: _generated(
        "mobilenetv3", "_gen_mobilenet_v3", "mobilenetv3_large_100", 0.5
    ),
    "mobileone-s0": lambda: baselines.create("mobileone_s0"),
    "mobileone-s4": lambda: baselines.create("mobileone_s4"),
    "convnext-s": lambda: baselines.create("convnext_small"),
}


def every() -> Iterator[tuple[str, int, Costs]]:
    """(model, input px, layers) of each network of the table. Needs torch and timm."""
    for model, build in _OTHERS.items():
        baselines.timm_package()
        with torch.device("meta"):
            net = baselines.deployed(build())
        yield model, _INPUT_PX, layers.of_module(net, _INPUT_PX)
    for entry in catalog.entries():
        if catalog.definition(entry.model).network is None:
            yield entry.model, entry.input_px, layers.of(entry.model)


def write() -> None:
    """The table as CSV on standard output."""
    writer = csv.DictWriter(sys.stdout, layer_table.COLUMNS, lineterminator="\n")
    writer.writeheader()
    for model, input_px, costs in every():
        writer.writerows(layer_table.rows(model, input_px, costs))


if __name__ == "__main__":
    write()

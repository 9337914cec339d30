"""Layers of the networks that are compared, kept as a table: predicting needs no torch.

``layers.csv`` holds the networks of the catalog that timm builds, and those of the paper's Table 6
that timm can build; layers that are alike share a row with how ``often`` they come, and have no
names. MobileNetV4's own are computed (spec_layers). A test builds every network and compares;
``python -m mnv4bench.models.published_networks`` writes the table anew.

Knows: the table. Does not know: torch, latencies.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from mnv4bench.models import spec_layers
from mnv4bench.models.specs import NETWORKS
from mnv4bench.records import Costs, Layer, LayerKind

PATH = Path(__file__).with_name("layers.csv")
NUMBERS = ("kernel", "macs", "weights", "inputs", "outputs")
COLUMNS = ("model", "input_px", "kind", *NUMBERS, "often", "unexplained")
_BETWEEN = "; "


def of(model: str, input_px: int) -> Costs | None:
    """The layers of ``model`` for images of ``input_px``; None where no table has them.

    Of a MobileNetV4 at any size; of the others at the one that they are kept for.
    """
    for network in NETWORKS:
        if network.name == model:
            return spec_layers.of(network, input_px)
    return _table().get((model, input_px))


@cache
def _table() -> Mapping[tuple[str, int], Costs]:
    found: dict[tuple[str, int], list[Layer]] = {}
    unexplained: dict[tuple[str, int], tuple[str, ...]] = {}
    for row in csv.DictReader(PATH.read_text("utf-8").splitlines()):
        key = row["model"], int(row["input_px"])
        kind = cast(LayerKind, row["kind"])
        layer = Layer("", kind, kind, *(int(row[name]) for name in NUMBERS))
        found.setdefault(key, []).extend([layer] * int(row["often"]))
        if row["unexplained"]:
            unexplained[key] = tuple(row["unexplained"].split(_BETWEEN))
    return {key: Costs(tuple(rows), unexplained.get(key, ())) for key, rows in found.items()}


def rows(model: str, input_px: int, costs: Costs) -> list[dict[str, Any]]:
    """What the table says of one network, column by column."""
    alike = Counter(
        (layer.kind, *(getattr(layer, name) for name in NUMBERS)) for layer in costs.layers
    )
    said = _BETWEEN.join(costs.unexplained)
    return [
        dict(zip(COLUMNS, (model, input_px, *key, often, "" if index else said), strict=True))
        for index, (key, often) in enumerate(alike.items())
    ]

"""What rounding alone does to a network's outputs, simulated in torch.

A quantised file cannot equal torch, and by how much it may differ depends on the network: Conv-S
with random weights is left with a tenth of its signal as noise by 8 bits, MobileNetV3 with a
fiftieth. So a file is not held to one figure for all, but to what the same rounding does to the
same network here. A file far below that is wrong in another way.

Knows: torch's graph of a network, and where values are rounded in each precision. Does not know:
formats, files, or how a runtime goes about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from mnv4bench.export.coreml.exporter import SMALLEST_PALETTE
from mnv4bench.records import Precision

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

# What runtimes compute in one step with the operator before: its result is never rounded.
FUSED = ("relu", "relu_", "hardtanh", "hardtanh_", "clamp", "clamp_min")
# By then a palette of 16 is within 0.2 dB of the best one, for normal, Laplace and heavy tails.
ROUNDS = 100
# Enough for the ranges of the simulation; the file itself is calibrated on all.
RANGE_INPUTS = 8


def rounded_outputs(
    net: nn.Module, precision: Precision, calibration: Tensor, inputs: Tensor
) -> Tensor:
    """Outputs (N, classes) for ``inputs`` (N, 3, H, W) with everything rounded that is stored.

    Weights: int8 with one scale for each output channel, one of 16 values (palette4), or float16.
    Activations: 8 bits within the range seen on ``calibration`` (int8) or in the very tensor
    (int8-dynamic), or float16.
    """
    import torch

    from mnv4bench.export.folding import folded

    smaller = folded(net, inputs[:1])
    for module in smaller.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.weight.data = _stored(module.weight.data, precision)
    with torch.no_grad():
        graph = torch.export.export(smaller, (inputs[:1],)).module()
        run = _interpreter(graph, precision)
        if precision == "int8":
            for one in calibration[:RANGE_INPUTS]:
                run.see(one[None])
        return torch.cat([run.round(one[None]) for one in inputs])


def _stored(weight: Tensor, precision: Precision) -> Tensor:
    match precision:
        case "fp32":
            return weight
        case "fp16":
            return _half(weight)
        case "int8" | "int8-dynamic" | "int8-weights":
            return per_channel(weight)
        case "palette4":
            small = weight.numel() < SMALLEST_PALETTE
            return _half(weight) if small else palette(weight, 16)
        case _:
            assert_never(precision)


def _half(values: Tensor) -> Tensor:
    return values.half().float()


def palette(weight: Tensor, entries: int) -> Tensor:
    """Each number as the nearest of ``entries`` values: k-means from the quantiles on (Lloyd)."""
    import torch

    numbers = weight.flatten().double().sort().values
    values = numbers[torch.linspace(0, len(numbers) - 1, 2 * entries + 1).long()[1::2]]
    for _ in range(ROUNDS):
        members = torch.bucketize(numbers, (values[1:] + values[:-1]) / 2)
        counts = torch.bincount(members, minlength=entries).clamp(min=1)
        values = torch.bincount(members, numbers, minlength=entries) / counts
        values = values.sort().values
    middles = (values[1:] + values[:-1]) / 2
    return values[torch.bucketize(weight.double(), middles)].to(weight.dtype)


def per_channel(weight: Tensor) -> Tensor:
    """Symmetric, 127 steps to either side, along the first axis: (C_out, ...)."""
    scale = weight.flatten(1).abs().amax(1).clamp(min=1e-12) / 127  # (C_out,)
    scale = scale.view(-1, *[1] * (weight.dim() - 1))
    return (weight / scale).round() * scale


def _interpreter(graph: Any, precision: Precision) -> Any:
    """Runs ``graph``, an exported module, operator by operator, and rounds between them.

    ``see`` takes note of each result's range, ``round`` rounds to it.
    """
    from torch import Tensor
    from torch.fx import Interpreter, Node

    class Rounding(Interpreter):
        ranges: dict[Node, tuple[float, float]]
        seeing = False

        def see(self, one: Tensor) -> None:
            self.seeing = True
            self.run(one)
            self.seeing = False

        def round(self, one: Tensor) -> Tensor:
            result: Tensor = self.run(one)
            return result

        def run_node(self, n: Node) -> Any:
            result = super().run_node(n)
            if not isinstance(result, Tensor) or not result.is_floating_point():
                return result
            if n.op not in ("placeholder", "call_function") or _continues(n):
                return result
            if precision not in ("int8", "int8-dynamic"):
                return _half(result)
            low, high = min(0.0, float(result.min())), max(0.0, float(result.max()))
            if self.seeing:
                before = self.ranges.get(n, (0.0, 0.0))
                self.ranges[n] = min(low, before[0]), max(high, before[1])
                return result
            return _to_8_bits(result, *self.ranges.get(n, (low, high)))

    made = Rounding(graph)
    made.ranges = {}
    return made


def _continues(node: torch.fx.Node) -> bool:
    """Whether every reader of the node's result computes in one step with it."""
    names = [getattr(reader.target, "_opname", "") for reader in node.users]
    return bool(names) and all(name in FUSED for name in names)


def _to_8_bits(values: Tensor, low: float, high: float) -> Tensor:
    """255 steps from ``low`` to ``high``, zero among them."""
    scale = (high - low) / 255 or 1.0
    zero = round(-low / scale)
    return ((values / scale + zero).round().clamp(0, 255) - zero) * scale

"""The matrix products that a torch network is made of, with the numbers that end up in a file.

Knows: torch's graph of a network; that constant factors behind a layer become part of its weights.
Does not know: formats, or how a file may round the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torch.fx import Node

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
# torch's operators that multiply two activations -> how many products.
MATMULS = {"matmul": 1, "bmm": 1, "einsum": 1, "scaled_dot_product_attention": 2}
# Operators that give what they are given, at inference.
SILENT = ("dropout", "clone", "alias")


@dataclass(frozen=True)
class Layer:
    """A convolution or a fully connected layer: how it is applied, and its numbers in float32."""

    name: str
    # "conv", shape of the weight, strides, padding before and behind each axis, dilations, groups;
    # or "linear" and the shape.
    kind: tuple[object, ...]
    weight: NDArray[Any]  # (C_out, C_in / groups, kernel...) or (out, in)
    bias: NDArray[Any]  # (C_out,), zeros where there is none


@dataclass(frozen=True)
class Products:
    """All of a network, the layers in the order in which they run."""

    layers: tuple[Layer, ...]
    matmuls: int  # of two activations


def products(net: nn.Module, example: Tensor) -> Products:
    """The products of ``net`` (eval, batch norms folded) for an input like ``example``."""
    import torch

    with torch.no_grad():
        graph = torch.export.export(net, (example,)).module()
        constants = _constants(graph, example)
    layers = [
        _layer(node, constants)
        for node in graph.graph.nodes
        if _name(node) in (*CONVOLUTIONS, "linear")
    ]
    # Regions with settings of their own, as EfficientViT's attention, are graphs within the graph.
    parts = [part for part in graph.modules() if isinstance(part, torch.fx.GraphModule)]
    names = [_name(node) for part in parts for node in part.graph.nodes]
    return Products(tuple(layers), sum(MATMULS.get(name, 0) for name in names))


def _name(node: Node) -> str:
    """``conv2d`` for aten.conv2d.default; empty for what is no operator of torch."""
    return str(getattr(node.target, "_opname", ""))


def _constants(graph: Any, example: Tensor) -> dict[Node, Tensor]:
    """Each node that does not depend on the input -> its value."""
    from torch.fx import Interpreter

    known: dict[Node, Tensor] = {}

    class Recording(Interpreter):
        def run_node(self, n: Node) -> Any:
            result = super().run_node(n)
            computed = n.op == "call_function" and all(one in known for one in n.all_input_nodes)
            if n.op == "get_attr" or computed:
                known[n] = result
            return result

    Recording(graph).run(example)
    return known


def _layer(node: Node, constants: dict[Node, Tensor]) -> Layer:
    """The layer at ``node``, multiplied by the constants that alone read its result."""
    import torch

    _, weight_node, bias_node = (*node.args, None)[:3]
    weight = constants[weight_node].double()  # type: ignore[index]  # torch's nodes are untyped
    bias = torch.zeros(len(weight), dtype=torch.float64)
    if bias_node is not None:
        bias = constants[bias_node].double()  # type: ignore[index]
    last = node
    while len(last.users) == 1:
        (reader,) = last.users
        if _name(reader) in ("mul", "mul_"):
            factor = _factor(reader, last, constants, weight)
            if factor is None:
                break
            weight = weight * factor.view(-1, *[1] * (weight.dim() - 1))
            bias = bias * factor
        elif _name(reader) not in SILENT:
            break
        last = reader
    weight, bias = weight.detach().float(), bias.detach().float()
    kind: tuple[object, ...] = ("linear", tuple(weight.shape))
    if _name(node) in CONVOLUTIONS:
        kind = ("conv", tuple(weight.shape), *_geometry(node, weight.dim() - 2))
    return Layer(str(weight_node), kind, weight.numpy(), bias.numpy())


def _factor(
    multiply: Node, value: Node, constants: dict[Node, Tensor], weight: Tensor
) -> Tensor | None:
    """What ``value`` is multiplied by, (C_out,); None if that is no constant for each channel."""
    import torch

    others = [one for one in multiply.args if one is not value]
    if len(others) != 1:
        return None
    if isinstance(others[0], int | float):
        return torch.full((len(weight),), float(others[0]), dtype=torch.float64)
    factor = constants.get(others[0]) if isinstance(others[0], torch.fx.Node) else None
    if factor is None:
        return None
    axis = 1 - weight.dim()  # of the channels: in (B, C, H, W) -3, in (B, ..., C) -1
    of_channels = factor.dim() >= -axis and factor.shape[axis] == factor.numel() == len(weight)
    if factor.numel() != 1 and not of_channels:
        return None
    return factor.double().flatten().expand(len(weight))


def _geometry(node: Node, axes: int) -> tuple[object, ...]:
    """(strides, padding, dilations, groups) of a convolution, as in ``Layer.kind``."""
    given: list[Any] = list(node.args[3:])
    usual: list[Any] = [[1] * axes, [0] * axes, [1] * axes, 1]
    stride, padding, dilation, groups = given + usual[len(given) :]
    around = tuple(side for side in padding for _ in ("before", "behind"))
    return tuple(stride), around, tuple(dilation), groups

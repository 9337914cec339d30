"""Parameters and multiply-accumulates of a network, by arithmetic over its table.

Multiply-accumulates (MACs) and weights are those of its layers (spec_layers). What trains beside
the weights is added here: batch norm's scale and shift, layer scale, the classifier's bias.

Knows: specs. Does not know: torch (tests compare with it).
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple, assert_never

from mnv4bench.models import spec_layers
from mnv4bench.models.specs import MHSA, MQA, UIB, Block, ConvBN, FusedIB, Network


class Count(NamedTuple):
    """What one row of the table costs, and the shape that leaves it."""

    params: int
    macs: int
    channels: int
    px: int  # height and width of the output


def total_params(network: Network) -> int:
    """All parameters as trained, classifier bias included."""
    return sum(row.params for row in by_block(network))


def total_macs(network: Network, input_px: int | None = None) -> int:
    """MACs of one image of ``input_px`` x ``input_px`` (default: the network's own size)."""
    return spec_layers.of(network, input_px).macs


def by_block(network: Network, input_px: int | None = None) -> tuple[Count, ...]:
    """One Count a row of the table, in order, then those of the head and of the classifier."""
    channels, px = 3, input_px or network.input_px
    shapes, others = [], []  # (channels, px) behind each row; its parameters that are no weights
    for block in (network.stem, *(block for stage in network.stages for block in stage)):
        others.append(_besides(block, channels, scaled=network.layer_scale is not None))
        if not isinstance(block, MQA | MHSA):
            channels, px = block.out, -(-px // block.stride)
        shapes.append((channels, px))
    shapes += [(network.head_width, 1), (network.classes, 1)]
    others += [2 * network.head_width, network.classes]
    layers = spec_layers.of(network, input_px).layers
    rows = (list(row) for _, row in groupby(layers, lambda layer: layer.name.split(".")[:3]))
    return tuple(
        Count(sum(one.weights for one in row) + more, sum(one.macs for one in row), *shape)
        for row, more, shape in zip(rows, others, shapes, strict=True)
    )


def _besides(block: Block, channels: int, *, scaled: bool) -> int:
    """Scales and shifts in ``block``, which ``channels`` enter. ``scaled``: with layer scale."""
    match block:
        case ConvBN():
            return 2 * block.out
        case FusedIB():
            return 2 * (block.expanded + block.out)
        case UIB():
            normed = block.expanded + block.out
            normed += (channels if block.start else 0) + (block.expanded if block.middle else 0)
            return 2 * normed + (block.out if scaled else 0)
        case MQA() | MHSA():  # normed before; behind each of two down-samplings; scaled at the end
            return 2 * channels * (3 if block.kv_stride > 1 else 1) + (channels if scaled else 0)
        case _:
            assert_never(block)

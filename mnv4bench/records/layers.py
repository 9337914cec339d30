"""What a network asks of a processor, layer by layer: work and traffic, before any hardware.

A layer is what multiplies: a convolution, a linear layer, one matrix product of attention. Sums of
residuals, activations, norms, pooling and softmax are none: runtimes fuse most of them into the
layer before, and their arithmetic is counted in no published MAC figure.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records.words import Count

# convolution: dense, of more than one place; pointwise: 1x1; matmul: of two activations.
LayerKind = Literal["convolution", "pointwise", "depthwise", "linear", "matmul"]


class Layer(Struct, frozen=True):
    """One layer for one image. Numbers of elements, not bytes: those follow from the precision."""

    name: str  # the path of the module that it is in; "" where it is not known
    # What that is part of: "UIB ExtraDW", "MQA"; of others' networks a class ("InvertedResidual"),
    # outside of blocks the module ("conv_head"), where nothing is known the layer's kind.
    block: str
    kind: LayerKind
    kernel: Count  # its side; 1 for what has none
    macs: Count
    weights: Count  # biases left out: at most one for each output channel
    inputs: Count  # activations read; of a matmul both sides
    outputs: Count  # activations written

    def moved_bytes(self, width: int) -> int:
        """Bytes between memory and processor where every number has ``width`` bytes.

        The paper does not say what its ActivationBytes are; here each layer reads its inputs from
        memory and writes its outputs back, since it runs layers one after another.
        """
        return width * (self.weights + self.inputs + self.outputs)


class Costs(Struct, frozen=True):
    """All layers of one network, in the order in which they run."""

    layers: tuple[Layer, ...]
    # What is in it whose time does not follow from work and traffic, in words.
    unexplained: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def moved_bytes(self, width: int) -> int:
        """Of all layers together; see Layer.moved_bytes."""
        return sum(layer.moved_bytes(width) for layer in self.layers)

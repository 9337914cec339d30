"""The layers of a MobileNetV4, by arithmetic over its table: no torch, a fraction of a millisecond.

The same values as ``layers`` finds by running the network (tested, name by name).

Knows: specs. Does not know: torch, hardware.
"""

from __future__ import annotations

from typing import assert_never

from mnv4bench.models.specs import KV_KERNEL, MQA, UIB, Block, ConvBN, FusedIB, Network
from mnv4bench.records import Costs, Layer, LayerKind


def of(network: Network, input_px: int | None = None) -> Costs:
    """The layers of ``network`` for one image (default: of its own size), in order."""
    rows = _Rows(input_px or network.input_px, 3)
    rows.label("conv_stem", "conv_stem").conv(
        "", network.stem.kernel, network.stem.out, network.stem.stride
    )
    for stage, blocks in enumerate(network.stages):
        for index, block in enumerate(blocks):
            _block(rows.label(f"blocks.{stage}.{index}", _name(block)), block)
    rows.px = 1  # pooled
    rows.label("conv_head", "conv_head").conv("", 1, network.head_width)
    rows.label("classifier", "classifier").linear(network.classes)
    return Costs(tuple(rows.layers))


class _Rows:
    """The map that is passed on, and the layers that it went through."""

    def __init__(self, px: int, channels: int) -> None:
        self.px, self.channels = px, channels
        self.layers: list[Layer] = []
        self._path = self._block = ""

    def label(self, path: str, block: str) -> _Rows:
        self._path, self._block = path, block
        return self

    def conv(
        self,
        name: str,
        kernel: int,
        out: int,
        stride: int = 1,
        *,
        depthwise: bool = False,
        onward: bool = True,
    ) -> tuple[int, int]:
        """One convolution; (channels, px) of its output, which becomes the map if ``onward``."""
        after = -(-self.px // stride)  # odd kernels, padded by half of them
        weights = kernel**2 * out * (1 if depthwise else self.channels)
        kind: LayerKind = "pointwise" if kernel == 1 else "convolution"
        self.add(
            name,
            "depthwise" if depthwise else kind,
            kernel,
            macs=weights * after**2,
            weights=weights,
            inputs=self.channels * self.px**2,
            outputs=out * after**2,
        )
        if onward:
            self.channels, self.px = out, after
        return out, after

    def linear(self, out: int) -> None:
        weights = self.channels * out
        self.add("", "linear", 1, macs=weights, weights=weights, inputs=self.channels, outputs=out)

    def add(
        self,
        name: str,
        kind: LayerKind,
        kernel: int,
        *,
        macs: int,
        weights: int,
        inputs: int,
        outputs: int,
    ) -> None:
        path = f"{self._path}.{name}" if name else self._path
        self.layers.append(Layer(path, self._block, kind, kernel, macs, weights, inputs, outputs))


def _name(block: Block) -> str:
    return f"UIB {block.variant}" if isinstance(block, UIB) else type(block).__name__


def _block(rows: _Rows, block: Block) -> None:
    match block:
        case ConvBN(kernel=kernel, out=out, stride=stride):
            rows.conv("conv", kernel, out, stride)
        case FusedIB(kernel=kernel, expanded=expanded, out=out, stride=stride):
            rows.conv("conv_exp", kernel, expanded, stride)
            rows.conv("conv_pwl", 1, out)
        case UIB(start=start, middle=middle, stride=stride):
            if start:
                early = 1 if middle else stride  # the middle one strides where there is one
                rows.conv("dw_start.conv", start, rows.channels, early, depthwise=True)
            rows.conv("pw_exp.conv", 1, block.expanded)
            if middle:
                rows.conv("dw_mid.conv", middle, rows.channels, stride, depthwise=True)
            rows.conv("pw_proj.conv", 1, block.out)
        case MQA():
            _attention(rows, block)
        case _:
            assert_never(block)


def _attention(rows: _Rows, block: MQA) -> None:
    """Queries, keys, values, the two products, and the projection back."""
    channels, px = rows.channels, rows.px
    wide, queries = block.heads * block.key_dim, px**2
    rows.conv("attn.query.proj", 1, wide, onward=False)
    keys = queries
    for side in ("key", "value"):
        if block.kv_stride > 1:  # each has its own down-sampling
            rows.conv(
                f"attn.{side}.down_conv", KV_KERNEL, channels, block.kv_stride, depthwise=True
            )
        rows.conv(f"attn.{side}.proj", 1, block.key_dim)
        keys = rows.px**2
        rows.channels, rows.px = channels, px
    logits, shared = queries * block.heads * keys, keys * block.key_dim
    macs = logits * block.key_dim
    rows.add("attn", "matmul", 1, macs=macs, weights=0,
             inputs=queries * wide + shared, outputs=logits)  # fmt: skip
    rows.add("attn", "matmul", 1, macs=macs, weights=0,
             inputs=logits + shared, outputs=queries * wide)  # fmt: skip
    rows.channels = wide
    rows.conv("attn.output.proj", 1, channels)

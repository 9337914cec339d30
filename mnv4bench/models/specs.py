"""The five MobileNetV4 networks as tables, one row a block.

Source: arXiv:2404.10518v2, Appendix D, Tables 11, 12, 14 and 15, and, for Hybrid-M, heads, key
dims and K/V strides, the two public implementations, which agree row by row (TensorFlow Model
Garden, official/vision/modeling/backbones/mobilenet.py; timm 1.0.31, timm/models/mobilenetv3.py).
The paper's Table 13 lists another Hybrid-M; the released layout is the one that reproduces the
published 10.5 M parameters, so it is the one written here.

Knows: blocks, widths, kernels, strides. Does not know: torch, weights, latency or accuracy.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from mnv4bench.errors import UsageError

# Raise it when mnv4.py computes something else from the same rows: what was measured before then
# starts a new history (it is part of catalog.spec_digest).
DEFINITION = 1

CLASSES = 1000  # ImageNet-1k
HEAD_WIDTH = 1280  # of the 1x1 convolution after pooling, the same in all five networks
KV_KERNEL = 3  # of the depthwise convolution that down-samples keys and values
LAYER_SCALE_INIT = 1e-5  # both Hybrids, both implementations

Activation: TypeAlias = Literal["relu", "gelu"]
Variant: TypeAlias = Literal["ExtraDW", "IB", "ConvNext", "FFN"]


class ConvBN(Struct, frozen=True, tag=True):
    """k x k convolution, batch norm, activation."""

    kernel: int
    out: int
    stride: int = 1


class FusedIB(Struct, frozen=True, tag=True):
    """k x k convolution to ``expanded`` channels, activation, linear 1x1 projection."""

    kernel: int
    expanded: int
    out: int
    stride: int = 1


class UIB(Struct, frozen=True, tag=True):
    """Universal inverted bottleneck: two optional depthwise convolutions, kernel 0 meaning absent.

    The stride is taken by the middle depthwise convolution, or by the start one where the middle
    is absent.
    """

    start: int
    middle: int
    expanded: int
    out: int
    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride > 1 and not (self.start or self.middle):
            raise UsageError(
                f"A UIB without a depthwise convolution cannot take stride {self.stride}.",
                "give it a start or a middle kernel, or stride 1",
            )

    @property
    def variant(self) -> Variant:
        """The paper's name of this instantiation (Figure 4)."""
        match bool(self.start), bool(self.middle):
            case True, True:
                return "ExtraDW"
            case False, True:
                return "IB"
            case True, False:
                return "ConvNext"
            case _:
                return "FFN"


class MQA(Struct, frozen=True, tag=True):
    """Mobile multi-query attention: one K/V head of ``key_dim`` channels serves all query heads.

    ``kv_stride`` 2 halves the resolution of keys and values only (asymmetric down-sampling).
    """

    heads: int
    key_dim: int
    kv_stride: int = 1


class PlainMQA(MQA, frozen=True, tag=True):
    """MQA computed with heads before positions, as attention is usually written.

    The same parameters and the same outputs, by operators that have to transpose queries and
    results: what the paper's Appendix G compares its own layout with. In no reference network.
    """


class MHSA(Struct, frozen=True, tag=True):
    """Multi-head self-attention: keys and values of ``key_dim`` channels for every head.

    What the paper's Table 2 compares MQA with. In no reference network.
    """

    heads: int
    key_dim: int
    kv_stride: int = 1


Block: TypeAlias = ConvBN | FusedIB | UIB | MQA | PlainMQA | MHSA


class Network(Struct, frozen=True):
    """One network, stem to the last 1x1 convolution; pooling and head are the same in all."""

    name: str
    input_px: int  # the paper's
    stem: ConvBN
    stages: tuple[tuple[Block, ...], ...]
    activation: Activation = "relu"
    layer_scale: float | None = None  # initial gamma of UIBs and attention; None: no layer scale
    head_width: int = HEAD_WIDTH
    classes: int = CLASSES


def extra_dw(start: int, middle: int, expanded: int, out: int, stride: int = 1) -> UIB:
    """UIB with both depthwise convolutions: deeper and with a wider view, at low cost."""
    return UIB(start, middle, expanded, out, stride)


def ib(middle: int, expanded: int, out: int, stride: int = 1) -> UIB:
    """UIB as the inverted bottleneck of MobileNetV2: spatial mixing on expanded features."""
    return UIB(0, middle, expanded, out, stride)


def conv_next(start: int, expanded: int, out: int) -> UIB:
    """UIB as a ConvNext block: spatial mixing before the expansion, so larger kernels are cheap."""
    return UIB(start, 0, expanded, out)


def ffn(expanded: int, out: int) -> UIB:
    """UIB without spatial mixing: two 1x1 convolutions, the friendliest to accelerators."""
    return UIB(0, 0, expanded, out)


# Rows read: depthwise kernels (start, middle), expanded channels, output channels, stride.

CONV_S = Network(
    name="mnv4-conv-s",
    input_px=224,
    stem=ConvBN(3, 32, stride=2),  # 224 -> 112
    stages=(
        (  # 112 -> 56; the paper writes this pair as one FusedIB, but its 1x1 has an activation
            ConvBN(3, 32, stride=2),
            ConvBN(1, 32),
        ),
        (  # 56 -> 28, as above
            ConvBN(3, 96, stride=2),
            ConvBN(1, 64),
        ),
        (  # 28 -> 14
            extra_dw(5, 5, 192, 96, stride=2),
            ib(3, 192, 96),
            ib(3, 192, 96),
            ib(3, 192, 96),
            ib(3, 192, 96),
            conv_next(3, 384, 96),
        ),
        (  # 14 -> 7
            extra_dw(3, 3, 576, 128, stride=2),
            extra_dw(5, 5, 512, 128),
            ib(5, 512, 128),
            ib(5, 384, 128),
            ib(3, 512, 128),
            ib(3, 512, 128),
        ),
        (ConvBN(1, 960),),  # 7
    ),
)

CONV_M = Network(
    name="mnv4-conv-m",
    input_px=256,
    stem=ConvBN(3, 32, stride=2),  # 256 -> 128
    stages=(
        (FusedIB(3, 128, 48, stride=2),),  # 128 -> 64
        (  # 64 -> 32
            extra_dw(3, 5, 192, 80, stride=2),
            extra_dw(3, 3, 160, 80),
        ),
        (  # 32 -> 16
            extra_dw(3, 5, 480, 160, stride=2),
            extra_dw(3, 3, 640, 160),
            extra_dw(3, 3, 640, 160),
            extra_dw(3, 5, 640, 160),
            extra_dw(3, 3, 640, 160),
            conv_next(3, 640, 160),
            ffn(320, 160),
            conv_next(3, 640, 160),
        ),
        (  # 16 -> 8
            extra_dw(5, 5, 960, 256, stride=2),
            extra_dw(5, 5, 1024, 256),
            extra_dw(3, 5, 1024, 256),
            extra_dw(3, 5, 1024, 256),
            ffn(1024, 256),
            conv_next(3, 1024, 256),
            extra_dw(3, 5, 512, 256),
            extra_dw(5, 5, 1024, 256),
            ffn(1024, 256),
            ffn(1024, 256),
            conv_next(5, 512, 256),
        ),
        (ConvBN(1, 960),),  # 8
    ),
)

CONV_L = Network(
    name="mnv4-conv-l",
    input_px=384,
    stem=ConvBN(3, 24, stride=2),  # 384 -> 192
    stages=(
        (FusedIB(3, 96, 48, stride=2),),  # 192 -> 96
        (  # 96 -> 48
            extra_dw(3, 5, 192, 96, stride=2),
            extra_dw(3, 3, 384, 96),
        ),
        (  # 48 -> 24
            extra_dw(3, 5, 384, 192, stride=2),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 5, 768, 192),
            extra_dw(5, 3, 768, 192),
            extra_dw(5, 3, 768, 192),
            extra_dw(5, 3, 768, 192),
            extra_dw(5, 3, 768, 192),
            extra_dw(5, 3, 768, 192),
            conv_next(3, 768, 192),
        ),
        (  # 24 -> 12
            extra_dw(5, 5, 768, 512, stride=2),
            extra_dw(5, 5, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            conv_next(5, 2048, 512),
            extra_dw(5, 3, 2048, 512),
            conv_next(5, 2048, 512),
            conv_next(5, 2048, 512),
            extra_dw(5, 3, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            conv_next(5, 2048, 512),
            conv_next(5, 2048, 512),
            conv_next(5, 2048, 512),
        ),
        (ConvBN(1, 960),),  # 12
    ),
)

HYBRID_M = Network(
    name="mnv4-hybrid-m",
    input_px=256,
    layer_scale=LAYER_SCALE_INIT,
    stem=ConvBN(3, 32, stride=2),  # 256 -> 128
    stages=(
        (FusedIB(3, 128, 48, stride=2),),  # 128 -> 64
        (  # 64 -> 32
            extra_dw(3, 5, 192, 80, stride=2),
            extra_dw(3, 3, 160, 80),
        ),
        (  # 32 -> 16; attention: 256 queries look at 64 keys
            extra_dw(3, 5, 480, 160, stride=2),
            ffn(320, 160),
            extra_dw(3, 3, 640, 160),
            extra_dw(3, 5, 640, 160),
            MQA(heads=4, key_dim=64, kv_stride=2),
            extra_dw(3, 3, 640, 160),
            MQA(heads=4, key_dim=64, kv_stride=2),
            conv_next(3, 640, 160),
            MQA(heads=4, key_dim=64, kv_stride=2),
            extra_dw(3, 3, 640, 160),
            MQA(heads=4, key_dim=64, kv_stride=2),
            conv_next(3, 640, 160),
        ),
        (  # 16 -> 8; attention: 64 queries, 64 keys
            extra_dw(5, 5, 960, 256, stride=2),
            extra_dw(5, 5, 1024, 256),
            extra_dw(3, 5, 1024, 256),
            extra_dw(3, 5, 1024, 256),
            ffn(512, 256),
            extra_dw(3, 5, 512, 256),
            ffn(512, 256),
            ffn(1024, 256),
            MQA(heads=4, key_dim=64),
            conv_next(3, 1024, 256),
            MQA(heads=4, key_dim=64),
            extra_dw(5, 5, 1024, 256),
            MQA(heads=4, key_dim=64),
            conv_next(5, 1024, 256),
            MQA(heads=4, key_dim=64),
            conv_next(5, 1024, 256),
        ),
        (ConvBN(1, 960),),  # 8
    ),
)

HYBRID_L = Network(
    name="mnv4-hybrid-l",
    input_px=384,
    activation="gelu",
    layer_scale=LAYER_SCALE_INIT,
    stem=ConvBN(3, 24, stride=2),  # 384 -> 192
    stages=(
        (FusedIB(3, 96, 48, stride=2),),  # 192 -> 96
        (  # 96 -> 48
            extra_dw(3, 5, 192, 96, stride=2),
            extra_dw(3, 3, 384, 96),
        ),
        (  # 48 -> 24; attention: 576 queries look at 144 keys
            extra_dw(3, 5, 384, 192, stride=2),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 3, 768, 192),
            extra_dw(3, 5, 768, 192),
            extra_dw(5, 3, 768, 192),
            extra_dw(5, 3, 768, 192),
            MQA(heads=8, key_dim=48, kv_stride=2),
            extra_dw(5, 3, 768, 192),
            MQA(heads=8, key_dim=48, kv_stride=2),
            extra_dw(5, 3, 768, 192),
            MQA(heads=8, key_dim=48, kv_stride=2),
            extra_dw(5, 3, 768, 192),
            MQA(heads=8, key_dim=48, kv_stride=2),
            conv_next(3, 768, 192),
        ),
        (  # 24 -> 12; attention: 144 queries, 144 keys
            extra_dw(5, 5, 768, 512, stride=2),
            extra_dw(5, 5, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            conv_next(5, 2048, 512),
            extra_dw(5, 3, 2048, 512),
            conv_next(5, 2048, 512),
            conv_next(5, 2048, 512),
            extra_dw(5, 3, 2048, 512),
            extra_dw(5, 5, 2048, 512),
            MQA(heads=8, key_dim=64),
            conv_next(5, 2048, 512),
            MQA(heads=8, key_dim=64),
            conv_next(5, 2048, 512),
            MQA(heads=8, key_dim=64),
            conv_next(5, 2048, 512),
            MQA(heads=8, key_dim=64),
            conv_next(5, 2048, 512),
        ),
        (ConvBN(1, 960),),  # 12
    ),
)

NETWORKS = (CONV_S, CONV_M, CONV_L, HYBRID_M, HYBRID_L)

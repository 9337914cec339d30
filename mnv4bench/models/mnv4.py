"""MobileNetV4 in torch: the whole network, top-down, built from the tables of ``specs``.

Reference: arXiv:2404.10518v2, section 3 (UIB), section 4 (Mobile MQA) and Appendix D.

Module names are those of timm 1.0.31 (timm/models/mobilenetv3.py), so a timm MobileNetV4 state dict
loads with strict=True as it is, and the other way round. Numerics are timm's too: batch norm with
eps 1e-5 and symmetric padding, where the TensorFlow original uses other eps and "same" padding.

Knows: tensors. Does not know: where weights come from, how a network is exported or timed.
Shapes: B batch, C channels, H and W height and width, h heads, d key dim, N = H * W queries,
M keys (N, or a quarter of it with K/V down-sampling). Images are (B, 3, H, W).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import assert_never

import torch
from torch import Tensor, nn

from mnv4bench.models.specs import (
    KV_KERNEL,
    MQA,
    UIB,
    Activation,
    Block,
    ConvBN,
    FusedIB,
    Network,
)

BN_EPS = 1e-5  # timm's, whose checkpoints are the public ones; Model Garden: 1e-3, Conv-S 1e-6


def conv(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Convolution without bias, padded by kernel // 2 on every side."""
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BN_EPS)


def activation(name: Activation) -> nn.Module:
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "gelu":
            return nn.GELU()
        case _:
            assert_never(name)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, and an activation unless ``act`` is None.

    ``norm`` is the name of the batch norm: timm says "bn" inside a UIB and "bn1" elsewhere.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int,
        stride: int = 1,
        *,
        depthwise: bool = False,
        act: Activation | None = None,
        norm: str = "bn",
    ) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv"] = conv(channels, out, kernel, stride, channels if depthwise else 1)
        layers[norm] = batch_norm(out)
        if act is not None:
            layers["act"] = activation(act)
        super().__init__(layers)


class FusedInvertedBottleneck(nn.Module):
    """A dense convolution that strides and expands, then a linear 1x1 projection."""

    def __init__(self, spec: FusedIB, channels: int, act: Activation) -> None:
        super().__init__()
        self.has_residual = spec.stride == 1 and channels == spec.out
        self.conv_exp = conv(channels, spec.expanded, spec.kernel, spec.stride)
        self.bn1 = batch_norm(spec.expanded)
        self.act = activation(act)
        self.conv_pwl = conv(spec.expanded, spec.out, 1)
        self.bn2 = batch_norm(spec.out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.bn1(self.conv_exp(x)))  # (B, expanded, H/s, W/s)
        y = self.bn2(self.conv_pwl(y))  # (B, out, H/s, W/s)
        return x + y if self.has_residual else y


class LayerScale(nn.Module):
    """A learned factor for each channel, near zero at first, so deep residual nets train."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(1, -1, 1, 1)  # (B, C, H, W)


def layer_scale(channels: int, initial: float | None) -> nn.Module:
    return nn.Identity() if initial is None else LayerScale(channels, initial)


class UniversalInvertedBottleneck(nn.Module):
    """Expand, mix, project; where the depthwise convolutions stand makes four blocks of one.

    ExtraDW has both, IB the middle one, ConvNext the start one, FFN none. The start depthwise
    convolution and the projection are linear: no activation follows.
    """

    def __init__(
        self, spec: UIB, channels: int, act: Activation, initial_scale: float | None
    ) -> None:
        super().__init__()
        self.variant = spec.variant
        self.has_residual = spec.stride == 1 and channels == spec.out
        early = 1 if spec.middle else spec.stride  # the middle one strides where there is one
        wide = spec.expanded
        self.dw_start = (
            ConvNorm(channels, channels, spec.start, early, depthwise=True)
            if spec.start
            else nn.Identity()
        )
        self.pw_exp = ConvNorm(channels, wide, 1, act=act)
        self.dw_mid = (
            ConvNorm(wide, wide, spec.middle, spec.stride, depthwise=True, act=act)
            if spec.middle
            else nn.Identity()
        )
        self.pw_proj = ConvNorm(wide, spec.out, 1)
        self.layer_scale = layer_scale(spec.out, initial_scale)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dw_start(x)  # (B, C, H, W)
        y = self.pw_exp(y)  # (B, expanded, H, W)
        y = self.dw_mid(y)  # (B, expanded, H/s, W/s)
        y = self.pw_proj(y)  # (B, out, H/s, W/s)
        y = self.layer_scale(y)
        return x + y if self.has_residual else y


class MultiQueryAttention(nn.Module):
    """Many query heads, one key and value head.

    Because the single K/V head serves every query head, heads can be folded into rows: h heads of
    N queries are N * h rows against the same M keys. Written as two einsums over channels-last
    tokens this lowers to two plain batch matmuls without a transpose, and the TFLite file stays in
    one XNNPACK partition; scaled_dot_product_attention on (B, h, N, d) gives six transposes and a
    second partition per block (litert-torch 0.10).
    """

    def __init__(self, spec: MQA, channels: int) -> None:
        super().__init__()
        self.heads = spec.heads
        self.key_dim = spec.key_dim
        wide = spec.heads * spec.key_dim
        self.query = nn.Sequential(OrderedDict(proj=conv(channels, wide, 1)))
        self.key = self._down_sampled(spec, channels)
        self.value = self._down_sampled(spec, channels)
        self.output = nn.Sequential(OrderedDict(proj=conv(wide, channels, 1)))

    @staticmethod
    def _down_sampled(spec: MQA, channels: int) -> nn.Sequential:
        """1x1 projection to one head, after a strided depthwise convolution if asked for."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if spec.kv_stride > 1:
            layers["down_conv"] = conv(channels, channels, KV_KERNEL, spec.kv_stride, channels)
            layers["norm"] = batch_norm(channels)
        layers["proj"] = conv(channels, spec.key_dim, 1)
        return nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        _, _, height, width = x.shape
        scaled = self.query(x) * self.key_dim**-0.5  # here exporters fold it into the convolution
        q = tokens(scaled, self.key_dim)  # (B, N * h, d)
        k = tokens(self.key(x), self.key_dim)  # (B, M, d)
        v = tokens(self.value(x), self.key_dim)  # (B, M, d)
        weights = torch.einsum("bnd,bmd->bnm", q, k).softmax(dim=-1)  # (B, N * h, M)
        y = torch.einsum("bnm,bmd->bnd", weights, v)  # (B, N * h, d)
        y = y.reshape(-1, height, width, self.heads * self.key_dim)  # (B, H, W, h * d)
        out: Tensor = self.output(y.permute(0, 3, 1, 2))  # (B, C, H, W)
        return out


def tokens(x: Tensor, key_dim: int) -> Tensor:
    """(B, h * d, H, W) -> (B, H * W * h, d): one row a head and position, channels last."""
    batch, channels, height, width = x.shape
    rows = height * width * (channels // key_dim)
    return x.permute(0, 2, 3, 1).reshape(batch, rows, key_dim)


class MobileMQA(nn.Module):
    """Batch norm, multi-query attention, residual. The UIB that follows plays the MLP's part."""

    def __init__(self, spec: MQA, channels: int, initial_scale: float | None) -> None:
        super().__init__()
        self.norm = batch_norm(channels)
        self.attn = MultiQueryAttention(spec, channels)
        self.layer_scale = layer_scale(channels, initial_scale)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer_scale(self.attn(self.norm(x)))  # (B, C, H, W)
        return x + y


class MobileNetV4(nn.Module):
    """Stem, stages, 960 channels, pooling, 1280 channels, classes.

    Initialised for training, as timm does: normal by fan-out, Xavier inside attention.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        act, stem = network.activation, network.stem
        self.conv_stem = conv(3, stem.out, stem.kernel, stem.stride)
        self.bn1 = batch_norm(stem.out)
        self.act1 = activation(act)
        self.blocks = nn.Sequential()
        channels = stem.out
        for stage in network.stages:
            built = nn.Sequential()
            for spec in stage:
                block, channels = build_block(spec, channels, act, network.layer_scale)
                built.append(block)
            self.blocks.append(built)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = conv(channels, network.head_width, 1)
        self.norm_head = batch_norm(network.head_width)
        self.act2 = activation(act)
        self.classifier = nn.Linear(network.head_width, network.classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.bn1(self.conv_stem(x)))  # (B, 24 or 32, H/2, W/2)
        x = self.blocks(x)  # (B, 960, H/32, W/32)
        x = self.global_pool(x)  # (B, 960, 1, 1)
        x = self.act2(self.norm_head(self.conv_head(x)))  # (B, 1280, 1, 1)
        logits: Tensor = self.classifier(x.flatten(1))  # (B, classes)
        return logits


def build_block(
    spec: Block, channels: int, act: Activation, initial_scale: float | None
) -> tuple[nn.Module, int]:
    """(the block for ``spec`` on ``channels`` input channels, its output channels)."""
    match spec:
        case ConvBN(kernel=kernel, out=out, stride=stride):
            return ConvNorm(channels, out, kernel, stride, act=act, norm="bn1"), out
        case FusedIB():
            return FusedInvertedBottleneck(spec, channels, act), spec.out
        case UIB():
            return UniversalInvertedBottleneck(spec, channels, act, initial_scale), spec.out
        case MQA():
            return MobileMQA(spec, channels, initial_scale), channels
        case _:
            assert_never(spec)


def initialise(module: nn.Module) -> None:
    """Draw the module's own weights from torch's generator; children come before parents."""
    match module:
        case MultiQueryAttention():
            for part in module.modules():
                if isinstance(part, nn.Conv2d):
                    nn.init.xavier_uniform_(part.weight)
        case nn.Conv2d():
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, std=math.sqrt(2 / (fan_out // module.groups)))
        case nn.Linear():
            bound = 1 / math.sqrt(module.out_features)
            nn.init.uniform_(module.weight, -bound, bound)
            nn.init.zeros_(module.bias)
        case _:  # batch norm and layer scale start where their constructors leave them
            pass

"""Attention written for Apple's Neural Engine: channels first, and nothing transposed.

Apple, "Deploying Transformers on the Apple Neural Engine" (2022): data lie as (B, C, 1, S), so keep
the channels first and four axes, and neither transpose nor reshape where it can be helped. Networks
say attention with the channels last, for which a converter writes four transposes a block.

Knows: the kinds of attention in the catalog and in ``specs``. Does not know: converters. Not timed:
that takes a device. That the outputs are the same is seen when a file is checked.

Shapes: B batch, C channels, H and W height and width, N = H * W queries, M keys, h heads, d head
dim.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from mnv4bench.export.lowering import LinearAttention, pointwise
from mnv4bench.models.mnv4 import MultiHeadAttention, MultiQueryAttention

SMALLEST = 2**-23  # twice the smallest float16


def channels_first(net: nn.Module) -> nn.Module:
    """``net`` (eval) with such attention, in place."""
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            setattr(parent, name, _exchanged(child))
    return net


def _exchanged(module: nn.Module) -> nn.Module:
    # Not the plain layout: that stays as it is, to be measured against this one.
    if type(module) in (MultiQueryAttention, MultiHeadAttention):
        return SharedOrOwnKeys(cast("MultiQueryAttention", module))
    match f"{type(module).__module__}.{type(module).__name__}":
        case "timm.models.fastvit.Attention":
            return ManyKeyHeads(module)
        case "timm.models.efficientvit_mit.LiteMLA":
            return LinearByMatmul(module)
    return module


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(B, h, d, N) queries, (B, h or 1, d, M) keys and values -> (B, h, d, N).

    Keys by queries, not queries by keys: so both products take what the convolutions give as it
    lies, and only the keys, which are fewest, are read across.
    """
    weights = torch.matmul(k.transpose(2, 3), q).softmax(dim=2)  # (B, h, M, N)
    return torch.matmul(v, weights)


class SharedOrOwnKeys(nn.Module):
    """Mobile MQA of MobileNetV4, one K/V head for all; MHSA, one for each."""

    def __init__(self, attention: MultiQueryAttention) -> None:
        super().__init__()
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.output = attention.output
        self.heads, self.kv_heads = attention.heads, attention.kv_heads
        self.key_dim = attention.key_dim

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        scaled = self.query(x) * self.key_dim**-0.5
        q = scaled.reshape(batch, self.heads, self.key_dim, height * width)
        k = self.key(x).reshape(batch, self.kv_heads, self.key_dim, -1)
        v = self.value(x).reshape(batch, self.kv_heads, self.key_dim, -1)
        out: Tensor = self.output(attend(q, k, v).reshape(batch, -1, height, width))
        return out


class ManyKeyHeads(nn.Module):
    """FastViT's attention, with 1x1 convolutions in place of linear layers over tokens."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.heads, self.scale = attention.num_heads, attention.scale
        self.qkv, self.proj = pointwise(attention.qkv), pointwise(attention.proj)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        heads = (batch, 3 * self.heads, channels // self.heads, height * width)
        q, k, v = self.qkv(x).reshape(heads).chunk(3, dim=1)  # (B, h, d, N) each
        out: Tensor = self.proj(attend(q * self.scale, k, v).reshape(batch, -1, height, width))
        return out


class LinearByMatmul(LinearAttention):
    """EfficientViT's attention; coremltools reshapes around the einsums that TFLite likes best.

    The keys are divided by their whole before they are summed over all positions, which may be past
    the largest float16 otherwise. What is added to the divisor is divided as well, and may vanish
    below the smallest float16; so that one is added too, or queries of zero would be 0 / 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        q, k, v = self.projected(x)
        sums = k.sum(dim=3, keepdim=True)  # (B, h, d, 1)
        whole = sums.sum(dim=2, keepdim=True) + self.eps  # (B, h, 1, 1)
        weighted = torch.matmul(torch.matmul(v, (k / whole).transpose(2, 3)), q)  # (B, h, d, N)
        divisor = (q * (sums / whole)).sum(dim=2, keepdim=True)  # (B, h, 1, N)
        heads = weighted / (divisor + (self.eps / whole + SMALLEST))
        out: Tensor = self.proj(heads.reshape(batch, -1, height, width))
        return out

"""Parts of a network are written another way, exactly equal, that the runtimes have kernels for.

An exporter writes down what torch does, and some of that has no good kernel on a phone or a
processor. Here stand the forms that have one, each with what it replaces and why. What is not
listed stays as it is.

Knows: timm's and torch's modules, and which operators XNNPACK and ONNX Runtime run fast. Does not
know: converters; and nobody has to trust it, because a finished file is compared with the network
as it was built (parity).

Shapes: B batch, C channels, H and W height and width, N = H * W positions, h heads, d head dim.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from mnv4bench.export.formats import Layout

# XNNPACK's largest depthwise kernel. Above, each channel becomes a convolution of its own that
# fills one lane of a vector: a 7x7 on 48 channels takes 6.5 times as long as its three parts.
XNNPACK_TAPS = 25
LINEAR_ATTENTION = "timm.models.efficientvit_mit.LiteMLA"


def lowered(net: nn.Module, layout: "Layout") -> nn.Module:
    """``net`` (eval, batch norms folded) with such parts exchanged, in place.

    ``layout`` is the file's: channels last for XNNPACK, channels first for ONNX Runtime. A form
    that only one of them needs is used only there.
    """
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            setattr(parent, name, _exchanged(child, layout))
    return net


def for_torch(net: nn.Module) -> nn.Module:
    """``net`` (eval) as torch itself is to run it, in place: as it is, but for linear attention.

    timm's asks autocast for 32 bits, which an exported program holds as a call of its own that is
    no operator; and its sums over all positions leave the range of fp16 (``LinearAttention``).
    """
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if f"{type(child).__module__}.{type(child).__name__}" == LINEAR_ATTENTION:
                setattr(parent, name, LinearAttention(child))
    return net


def _exchanged(module: nn.Module, layout: "Layout") -> nn.Module:
    kind = f"{type(module).__module__}.{type(module).__name__}"
    if kind == LINEAR_ATTENTION:
        return LinearAttention(module)
    if kind == "timm.models.fastvit.Attention":
        return TokenAttention(module)
    # The very class: timm's Conv2dSame, for one, is a subclass that pads in its own way.
    if type(module) is not nn.Conv2d or module.padding_mode != "zeros":
        return module
    if not 1 < module.groups == module.in_channels:
        return module
    if module.out_channels > module.groups:
        return Multiplied(module, layout)
    return in_rows(module) if layout == "NHWC" else module


class Multiplied(nn.Module):
    """A depthwise convolution with m results a channel, on m copies of the channels.

    Neither runtime has a depthwise kernel for more than one result a channel; both fall back to
    one small convolution a channel. The results come out as m runs of C and are put in torch's
    order, where those of one channel stand together. In at most four dimensions: GPU delegates
    refuse five.
    """

    def __init__(self, conv: nn.Conv2d, layout: "Layout") -> None:
        super().__init__()
        self.channels, self.times = conv.in_channels, conv.out_channels // conv.in_channels
        self.layout = layout
        order = torch.arange(conv.out_channels).reshape(self.channels, self.times).T.flatten()
        bias = None if conv.bias is None else conv.bias[order]
        single = _depthwise(conv, conv.weight[order], bias)
        self.conv = in_rows(single) if layout == "NHWC" else single

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(torch.cat([x] * self.times, dim=1))  # (B, m * C, H', W')
        batch, wide, height, width = y.shape
        if self.layout == "NHWC":
            runs = y.permute(0, 2, 3, 1).reshape(-1, self.times, self.channels)
            ordered = runs.transpose(1, 2).reshape(batch, height, width, wide)
            return ordered.permute(0, 3, 1, 2)  # (B, C * m, H', W')
        runs = y.reshape(batch, self.times, self.channels, height * width)
        return runs.transpose(1, 2).reshape(batch, wide, height, width)


def in_rows(conv: nn.Conv2d) -> nn.Module:
    """A depthwise convolution too large for XNNPACK's kernels as a sum of some that are not.

    The middle row, or the middle three, are one part; then every pair of rows at the same distance
    from the middle is one, dilated so that it has two rows. All of them are centred, so no part
    needs another crop of the image. Any other convolution stays as it is.
    """
    height, width = conv.kernel_size
    middle = height // 2
    # How many rows around the middle are the first part; a pair has to fit anyway.
    core = 3 if 3 * width <= XNNPACK_TAPS else 1
    if (
        height * width <= XNNPACK_TAPS
        or 2 * width > XNNPACK_TAPS
        or height % 2 == 0
        or conv.padding != (middle, width // 2)
        or conv.dilation != (1, 1)
    ):
        return conv
    around = slice(middle - core // 2, middle + core // 2 + 1)
    first = _depthwise(conv, conv.weight[:, :, around], conv.bias)
    first.padding = (core // 2, width // 2)
    parts = [first]
    for distance in range(core // 2 + 1, middle + 1):
        pair = _depthwise(conv, conv.weight[:, :, [middle - distance, middle + distance]], None)
        pair.padding, pair.dilation = (distance, width // 2), (2 * distance, 1)
        parts.append(pair)
    return Summed(parts)


class Summed(nn.Module):
    """What several modules make of the same input, added up."""

    def __init__(self, parts: "list[nn.Conv2d]") -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.parts
        total: Tensor = first(x)
        for part in others:
            total = total + part(x)
        return total


def _depthwise(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """A depthwise convolution like ``conv`` with this weight (C, 1, k, k) and bias (C,)."""
    channels, _, height, width = weight.shape
    made = nn.Conv2d(channels, channels, (height, width), groups=channels, bias=bias is not None)
    made.stride, made.padding, made.dilation = conv.stride, conv.padding, conv.dilation
    made.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias, requires_grad=False)
    return made.eval()


class LinearAttention(nn.Module):
    """EfficientViT's attention (timm's LiteMLA) on channels-first tokens.

    timm widens V with a column of ones, so that one product gives both the sum that is weighted
    and the sum to divide by. That costs a pad, which XNNPACK does not take and cuts the network in
    two for, a width that fills no vector, and transposes of all of Q, K and V. Here the divisor is
    computed by itself and the positions stay last, as the convolutions leave them in ONNX.

    The sums over all positions come as shares of the whole, which drops out of the quotient:
    otherwise they grow with the image's size and the square of its contrast, past the largest
    float16 and out of what 16 bits of an integer tell apart.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.qkv, self.aggreg, self.proj = attention.qkv, attention.aggreg, attention.proj
        self.kernel_func = attention.kernel_func
        self.dim, self.eps = attention.dim, attention.eps

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        q, k, v = self.projected(x)
        sums = k.sum(dim=3, keepdim=True)  # (B, h, d, 1)
        whole = sums.sum(dim=2, keepdim=True) + self.eps  # (B, h, 1, 1)
        weighted = self.weighted(q, k, v, whole)
        divisor = (q * (sums / whole)).sum(dim=2, keepdim=True)  # (B, h, 1, N)
        heads = weighted / (divisor + self.eps / whole)  # (B, h, d, N)
        out: Tensor = self.proj(heads.reshape(batch, -1, height, width))
        return out

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of all scales, (B, h, d, N) each."""
        batch, _, height, width = x.shape
        one: Tensor = self.qkv(x)  # (B, h * 3 * d, H, W)
        scales = torch.cat([one, *(scale(one) for scale in self.aggreg)], dim=1)
        q, k, v = scales.reshape(batch, -1, 3 * self.dim, height * width).chunk(3, dim=2)
        return self.kernel_func(q), self.kernel_func(k), v

    def weighted(self, q: Tensor, k: Tensor, v: Tensor, whole: Tensor) -> Tensor:
        """The sum that is to be divided, (B, h, d, N) like all three, over ``whole``."""
        products = torch.einsum("bhen,bhdn->bhed", v, k) / whole  # (B, h, d, d)
        return torch.einsum("bhed,bhdn->bhen", products, q)


class TokenAttention(nn.Module):
    """FastViT's attention with 1x1 convolutions in place of the linear layers, in four dimensions.

    timm puts Q, K and V into one tensor of five, which GPU delegates refuse, and turns the image to
    tokens and back around each linear layer.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.heads, self.scale = attention.num_heads, attention.scale
        self.qkv, self.proj = pointwise(attention.qkv), pointwise(attention.proj)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        qkv: Tensor = self.qkv(x).permute(0, 2, 3, 1)  # (B, H, W, 3 * C)
        qkv = qkv.reshape(batch, height * width, 3 * self.heads, channels // self.heads)
        q, k, v = qkv.transpose(1, 2).chunk(3, dim=1)  # (B, h, N, d)
        weights = torch.einsum("bhnd,bhmd->bhnm", q * self.scale, k).softmax(dim=-1)
        y = torch.einsum("bhnm,bhmd->bhnd", weights, v)
        y = y.transpose(1, 2).reshape(batch, height, width, channels)
        out: Tensor = self.proj(y.permute(0, 3, 1, 2))
        return out


def pointwise(linear: nn.Linear) -> nn.Conv2d:
    """The same map as a 1x1 convolution."""
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1, bias=linear.bias is not None)
    conv.weight = nn.Parameter(linear.weight[:, :, None, None], requires_grad=False)
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias, requires_grad=False)
    return conv.eval()

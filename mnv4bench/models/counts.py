"""Parameters and multiply-accumulates of a network, by arithmetic over its table.

Counted as one multiply-accumulate (MAC) each: convolutions, the linear classifier and the two
matrix products of attention. Not counted: batch norm, activations, layer scale, pooling, softmax,
residual sums. Parameters are those as trained: batch norm's scale and shift count.

Knows: specs. Does not know: torch (tests compare with it).
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from mnv4bench.models.specs import KV_KERNEL, MHSA, MQA, UIB, Block, ConvBN, FusedIB, Network


class Count(NamedTuple):
    """What one row of the table costs, and the shape that leaves it."""

    what: str  # "stem", "stage 3 UIB ExtraDW", "head" ...
    params: int
    macs: int
    channels: int
    px: int  # height and width of the output


def total_params(network: Network) -> int:
    """All parameters as trained, classifier bias included."""
    return sum(row.params for row in by_block(network))


def total_macs(network: Network, input_px: int | None = None) -> int:
    """MACs of one image of ``input_px`` x ``input_px`` (default: the network's own size)."""
    return sum(row.macs for row in by_block(network, input_px))


def by_block(network: Network, input_px: int | None = None) -> tuple[Count, ...]:
    """One Count a row of the table, in order, then "head" and "classifier"."""
    scaled = network.layer_scale is not None
    rows = [_block("stem", network.stem, 3, input_px or network.input_px, scaled=scaled)]
    for number, stage in enumerate(network.stages, start=1):
        for block in stage:
            what = f"stage {number} {_name(block)}"
            rows.append(_block(what, block, rows[-1].channels, rows[-1].px, scaled=scaled))
    features, width, classes = rows[-1].channels, network.head_width, network.classes
    head, _ = _conv(1, features, width, px=1)  # on the pooled 1x1 map
    rows.append(Count("head", head + 2 * width, head, width, 1))
    linear = width * classes
    rows.append(Count("classifier", linear + classes, linear, classes, 1))
    return tuple(rows)


def _block(what: str, block: Block, channels: int, px: int, *, scaled: bool) -> Count:
    """The cost of ``block`` on a (channels, px, px) map. ``scaled``: it carries layer scale."""
    match block:
        case ConvBN(kernel=kernel, out=out, stride=stride):
            weights, after = _conv(kernel, channels, out, px=px, stride=stride)
            return Count(what, weights + 2 * out, weights * after**2, out, after)
        case FusedIB(kernel=kernel, expanded=expanded, out=out, stride=stride):
            wide, after = _conv(kernel, channels, expanded, px=px, stride=stride)
            project, _ = _conv(1, expanded, out, px=after)
            params = wide + project + 2 * (expanded + out)
            return Count(what, params, (wide + project) * after**2, out, after)
        case UIB():
            return _uib(what, block, channels, px, scaled=scaled)
        case MQA():
            return _attention(what, block, channels, px, kv_heads=1, scaled=scaled)
        case MHSA():
            return _attention(what, block, channels, px, kv_heads=block.heads, scaled=scaled)
        case _:
            assert_never(block)


def _uib(what: str, block: UIB, channels: int, px: int, *, scaled: bool) -> Count:
    params, macs, size = 0, 0, px
    if block.start:
        stride = 1 if block.middle else block.stride
        weights, size = _depthwise(block.start, channels, px=size, stride=stride)
        params += weights + 2 * channels
        macs += weights * size**2
    weights, _ = _conv(1, channels, block.expanded, px=size)
    params += weights + 2 * block.expanded
    macs += weights * size**2
    if block.middle:
        weights, size = _depthwise(block.middle, block.expanded, px=size, stride=block.stride)
        params += weights + 2 * block.expanded
        macs += weights * size**2
    weights, _ = _conv(1, block.expanded, block.out, px=size)
    params += weights + 2 * block.out + (block.out if scaled else 0)
    macs += weights * size**2
    return Count(what, params, macs, block.out, size)


def _attention(
    what: str, block: MQA | MHSA, channels: int, px: int, *, kv_heads: int, scaled: bool
) -> Count:
    """``kv_heads``: for how many heads there are keys and values, of ``key_dim`` channels each."""
    wide, kv_wide = block.heads * block.key_dim, kv_heads * block.key_dim
    queries, kv_px = px**2, px
    params = 2 * channels + (channels if scaled else 0)  # batch norm before, layer scale after
    macs = 0
    if block.kv_stride > 1:  # keys and values each have their own down-sampling
        weights, kv_px = _depthwise(KV_KERNEL, channels, px=px, stride=block.kv_stride)
        params += 2 * (weights + 2 * channels)
        macs += 2 * weights * kv_px**2
    keys = kv_px**2
    params += channels * wide + 2 * channels * kv_wide + wide * channels
    macs += queries * 2 * channels * wide  # query projection and output projection
    macs += keys * 2 * channels * kv_wide  # key and value projections
    macs += 2 * queries * keys * wide  # logits, and the weighted sum of values
    return Count(what, params, macs, channels, px)


def _conv(kernel: int, channels: int, out: int, *, px: int, stride: int = 1) -> tuple[int, int]:
    """(weights, output px) of a convolution without bias."""
    return kernel**2 * channels * out, _strided(px, stride)


def _depthwise(kernel: int, channels: int, *, px: int, stride: int) -> tuple[int, int]:
    """(weights, output px) of a depthwise convolution without bias."""
    return kernel**2 * channels, _strided(px, stride)


def _strided(px: int, stride: int) -> int:
    """Output size with odd kernels and symmetric padding of k // 2: ceil(px / stride)."""
    return -(-px // stride)


def _name(block: Block) -> str:
    return f"UIB {block.variant}" if isinstance(block, UIB) else type(block).__name__

"""The networks in torch: the same numbers as timm's with the same weights."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mnv4bench.models import specs
from mnv4bench.models.inputs import sample_input
from mnv4bench.models.mnv4 import (
    MobileNetV4,
    MultiHeadAttention,
    MultiQueryAttention,
    UniversalInvertedBottleneck,
    build_block,
)
from tests.models.conftest import NETWORKS

Twins = Callable[[str], tuple[nn.Module, nn.Module]]

TOLERANCE = 1e-5  # largest difference over largest output, both float32


def difference(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("size", ["official", "smaller", "odd"])
@pytest.mark.parametrize("model", NETWORKS)
def test_outputs_equal_timms(twins: Twins, model: str, size: str) -> None:
    ours, theirs = twins(model)
    official = next(n.input_px for n in specs.NETWORKS if n.name == model)
    px = {"official": official, "smaller": 160, "odd": 129}[size]
    images = sample_input(px, seed=px, count=1)
    outputs = theirs(images)
    assert outputs.std() > 0.01  # not a constant that anything would match
    assert difference(ours(images), outputs) < TOLERANCE


@pytest.mark.parametrize("model", ["mnv4-conv-s", "mnv4-hybrid-m"])
def test_in_double_precision_only_rounding_is_left(twins: Twins, model: str) -> None:
    ours, theirs = (deepcopy(net).double() for net in twins(model))
    images = sample_input(96, seed=0, count=1).double()
    assert difference(ours(images), theirs(images)) < 1e-12


@pytest.mark.parametrize("model", NETWORKS)
def test_state_dicts_load_both_ways(twins: Twins, model: str) -> None:
    ours, theirs = twins(model)
    assert list(ours.load_state_dict(theirs.state_dict(), strict=True)) == [[], []]
    assert list(theirs.load_state_dict(ours.state_dict(), strict=True)) == [[], []]


def test_attention_matters_in_these_comparisons(twins: Twins) -> None:
    """The comparison would see a wrong attention: without it the outputs are far away."""
    ours, theirs = twins("mnv4-hybrid-m")
    images = sample_input(160, seed=3, count=1)
    blind = deepcopy(ours)
    for module in blind.modules():
        if isinstance(module, MultiQueryAttention):
            nn.init.zeros_(module.output.proj.weight)
    assert difference(blind(images), theirs(images)) > 100 * TOLERANCE


@pytest.mark.parametrize("kv_stride", [1, 2])
@pytest.mark.parametrize("shape", [(12, 12), (7, 9)])
def test_einsum_attention_is_scaled_dot_product_attention(
    kv_stride: int, shape: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    attention = MultiQueryAttention(specs.MQA(4, 16, kv_stride), 24).eval()
    x = torch.randn(2, 24, *shape)
    q = attention.query(x).unflatten(1, (4, 16)).flatten(3).transpose(2, 3)  # (B, h, N, d)
    k = attention.key(x).flatten(2).transpose(1, 2).unsqueeze(1)  # (B, 1, M, d)
    v = attention.value(x).flatten(2).transpose(1, 2).unsqueeze(1)  # (B, 1, M, d)
    heads = nn.functional.scaled_dot_product_attention(
        q, k.expand(-1, 4, -1, -1), v.expand(-1, 4, -1, -1)
    )  # (B, h, N, d)
    expected = attention.output(heads.transpose(2, 3).reshape(2, 64, *shape))
    torch.testing.assert_close(attention(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kv_stride", [1, 2])
def test_the_plain_layout_computes_the_same(kv_stride: int) -> None:
    torch.manual_seed(1)
    ours = build_block(specs.MQA(4, 16, kv_stride), 24, "relu", None)[0].eval()
    plain = build_block(specs.PlainMQA(4, 16, kv_stride), 24, "relu", None)[0].eval()
    plain.load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 24, 7, 9)
    torch.testing.assert_close(plain(x), ours(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kv_stride", [1, 2])
def test_mhsa_is_scaled_dot_product_attention_with_keys_for_every_head(kv_stride: int) -> None:
    torch.manual_seed(2)
    attention = MultiHeadAttention(specs.MHSA(4, 16, kv_stride), 24).eval()
    x = torch.randn(2, 24, 7, 9)
    q, k, v = (
        part(x).unflatten(1, (4, 16)).flatten(3).transpose(2, 3)  # (B, h, N or M, d)
        for part in (attention.query, attention.key, attention.value)
    )
    heads = nn.functional.scaled_dot_product_attention(q, k, v).transpose(2, 3)  # (B, h, d, N)
    expected = attention.output(heads.reshape(2, 64, 7, 9))
    torch.testing.assert_close(attention(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("block", "start", "middle"),
    [
        (specs.extra_dw(3, 5, 32, 16), (3, 8), (5, 32)),
        (specs.ib(5, 32, 16), None, (5, 32)),
        (specs.conv_next(7, 32, 16), (7, 8), None),
        (specs.ffn(32, 16), None, None),
    ],
    ids=lambda value: getattr(value, "variant", None),
)
def test_the_four_uibs(
    block: specs.UIB, start: tuple[int, int] | None, middle: tuple[int, int] | None
) -> None:
    built, channels = build_block(block, 8, "relu", None)
    assert channels == 16
    assert depthwise(built.dw_start) == start
    assert depthwise(built.dw_mid) == middle
    assert [type(layer).__name__ for layer in built.pw_proj] == ["Conv2d", "BatchNorm2d"]
    assert built(torch.randn(2, 8, 10, 10)).shape == (2, 16, 10, 10)


def depthwise(layer: nn.Module) -> tuple[int, int] | None:
    """(kernel, channels) of a depthwise ConvNorm, None where there is none."""
    if isinstance(layer, nn.Identity):
        return None
    assert layer.conv.groups == layer.conv.in_channels == layer.conv.out_channels
    return layer.conv.kernel_size[0], layer.conv.groups


@pytest.mark.parametrize(
    ("block", "strides"),
    [(specs.UIB(3, 5, 32, 16, 2), (1, 2)), (specs.UIB(3, 0, 32, 16, 2), (2, None))],
)
def test_the_middle_convolution_strides_where_there_is_one(
    block: specs.UIB, strides: tuple[int, int | None]
) -> None:
    built, _ = build_block(block, 8, "relu", None)
    assert built.dw_start.conv.stride[0] == strides[0]
    assert getattr(getattr(built.dw_mid, "conv", None), "stride", [None])[0] == strides[1]
    assert built(torch.randn(2, 8, 9, 9)).shape == (2, 16, 5, 5)


def test_residuals_stand_where_shapes_allow() -> None:
    for block, expected in (
        (specs.ffn(32, 8), True),
        (specs.ffn(32, 16), False),
        (specs.extra_dw(3, 3, 32, 8, stride=2), False),
    ):
        built, _ = build_block(block, 8, "relu", None)
        assert isinstance(built, UniversalInvertedBottleneck)
        assert built.has_residual is expected
        nn.init.zeros_(built.pw_proj.bn.weight)
        x = torch.randn(2, 8, 4, 4)
        assert torch.equal(built(x), x) is expected


def test_a_network_is_built_from_any_table() -> None:
    network = specs.Network(
        name="ablation",
        input_px=32,
        stem=specs.ConvBN(3, 8, stride=2),
        stages=(
            (specs.FusedIB(3, 16, 8), specs.MQA(heads=2, key_dim=4)),
            (specs.extra_dw(3, 3, 32, 16, stride=2),),
        ),
        activation="gelu",
        layer_scale=1.0,
        head_width=24,
        classes=5,
    )
    net = MobileNetV4(network).eval()
    assert net(torch.randn(3, 3, 32, 32)).shape == (3, 5)
    assert sum(isinstance(module, nn.GELU) for module in net.modules()) == 5
    assert not any(isinstance(module, nn.ReLU) for module in net.modules())

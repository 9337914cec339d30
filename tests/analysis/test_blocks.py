"""From module paths to blocks."""

import pytest

from mnv4bench.analysis import blocks
from mnv4bench.findings import Scope


def path(*words: str) -> tuple[Scope, ...]:
    """ "2:Sequential" is a module called 2."""
    return tuple(Scope(*word.split(":")) for word in words)


def uib(stage: int, block: int, *inside: str) -> tuple[Scope, ...]:
    return path(
        "blocks:Sequential", f"{stage}:Sequential", f"{block}:UniversalInvertedBottleneck", *inside
    )


CONV = ("conv:Conv2d",)
NETWORK = [
    path("conv_stem:Conv2d"),
    path("act1:ReLU"),
    path("blocks:Sequential", "0:Sequential", "0:ConvNorm", "conv:Conv2d"),
    uib(1, 0, "dw_start:ConvNorm", *CONV),
    uib(1, 0, "pw_exp:ConvNorm", *CONV),
    uib(1, 0, "dw_mid:ConvNorm", *CONV),
    uib(1, 1, "pw_exp:ConvNorm", *CONV),
    uib(1, 1, "dw_mid:ConvNorm", *CONV),
    uib(1, 2, "dw_start:ConvNorm", *CONV),
    uib(1, 3, "pw_exp:ConvNorm", *CONV),
    path("conv_head:Conv2d"),
    path("classifier:Linear"),
]


def test_mobilenet_v4() -> None:
    found = blocks.places(NETWORK)
    assert [place and place.block for place in found] == [
        "stem", "stem",
        "stage 0 block 0 ConvNorm",
        *["stage 1 block 0 UIB ExtraDW"] * 3,
        *["stage 1 block 1 UIB IB"] * 2,
        "stage 1 block 2 UIB ConvNext",
        "stage 1 block 3 UIB FFN",
        "head", "head",
    ]  # fmt: skip
    first = found[3]
    assert first is not None
    assert (first.path, first.role) == ("blocks.1.0", "UIB ExtraDW: dw_start.conv")
    head = found[-1]
    assert head is not None
    assert head.role == "head: classifier"


def test_stages_that_a_network_goes_through_by_itself() -> None:
    stage = "1:FastVitStage"
    found = blocks.places([
        path("stem:Sequential", "0:MobileOneBlock", "conv:Conv2d"),
        path(stage, "downsample:PatchEmbed", "proj:Sequential", "0:Conv2d"),
        path(stage, "blocks:Sequential", "0:RepMixerBlock", "mlp:ConvMlp", "fc1:Conv2d"),
        path("final_conv:MobileOneBlock", "conv:Conv2d"),
    ])  # fmt: skip
    assert [place and place.block for place in found] == [
        "stem", "stage 1 downsample PatchEmbed", "stage 1 block 0 RepMixerBlock", "head",
    ]  # fmt: skip


def test_a_torchvision_resnet() -> None:
    found = blocks.places([
        path("conv1:Conv2d"),
        path("layer1:Sequential", "0:BasicBlock", "conv1:Conv2d"),
        path("layer1:Sequential", "1:BasicBlock", "conv1:Conv2d"),
        path("fc:Linear"),
    ])  # fmt: skip
    assert [place and place.block for place in found] == [
        "stem", "layer1 block 0 BasicBlock", "layer1 block 1 BasicBlock", "head",
    ]  # fmt: skip


def test_a_network_without_blocks_is_its_modules() -> None:
    found = blocks.places([path("conv:Conv2d"), path("fc:Linear")])
    assert [place and place.block for place in found] == ["conv Conv2d", "fc Linear"]


def test_a_norm_with_an_activation_in_it_is_no_block() -> None:
    found = blocks.places([
        path("bn1:Sequential", "1:Hardswish"),
        path("blocks:Sequential", "0:Sequential", "0:InvertedResidual"),
        path("blocks:Sequential", "0:Sequential", "1:InvertedResidual"),
    ])  # fmt: skip
    assert found[0] is not None
    assert found[0].block == "stem"


def test_a_block_does_not_go_on_when_another_of_its_kind_has_begun() -> None:
    attention = "attn:MultiQueryAttention"
    found = blocks.places([
        path("blocks:Sequential", "4:MobileMQA", "norm:BatchNorm2d"),
        path("blocks:Sequential", "4:MobileMQA", attention),
        path("blocks:Sequential", "6:MobileMQA", "norm:BatchNorm2d"),
        path("blocks:Sequential", "4:MobileMQA", attention),  # named after the first
    ])  # fmt: skip
    assert [place and place.path for place in found] == [
        "blocks.4", "blocks.4", "blocks.6", "blocks.6",
    ]  # fmt: skip


def test_without_paths_nothing_is_known() -> None:
    assert blocks.places([(), ()]) == [None, None]


@pytest.mark.parametrize("count", [0, 1])
def test_few_operators(count: int) -> None:
    assert len(blocks.places([path("conv:Conv2d")] * count)) == count

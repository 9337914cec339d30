"""Module paths, as two exporters write them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis import blocks
from mnv4bench.errors import BadFile
from mnv4bench.findings import Scope
from mnv4bench.inspection import paths
from tests.devices.tiny_models import write_onnx, write_tflite

ROOT = (
    "litert_torch._convert.to_channel_last_io.ChannelLastIOWrapper/"
    "mnv4bench.models.mnv4.MobileNetV4_wrapped/"
)
BLOCK = ROOT + (
    "torch.nn.modules.container.Sequential_blocks/torch.nn.modules.container.Sequential_0/"
    "mnv4bench.models.mnv4.ConvNorm_0/"
)
CONV = BLOCK + "torch.nn.modules.conv.Conv2d_conv;1"
IN_BLOCK = (Scope("blocks", "Sequential"), Scope("0", "Sequential"), Scope("0", "ConvNorm"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (CONV, (*IN_BLOCK, Scope("conv", "Conv2d"))),
        (f"{BLOCK}torch.nn.modules.activation.ReLU_act;;{CONV}",
         (*IN_BLOCK, Scope("conv", "Conv2d"))),
        (f"{BLOCK}torch.nn.modules.activation.Hardswish_act;1/relu6",
         (*IN_BLOCK, Scope("act", "Hardswish"))),
        (f"{ROOT}torch.nn.modules.conv.Conv2d_conv_stem;_dequant", (Scope("conv_stem", "Conv2d"),)),
        ("my.Net/torch.nn.modules.conv.Conv2d_c;", (Scope("c", "Conv2d"),)),
        (f"{BLOCK}mnv4bench.export.lowering.Summed_conv/torch.nn.modules.conv.Conv2d_2;",
         (*IN_BLOCK, Scope("conv", "Summed"))),
        ("MobilenetV3/expanded_conv/depthwise/Relu", ()),
        ("serving_default_output_0_output", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_a_tensor_that_litert_torch_named(name: str, path: tuple[Scope, ...]) -> None:
    assert paths.of_tensor(name) == path


def test_a_node_s_namespace() -> None:
    text = (
        ": timm.models.fastvit.FastVit/stages.0: timm.models.fastvit.FastVitStage/"
        "stages.0.blocks: torch.nn.modules.container.Sequential/"
        "stages.0.blocks.1: timm.models.fastvit.RepMixerBlock/conv2d_3: aten.conv2d.default"
    )
    assert paths.of_namespace(text) == (
        Scope("0", "FastVitStage"), Scope("blocks", "Sequential"), Scope("1", "RepMixerBlock"),
    )  # fmt: skip


@given(st.text(max_size=80))
def test_any_text_is_a_path_or_none(text: str) -> None:
    assert isinstance(paths.of_tensor(text), tuple)
    assert isinstance(paths.of_namespace(text), tuple)


def test_files_of_other_makers_have_operators_and_no_paths(tmp_path: Path) -> None:
    tflite = paths.operators(write_tflite(tmp_path / "m.tflite"), "tflite")
    onnx = paths.operators(write_onnx(tmp_path / "m.onnx"), "onnx")
    for found in (tflite, onnx):
        assert found
        assert not any(one.path for one in found)
        assert all(one.outputs for one in found)


def test_both_formats_of_one_network_have_the_same_blocks(
    conv_s_tflite: Path, conv_s_onnx: Path
) -> None:
    def titles(found) -> list[str]:
        every = blocks.places([one.path for one in found])
        return list(dict.fromkeys(place.block for place in every if place))

    tflite = titles(paths.operators(conv_s_tflite, "tflite"))
    assert tflite == titles(paths.operators(conv_s_onnx, "onnx"))
    assert (tflite[0], tflite[-1]) == ("stem", "head")
    assert "stage 2 block 0 UIB ExtraDW" in tflite


def test_no_model_at_all(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(BadFile, match="cannot be read as an ONNX model"):
        paths.operators(bad, "onnx")

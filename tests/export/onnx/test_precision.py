"""What is inside the quantised ONNX files, and what they compute beside their fp32 source."""

from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from mnv4bench import runtimes
from mnv4bench.export.onnx import precision as onnx_precision
from mnv4bench.records import Precision
from tests.export.conftest import EFFICIENTVIT_ONNX

PRECISIONS = ("fp16", "int8")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 3, 224, 224)).astype(np.float32)


@pytest.fixture(scope="module")
def files(conv_s_onnx: Path, images: np.ndarray, tmp_path_factory) -> dict[str, Path]:
    """Conv-S in every precision; int8 for kernels that take unsigned activations, and signed."""
    made = {"fp32": conv_s_onnx}
    for name, precision, activations in (
        ("fp16", "fp16", "uint8"),
        ("int8", "int8", "uint8"),
        ("signed", "int8", "int8"),
    ):
        made[name] = tmp_path_factory.mktemp(name) / "net.onnx"
        onnx_precision.convert(conv_s_onnx, made[name], precision, images, activations)
    return made


def outputs(file: Path, images: np.ndarray) -> np.ndarray:
    loaded = runtimes.load(file, "onnx")
    return np.concatenate([loaded.floats([one[None]])[0] for one in images])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize(("name", "least"), [("fp16", 0.9999), ("int8", 0.9), ("signed", 0.9)])
def test_computes_nearly_what_the_source_computes(files, images, name, least) -> None:
    assert cosine(outputs(files[name], images), outputs(files["fp32"], images)) > least


@pytest.mark.parametrize("name", ["fp16", "int8", "signed"])
def test_takes_and_gives_float32_like_its_source(files, name) -> None:
    loaded, source = runtimes.load(files[name], "onnx"), runtimes.load(files["fp32"], "onnx")
    assert (loaded.inputs, loaded.outputs) == (source.inputs, source.outputs)


def test_half_precision_leaves_no_weight_in_float32(files) -> None:
    graph = onnx.load(files["fp16"]).graph
    assert {tensor.data_type for tensor in graph.initializer if tensor.dims} <= {
        TensorProto.FLOAT16,
        TensorProto.INT64,
    }
    assert Counter(node.op_type for node in graph.node)["Cast"] == 2  # input and output


@pytest.mark.parametrize(
    ("name", "kind"), [("int8", TensorProto.UINT8), ("signed", TensorProto.INT8)]
)
def test_activations_have_the_type_that_was_asked_for(files, name, kind) -> None:
    graph = onnx.load(files[name]).graph
    zero_points = {tensor.name: tensor.data_type for tensor in graph.initializer}
    quantised = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    assert quantised
    assert {zero_points[node.input[2]] for node in quantised} == {kind}


def test_every_convolution_has_int8_weights_with_a_scale_for_each_channel(files) -> None:
    graph = onnx.load(files["int8"]).graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 46
    for node in convolutions:
        dequantised = makers[node.input[1]]
        assert dequantised.op_type == "DequantizeLinear"
        weight, scale = (values[name] for name in dequantised.input[:2])
        assert weight.data_type == TensorProto.INT8
        assert numpy_helper.to_array(scale).shape == (weight.dims[0],)


def test_means_over_the_image_run_in_int8(files) -> None:
    graph = onnx.load(files["int8"]).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    readers = {name: node.op_type for node in graph.node for name in node.input}
    (mean,) = (node for node in graph.node if node.op_type == "GlobalAveragePool")
    assert makers[mean.input[0]] == "DequantizeLinear"
    assert readers[mean.output[0]] == "QuantizeLinear"


def test_a_linear_attention_divides_in_float(exports, tmp_path) -> None:
    """8 bits would round its divisors to zero; what it divides comes from int8 convolutions."""
    source, file = exports.files[EFFICIENTVIT_ONNX].path, tmp_path / "net.onnx"
    images = np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32)
    onnx_precision.convert(source, file, "int8", images, "uint8")
    graph = onnx.load(file).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    divisions = [node for node in graph.node if node.op_type in ("Div", "Reciprocal")]
    assert len(divisions) == 4 * 4  # by each attention: what is weighted, and shares of a whole
    for node in divisions:
        assert "DequantizeLinear" not in {makers.get(name) for name in node.input}
    assert Counter(makers.values())["MatMul"] == 4 * 2
    assert cosine(outputs(file, images), outputs(source, images)) > 0.8


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_same_arguments_give_the_same_bytes(
    conv_s_onnx, files, images, tmp_path, precision
) -> None:
    again = tmp_path / "again.onnx"
    onnx_precision.convert(conv_s_onnx, again, precision, images, "uint8")
    assert again.read_bytes() == files[precision].read_bytes()


def test_the_file_names_no_folder_of_this_machine(files, conv_s_onnx) -> None:
    for name in ("fp16", "int8", "signed"):
        content = files[name].read_bytes()
        assert str(files[name].parent).encode() not in content
        assert str(conv_s_onnx.parent).encode() not in content


@pytest.mark.parametrize("precision", sorted(set(get_args(Precision)) - {"fp16", "int8"}))
def test_a_precision_without_a_recipe_is_a_mistake_of_ours(
    conv_s_onnx, images, tmp_path, precision
) -> None:
    with pytest.raises(AssertionError, match=precision):
        onnx_precision.convert(conv_s_onnx, tmp_path / "x.onnx", precision, images, "uint8")
    assert not list(tmp_path.iterdir())

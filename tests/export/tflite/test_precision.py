"""What is inside the quantised TFLite files, and what they compute beside their fp32 source."""

from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mnv4bench import runtimes
from mnv4bench.devices.litert_cpu import LiteRtModel
from mnv4bench.export.tflite import precision as litert_precision
from mnv4bench.records import Precision

PRECISIONS = ("fp16", "int8", "int8-dynamic")
TYPES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
OPERATORS = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 224, 224, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def files(conv_s_tflite: Path, images: np.ndarray, tmp_path_factory) -> dict[str, Path]:
    """Conv-S in every precision."""
    made = {"fp32": conv_s_tflite}
    for precision in PRECISIONS:
        made[precision] = tmp_path_factory.mktemp(precision) / "net.tflite"
        litert_precision.convert(conv_s_tflite, made[precision], precision, images)
    return made


def graph(file: Path) -> tuple[schema.ModelT, schema.SubGraphT]:
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    return model, model.subgraphs[0]


def operators(file: Path) -> list[tuple[str, schema.OperatorT]]:
    model, subgraph = graph(file)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [(OPERATORS[codes[one.opcodeIndex]], one) for one in subgraph.operators]


def types(file: Path) -> Counter[str]:
    """(operator: type of its output) -> count."""
    _, subgraph = graph(file)
    return Counter(
        f"{name}: {TYPES[subgraph.tensors[one.outputs[0]].type]}" for name, one in operators(file)
    )


def outputs(file: Path, images: np.ndarray) -> np.ndarray:
    loaded = runtimes.load(file, "tflite")
    return np.concatenate([loaded.floats([one[None]])[0] for one in images])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize(
    ("precision", "least"), [("fp16", 0.9999), ("int8", 0.9), ("int8-dynamic", 0.9)]
)
def test_computes_nearly_what_the_source_computes(files, images, precision, least) -> None:
    assert cosine(outputs(files[precision], images), outputs(files["fp32"], images)) > least


def test_int8_is_full_integer_with_int8_in_and_out(files) -> None:
    counted = types(files["int8"])
    assert {name.split(": ")[1] for name in counted} == {"INT8"}
    assert counted["CONV_2D: INT8"] == 31
    assert counted["DEPTHWISE_CONV_2D: INT8"] == 15
    loaded = runtimes.load(files["int8"], "tflite")
    assert [spec.dtype for spec in (*loaded.inputs, *loaded.outputs)] == ["int8", "int8"]
    assert loaded.inputs[0].scale > 0


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic"])
def test_the_others_take_and_give_float32(files, precision) -> None:
    loaded = runtimes.load(files[precision], "tflite")
    assert [spec.dtype for spec in (*loaded.inputs, *loaded.outputs)] == ["float32", "float32"]


def test_dynamic_int8_is_where_xnnpack_takes_it(files) -> None:
    """Depthwise convolutions and those behind a padding stay in float, so nothing is left."""
    _, subgraph = graph(files["int8-dynamic"])
    weights = Counter(
        f"{name}: {TYPES[subgraph.tensors[one.inputs[1]].type]}"
        for name, one in operators(files["int8-dynamic"])
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    )
    assert weights == {
        "CONV_2D: INT8": 28,
        "CONV_2D: FLOAT32": 3,
        "DEPTHWISE_CONV_2D: FLOAT32": 15,
        "FULLY_CONNECTED: INT8": 1,
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_xnnpack_takes_the_whole_file(files, precision) -> None:
    placement = LiteRtModel(files[precision], threads=1, shapes={}).placement()
    assert placement.on_unit == placement.operators


def test_int8_convolutions_have_a_scale_for_each_output_channel(files) -> None:
    _, subgraph = graph(files["int8"])
    for name, one in operators(files["int8"]):
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            weights = subgraph.tensors[one.inputs[1]]
            channels = weights.shape[0 if name == "CONV_2D" else 3]
            assert len(weights.quantization.scale) == channels
            assert not weights.quantization.zeroPoint.any()


def test_half_precision_dequantises_weights_once_and_keeps_the_operators(files) -> None:
    counted = types(files["fp16"])
    dequantised = counted.pop("DEQUANTIZE: FLOAT32")
    assert dequantised == 47  # 46 convolutions and the classifier
    assert counted == types(files["fp32"])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_same_arguments_give_the_same_bytes(
    conv_s_tflite, files, images, tmp_path, precision
) -> None:
    again = tmp_path / "again.tflite"
    litert_precision.convert(conv_s_tflite, again, precision, images)
    assert again.read_bytes() == files[precision].read_bytes()


def test_the_file_names_no_folder_of_this_machine(files, conv_s_tflite) -> None:
    for precision in PRECISIONS:
        content = files[precision].read_bytes()
        assert str(files[precision].parent).encode() not in content
        assert str(conv_s_tflite.parent).encode() not in content


@pytest.mark.parametrize("precision", sorted(set(get_args(Precision)) - set(PRECISIONS)))
def test_a_precision_without_a_recipe_is_a_mistake_of_ours(
    conv_s_tflite, images, tmp_path, precision
) -> None:
    with pytest.raises(AssertionError, match=precision):
        litert_precision.convert(conv_s_tflite, tmp_path / "x.tflite", precision, images)
    assert not list(tmp_path.iterdir())

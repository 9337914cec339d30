"""Hard-swish and hard-sigmoid in an int8 ONNX file: no operator in float, and the same function."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mnv4bench import runtimes
from mnv4bench.export.onnx import precision as onnx_precision

SHAPE = (1, 3, 8, 8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Squeeze-excite in small: convolution, hard-swish, a gate by hard-sigmoid, convolution."""
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)

    gate = {"alpha": 1 / 6, "beta": 0.5}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["x"], "first"),
        helper.make_node("HardSwish", ["x"], ["y"], "swish"),
        helper.make_node("GlobalAveragePool", ["y"], ["mean"], "pool"),
        helper.make_node("Conv", ["mean", "w2", "b2"], ["excited"], "excite"),
        helper.make_node("HardSigmoid", ["excited"], ["gate"], "gate", **gate),
        helper.make_node("Mul", ["y", "gate"], ["gated"], "scale"),
        helper.make_node("Conv", ["gated", "w3", "b3"], ["out"], "last"),
    ]
    parameters = [
        weights(name, *shape)
        for name, shape in {
            "w1": (8, 3, 1, 1), "b1": (8,), "w2": (8, 8, 1, 1),
            "b2": (8,), "w3": (4, 8, 1, 1), "b3": (4,),
        }.items()
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "gated",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, (1, 4, 8, 8))],
        parameters,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    file = tmp_path / "source.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), file)
    return file


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((8, *SHAPE[1:])).astype(np.float32)


def outputs(file: Path, images: np.ndarray) -> np.ndarray:
    loaded = runtimes.load(file, "onnx")
    return np.concatenate([loaded.floats([one[None]])[0] for one in images])


@pytest.mark.parametrize("activations", ["uint8", "int8"])
def test_nothing_is_left_in_float(source, images, tmp_path, activations) -> None:
    file = tmp_path / "int8.onnx"
    onnx_precision.convert(source, file, "int8", images, activations)
    graph = onnx.load(file).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    computing = [
        node for node in graph.node if node.op_type not in ("QuantizeLinear", "DequantizeLinear")
    ]
    kinds = sorted(node.op_type for node in computing)
    # A sum and a product for the one, a sum for the other; clips and sixths are gone.
    assert kinds == ["Add", "Add", "Conv", "Conv", "Conv", "GlobalAveragePool", "Mul", "Mul"]
    for node in computing:
        assert {makers[name] for name in node.input} == {"DequantizeLinear"}


@pytest.mark.parametrize("activations", ["uint8", "int8"])
def test_the_file_computes_nearly_the_same(source, images, tmp_path, activations) -> None:
    file = tmp_path / "int8.onnx"
    onnx_precision.convert(source, file, "int8", images, activations)
    expected = outputs(source, images)
    noise = outputs(file, images) - expected
    assert 10 * np.log10(expected.var() / (noise**2).mean()) > 30


def test_every_process_writes_the_same_bytes(source, images, tmp_path) -> None:
    """Whatever order its sets of names come in."""
    np.save(tmp_path / "images.npy", images)
    program = (
        "import sys, numpy, pathlib\n"
        "from mnv4bench.export.onnx import precision\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "images = numpy.load(folder / 'images.npy')\n"
        "file = folder / sys.argv[2]\n"
        "precision.convert(folder / 'source.onnx', file, 'int8', images, 'uint8')\n"
    )
    written = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program, str(tmp_path), f"{seed}.onnx"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        written.add((tmp_path / f"{seed}.onnx").read_bytes())
    assert len(written) == 1


def test_a_hard_sigmoid_of_another_slope_stays(source, images, tmp_path) -> None:
    model = onnx.load(source)
    gate = next(node for node in model.graph.node if node.op_type == "HardSigmoid")
    gate.attribute[0].f = 0.2
    onnx.save(model, source)
    file = tmp_path / "int8.onnx"
    onnx_precision.convert(source, file, "int8", images, "uint8")
    assert "HardSigmoid" in {node.op_type for node in onnx.load(file).graph.node}
    expected = outputs(source, images)
    noise = outputs(file, images) - expected
    assert 10 * np.log10(expected.var() / (noise**2).mean()) > 30

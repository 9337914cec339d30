"""Nodes that ONNX Runtime runs slowly become others where they are the same, and compute it."""

from pathlib import Path

import numpy as np
import onnx_ir
import onnxruntime
import pytest
from onnx import TensorProto, helper

from mnv4bench.export.onnx.exporter import pool, write_products_out


@pytest.mark.parametrize(
    ("equation", "first", "second", "operators"),
    [
        ("bnd,bmd->bnm", (2, 5, 3), (2, 4, 3), ["Transpose", "MatMul"]),
        ("bnm,bmd->bnd", (2, 5, 4), (2, 4, 3), ["MatMul"]),
        ("b n d, b m d -> b n m", (1, 5, 3), (1, 4, 3), ["Transpose", "MatMul"]),
        ("bhnd,bhmd->bhnm", (1, 2, 5, 3), (1, 2, 4, 3), ["Transpose", "MatMul"]),
        ("bhnm,bhmd->bhnd", (1, 2, 5, 4), (1, 2, 4, 3), ["MatMul"]),
        ("bnd,bmd->bmn", (2, 5, 3), (2, 4, 3), ["Einsum"]),
        ("bnd,bnd->bn", (2, 5, 3), (2, 5, 3), ["Einsum"]),
    ],
)
def test_the_product_is_the_same(
    equation: str,
    first: tuple[int, ...],
    second: tuple[int, ...],
    operators: list[str],
    tmp_path: Path,
) -> None:
    sides = {"a": first, "b": second}
    graph = helper.make_graph(
        [helper.make_node("Einsum", ["a", "b"], ["y"], equation=equation)],
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in sides.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    opset = [helper.make_opsetid("", 20)]
    model = onnx_ir.from_proto(helper.make_model(graph, opset_imports=opset, ir_version=10))
    write_products_out(model.graph)
    assert [node.op_type for node in model.graph] == operators
    onnx_ir.save(model, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(0)
    feed = {name: draw.standard_normal(shape, dtype=np.float32) for name, shape in sides.items()}
    (found,) = session.run(None, feed)
    expected = np.einsum(equation.replace(" ", ""), feed["a"], feed["b"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "axes", "kept", "operator"),
    [
        ((2, 3, 4, 5), [2, 3], 1, "GlobalAveragePool"),
        ((2, 3, 4, 5), [-1, -2], 1, "GlobalAveragePool"),
        ((2, 3, 4, 5), [2, 3], 0, "ReduceMean"),
        ((2, 3, 4, 5), [1], 1, "ReduceMean"),
        ((2, 3, 4), [0, 2], 1, "ReduceMean"),
    ],
)
def test_means_over_an_image_are_pools(shape, axes, kept, operator, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["image", "axes"], ["y"], keepdims=kept)],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("axes", TensorProto.INT64, [len(axes)], axes)],
    )
    opset = [helper.make_opsetid("", 20)]
    model = onnx_ir.from_proto(helper.make_model(graph, opset_imports=opset, ir_version=10))
    pool(model.graph)
    assert [node.op_type for node in model.graph] == [operator]
    onnx_ir.save(model, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    (found,) = session.run(None, {"image": image})
    expected = image.mean(axis=tuple(axes), keepdims=bool(kept))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

"""ONNX files read with inferred types, and the graph that ONNX Runtime saves after optimising."""

from pathlib import Path

import numpy as np
import pytest

from mnv4bench.inspection import onnx as inspect_onnx
from mnv4bench.inspection.graph import counted, integer, tensors
from tests.devices.tiny_models import write_onnx, write_onnx_text


def counts(contents) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counted(contents).kinds:
        found[one.operator] = found.get(one.operator, 0) + one.count
    return found


def test_types_follow_from_the_inputs(tmp_path: Path) -> None:
    contents = inspect_onnx.read(write_onnx(tmp_path / "m.onnx"))
    graph = counted(contents)
    assert {one.operator for one in graph.kinds} == {
        "Conv",
        "Relu",
        "GlobalAveragePool",
        "Flatten",
        "Gemm",
    }
    assert {(one.reads, one.writes) for one in graph.kinds} == {("float32", "float32")}
    assert {one.operator: one.constants for one in graph.kinds}["Conv"] == "float32"
    (flatten,) = graph.movements
    assert (flatten.reads, flatten.writes) == ((1, 16, 1, 1), (1, 16))
    (image,) = tensors(contents, contents.inputs)
    assert (image.name, image.shape) == ("image", (1, 3, 64, 64))
    assert "opset 18" in contents.written_by


def test_open_sizes_and_other_types(tmp_path: Path) -> None:
    contents = inspect_onnx.read(write_onnx_text(tmp_path / "m.onnx"))
    inputs = {one.name: (one.type, one.shape) for one in tensors(contents, contents.inputs)}
    assert inputs["ids"] == ("int64", (-1, -1))
    assert inputs["mask"] == ("bool", (-1, -1))
    assert inputs["scale"] == ("float16", (1,))
    details = {one.detail for one in counted(contents).movements if one.operator == "Cast"}
    assert details == {"bool to float32", "float16 to float32"}


def test_the_optimised_graph_shows_fusions_and_reorders(conv_s_onnx: Path) -> None:
    before, after = inspect_onnx.read(conv_s_onnx), inspect_onnx.optimised(conv_s_onnx)
    assert counts(before)["Relu"] == 30
    assert "Relu" not in counts(after.contents)
    assert len(after.contents.operations) < len(before.operations)
    assert after.assigned is not None
    assert {provider for provider, _ in after.assigned} == {inspect_onnx.PROVIDER}
    assert len(after.assigned) == len(before.operations)


def test_blocked_convolutions_are_float32(conv_s_onnx: Path) -> None:
    after = counted(inspect_onnx.optimised(conv_s_onnx).contents)
    blocked = [one for one in after.kinds if one.operator == "Conv (nchwc)"]
    if not blocked:
        pytest.skip("this processor's kernels do not block channels")
    assert {(one.reads, one.writes) for one in blocked} == {("float32", "float32")}
    assert any(one.operator == "ReorderOutput" for one in after.movements)


def test_a_run_that_fails_leaves_types_unknown_and_says_so(tmp_path: Path) -> None:
    """A reshape to a fixed size does not take the 1 that stands for an open one."""
    from onnx import TensorProto, helper, numpy_helper, save

    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["x", "to"], ["y"]),
            helper.make_node("Relu", ["y"], ["z"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["open"])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 3])],
        [numpy_helper.from_array(np.array([2, 3]), "to")],
    )
    file = tmp_path / "m.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)
    after = inspect_onnx.optimised(file).contents
    assert "running it failed" in after.notes[0]
    assert set(counts(after)) == {"Reshape", "Relu"}


def test_a_quantised_file_is_integer_only_once_it_is_optimised(tmp_path: Path) -> None:
    """QDQ pairs compute in float as they stand; the session makes integer operators of them."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Images(CalibrationDataReader):
        def __init__(self) -> None:
            random = np.random.default_rng(0)
            self._images = iter(
                {"image": random.standard_normal((1, 3, 64, 64)).astype(np.float32)}
                for _ in range(2)
            )

        def get_next(self):
            return next(self._images, None)

    source = write_onnx(tmp_path / "m.onnx")
    file = tmp_path / "q.onnx"
    quantize_static(
        source, file, Images(), activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
    assert integer(inspect_onnx.read(file)) is None
    after = inspect_onnx.optimised(file).contents
    assert any(name.startswith("QLinear") for name in counts(after))
    found = integer(after)
    assert found is not None
    assert not found.full  # of the ends alone
    assert all(reason.startswith(("input", "output")) for reason in found.reasons[1:])
    assert "input image is float32" in found.reasons


def test_bodies_of_branches_are_counted(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    def body(operator: str):
        return helper.make_graph(
            [helper.make_node(operator, ["x"], [operator])],
            operator,
            [],
            [helper.make_tensor_value_info(operator, TensorProto.FLOAT, [2])],
        )

    node = helper.make_node("If", ["c"], ["y"], then_branch=body("Neg"), else_branch=body("Abs"))
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    file = tmp_path / "m.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)
    contents = inspect_onnx.read(file)
    assert counts(contents) == {"Abs": 1, "If": 1, "Neg": 1}
    assert (contents.main, contents.graphs) == (1, 3)
    reads = {one.operator: one.reads for one in counted(contents).kinds}
    assert reads["Neg"] == "float32"  # of a value that the body sees around it


def test_an_operator_of_another_domain_carries_it(tmp_path: Path) -> None:
    contents = inspect_onnx.read(
        write_onnx_text(tmp_path / "m.onnx", operator="Magic", domain="my.own")
    )
    assert "my.own.Magic" in counts(contents)
    (magic,) = [one for one in counted(contents).kinds if one.operator == "my.own.Magic"]
    assert magic.writes == "unknown"

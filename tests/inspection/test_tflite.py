"""TFLite files read through the schema, and what LiteRT shows of its delegate."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnv4bench.errors import BadFile
from mnv4bench.inspection import tflite as inspect_tflite
from mnv4bench.inspection.graph import Contents, counted, integer, tensors
from tests.devices.tiny_models import write_tflite, write_tflite_sum


def edited(source: Path, target: Path, change: Any) -> Path:
    """A file with ``change(model, graph)`` applied to its objects."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(source.read_bytes(), 0))
    change(model, model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(builder.Output())
    return target


def names(contents: Contents) -> list[str]:
    return [operation.operator for operation in contents.operations]


def test_operators_stand_in_order_with_their_types(tmp_path: Path) -> None:
    contents = inspect_tflite.read(write_tflite(tmp_path / "m.tflite", odd=True))
    assert names(contents) == ["CONV_2D", "CUMSUM", "MEAN", "FULLY_CONNECTED"]
    assert contents.main == 4
    conv = counted(contents).kinds[0]
    assert (conv.operator, conv.reads, conv.constants) == ("CONV_2D", "float32", "float32")
    (image,) = tensors(contents, contents.inputs)
    assert (image.name, image.type, image.shape) == ("image", "float32", (1, 64, 64, 3))


def test_the_delegate_s_share_is_what_litert_shows(tmp_path: Path) -> None:
    found = inspect_tflite.delegated(write_tflite(tmp_path / "m.tflite", odd=True))
    assert (found.operators, found.taken, found.partitions) == (4, (0, 2, 3), 2)
    whole = inspect_tflite.delegated(write_tflite(tmp_path / "w.tflite"))
    assert (whole.taken, whole.partitions) == ((0, 1, 2), 1)


def test_an_exported_network_is_taken_as_one_part(conv_s_tflite: Path) -> None:
    contents = inspect_tflite.read(conv_s_tflite)
    found = inspect_tflite.delegated(conv_s_tflite)
    assert found.operators == contents.main == len(found.taken)
    assert found.partitions == 1
    graph = counted(contents, found.taken)
    assert {one.operator: one.count for one in graph.kinds}["DEPTHWISE_CONV_2D"] == 15
    assert {one.operator for one in graph.movements} == {"PAD"}
    assert integer(contents) is None


def test_quantised_weights_are_seen_beside_float_activations(
    conv_s_tflite: Path, tmp_path: Path
) -> None:
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(conv_s_tflite), recipe.dynamic_wi8_afp32()).quantize()
    made.export_model(str(tmp_path / "m.tflite"))
    contents = inspect_tflite.read(tmp_path / "m.tflite")
    (conv,) = [one for one in counted(contents).kinds if one.operator == "CONV_2D"]
    assert (conv.reads, conv.constants, conv.writes) == ("float32", "int8", "float32")
    assert integer(contents) is None


def test_a_custom_operator_is_named_after_itself(tmp_path: Path) -> None:
    contents = inspect_tflite.read(write_tflite_sum(tmp_path / "m.tflite", custom="Foo"))
    assert names(contents) == ["custom Foo"]


def test_open_sizes_stay_open(tmp_path: Path) -> None:
    contents = inspect_tflite.read(write_tflite_sum(tmp_path / "m.tflite"))
    assert [one.shape for one in tensors(contents, contents.inputs)] == [(-1, -1, 8)] * 2


def test_other_graphs_are_counted_but_are_not_the_main_one(tmp_path: Path) -> None:
    def twice(model: Any, graph: Any) -> None:
        model.subgraphs = [graph, graph]

    file = edited(write_tflite(tmp_path / "one.tflite"), tmp_path / "two.tflite", twice)
    contents = inspect_tflite.read(file)
    assert (contents.graphs, contents.main, len(contents.operations)) == (2, 3, 6)
    assert inspect_tflite.delegated(file).operators == 3
    assert counted(contents, [0, 1, 2]).kinds[0].on_unit == 1


def test_an_operator_of_a_later_schema_has_a_number(tmp_path: Path) -> None:
    def later(model: Any, graph: Any) -> None:
        model.operatorCodes[0].builtinCode = 4000

    file = edited(write_tflite(tmp_path / "m.tflite"), tmp_path / "n.tflite", later)
    assert names(inspect_tflite.read(file))[0] == "number 4000"


def test_the_order_of_a_transpose_is_read(tmp_path: Path) -> None:
    def turn(model: Any, graph: Any) -> None:
        """CUMSUM over an axis becomes TRANSPOSE in an order."""
        from ai_edge_litert import schema_py_generated as schema

        summed = graph.operators[1]
        code = model.operatorCodes[summed.opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE
        summed.builtinOptionsType, summed.builtinOptions = 0, None
        order = graph.tensors[summed.inputs[1]]
        order.shape = [4]
        model.buffers[order.buffer].data = np.frombuffer(
            np.array([0, 2, 1, 3], np.int32).tobytes(), np.uint8
        )

    source = write_tflite(tmp_path / "sum.tflite", odd=True)
    (movement,) = counted(
        inspect_tflite.read(edited(source, tmp_path / "turn.tflite", turn))
    ).movements
    assert (movement.operator, movement.detail) == ("TRANSPOSE", "permutation 0 2 1 3")
    assert movement.values == 32 * 32 * 16


@pytest.mark.parametrize("kept", [40, 400, 0.5, 0.98])
def test_a_file_cut_short_is_refused(kept: float, tmp_path: Path) -> None:
    content = write_tflite(tmp_path / "m.tflite").read_bytes()
    file = tmp_path / "cut.tflite"
    file.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(BadFile, match="cut short or damaged"):
        inspect_tflite.read(file)

"""Core ML packages as graphs: a program written operation by operation, without coremltools."""

import json
from pathlib import Path
from typing import Any

import pytest

from mnv4bench import inspection
from mnv4bench.errors import BadFile
from mnv4bench.export.coreml.messages import messages
from mnv4bench.inspection import coreml as inspect_coreml
from mnv4bench.inspection.graph import counted, tensors

HALF, INT = "FLOAT16", "INT32"


def write_package(path: Path, *, sides: tuple[int, ...] = (1, 3, 8, 8)) -> Path:
    """x (N, C, H, W) float16 -> transposed to (N, H, W, C) -> relu -> cast to float32."""
    pb = messages()
    mil = pb.MIL__pb2
    model = pb.Model(specificationVersion=7)
    for declared, name in (
        (model.description.input.add(), "x"),
        (model.description.output.add(), "y"),
    ):
        declared.name = name
        declared.type.multiArrayType.shape[:] = sides
        declared.type.multiArrayType.dataType = pb.FeatureTypes__pb2.ArrayFeatureType.FLOAT16
    main = model.mlProgram.functions["main"]
    main.opset = "CoreML6"
    block = main.block_specializations["CoreML6"]

    def typed(target: Any, kind: str, shape: tuple[int, ...]) -> None:
        target.tensorType.dataType = mil.DataType.Value(kind)
        target.tensorType.rank = len(shape)
        for side in shape:
            target.tensorType.dimensions.add().constant.size = side

    def operation(type: str, name: str, kind: str, shape: tuple[int, ...], **inputs: str) -> Any:
        made = block.operations.add(type=type)
        for parameter, value in inputs.items():
            made.inputs[parameter].arguments.add().name = value
        output = made.outputs.add(name=name)
        typed(output.type, kind, shape)
        return made

    order = operation("const", "order", INT, (4,))
    typed(order.attributes["val"].type, INT, (4,))
    order.attributes["val"].immediateValue.tensor.ints.values[:] = (0, 2, 3, 1)
    turned = tuple(sides[axis] for axis in (0, 2, 3, 1))
    operation("transpose", "turned", HALF, turned, x="x", perm="order")
    operation("relu", "active", HALF, turned, x="turned")
    operation("cast", "y", "FLOAT32", turned, x="active")

    folder = path / "Data" / "com.apple.CoreML"
    folder.mkdir(parents=True)
    (folder / "model.mlmodel").write_bytes(model.SerializeToString())
    entry = {"path": "com.apple.CoreML/model.mlmodel"}
    manifest = {"rootModelIdentifier": "a", "itemInfoEntries": {"a": entry}}
    (path / "Manifest.json").write_text(json.dumps(manifest))
    return path


def test_operators_with_their_types_and_what_they_move(tmp_path: Path) -> None:
    contents = inspect_coreml.read(write_package(tmp_path / "m.mlpackage"))
    graph = counted(contents)
    kinds = {one.operator: (one.reads, one.constants, one.writes) for one in graph.kinds}
    assert kinds == {
        "transpose": ("float16", "", "float16"),
        "relu": ("float16", "", "float16"),
        "cast": ("float16", "", "float32"),
    }
    turn, cast = graph.movements
    assert (turn.operator, turn.detail) == ("transpose", "permutation 0 2 3 1")
    assert (turn.reads, turn.writes) == ((1, 3, 8, 8), (1, 8, 8, 3))
    assert cast.detail == "float16 to float32"
    (image,) = tensors(contents, contents.inputs)
    assert (image.name, image.type, image.shape) == ("x", "float16", (1, 3, 8, 8))


def test_an_open_side_stays_open(tmp_path: Path) -> None:
    contents = inspect_coreml.read(write_package(tmp_path / "m.mlpackage", sides=(1, 3, 0, 0)))
    (image,) = tensors(contents, contents.inputs)
    assert image.shape == (1, 3, -1, -1)


def test_the_whole_inspection_of_a_package(tmp_path: Path) -> None:
    said: list[str] = []
    found = inspection.inspect(write_package(tmp_path / "m.mlpackage"), said.append)
    assert said == ["reading"]
    assert (found.format, found.share, found.gpu, found.optimised) == ("coreml", None, (), None)
    assert found.size_bytes > 0
    assert "Core ML's choice" in found.notes[0]


@pytest.mark.parametrize("broken", ["Manifest.json", "Data/com.apple.CoreML/model.mlmodel"])
def test_an_incomplete_package_is_refused(broken: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "m.mlpackage")
    (package / broken).unlink()
    with pytest.raises(BadFile, match=r"m\.mlpackage"):
        inspection.inspect(package)

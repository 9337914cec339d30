"""A file that the user brought becomes an artifact as it is: nothing is exported or changed.

Knows: how to tell the formats apart by content, and what of a file can be read cheaply: its input
shape and the type of its weights. Does not know: whether a runtime can run it (devices finds out).
"""

import os
import stat
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, assert_never

from mnv4bench.errors import BadFile, MissingExtra, UsageError
from mnv4bench.export import ExportedFile, cache, onnx_wire
from mnv4bench.records import Artifact, Format, Precision, Weights

FAMILY = "own file"
COREML_SUFFIXES = (".mlpackage", ".mlmodel", ".mlmodelc")
SUFFIXES = (".onnx", ".tflite", *COREML_SUFFIXES)
MAX_NAME = 200  # records.Name
# onnx.TensorProto.DataType and tflite.TensorType, of ONNX 1.23 and LiteRT 2.3.
ONNX_TYPES: dict[int, Precision] = {1: "fp32", 10: "fp16", 3: "int8", 2: "int8"}
TFLITE_TYPES: dict[int, Precision] = {0: "fp32", 1: "fp16", 9: "int8", 3: "int8"}


@dataclass(frozen=True)
class Insides:
    """What a file says about itself."""

    input_shape: tuple[int, ...] | None  # None: several inputs, or sides left open
    precision: Precision


def is_own_file(model: str) -> bool:
    """Whether these words of the command line mean a file, not a model of the catalog."""
    if model.lower().endswith(SUFFIXES):
        return True
    try:
        return os.sep in model and Path(model).is_file()
    except OSError:  # a name too long for a file is no file
        return False


def open_file(path: Path) -> ExportedFile:
    """The file at ``path`` as an artifact that no exporter made.

    Its ``precision`` is the type that most of its weights are stored in; how a runtime computes
    with them is its own affair. Raises UsageError when there is no such file or Core ML is asked
    for, BadFile with the reason when the content is not a whole ONNX or TFLite model.
    """
    if path.suffix.lower() in COREML_SUFFIXES:
        raise UsageError(
            f"{path}: Core ML files cannot be measured by this version.",
            "bring the model as .onnx or .tflite",
        )
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening: a pipe would wait for ever
            raise UsageError(f"{path} is not a file.", "give the .onnx or .tflite file itself")
        with path.open("rb") as stream:
            head = stream.read(8)
        format = _format(path, head)
        insides = _insides(path, format)
        size, sha256 = path.stat().st_size, cache.digest(path)
    except FileNotFoundError:
        raise UsageError(
            f"There is no file {path}.", "mnv4bench models lists what needs no file"
        ) from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from None
    artifact = Artifact(
        model=_name(path),
        family=FAMILY,
        format=format,
        precision=insides.precision,
        sha256=sha256,
        size_bytes=size,
        weights=Weights(kind="own", detail=_as_text(path.name)),
        input_shape=insides.input_shape,
    )
    return ExportedFile(path=path.absolute(), artifact=artifact, cached=True)


def _format(path: Path, head: bytes) -> Format:
    """By content; the suffix only has to agree."""
    if not head:
        raise BadFile(f"{path} is empty.")
    content: Format = "tflite" if head[4:8] == b"TFL3" else "onnx"
    claimed = path.suffix.lower()
    if claimed == ".tflite" and content == "onnx":
        raise BadFile(f"{path} is not a TFLite model: its mark TFL3 is missing.")
    if claimed == ".onnx" and content == "tflite":
        raise BadFile(f"{path} is a TFLite model under an ONNX name.", "rename it to .tflite")
    return content


def _insides(path: Path, format: Format) -> Insides:
    match format:
        case "onnx":
            summary = onnx_wire.summarise(path)
            if summary.external:
                raise BadFile(
                    f"{path} keeps its weights in another file, so its digest would not name them.",
                    "put them inside: python -c \"import onnx; onnx.save(onnx.load('IN.onnx'), "
                    "'OUT.onnx', save_as_external_data=False)\"",
                )
            precision = _precision(path, summary.weight_values, ONNX_TYPES)
            return Insides(summary.input_shape, precision)
        case "tflite":
            return _tflite_insides(path)
        case "coreml":
            raise AssertionError("refused by its suffix; no content is taken for it")
        case _:
            assert_never(format)


def _tflite_insides(path: Path) -> Insides:
    """Through the schema that the runtime brings; without the runtime it could not run either."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise MissingExtra("ai-edge-litert", "run", "Reading a TFLite file") from None
    try:
        model = schema.Model.GetRootAs(path.read_bytes(), 0)
        graph = model.Subgraphs(0)
        tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        values: dict[int, int] = {}
        for tensor in tensors:
            buffer = model.Buffers(tensor.Buffer())
            buffer.DataAsNumpy()  # notices an end that lies beyond the file's
            sides = _sides(tensor)
            # As in ONNX: a tensor of fewer than two sides is a bias or a shape.
            if (buffer.DataLength() or buffer.Size()) and len(sides) >= 2:
                values[tensor.Type()] = values.get(tensor.Type(), 0) + prod(sides)
        inputs = [tensors[graph.Inputs(index)] for index in range(graph.InputsLength())]
        shape = _sides(inputs[0]) if len(inputs) == 1 else ()
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadFile(f"{path} is cut short or damaged.", "copy or export it again") from None
    whole = bool(shape) and all(side > 0 for side in shape)
    return Insides(shape if whole else None, _precision(path, values, TFLITE_TYPES))


def _sides(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.Shape(index) for index in range(tensor.ShapeLength()))


def _precision(path: Path, values: dict[int, int], types: dict[int, Precision]) -> Precision:
    """The type that holds most of the weights; a file without weights computes in fp32."""
    if not values:
        return "fp32"
    most = max(values, key=lambda kind: values[kind])
    if most not in types:
        raise BadFile(
            f"{path} holds most of its weights in a type (number {most} of its format) that is "
            "none of fp32, fp16 and int8.",
            "convert the weights to one of these",
        )
    return types[most]


def _name(path: Path) -> str:
    """The stem; the whole file name where the stem is a model of the catalog.

    A file called mnv4-conv-s.onnx would otherwise pass for that model, its accuracy included.
    """
    from mnv4bench.models import catalog

    stem = _as_text(path.stem)
    try:
        catalog.entry(stem)
    except UsageError:
        return stem
    return _as_text(path.name)


def _as_text(name: str) -> str:
    """A file name as printable UTF-8 of bounded length; names may hold any byte."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "�" for char in text)[:MAX_NAME]

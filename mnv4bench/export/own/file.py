"""A file that the user brought becomes an artifact as it is: nothing is exported or changed.

Knows: how to tell the formats apart by content, and what of a file can be read cheaply: its inputs
and the type of its weights. Does not know: whether a runtime can run it (devices finds out).
"""

import hashlib
import mmap
import os
import stat
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, assert_never

from mnv4bench.errors import BadFile, MissingExtra, UsageError
from mnv4bench.export import ExportedFile, cache
from mnv4bench.export.coreml import package as coreml_package
from mnv4bench.export.onnx import wire as onnx_wire
from mnv4bench.export.own import shapes as input_shapes
from mnv4bench.export.own import source as own_source
from mnv4bench.export.own.name import FAMILY, as_text, name_of
from mnv4bench.export.own.shapes import NAMELESS, Declared, Shape
from mnv4bench.models import custom
from mnv4bench.records import Artifact, Format, Precision, Weights

PACKAGE = ".mlpackage"
OLDER_COREML = (".mlmodel", ".mlmodelc")
SUFFIXES = (".onnx", ".tflite", PACKAGE, *OLDER_COREML)
# onnx.TensorProto.DataType and tflite.TensorType, of ONNX 1.23 and LiteRT 2.3.
ONNX_TYPES: dict[int, Precision] = {1: "fp32", 10: "fp16", 3: "int8", 2: "int8"}
TFLITE_TYPES: dict[int, Precision] = {0: "fp32", 1: "fp16", 9: "int8", 3: "int8"}


@dataclass(frozen=True)
class Insides:
    """What a file says about itself."""

    inputs: tuple[Declared, ...]
    weight_values: dict[int, int]  # type as the format numbers it -> how many numbers
    data_files: tuple[Path, ...] = ()  # as they are written in the file, in order


@dataclass(frozen=True)
class Described:
    """A file before its open sizes and its precision are settled."""

    path: Path
    format: Format
    insides: Insides
    sha256: str
    size_bytes: int


def is_own_file(model: str) -> bool:
    """Whether these words of the command line mean a file that is measured as it is."""
    if own_source.kind(model) or custom.is_custom(model):
        return False
    if model.lower().endswith(SUFFIXES):
        return True
    try:
        return os.sep in model and Path(model).is_file()
    except OSError:  # a name too long for a file is no file
        return False


def open_files(
    paths: Iterable[Path], shapes: Mapping[str, Shape] | None = None, *, others: bool = False
) -> dict[Path, ExportedFile]:
    """Each file as an artifact that no exporter made.

    Its ``precision`` is the type that most of its weights are stored in; how a runtime computes
    with them is its own affair. ``shapes`` are by input name, "" for a sole input; with ``others``
    some of them may be for models that are not among these. Raises UsageError when there is no
    such file, a size is left open, or a shape fits no input; BadFile with the reason when the
    content is not a whole ONNX, TFLite or Core ML model; MissingExtra without what reads it.
    """
    given = shapes or {}
    described = {path: describe(path) for path in paths}
    names = {one.name for file in described.values() for one in file.insides.inputs}
    for name in given:
        if name and name not in names and not others:
            raise UsageError(
                f"--shape names an input {name} that none of the files has; there are: "
                f"{', '.join(sorted(names))}.",
                "mind the spelling, or leave NAME= out where a file has one input",
            )
    return {path: _artifact(file, given) for path, file in described.items()}


def open_file(path: Path, shapes: Mapping[str, Shape] | None = None) -> ExportedFile:
    """``open_files`` for one."""
    return open_files([path], shapes)[path]


def digest(path: Path) -> str:
    """What names the file, whatever is chosen for its open sizes; raises as ``open_files``."""
    return describe(path).sha256


def stored_precision(file: Path) -> Precision:
    """The type that most weights of a TFLite file are stored in."""
    return _precision(describe(file))


def describe(path: Path) -> Described:
    """What the file is, from its content; raises as ``open_files`` for a bad one."""
    suffix = path.suffix.lower()
    if suffix in OLDER_COREML:
        raise UsageError(
            f"{path}: of Core ML only ML programs are taken, and those lie in a .mlpackage.",
            "convert it with a minimum_deployment_target of iOS 15 or later, or bring .onnx",
        )
    if suffix == PACKAGE:
        return _describe_package(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening: a pipe would wait for ever
            raise UsageError(f"{path} is not a file.", "give the .onnx or .tflite file itself")
        with path.open("rb") as stream:
            head = stream.read(8)
        format = _format(path, head)
        insides = _insides(path, format)
        parts = [path, *(path.resolve().parent / data for data in insides.data_files)]
        size = sum(part.stat().st_size for part in parts)
        return Described(path, format, insides, _digest(parts), size)
    except FileNotFoundError:
        raise UsageError(
            f"There is no file {path}.", "mnv4bench models lists what needs no file"
        ) from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from None


def _describe_package(path: Path) -> Described:
    if not path.is_dir():
        there = "is not a folder" if path.exists() else "is not there"
        raise UsageError(f"{path} {there}; a Core ML package is one.", "give the whole .mlpackage")
    try:
        package = coreml_package.open_package(path)
        inputs = tuple(Declared(one.name, one.shape) for one in package.inputs)
        size, sha256 = cache.size_bytes(path), cache.digest(path)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}.") from None
    return Described(path, "coreml", Insides(inputs, {}), sha256, size)


def _digest(parts: list[Path]) -> str:
    """The file's own; of several, the digest of their digests, the model's first.

    ``sha256sum MODEL DATA... | cut -c1-64 | sha256sum`` says the same.
    """
    digests = [cache.digest(part) for part in parts]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(f"{one}\n" for one in digests).encode()).hexdigest()


def _artifact(file: Described, given: Mapping[str, Shape]) -> ExportedFile:
    path, inputs = file.path, file.insides.inputs
    settled = input_shapes.settle(as_text(path.name), inputs, given)
    artifact = Artifact(
        model=name_of(path),
        family=FAMILY,
        format=file.format,
        precision=_precision(file),
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        weights=Weights(kind="own", detail=as_text(path.name)),
        input_shape=(next(iter(settled.values())) or None) if len(settled) == 1 else None,
        input_shapes=settled if any(one.is_open for one in inputs) else {},
        data_files=tuple(map(str, file.insides.data_files)),
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
            data_files = _data_files(path, summary.external)
            return Insides(summary.inputs, summary.weight_values, data_files)
        case "tflite":
            return _tflite_insides(path)
        case "coreml" | "pt2":
            raise AssertionError("told by its suffix; no content is taken for it")
        case _:
            assert_never(format)


def _data_files(path: Path, needed: Mapping[str, int]) -> tuple[Path, ...]:
    """The files beside an ONNX file that hold its weights, by name; ``needed`` bytes of each.

    Raises BadFile for one that is missing, too short, or not in the model's own folder: a model
    from elsewhere has no say over which files of this machine are read.
    """
    folder = path.resolve().parent
    found = []
    for location in sorted(needed):
        file = folder / location
        if not _is_inside(folder, location):
            raise BadFile(
                f"{path} keeps weights in {as_text(location) or 'a file without a name'}, outside "
                "its own folder; such files are not read.",
                "put the data file beside the model and write its name alone into the model",
            )
        try:
            status = file.stat()
        except FileNotFoundError:
            raise BadFile(
                f"{path} keeps weights in {as_text(location)}, and there is no such file in "
                f"{folder}.",
                f"put {as_text(location)} there; it came with the model",
            ) from None
        if not stat.S_ISREG(status.st_mode) or status.st_size < needed[location]:
            raise BadFile(
                f"{path} needs {needed[location]:,} bytes of {as_text(location)}, which has "
                f"{status.st_size:,}.",
                "copy it again, whole",
            )
        found.append(file.relative_to(folder))
    return tuple(found)


def _is_inside(folder: Path, location: str) -> bool:
    try:
        return bool(location) and (folder / location).resolve().is_relative_to(folder)
    except (ValueError, RuntimeError):  # a null byte, links in a circle
        return False


def mapped(path: Path) -> mmap.mmap:
    """The file's bytes, of which only those are loaded that are looked at. ValueError if empty."""
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _tflite_insides(path: Path) -> Insides:
    """Through the schema that the runtime brings; without the runtime it could not run either."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise MissingExtra("ai-edge-litert", "run", "Reading a TFLite file") from None
    try:
        model = schema.Model.GetRootAs(mapped(path), 0)
        graph = model.Subgraphs(0)
        tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        values: dict[int, int] = {}
        outside = any(tensor.ExternalBuffer() for tensor in tensors)
        for tensor in tensors:
            buffer = model.Buffers(tensor.Buffer())
            buffer.DataAsNumpy()  # notices an end that lies beyond the file's
            sides = [tensor.Shape(index) for index in range(tensor.ShapeLength())]
            # As in ONNX: a tensor of fewer than two sides is a bias or a shape.
            if (buffer.DataLength() or buffer.Size()) and len(sides) >= 2:
                values[tensor.Type()] = values.get(tensor.Type(), 0) + prod(sides)
        places = [graph.Inputs(index) for index in range(graph.InputsLength())]
        inputs = tuple(_declared(tensors[place]) for place in places)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadFile(f"{path} is cut short or damaged.", "copy or export it again") from None
    if outside:
        raise BadFile(
            f"{path} keeps weights in another file, which its digest would not cover.",
            "write it as one file",
        )
    return Insides(inputs, values)


def _declared(tensor: Any) -> Declared:
    """The signature has -1 for an open size, where the shape has a 1 to start with."""
    if tensor.ShapeSignatureLength():
        sides = [tensor.ShapeSignature(index) for index in range(tensor.ShapeSignatureLength())]
    else:
        sides = [tensor.Shape(index) for index in range(tensor.ShapeLength())]
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    return Declared(name, tuple(side if side > 0 else NAMELESS for side in sides))


def _precision(file: Described) -> Precision:
    """The type that holds most of the weights; a file without weights computes in fp32."""
    if file.format == "coreml":
        return coreml_package.precision(coreml_package.open_package(file.path))
    path, values = file.path, file.insides.weight_values
    types = ONNX_TYPES if file.format == "onnx" else TFLITE_TYPES
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

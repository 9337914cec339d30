"""A Core ML package: a folder with a manifest, a program of operators, and a file of weights.

Knows: where the parts lie, and what the program says of itself. Does not know: torch, how a network
becomes a package (exporter), what one should hold (structure).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from mnv4bench.errors import BadFile
from mnv4bench.export.coreml import constants as coreml_constants
from mnv4bench.export.coreml.constants import Buffer, Constants
from mnv4bench.export.coreml.messages import dtype, enum_name, messages, shape
from mnv4bench.records import Precision

AGAIN = "copy or export it again"
MAX_MANIFEST_BYTES = 1 << 20
MAX_MODEL_BYTES = 1 << 31  # protocol buffers end there; weights are not among them
IN_MODEL_FOLDER = "@model_path/"  # how a program names the folder that it lies in


@dataclass(frozen=True)
class Feature:
    """An input, an output, or a value between operators. A picture has no shape."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # numpy's name, or the kind of thing that it is instead of an array: "imageType"

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {self.shape}"


@dataclass(frozen=True)
class Operator:
    """One step of the program."""

    type: str
    results: tuple[Feature, ...]
    inputs: dict[str, tuple[str, ...]] = field(repr=False)  # parameter -> names of values

    @property
    def name(self) -> str:
        """The name of the first result, which is the operator's own as well."""
        return self.results[0].name if self.results else ""

    @property
    def dtype(self) -> str:
        """The type of the first result."""
        return self.results[0].dtype if self.results else ""


@dataclass(frozen=True)
class Package:
    """A package that was read whole."""

    specification: int  # version of the format: 7 runs from iOS 16 and macOS 13 on
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    operators: tuple[Operator, ...]  # what runs, in order: no constants
    constants: Constants

    def counts(self) -> dict[str, int]:
        """Operator type -> how often it stands in the program, the most frequent first."""
        return dict(Counter(operator.type for operator in self.operators).most_common())

    def dtypes(self) -> dict[str, dict[str, int]]:
        """Operator type -> type of its result -> count."""
        found: dict[str, Counter[str]] = {}
        for operator in self.operators:
            found.setdefault(operator.type, Counter())[operator.dtype] += 1
        return {kind: dict(types) for kind, types in found.items()}


def open_package(path: Path) -> Package:
    """Read the package at ``path``.

    Raises BadFile when it is not one whole ML program, MissingExtra without coremltools; OSError is
    the caller's.
    """
    model_file = _model_file(path)
    model = _model(path, model_file)
    operations = list(_flat(_block(path, model.mlProgram)))
    constant = {
        output.name: operation
        for operation in operations
        if operation.type.startswith(coreml_constants.TYPES)
        for output in operation.outputs
    }
    return Package(
        specification=model.specificationVersion,
        inputs=tuple(map(_feature, model.description.input)),
        outputs=tuple(map(_feature, model.description.output)),
        operators=tuple(
            _operator(operation)
            for operation in operations
            if not operation.type.startswith(coreml_constants.TYPES)
        ),
        constants=Constants(path, constant, _weights(path, model_file.parent, constant)),
    )


def precision(package: Package) -> Precision:
    """How most of the weights are stored, in the words of an artifact.

    A program without weights is named after what it computes in. Raises BadFile for a way that no
    word is for.
    """
    words: dict[str, Precision] = {"float16": "fp16", "float32": "fp32", "palette4": "palette4"}
    words |= {"int8": "int8-weights", "uint8": "int8-weights"}
    numbers = package.constants.numbers() or Counter(one.dtype for one in package.operators)
    most = max(numbers, key=lambda kind: numbers[kind], default="float32")
    if most not in words:
        raise BadFile(
            f"{package.constants.path} holds most of its weights as {most}, which is none of "
            f"{', '.join(words)}.",
            "convert the weights to one of these",
        )
    return words[most]


def _model_file(path: Path) -> Path:
    """The program's file, which the manifest names."""
    manifest = path / "Manifest.json"
    if not path.is_dir():
        raise BadFile(f"{path} is not a folder, as a Core ML package is.", AGAIN)
    if not manifest.is_file():
        raise BadFile(f"{path} is not a Core ML package: it has no Manifest.json.", AGAIN)
    try:
        with manifest.open("rb") as stream:
            said = json.loads(stream.read(MAX_MANIFEST_BYTES))
        place = path / "Data" / said["itemInfoEntries"][said["rootModelIdentifier"]]["path"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFile(f"{path}: its Manifest.json names no model.", AGAIN) from None
    return _inside(path, place, "model")


def _inside(path: Path, place: Path, what: str) -> Path:
    """``place``, if it is a file within the package: nothing in it may lead anywhere else."""
    try:
        escapes = not place.resolve().is_relative_to(path.resolve())
        there = place.is_file()
    except (OSError, ValueError, RuntimeError):  # a name with a NUL, a loop of links
        escapes, there = False, False
    if escapes:
        raise BadFile(f"{path} looks for its {what} outside itself.", AGAIN)
    if not there:
        raise BadFile(f"{path} is incomplete: its {what} is missing.", AGAIN)
    return place


def _model(path: Path, file: Path) -> Any:
    from google.protobuf.message import DecodeError

    model = messages().Model()
    try:
        if file.stat().st_size > MAX_MODEL_BYTES:
            raise DecodeError
        model.ParseFromString(file.read_bytes())
    except DecodeError:
        raise BadFile(f"{path}: its model is cut short or damaged.", AGAIN) from None
    kind = model.WhichOneof("Type")
    if kind != "mlProgram":
        raise BadFile(
            f"{path} holds {f'a {kind}' if kind else 'no model'}, not an ML program.",
            'convert it with coremltools.convert(..., convert_to="mlprogram")',
        )
    return model


def _block(path: Path, program: Any) -> Any:
    """The operations of the one function that runs."""
    name = "main" if "main" in program.functions else next(iter(program.functions), None)
    function = None if name is None else program.functions[name]
    if function is None or function.opset not in function.block_specializations:
        raise BadFile(f"{path}: its program has no function that could run.", AGAIN)
    return function.block_specializations[function.opset]


def _flat(block: Any) -> Iterator[Any]:
    """Operations in order, those of a condition's branches and a loop's body included."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _flat(inner)


def _operator(operation: Any) -> Operator:
    return Operator(
        type=operation.type,
        results=tuple(
            Feature(result.name, shape(result.type), dtype(result.type))
            for result in operation.outputs
        ),
        inputs={
            parameter: tuple(one.name for one in argument.arguments)
            for parameter, argument in operation.inputs.items()
        },
    )


def _feature(declared: Any) -> Feature:
    kind = declared.type.WhichOneof("Type")
    if kind != "multiArrayType":
        return Feature(declared.name, (), str(kind))
    array = declared.type.multiArrayType
    return Feature(
        declared.name, tuple(array.shape), enum_name(array.ArrayDataType, array.dataType)
    )


def _weights(path: Path, folder: Path, constant: dict[str, Any]) -> dict[str, Buffer]:
    """Each file of weights that the program names -> its content, mapped rather than read."""
    names = {
        value.blobFileValue.fileName
        for operation in constant.values()
        for value in coreml_constants.parameters(operation).values()
        if value.WhichOneof("value") == "blobFileValue"
    }
    files: dict[str, Buffer] = {}
    for name in names:
        place = _inside(path, folder / name.removeprefix(IN_MODEL_FOLDER), "file of weights")
        with place.open("rb") as stream:
            empty = not place.stat().st_size  # which cannot be mapped
            files[name] = b"" if empty else mmap(stream.fileno(), 0, access=ACCESS_READ)
    return files

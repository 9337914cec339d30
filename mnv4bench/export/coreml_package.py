"""A Core ML package: a folder with a manifest, a program of operators, and a file of weights.

Knows: where the parts lie, and how weights are stored: plain, quantised, or as a palette. Does not
know: torch, how a network becomes a package (coreml), what one should hold (coreml_structure).

The program is a protocol buffer (Model.proto, MIL.proto), whose messages coremltools brings. The
file of weights is documented by its reader in coremltools: MILBlob/Blob/StorageFormat.hpp.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.errors import BadFile, MissingExtra
from mnv4bench.records import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

AGAIN = "copy or export it again"
MAX_MANIFEST_BYTES = 1 << 20
IN_MODEL_FOLDER = "@model_path/"  # how a program names the folder that it lies in
# StorageFormat.hpp: sentinel, type, size in bytes, offset of the data; 64 bytes in all.
BLOB_HEADER = struct.Struct("<IIQQ")
BLOB_SENTINEL = 0xDEADBEEF
# Operators that stand for weights: they are worked out when the model is loaded, not when it runs.
CONSTANTS = ("const", "constexpr_")


@dataclass(frozen=True)
class Feature:
    """One input or output as the package declares it; an image has no dtype and no fixed shape."""

    name: str
    shape: tuple[int, ...]  # () for what is no array
    dtype: str

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {self.shape}"


@dataclass(frozen=True)
class Operator:
    """One step of the program, the first of its outputs standing for all."""

    type: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    inputs: dict[str, str] = field(repr=False)  # parameter -> name of the (first) value


@dataclass(frozen=True)
class Package:
    """A package that was read whole; weights are decoded when they are asked for."""

    path: Path
    specification: int  # which systems can load it: 7 is iOS 16 and macOS 13
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    operators: tuple[Operator, ...]  # what runs, in order; constants left out
    _constants: dict[str, Any] = field(repr=False)  # name -> its operator, a MIL message
    _model_folder: Path = field(repr=False)

    def counts(self) -> dict[str, int]:
        """Operator type -> how often it stands in the program, the most frequent first."""
        return dict(Counter(operator.type for operator in self.operators).most_common())

    def dtypes(self) -> dict[str, dict[str, int]]:
        """Operator type -> type of its result -> count."""
        found: dict[str, Counter[str]] = {}
        for operator in self.operators:
            found.setdefault(operator.type, Counter())[operator.dtype] += 1
        return {kind: dict(types) for kind, types in found.items()}

    def stored(self) -> dict[str, int]:
        """How weights are stored -> how many numbers: "float16", "int8", "palette4".

        As for other formats, a tensor of fewer than two sides is a bias or a shape, not a weight.
        """
        numbers: Counter[str] = Counter()
        for operator in self._constants.values():
            (output,) = operator.outputs
            shape = _shape(output.type)
            if len(shape) >= 2:
                numbers[_storage(operator)] += math.prod(shape)
        return dict(numbers)

    def storage(self, name: str) -> str:
        """How the constant called ``name`` is stored, in the words of ``stored``."""
        return _storage(self._constants[name])

    def value_shape(self, name: str) -> tuple[int, ...]:
        """The shape of the constant called ``name``; () for what is none."""
        operator = self._constants.get(name)
        return _shape(operator.outputs[0].type) if operator is not None else ()

    def value(self, name: str) -> Array | None:
        """The constant called ``name``, dequantised or looked up; None when it is computed.

        Raises BadFile when the file of weights does not hold it.
        """
        operator = self._constants.get(name)
        if operator is None:
            return None
        shape = _shape(operator.outputs[0].type)
        try:
            return self._decoded(operator, shape)
        except (ValueError, KeyError, IndexError, TypeError, struct.error, OverflowError) as error:
            raise BadFile(f"{self.path}: the constant {name} is damaged: {error}.", AGAIN) from None

    def _decoded(self, operator: Any, shape: tuple[int, ...]) -> Array:
        import numpy as np

        given = {name: value for name, value in _parameters(operator).items() if name != "name"}
        if operator.type == "const":
            return self._stored(given["val"]).reshape(shape)
        parts = {name: self._stored(value) for name, value in given.items()}
        match operator.type:
            case "constexpr_affine_dequantize":  # up to iOS 17
                data = parts["quantized_data"].reshape(shape).astype(np.float32)
                sides = [1] * len(shape)
                sides[int(parts["axis"].item())] = -1
                zero = parts["zero_point"].astype(np.float32).reshape(sides)
                return (data - zero) * parts["scale"].astype(np.float32).reshape(sides)
            case "constexpr_blockwise_shift_scale":  # from iOS 18
                data = parts["data"].reshape(shape).astype(np.float32)
                scale = parts["scale"].reshape(_shape(given["scale"].type)).astype(np.float32)
                if "offset" in parts:
                    offset = parts["offset"].reshape(_shape(given["offset"].type))
                    data = data - _spread(offset.astype(np.float32), shape)
                return data * _spread(scale, shape)
            case "constexpr_lut_to_dense":
                table = parts["lut"].reshape(-1)
                indices = parts["indices"].reshape(-1)
                if "shape" in parts:  # up to iOS 17 they come packed in bytes
                    bits = int(math.log2(len(table)))
                    indices = _unpacked(indices, bits, math.prod(shape))
                if len(table) != 1 << int(math.log2(len(table))) or len(table) > 256:
                    raise ValueError(f"a palette of {len(table)} entries is not read here")
                return table[indices].reshape(shape)
            case other:
                raise ValueError(f"{other} is not read here")

    def _stored(self, value: Any) -> Array:
        """A MIL value as a flat array, whichever way it is written."""
        import numpy as np

        dtype, count = _dtype(value.type), math.prod(_shape(value.type))
        if value.WhichOneof("value") == "blobFileValue":
            return self._blob(value.blobFileValue, dtype, count)
        tensor = value.immediateValue.tensor
        kind = tensor.WhichOneof("value")
        if kind is None:
            return np.zeros(count, dtype)
        numbers = getattr(tensor, kind).values
        if kind == "bytes":  # whatever has no field of its own, as it lies in memory
            return np.frombuffer(numbers, dtype)
        return np.array(list(numbers), dtype)

    def _blob(self, blob: Any, dtype: str, count: int) -> Array:
        import numpy as np

        data = self._weights[blob.fileName]
        if blob.offset + BLOB_HEADER.size > len(data):
            raise ValueError(f"it is said to begin at byte {blob.offset} of {len(data)}")
        sentinel, _, size, start = BLOB_HEADER.unpack_from(data, blob.offset)
        if sentinel != BLOB_SENTINEL:
            raise ValueError(f"nothing begins at byte {blob.offset} of its file")
        bits = int(dtype.removeprefix("uint").removeprefix("int")) if "int" in dtype else 0
        packed = 0 < bits < 8
        wanted = (count * bits + 7) // 8 if packed else count * np.dtype(dtype).itemsize
        if size != wanted or start + size > len(data):
            raise ValueError(f"{wanted} bytes are wanted and {max(0, len(data) - start)} are there")
        raw = np.frombuffer(data, np.uint8, size, start)
        return _unpacked(raw, bits, count) if packed else raw.view(dtype)

    @cached_property
    def _weights(self) -> dict[str, memoryview]:
        """Each file of weights that the program names -> its content."""
        names = {
            value.blobFileValue.fileName
            for operator in self._constants.values()
            for value in _parameters(operator).values()
            if value.WhichOneof("value") == "blobFileValue"
        }
        return {name: memoryview(self._weight_file(name).read_bytes()) for name in names}

    def _weight_file(self, name: str) -> Path:
        place = self._model_folder / name.removeprefix(IN_MODEL_FOLDER)
        if not name.startswith(IN_MODEL_FOLDER):
            raise BadFile(f"{self.path} keeps weights outside itself, in {name!r}.", AGAIN)
        return _inside(self.path, place, "the file of weights")


def open_package(path: Path) -> Package:
    """Read the package at ``path`` without its weights, but make sure that they are there.

    Raises BadFile when it is not one whole ML program, MissingExtra without coremltools; OSError is
    the caller's.
    """
    model_file = _root_model(path)
    model = _message(path, model_file)
    program = _program(path, model)
    block = _block(path, program)
    constants = {
        output.name: operator
        for operator in block.operations
        if operator.type.startswith(CONSTANTS)
        for output in operator.outputs
    }
    package = Package(
        path=path,
        specification=model.specificationVersion,
        inputs=tuple(map(_feature, model.description.input)),
        outputs=tuple(map(_feature, model.description.output)),
        operators=tuple(
            _operator(each) for each in block.operations if not each.type.startswith(CONSTANTS)
        ),
        _constants=constants,
        _model_folder=model_file.parent,
    )
    _ = package._weights
    return package


def precision(package: Package) -> Precision:
    """How most of the weights are stored, in the words of an artifact.

    Raises BadFile for a way that none of the words means.
    """
    words: dict[str, Precision] = {"float16": "fp16", "float32": "fp32", "int8": "int8-weights"}
    words |= {"uint8": "int8-weights", "palette4": "palette4"}
    numbers = package.stored()
    if not numbers:  # no weights at all: what it computes in
        numbers = dict(Counter(operator.dtype for operator in package.operators))
    most = max(numbers, key=lambda kind: numbers[kind], default="float32")
    if most not in words:
        raise BadFile(
            f"{package.path} holds most of its weights as {most}, which is none of "
            f"{', '.join(words)}.",
            "convert the weights to one of these",
        )
    return words[most]


def _root_model(path: Path) -> Path:
    """The program's file, which the manifest names."""
    manifest = path / "Manifest.json"
    if not path.is_dir():
        raise BadFile(f"{path} is not a folder, as a Core ML package is.", AGAIN)
    if not manifest.is_file():
        raise BadFile(f"{path} is not a Core ML package: it has no Manifest.json.", AGAIN)
    try:
        with manifest.open("rb") as stream:
            said = json.loads(stream.read(MAX_MANIFEST_BYTES))
        name = said["itemInfoEntries"][said["rootModelIdentifier"]]["path"]
        place = path / "Data" / name
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFile(f"{path}: its Manifest.json names no model.", AGAIN) from None
    return _inside(path, place, "the model")


def _inside(path: Path, place: Path, what: str) -> Path:
    """``place``, if it is a file within the package: no manifest may lead anywhere else."""
    try:
        real = place.resolve()
        escapes = not real.is_relative_to(path.resolve())
        there = real.is_file()
    except (OSError, ValueError, RuntimeError):  # a name with a NUL, a loop of links
        escapes, there = False, False
    if escapes:
        raise BadFile(f"{path} names a file outside itself as {what}.", AGAIN)
    if not there:
        raise BadFile(f"{path} is incomplete: {what} that it names is missing.", AGAIN)
    return place


def _message(path: Path, file: Path) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    model = messages().Model()
    try:
        model.ParseFromString(file.read_bytes())
    except DecodeError:
        raise BadFile(f"{path}: its model is cut short or damaged.", AGAIN) from None
    return model


def messages() -> Any:
    """Model_pb2: coremltools' classes for the messages of the format, without coremltools itself.

    ``import coremltools`` loads all its converters and every framework that it finds: 7 s, and 18
    beside TensorFlow. So its folder of messages, which knows nothing of that, is imported under a
    name of its own. Raises MissingExtra where coremltools is not installed.
    """
    if "coremltools.proto" in sys.modules:
        return import_module("coremltools.proto.Model_pb2")
    alias = "_coremltools_messages"
    if alias not in sys.modules:
        found = find_spec("coremltools")
        parts = found and PathFinder.find_spec("proto", found.submodule_search_locations)
        if not parts or not parts.origin:
            raise MissingExtra("coremltools", "export", "Reading a Core ML package")
        folder = str(Path(parts.origin).parent)
        named = spec_from_file_location(alias, parts.origin, submodule_search_locations=[folder])
        assert named is not None
        assert named.loader is not None
        sys.modules[alias] = module_from_spec(named)
        named.loader.exec_module(sys.modules[alias])
    return import_module(f"{alias}.Model_pb2")


def _program(path: Path, model: Any) -> Any:
    kind = model.WhichOneof("Type")
    if kind != "mlProgram":
        raise BadFile(
            f"{path} holds {f'a {kind}' if kind else 'no model'}, not an ML program.",
            'convert it with coremltools.convert(..., convert_to="mlprogram")',
        )
    return model.mlProgram


def _block(path: Path, program: Any) -> Any:
    """The operators of the one function that runs."""
    name = "main" if "main" in program.functions else next(iter(program.functions), None)
    function = program.functions[name] if name is not None else None
    if function is None or function.opset not in function.block_specializations:
        raise BadFile(f"{path}: its program has no function that could run.", AGAIN)
    return function.block_specializations[function.opset]


def _operator(operator: Any) -> Operator:
    output = operator.outputs[0] if operator.outputs else None
    return Operator(
        type=operator.type,
        name=output.name if output else "",
        dtype=_dtype(output.type) if output else "",
        shape=_shape(output.type) if output else (),
        inputs={
            parameter: argument.arguments[0].name
            for parameter, argument in operator.inputs.items()
            if argument.arguments and argument.arguments[0].WhichOneof("binding") == "name"
        },
    )


def _feature(declared: Any) -> Feature:
    if declared.type.WhichOneof("Type") != "multiArrayType":
        return Feature(declared.name, (), str(declared.type.WhichOneof("Type")))
    array = declared.type.multiArrayType
    return Feature(declared.name, tuple(array.shape), _name(array.ArrayDataType, array.dataType))


def _storage(operator: Any) -> str:
    given = _parameters(operator)
    match operator.type:
        case "constexpr_lut_to_dense":
            entries = _shape(given["lut"].type)
            # From iOS 18 on a table is (..., entries, 1).
            return f"palette{int(math.log2(entries[-2] if len(entries) > 1 else entries[0]))}"
        case "constexpr_affine_dequantize":
            return _dtype(given["quantized_data"].type)
        case "constexpr_blockwise_shift_scale":
            return _dtype(given["data"].type)
        case "const":
            return _dtype(operator.outputs[0].type)
        case other:
            return str(other).removeprefix("constexpr_")


def _parameters(operator: Any) -> dict[str, Any]:
    """The values written into a constant: as attributes up to iOS 17, as inputs from 18 on."""
    values = dict(operator.attributes.items())
    for name, argument in operator.inputs.items():
        if argument.arguments and argument.arguments[0].WhichOneof("binding") == "value":
            values[name] = argument.arguments[0].value
    return values


def _dtype(declared: Any) -> str:
    return _name(messages().MIL__pb2.DataType, declared.tensorType.dataType)


def _name(enum: Any, number: int) -> str:
    """A type's name as numpy has it: "float16"; a type of a later format is "unknown"."""
    try:
        name = str(enum.Name(number)).lower()
    except ValueError:
        return "unknown"
    return {"double": "float64", "string": "str"}.get(name, name)


def _shape(declared: Any) -> tuple[int, ...]:
    return tuple(side.constant.size for side in declared.tensorType.dimensions)


def _unpacked(raw: Array, bits: int, count: int) -> Array:
    """Numbers of ``bits`` bits, packed without gaps, the lowest bit first."""
    import numpy as np

    if bits == 8:
        return raw[:count]
    each = np.unpackbits(raw, bitorder="little")[: count * bits].reshape(count, bits)
    numbers: NDArray[np.uint8] = np.packbits(each, axis=1, bitorder="little")[:, 0]
    return numbers


def _spread(values: Array, shape: tuple[int, ...]) -> Array:
    """Each value over its block of a tensor of ``shape``."""
    import numpy as np

    for axis, side in enumerate(shape):
        values = np.repeat(values, side // values.shape[axis], axis)
    return values

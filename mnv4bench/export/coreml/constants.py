"""The constants of a Core ML program: plain, quantised, or indices into a palette.

Knows: the ways in which operators of constants are written (iOS 15 to 26), and the file of weights
beside them, whose format its reader documents: coremltools, MILBlob/Blob/StorageFormat.hpp. Does
not know: where that file lies (package), or what the numbers are for.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.errors import BadFile
from mnv4bench.export.coreml.messages import dtype, shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Buffer = bytes | mmap
# Operators that stand for weights: they are worked out when a model is loaded, not when it runs.
TYPES = ("const", "constexpr_")
# StorageFormat.hpp: sentinel, type, size in bytes, offset of the data, and padding up to 64 bytes.
BLOB_HEADER = struct.Struct("<IIQQ")
BLOB_SENTINEL = 0xDEADBEEF


@dataclass(frozen=True)
class Constants:
    """All constants of a program, decoded when they are asked for."""

    path: Path  # the package, for sentences
    operators: Mapping[str, Any]  # name -> MIL operation
    files: Mapping[str, Buffer] = field(repr=False)  # as blobs name them -> their content

    def __post_init__(self) -> None:
        """Raises BadFile when a weight lies outside its file."""
        for name, operator in self.operators.items():
            for value in parameters(operator).values():
                if value.WhichOneof("value") == "blobFileValue":
                    self._readable(name, lambda value=value: self._raw(value))

    def __contains__(self, name: str) -> bool:
        return name in self.operators

    def shape(self, name: str) -> tuple[int, ...]:
        return shape(self.operators[name].outputs[0].type)

    def stored_as(self, name: str) -> str:
        """How the numbers are stored: "float16", "int8", "palette4" (4-bit indices)."""
        return _stored_as(self.operators[name])

    def numbers(self) -> dict[str, int]:
        """Way of storing -> how many numbers of weights.

        As for other formats, a tensor of fewer than two sides is a bias or a shape, not a weight.
        """
        found: Counter[str] = Counter()
        for name in self.operators:
            if len(self.shape(name)) >= 2:
                found[self.stored_as(name)] += math.prod(self.shape(name))
        return dict(found)

    def value(self, name: str) -> Array:
        """The numbers, dequantised or looked up. Raises BadFile when they cannot be read."""
        value: Array = self._readable(name, lambda: self._decoded(self.operators[name]))
        return value

    def _readable(self, name: str, read: Any) -> Any:
        try:
            return read()
        except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
            raise BadFile(
                f"{self.path}: the constant {name} cannot be read: {error}.",
                "copy or export it again",
            ) from None

    def _decoded(self, operator: Any) -> Array:
        sides = shape(operator.outputs[0].type)
        given = parameters(operator)
        if operator.type == "const":
            return self._plain(given["val"]).reshape(sides)
        parts = {
            name: self._plain(value).reshape(shape(value.type))
            for name, value in given.items()
            if name != "name"
        }
        match operator.type:
            case "constexpr_affine_dequantize":  # up to iOS 17
                return _dequantised(parts, sides)
            case "constexpr_blockwise_shift_scale":  # from iOS 18 on
                data = parts["data"].astype("float32")
                if "offset" in parts:
                    data = data - _spread(parts["offset"], sides)
                return data * _spread(parts["scale"], sides)
            case "constexpr_lut_to_dense":
                return _looked_up(parts, sides)
            case other:
                raise ValueError(f"{other} is not read here")

    def _plain(self, value: Any) -> Array:
        """A MIL value as a flat array, whichever way it is written."""
        import numpy as np

        kind = dtype(value.type)
        if value.WhichOneof("value") == "blobFileValue":
            raw, bits = self._raw(value), _bits(kind)
            return _unpacked(raw, bits, math.prod(shape(value.type))) if bits else raw.view(kind)
        tensor = value.immediateValue.tensor
        written = tensor.WhichOneof("value")
        if written is None:
            raise ValueError("it has no value")
        numbers = getattr(tensor, written).values
        if written == "bytes":  # what has no field of its own, as it lies in memory
            return np.frombuffer(numbers, kind)
        return np.array(list(numbers), kind)

    def _raw(self, value: Any) -> NDArray[Any]:
        """The bytes of a value that lies in a file of weights."""
        import numpy as np

        blob, kind, count = value.blobFileValue, dtype(value.type), math.prod(shape(value.type))
        data = self.files[blob.fileName]
        if blob.offset + BLOB_HEADER.size > len(data):
            raise ValueError(f"it is to begin at byte {blob.offset} of {len(data)}")
        sentinel, _, size, start = BLOB_HEADER.unpack_from(data, blob.offset)
        bits = _bits(kind)
        wanted = (count * bits + 7) // 8 if bits else count * np.dtype(kind).itemsize
        if sentinel != BLOB_SENTINEL or size != wanted or start + size > len(data):
            raise ValueError(f"no {wanted} bytes begin at byte {blob.offset} of {len(data)}")
        return np.frombuffer(data, np.uint8, size, start)


def parameters(operator: Any) -> dict[str, Any]:
    """The values written into a constant: as attributes up to iOS 17, as inputs from 18 on."""
    values = dict(operator.attributes.items())
    for name, argument in operator.inputs.items():
        if argument.arguments and argument.arguments[0].WhichOneof("binding") == "value":
            values[name] = argument.arguments[0].value
    return values


def _stored_as(operator: Any) -> str:
    given = parameters(operator)
    try:
        match operator.type:
            case "constexpr_lut_to_dense":
                return f"palette{int(math.log2(_entries(shape(given['lut'].type))))}"
            case "constexpr_affine_dequantize":
                return dtype(given["quantized_data"].type)
            case "constexpr_blockwise_shift_scale":
                return dtype(given["data"].type)
            case "const":
                return dtype(operator.outputs[0].type)
    except (KeyError, ValueError, IndexError):
        return "unknown"
    return str(operator.type).removeprefix("constexpr_")


def _entries(table: tuple[int, ...]) -> int:
    """(entries,) up to iOS 17; (..., entries, 1) from 18 on."""
    return table[-2] if len(table) > 1 else table[0]


def _dequantised(parts: dict[str, Array], sides: tuple[int, ...]) -> Array:
    """One scale and zero point, or one for each slice along an axis."""
    import numpy as np

    along = [1] * len(sides)
    along[int(parts["axis"].item())] = -1
    zero = parts["zero_point"].astype(np.float32).reshape(along)
    data = parts["quantized_data"].reshape(sides).astype(np.float32)
    return (data - zero) * parts["scale"].astype(np.float32).reshape(along)


def _looked_up(parts: dict[str, Array], sides: tuple[int, ...]) -> Array:
    table, indices = parts["lut"].ravel(), parts["indices"].ravel()
    bits = int(math.log2(len(table)))
    if len(table) != 1 << bits or bits > 8:
        raise ValueError(f"a palette of {len(table)} entries is not read here")
    if "shape" in parts:  # up to iOS 17 the indices come packed in bytes
        indices = _unpacked(indices, bits, math.prod(sides))
    return table[indices].reshape(sides)


def _bits(kind: str) -> int:
    """Of a type that is packed, several numbers to a byte; 0 for any other."""
    digits = kind.removeprefix("u").removeprefix("int")
    return int(digits) if digits.isdigit() and int(digits) < 8 else 0


def _unpacked(raw: Array, bits: int, count: int) -> Array:
    """Unsigned numbers of ``bits`` bits, packed without gaps, the lowest bit first."""
    import numpy as np

    if bits == 8:
        return raw[:count]
    each = np.unpackbits(raw, bitorder="little")[: count * bits].reshape(count, bits)
    numbers: Array = np.packbits(each, axis=1, bitorder="little")[:, 0]
    return numbers


def _spread(values: Array, sides: tuple[int, ...]) -> Array:
    """Each value over its block of a tensor with these sides."""
    import numpy as np

    values = values.astype(np.float32)
    for axis, side in enumerate(sides):
        values = np.repeat(values, side // values.shape[axis], axis)
    return values

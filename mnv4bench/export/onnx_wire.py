"""Just enough of protobuf's wire format to see what an ONNX file is without loading it.

Knows: the field numbers of onnx.proto3 that carry the input shape and the type of the weights, and
how to step over everything else. Does not know: operators. The package onnx is not needed, so a
person who only measures files does not install it; weights of gigabytes are stepped over unread.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from mnv4bench.errors import BadFile

# Field numbers of onnx.proto3 (ONNX 1.23); protobuf never changes the meaning of a number.
MODEL_IR_VERSION, MODEL_GRAPH = 1, 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT = 1, 5, 11
NODE_ATTRIBUTE, ATTRIBUTE_TENSOR = 5, 5
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_LOCATION = 1, 2, 8, 14
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE = 1, 2, 1, 2, 1, 1
EXTERNAL = 1  # TensorProto.DataLocation

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # protobuf wire types


@dataclass
class Summary:
    """What a file says about itself."""

    input_shape: tuple[int, ...] | None = None  # None: several inputs, or sides left open
    weight_values: dict[int, int] = field(default_factory=dict)  # TensorProto.DataType -> numbers
    external: bool = False  # weights lie in another file


def summarise(path: Path) -> Summary:
    """Raises BadFile when ``path`` is not one whole ONNX model; OSError is the caller's."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _model(data)
        except _WireError as error:
            raise BadFile(
                f"{path} is not a whole ONNX model: {error}.", "copy or export it again"
            ) from None


class _WireError(Exception):
    """The bytes are not what the format says."""


@dataclass(frozen=True)
class _Span:
    """A length-delimited field: bytes ``start`` to ``stop`` of the file."""

    data: mmap.mmap
    start: int
    stop: int

    def text(self) -> bytes:
        return self.data[self.start : self.stop]


def _model(data: mmap.mmap) -> Summary:
    version, graph = None, None
    for number, value in _fields(_Span(data, 0, len(data))):
        if number == MODEL_IR_VERSION and isinstance(value, int):
            version = value
        elif number == MODEL_GRAPH and isinstance(value, _Span):
            graph = value
    if version is None or graph is None:
        raise _WireError("it names no format version or no graph")
    summary = Summary()
    inputs: dict[bytes, tuple[int, ...] | None] = {}
    initializers = set()
    for number, value in _fields(graph):
        if not isinstance(value, _Span):
            continue
        if number == GRAPH_INITIALIZER:
            initializers.add(_tensor(value, summary))
        elif number == GRAPH_INPUT:
            name, shape = _value(value)
            inputs[name] = shape
        elif number == GRAPH_NODE:
            for attribute in _spans(value, NODE_ATTRIBUTE):
                for constant in _spans(attribute, ATTRIBUTE_TENSOR):
                    _tensor(constant, summary)
    # Old files list their weights among the inputs too.
    real = [shape for name, shape in inputs.items() if name not in initializers]
    summary.input_shape = real[0] if len(real) == 1 else None
    return summary


def _tensor(span: _Span, summary: Summary) -> bytes:
    """Count the numbers of a weight; a tensor of fewer than two sides is a bias or a shape."""
    sides: list[int] = []
    kind, name = 0, b""
    for number, value in _fields(span):
        if number == TENSOR_DIMS:
            sides += [value] if isinstance(value, int) else _packed(value)
        elif number == TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == TENSOR_NAME and isinstance(value, _Span):
            name = value.text()
        elif number == TENSOR_LOCATION and value == EXTERNAL:
            summary.external = True
    if len(sides) >= 2:
        summary.weight_values[kind] = summary.weight_values.get(kind, 0) + prod(sides)
    return name


def _value(span: _Span) -> tuple[bytes, tuple[int, ...] | None]:
    """An input's name and its shape, None where a side is left open."""
    name = b"".join(part.text() for part in _spans(span, VALUE_NAME))
    sides = []
    for kind in _spans(span, VALUE_TYPE):
        for tensor in _spans(kind, TYPE_TENSOR):
            for shape in _spans(tensor, TENSOR_SHAPE):
                for side in _spans(shape, SHAPE_DIM):
                    sides.append(dict(_fields(side)).get(DIM_VALUE, 0))
    whole = tuple(side for side in sides if isinstance(side, int) and side > 0)
    return name, whole if whole and len(whole) == len(sides) else None


def _spans(span: _Span, wanted: int) -> Iterator[_Span]:
    for number, value in _fields(span):
        if number == wanted and isinstance(value, _Span):
            yield value


def _fields(span: _Span) -> Iterator[tuple[int, int | _Span]]:
    """(field number, value) in file order; strings and messages as spans, fixed-size ones as 0."""
    at = span.start
    while at < span.stop:
        tag, at = _varint(span, at)
        wire = tag & 7
        value: int | _Span = 0
        if wire == VARINT:
            value, at = _varint(span, at)
        elif wire == BYTES:
            length, at = _varint(span, at)
            value = _Span(span.data, at, at + length)
            at += length
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if wire == EIGHT_BYTES else 4
        else:
            raise _WireError(f"byte {at - 1} begins no field")
        if at > span.stop:
            raise _WireError(f"it ends at byte {span.stop}, within a field that needs {at}")
        yield tag >> 3, value


def _packed(span: _Span) -> list[int]:
    numbers, at = [], span.start
    while at < span.stop:
        number, at = _varint(span, at)
        numbers.append(number)
    return numbers


def _varint(span: _Span, at: int) -> tuple[int, int]:
    """Seven bits a byte, lowest first; at most ten bytes."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= span.stop:
            raise _WireError(f"it ends at byte {span.stop}, within a number")
        byte = span.data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise _WireError(f"byte {at - 10} begins no number")

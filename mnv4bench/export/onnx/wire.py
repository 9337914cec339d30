"""Just enough of protobuf's wire format to see what an ONNX file is without loading it.

Knows: the field numbers of onnx.proto3 that carry the inputs, the type of the weights and the files
that hold them, and how to step over everything else. Does not know: operators. The package onnx is
not needed, so a person who only measures files does not install it; weights of gigabytes are
stepped over unread.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from mnv4bench.errors import BadFile
from mnv4bench.export.own.shapes import NAMELESS, Declared

# Field numbers of onnx.proto3 (ONNX 1.23); protobuf never changes the meaning of a number.
MODEL_IR_VERSION, MODEL_GRAPH, MODEL_FUNCTION = 1, 7, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_SPARSE = 1, 5, 11, 15
FUNCTION_NODE = 7
NODE_ATTRIBUTE, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = (
    5,
    (5, 10),
    (6, 11),
    (22, 23),
)
SPARSE_PARTS = (1, 2)  # values, indices
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 2, 8, 13, 14
ENTRY_KEY, ENTRY_VALUE = 1, 2
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM = 1, 2, 1, 2, 1
DIM_VALUE, DIM_PARAM = 1, 2
EXTERNAL = 1  # TensorProto.DataLocation
ENUM_BITS = 0xFFFFFFFF  # protobuf cuts an enum to 32 bits
MAX_DEPTH = 30  # graphs within graphs; protobuf itself refuses 100 messages within each other

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # protobuf wire types


@dataclass
class Summary:
    """What a file says about itself."""

    inputs: tuple[Declared, ...] = ()  # initializers left out
    weight_values: dict[int, int] = field(default_factory=dict)  # TensorProto.DataType -> numbers
    # Of the weights that lie elsewhere: location as written -> the bytes it has to hold at least.
    external: dict[str, int] = field(default_factory=dict)


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

    def text(self) -> str:
        return self.data[self.start : self.stop].decode("utf-8", "replace")


def _model(data: mmap.mmap) -> Summary:
    version, graph = None, None
    summary = Summary()
    for number, value in _fields(_Span(data, 0, len(data))):
        if number == MODEL_IR_VERSION and isinstance(value, int):
            version = value
        elif number == MODEL_GRAPH and isinstance(value, _Span):
            if graph is not None:  # protobuf would merge them; nobody writes two
                raise _WireError("it holds two graphs")
            graph = value
        elif number == MODEL_FUNCTION and isinstance(value, _Span):
            for node in _spans(value, FUNCTION_NODE):
                _node(node, summary, 0)
    if version is None or graph is None:
        raise _WireError("it names no format version or no graph")
    inputs, initializers = _graph(graph, summary, 0)
    # Old files list their weights among the inputs too.
    summary.inputs = tuple(one for one in inputs if one.name not in initializers)
    return summary


def _graph(span: _Span, summary: Summary, depth: int) -> tuple[list[Declared], set[str]]:
    """Its inputs and the names of its initializers; the weights are counted in ``summary``."""
    if depth > MAX_DEPTH:
        raise _WireError(f"it nests more than {MAX_DEPTH} graphs")
    inputs, initializers = [], set()
    for number, value in _fields(span):
        if not isinstance(value, _Span):
            continue
        if number == GRAPH_INITIALIZER:
            initializers.add(_tensor(value, summary))
        elif number == GRAPH_SPARSE:
            initializers.add(_sparse(value, summary))
        elif number == GRAPH_INPUT:
            inputs.append(_value(value))
        elif number == GRAPH_NODE:
            _node(value, summary, depth)
    return inputs, initializers


def _node(span: _Span, summary: Summary, depth: int) -> None:
    for attribute in _spans(span, NODE_ATTRIBUTE):
        for constant in _spans(attribute, *ATTRIBUTE_TENSORS):
            _tensor(constant, summary)
        for constant in _spans(attribute, *ATTRIBUTE_SPARSE):
            _sparse(constant, summary)
        for body in _spans(attribute, *ATTRIBUTE_GRAPHS):
            _graph(body, summary, depth + 1)


def _sparse(span: _Span, summary: Summary) -> str:
    """Its values carry its name."""
    names = [_tensor(part, summary) for part in _spans(span, *SPARSE_PARTS)]
    return names[0] if names else ""


def _tensor(span: _Span, summary: Summary) -> str:
    """Count the numbers of a weight; a tensor of fewer than two sides is a bias or a shape."""
    sides: list[int] = []
    kind, name, is_external = 0, "", False
    entries: dict[str, str] = {}
    for number, value in _fields(span):
        if number == TENSOR_DIMS:
            sides += [value] if isinstance(value, int) else _packed(value)
        elif number == TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == TENSOR_NAME and isinstance(value, _Span):
            name = value.text()
        elif number == TENSOR_EXTERNAL and isinstance(value, _Span):
            entries[_last(value, ENTRY_KEY)] = _last(value, ENTRY_VALUE)
        elif number == TENSOR_LOCATION and isinstance(value, int):
            is_external |= value & ENUM_BITS == EXTERNAL
    if is_external or entries:  # whichever a reader goes by
        location = entries.get("location", "")
        end = _number(entries.get("offset", "0")) + _number(entries.get("length", "0"))
        summary.external[location] = max(summary.external.get(location, 0), end)
    if len(sides) >= 2:
        summary.weight_values[kind] = summary.weight_values.get(kind, 0) + prod(sides)
    return name


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise _WireError("a weight that lies in another file has no offset or length there")
    return int(text)


def _value(span: _Span) -> Declared:
    sides: list[int | str] | None = None
    for kind in _spans(span, VALUE_TYPE):
        for tensor in _spans(kind, TYPE_TENSOR):
            for shape in _spans(tensor, TENSOR_SHAPE):
                sides = [_side(side) for side in _spans(shape, SHAPE_DIM)]
    return Declared(_last(span, VALUE_NAME), None if sides is None else tuple(sides))


def _side(span: _Span) -> int | str:
    """A size; for an open one its name. What is written as 0 is open too."""
    for number, value in _fields(span):
        if number == DIM_VALUE and isinstance(value, int) and 0 < value < 2**63:
            return value
        if number == DIM_PARAM and isinstance(value, _Span):
            return value.text() or NAMELESS
    return NAMELESS


def _last(span: _Span, wanted: int) -> str:
    """A string field; protobuf has the last of several count."""
    texts = [part.text() for part in _spans(span, wanted)]
    return texts[-1] if texts else ""


def _spans(span: _Span, *wanted: int) -> Iterator[_Span]:
    for number, value in _fields(span):
        if number in wanted and isinstance(value, _Span):
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

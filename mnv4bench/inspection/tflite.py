"""What stands in a TFLite file, and which of its operators LiteRT hands to XNNPACK.

Knows: the flatbuffer schema that the runtime's package brings. Does not know: how operators are
counted (graph), or what a GPU makes of the file (gpu).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from mnv4bench import delegation
from mnv4bench.errors import BadFile
from mnv4bench.export.own.file import mapped
from mnv4bench.inspection.graph import UNKNOWN_TYPE, Contents, Operation, Value

# They compute nothing: what they write are the numbers that they read, elsewhere or as another
# type. Names of schema v3's BuiltinOperator.
MOVES = frozenset({
    "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CAST", "CONCATENATION", "DEPTH_TO_SPACE",
    "DEQUANTIZE", "EXPAND_DIMS", "GATHER", "GATHER_ND", "MIRROR_PAD", "PACK", "PAD",
    "PADV2", "QUANTIZE", "RESHAPE", "REVERSE_V2", "SLICE", "SPACE_TO_BATCH_ND",
    "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE",
    "UNPACK",
})  # fmt: skip
MAX_PERMUTATION = 8  # sides; longer constants are no permutation
# What a damaged flatbuffer raises while it is read.
DAMAGE = (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError)


class Delegated(Struct, frozen=True):
    """What LiteRT's interpreter shows after it has prepared the main graph."""

    operators: int
    taken: tuple[int, ...]  # places in the main graph, in order
    partitions: int


def read(path: Path) -> Contents:
    """Raises BadFile when the file is cut short or damaged."""
    from ai_edge_litert import schema_py_generated as schema

    try:
        return _contents(schema, schema.Model.GetRootAs(mapped(path), 0))
    except DAMAGE:
        raise BadFile(f"{path} is cut short or damaged.", "copy or export it again") from None


def delegated(path: Path) -> Delegated:
    """Run in a process of its own. Open sizes are taken as 1.

    Raises ValueError or RuntimeError with the runtime's own words when it will not have the file,
    RuntimeError as well where this LiteRT does not show its graph.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(str(path), num_threads=1)
    originals = delegation.nodes(interpreter)
    interpreter.allocate_tensors()
    nodes = delegation.nodes(interpreter)
    if originals is None or nodes is None:
        raise RuntimeError("this version does not show its graph")
    parts = nodes[len(originals) :]
    taken = delegation.delegated(originals, parts)
    return Delegated(len(originals), tuple(sorted(taken)), len(parts))


def _contents(schema: Any, model: Any) -> Contents:
    types = {number: name.lower() for name, number in vars(schema.TensorType).items()}
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    codes = [_operator(names, model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    values: list[Value] = []
    operations: list[Operation] = []
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    main = graphs[0]
    for graph in graphs:
        start = len(values)
        values += [_value(types, model, tensor) for tensor in _all(graph, "Tensors")]
        for one in _all(graph, "Operators"):
            operations.append(_operation(model, graph, one, codes[one.OpcodeIndex()], start))
    description = (model.Description() or b"").decode("utf-8", "replace")
    return Contents(
        written_by=", ".join(filter(None, (f"TFLite schema {model.Version()}", description))),
        values=tuple(values),
        operations=tuple(operations),
        main=main.OperatorsLength(),
        inputs=tuple(main.InputsAsNumpy()) if main.InputsLength() else (),
        outputs=tuple(main.OutputsAsNumpy()) if main.OutputsLength() else (),
        graphs=len(graphs),
    )


def _operator(names: dict[int, str], code: Any) -> str:
    """Old files hold the number in the older field, which has one byte."""
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if names.get(number) == "CUSTOM":
        return f"custom {(code.CustomCode() or b'').decode('utf-8', 'replace')}"
    return names.get(number, f"number {number}")


def _value(types: dict[int, str], model: Any, tensor: Any) -> Value:
    signed = tensor.ShapeSignatureLength()  # it has -1 where a size is open, the shape a 1
    sides = tensor.ShapeSignature if signed else tensor.Shape
    shape = tuple(sides(index) for index in range(signed or tensor.ShapeLength()))
    scaled = tensor.Quantization()
    one_scale = scaled is not None and scaled.ScaleLength() == 1
    buffer = model.Buffers(tensor.Buffer())
    return Value(
        name=(tensor.Name() or b"").decode("utf-8", "replace"),
        type=types.get(tensor.Type(), UNKNOWN_TYPE),
        shape=shape,
        # Past 2 GB a buffer lies behind the flatbuffer, and has a size instead of a length.
        constant=bool(buffer.DataLength() or buffer.Size()),
        scale=float(scaled.Scale(0)) if one_scale else None,
        zero_point=int(scaled.ZeroPoint(0)) if one_scale and scaled.ZeroPointLength() else None,
    )


def _operation(model: Any, graph: Any, one: Any, operator: str, start: int) -> Operation:
    inputs = [one.Inputs(index) for index in range(one.InputsLength())]
    outputs = [one.Outputs(index) for index in range(one.OutputsLength())]
    detail = ""
    if operator == "TRANSPOSE" and len(inputs) == 2:
        order = _integers(model, graph.Tensors(inputs[1]))
        detail = f"permutation {' '.join(map(str, order))}" if order else ""
    return Operation(
        operator=operator,
        inputs=_placed(inputs, start),
        outputs=_placed(outputs, start),
        moves=operator in MOVES,
        detail=detail,
    )


def _placed(tensors: Sequence[int], start: int) -> tuple[int, ...]:
    return tuple(
        start + tensor for tensor in tensors if tensor >= 0
    )  # -1: an optional one is absent


def _integers(model: Any, tensor: Any) -> tuple[int, ...]:
    """A short int32 constant."""
    buffer = model.Buffers(tensor.Buffer())
    count = buffer.DataLength() // 4
    if not 0 < count <= MAX_PERMUTATION:
        return ()
    return struct.unpack(f"<{count}i", buffer.DataAsNumpy().tobytes()[: 4 * count])


def _all(graph: Any, vector: str) -> Iterator[Any]:
    item = getattr(graph, vector)
    return (item(index) for index in range(getattr(graph, f"{vector}Length")()))

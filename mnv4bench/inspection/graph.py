"""The operators of a file, whichever its format, and how they are counted.

Knows: which values each operator reads and writes, their types and shapes. Does not know: formats
(its neighbours read those) or runtimes. Everything here is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import TypeVar

from msgspec import Struct

from mnv4bench.findings import Graph, Integer, Movement, Operators, Tensor

# Constants of these types are shapes, axes and biases; what an operator multiplies with is not. Nor
# is a single number, which is a scale as a rule.
INDEX_TYPES = frozenset({"int32", "int64", "bool", "str"})
QUANTISED = frozenset({"int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2"})
WIDE = frozenset({"int16", "uint16"})
UNKNOWN_TYPE = "unknown"

T = TypeVar("T")
_Shape = tuple[int, ...] | None
_Alike = tuple[str, _Shape, _Shape, str]  # operator, shapes read and written, detail


class Value(Struct, frozen=True):
    """A tensor of the file. ``type`` in numpy's words; shape -1: left open, None: not known."""

    name: str
    type: str
    shape: tuple[int, ...] | None
    constant: bool = False
    scale: float | None = None
    zero_point: int | None = None

    @property
    def size(self) -> int | None:
        """Numbers in it; None when a side is open."""
        if self.shape is None or any(side < 0 for side in self.shape):
            return None
        return prod(self.shape)


class Operation(Struct, frozen=True):
    """One operator. Inputs and outputs are places in ``Contents.values``; absent ones left out."""

    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = ""
    moves: bool = False  # it moves or converts values and computes nothing
    detail: str = ""


class Contents(Struct, frozen=True):
    """A file's graph. The first ``main`` operations are those of the main graph, in order."""

    written_by: str
    values: tuple[Value, ...]
    operations: tuple[Operation, ...]
    main: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    graphs: int = 1
    notes: tuple[str, ...] = ()


def counted(contents: Contents, taken: Iterable[int] | None = None) -> Graph:
    """``taken``: places of the operations that the runtime's unit runs; None: not known."""
    return Graph(
        operators=len(contents.operations),
        kinds=_kinds(contents, None if taken is None else frozenset(taken)),
        movements=_movements(contents),
        graphs=contents.graphs,
    )


def tensors(contents: Contents, places: Iterable[int]) -> tuple[Tensor, ...]:
    """Inputs or outputs for a reader."""
    return tuple(
        Tensor(
            name=value.name,
            type=value.type,
            shape=value.shape or (),
            scale=value.scale,
            zero_point=value.zero_point,
        )
        for value in (contents.values[place] for place in places)
    )


def integer(contents: Contents) -> Integer | None:
    """What keeps a quantised network from being integer throughout; None for a float one.

    An operator counts as float when it reads or writes floats; conversions and constants do not
    count, nor do they make a network quantised: weights alone may be stored in integers.
    """
    kinds = [
        (operation.operator, _types(contents, operation))
        for operation in contents.operations
        if not (operation.moves and "float" in "".join(_types(contents, operation)))
    ]
    whole = [name for name, (reads, _, _) in kinds if QUANTISED & set(reads.split(", "))]
    if not whole:
        return None
    floating = Counter(
        name for name, (reads, _, writes) in kinds if "float" in reads or "float" in writes
    )
    ends = [
        f"{word} {value.name} is {value.type}"
        for word, places in (("input", contents.inputs), ("output", contents.outputs))
        for value in (contents.values[place] for place in places)
        if "float" in value.type
    ]
    wide = Counter(
        operation.operator
        for operation in contents.operations
        if not operation.moves and WIDE & set(_types(contents, operation)[0].split(", "))
    )
    floats = [*(f"{count} {name} in float" for name, count in _by_count(floating)), *ends]
    wider = [f"{count} {name} in 16 bits" for name, count in _by_count(wide)]
    return Integer(full=not floats, in_8_bits=not (floats or wider), reasons=(*floats, *wider))


def left(contents: Contents, taken: Iterable[int]) -> dict[str, int]:
    """Operators of the main graph that are not ``taken``, the most frequent first."""
    places = frozenset(taken)
    return tally(
        operation.operator
        for place, operation in enumerate(contents.operations[: contents.main])
        if place not in places
    )


def tally(operators: Iterable[str]) -> dict[str, int]:
    """Operator -> count, the most frequent first."""
    return dict(_by_count(Counter(operators)))


def _kinds(contents: Contents, taken: frozenset[int] | None) -> tuple[Operators, ...]:
    counts: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    on_unit: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    for place, operation in enumerate(contents.operations):
        kind = operation.operator, _types(contents, operation)
        counts[kind] += 1
        on_unit[kind] += taken is not None and place in taken
    return tuple(
        Operators(
            operator=name,
            count=count,
            reads=reads,
            constants=constants,
            writes=writes,
            on_unit=None if taken is None else on_unit[name, (reads, constants, writes)],
        )
        for (name, (reads, constants, writes)), count in _by_count(counts)
    )


def _types(contents: Contents, operation: Operation) -> tuple[str, str, str]:
    """(reads, constants, writes) of ``findings.Operators``."""
    values = [contents.values[place] for place in operation.inputs]
    held = [
        value
        for value in values
        if value.constant and value.type not in INDEX_TYPES and value.size != 1
    ]
    largest = max(held, key=lambda value: value.size or 0, default=None)
    return (
        _listed(value.type for value in values if not value.constant),
        largest.type if largest else "",
        _listed(contents.values[place].type for place in operation.outputs),
    )


def _movements(contents: Contents) -> tuple[Movement, ...]:
    alike: dict[_Alike, list[Operation]] = {}
    shapes: dict[_Alike, tuple[Value, Value]] = {}
    for operation in contents.operations:
        read = [contents.values[place] for place in operation.inputs]
        moved = [value for value in read if not value.constant]
        # What is made of constants alone is done once, when the file is loaded.
        if not operation.moves or not moved or not operation.outputs:
            continue
        source = max(moved, key=lambda value: value.size or 0)
        target = contents.values[operation.outputs[0]]
        detail = operation.detail
        if source.type != target.type:
            detail = f"{source.type} to {target.type}"
        key = (operation.operator, source.shape, target.shape, detail)
        alike.setdefault(key, []).append(operation)
        shapes[key] = source, target
    found = []
    for key, operations in alike.items():
        source, target = shapes[key]
        written = [contents.values[place].size for one in operations for place in one.outputs]
        if written == [None] * len(operations):  # a layout without a shape of its own
            written = [source.size] * len(operations)
        known = [size for size in written if size is not None]
        first = operations[0]
        found.append(
            Movement(
                operator=first.operator,
                count=len(operations),
                reads=source.shape,
                writes=target.shape,
                detail=key[3],
                first=first.name or contents.values[first.outputs[0]].name,
                values=sum(known) if len(known) == len(written) else None,
            )
        )
    return tuple(sorted(found, key=_movement_order))


def _movement_order(one: Movement) -> tuple[bool, int, str, str]:
    transposes = one.operator.lower() == "transpose"  # what a reader looks for comes first
    return not transposes, -(one.values or 0), one.operator, one.first


def _listed(types: Iterable[str]) -> str:
    return ", ".join(sorted(set(types)))


def _by_count(counts: Counter[T]) -> list[tuple[T, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))

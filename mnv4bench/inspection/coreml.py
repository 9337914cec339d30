"""What stands in a Core ML package, as a graph.

Knows: which of MIL's operators only move values. Does not know: what a package looks like
(export.coreml.package), how operators are counted (graph), or which unit of a device runs what:
that is decided there, and nothing in the file says it.
"""

from __future__ import annotations

from pathlib import Path

from mnv4bench.export.coreml import package as coreml_package
from mnv4bench.export.coreml.package import Feature, Operator, Package
from mnv4bench.inspection.graph import UNKNOWN_TYPE, Contents, Operation, Value

# They compute nothing: what they write are the numbers that they read, elsewhere or as another
# type. Names of MIL's operators, iOS 15 to 18.
MOVES = frozenset({
    "batch_to_space", "cast", "concat", "depth_to_space", "dequantize", "expand_dims",
    "flatten2d", "gather", "gather_along_axis", "gather_nd", "identity", "pad", "pixel_shuffle",
    "pixel_unshuffle", "quantize", "reshape", "reshape_like", "reverse", "slice_by_index",
    "slice_by_size", "sliding_windows", "space_to_batch", "space_to_depth", "split", "squeeze",
    "stack", "tile", "transpose",
})  # fmt: skip
UNITS = "which unit runs what is Core ML's choice on the device; the file does not say"


def read(path: Path) -> Contents:
    """Raises BadFile when it is not one whole ML program, MissingExtra without coremltools."""
    package = coreml_package.open_package(path)
    constants = package.constants
    values = [_constant(package, name) for name in constants.operators]
    known = {value.name: place for place, value in enumerate(values)}

    def place(value: Value) -> int:
        if value.name not in known:
            known[value.name] = len(values)
            values.append(value)
        return known[value.name]

    inputs = tuple(place(_feature(one)) for one in package.inputs)
    operations = tuple(
        Operation(
            operator=one.type,
            inputs=tuple(
                place(Value(name, UNKNOWN_TYPE, None))
                for names in one.inputs.values()
                for name in names
            ),
            outputs=tuple(place(_feature(result)) for result in one.results),
            name=one.name,
            moves=one.type in MOVES,
            detail=_order(package, one),
        )
        for one in package.operators
    )
    # The last results carry the outputs' names; what the device gives may have another type.
    outputs = []
    for one in package.outputs:
        outputs.append(len(values))
        values.append(_feature(one))
    return Contents(
        written_by=f"Core ML specification {package.specification}",
        values=tuple(values),
        operations=operations,
        main=len(operations),
        inputs=inputs,
        outputs=tuple(outputs),
        notes=(UNITS,),
    )


def _constant(package: Package, name: str) -> Value:
    """Its type is how it is stored: "float16", "int8", "palette4"."""
    constants = package.constants
    return Value(name, constants.stored_as(name), constants.shape(name), constant=True)


def _feature(declared: Feature) -> Value:
    return Value(declared.name, declared.dtype, _shape(declared.shape))


def _shape(sides: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side or -1 for side in sides)  # 0: left open


def _order(package: Package, operator: Operator) -> str:
    name = next(iter(operator.inputs.get("perm", ())), "")
    if operator.type != "transpose" or name not in package.constants:
        return ""
    order = (int(axis) for axis in package.constants.value(name).ravel())
    return f"permutation {' '.join(map(str, order))}"

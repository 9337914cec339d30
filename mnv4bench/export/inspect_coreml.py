"""What stands in a Core ML package: its program's operators and the values between them.

Knows: which of Core ML's operators move or convert values. Does not know: how a package is read
(coreml_package). Where an operator runs only a Mac can say.
"""

from __future__ import annotations

from pathlib import Path

from mnv4bench.export import coreml_package
from mnv4bench.export.coreml_package import Feature, Package
from mnv4bench.export.graph import UNKNOWN_TYPE, Contents, Operation, Value

# Of MIL's operator sets iOS15 to iOS18 (coremltools 9.0).
MOVES = frozenset({
    "cast", "concat", "crop", "depth_to_space", "expand_dims", "gather", "identity", "pad",
    "pixel_shuffle", "pixel_unshuffle", "reshape", "reverse", "slice_by_index", "slice_by_size",
    "space_to_depth", "split", "squeeze", "stack", "tile", "transpose",
    "quantize", "dequantize",
})  # fmt: skip


def read(path: Path) -> Contents:
    """The package's graph; raises as ``coreml_package.open_package``."""
    package = coreml_package.open_package(path)
    values: list[Value] = []
    places: dict[str, int] = {}

    def place(name: str, value: Value) -> int:
        if name not in places:
            places[name] = len(values)
            values.append(value)
        return places[name]

    inputs = tuple(place(one.name, _value(one)) for one in package.inputs)
    operations = tuple(
        Operation(
            operator=one.type,
            inputs=tuple(place(name, _read(package, name)) for name in one.inputs.values()),
            outputs=(place(one.name, Value(one.name, one.dtype, one.shape)),),
            name=one.name,
            moves=one.type in MOVES,
        )
        for one in package.operators
    )
    return Contents(
        written_by=f"Core ML specification {package.specification}",
        values=tuple(values),
        operations=operations,
        main=len(operations),
        inputs=inputs,
        outputs=tuple(place(one.name, _value(one)) for one in package.outputs),
        notes=("where each operator runs is only known on a Mac",),
    )


def _value(feature: Feature) -> Value:
    return Value(feature.name, feature.dtype, feature.shape)


def _read(package: Package, name: str) -> Value:
    """A value that no operator before has made: a constant, or one that is not told."""
    if name not in package.constants:
        return Value(name, UNKNOWN_TYPE, None)
    constants = package.constants
    return Value(name, constants.stored_as(name), constants.shape(name), constant=True)

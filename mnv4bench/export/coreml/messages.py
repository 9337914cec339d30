"""The messages that a Core ML program is written in: protocol buffers (Model.proto, MIL.proto).

Knows: where coremltools keeps its classes for them, and how types and shapes are said. Does not
know: files, or what any operator means.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from mnv4bench.errors import MissingExtra

ALIAS = "_coremltools_messages"


def messages() -> Any:
    """coremltools' module Model_pb2, without coremltools itself.

    ``import coremltools`` loads all its converters and every framework that it finds: 7 s, and 18
    beside TensorFlow. So its folder of messages, which knows nothing of them, is imported under a
    name of its own. Raises MissingExtra where coremltools is not installed.
    """
    if "coremltools.proto" in sys.modules:
        return import_module("coremltools.proto.Model_pb2")
    if ALIAS not in sys.modules:
        found = find_spec("coremltools")
        parts = found and PathFinder.find_spec("proto", found.submodule_search_locations)
        if not parts or not parts.origin:
            raise MissingExtra("coremltools", "export", "Reading a Core ML package")
        folder = str(Path(parts.origin).parent)
        named = spec_from_file_location(ALIAS, parts.origin, submodule_search_locations=[folder])
        assert named is not None
        assert named.loader is not None
        sys.modules[ALIAS] = module_from_spec(named)
        named.loader.exec_module(sys.modules[ALIAS])
    return import_module(f"{ALIAS}.Model_pb2")


def dtype(declared: Any) -> str:
    """The type of a MIL value's numbers as numpy says it; "unknown" for one of a later format."""
    return enum_name(messages().MIL__pb2.DataType, declared.tensorType.dataType)


def shape(declared: Any) -> tuple[int, ...]:
    """The sides of a MIL value; 0 where one is left open."""
    return tuple(side.constant.size for side in declared.tensorType.dimensions)


def enum_name(enum: Any, number: int) -> str:
    """A type by its number: "float16", "int8"."""
    try:
        name = str(enum.Name(number)).lower()
    except ValueError:
        return "unknown"
    return {"double": "float64", "string": "str"}.get(name, name)

"""What a torch exported program file (.pt2) holds, read as data: JSON and raw tensors.

``torch.export.load`` (2.13) unpickles example inputs, custom objects and some weights, evaluates
sizes as Python text and writes the graph's names into source code that it executes: a file from
elsewhere could do anything. Nothing of that is done here; what is pickled is not opened.

Knows: the archive's layout and schema 8 of torch._export.serde.schema. Does not know: operators
(program).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import torch
from msgspec import Struct
from torch import Tensor

from mnv4bench.errors import BadFile

SCHEMA = 8  # the major version; minor ones add fields
SAVE_AGAIN = (
    "save it again with this torch: "
    "torch.export.save(torch.export.export(net.eval(), (image,)), 'NET.pt2')"
)
# schema.ScalarType
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}

Argument = dict[str, Any]  # one entry: "as_tensor", "as_ints", ... -> its value


class Named(Struct):
    """An operator's argument. ``kind`` 1: given by place, else by name."""

    name: str
    arg: Argument
    kind: int | None = None


class Node(Struct):
    """One call. ``target`` is an operator's name, e.g. torch.ops.aten.conv2d.default."""

    target: str
    inputs: list[Named]
    outputs: list[Argument]


class Meta(Struct):
    """A tensor's type and place; sizes are {"as_int": n}, open ones {"as_expr": ...}."""

    dtype: int
    sizes: list[dict[str, Any]]
    strides: list[dict[str, Any]]
    storage_offset: dict[str, Any]


class Graph(Struct):
    """Nodes in the order in which they run."""

    inputs: list[Argument]
    outputs: list[Argument]
    nodes: list[Node]
    tensor_values: dict[str, Meta]


class Signature(Struct):
    """What each of the graph's inputs and outputs is for, in their order."""

    input_specs: list[dict[str, dict[str, Any]]]
    output_specs: list[dict[str, dict[str, Any]]]


class _GraphModule(Struct):
    graph: Graph
    signature: Signature


class _Version(Struct):
    major: int


class _Exported(Struct):
    graph_module: _GraphModule
    schema_version: _Version


class _Payload(Struct):
    path_name: str
    use_pickle: bool
    tensor_meta: Meta | None = None


class _Payloads(Struct):
    config: dict[str, _Payload]


class Contents(Struct):
    """One program: its graph and, by the names that the signature uses, its tensors."""

    graph: Graph
    signature: Signature
    state: dict[str, Tensor]


def read(path: Path) -> Contents:
    """Raises BadFile for anything but a whole file of plain tensors; OSError is the caller's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _contents(path, _Records(path, archive))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadFile(
            f"{path} is not a whole exported program: {first_line(error)}.", SAVE_AGAIN
        ) from None
    except (msgspec.DecodeError, LookupError, ValueError, TypeError) as error:
        raise BadFile(
            f"{path} is not written as torch writes it: {first_line(error)}.", SAVE_AGAIN
        ) from None


def first_line(error: Exception) -> str:
    """What an error says, for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


class _Records:
    """The archive's entries by name, its own name (the folder that holds them all) left out."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {}
        size, total = path.stat().st_size, 0
        for entry in archive.infolist():
            total += entry.file_size
            # torch stores entries as they are, so they cannot hold more than the file.
            if entry.compress_type != zipfile.ZIP_STORED or total > size:
                raise BadFile(
                    f"{path} is packed in a way that torch does not use: {entry.filename} would "
                    f"unpack to {entry.file_size:,} bytes.",
                    SAVE_AGAIN,
                )
            self._entries["/".join(PurePosixPath(entry.filename).parts[1:])] = entry

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        return self._archive.read(self._entries[name])


def _contents(path: Path, records: _Records) -> Contents:
    if "models/model.json" not in records:
        raise BadFile(f"{path} is no exported program of torch 2.8 or later.", SAVE_AGAIN)
    found = msgspec.json.decode(records.read("models/model.json"), type=_Exported)
    if found.schema_version.major != SCHEMA:
        raise BadFile(
            f"{path} is written in schema {found.schema_version.major}; schema {SCHEMA} is read.",
            SAVE_AGAIN,
        )
    state = dict(_tensors(path, records, "weights")) | dict(_tensors(path, records, "constants"))
    return Contents(found.graph_module.graph, found.graph_module.signature, state)


def _tensors(path: Path, records: _Records, kind: str) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors of one of the two folders."""
    config = records.read(f"data/{kind}/model_{kind}_config.json")
    flat: dict[str, Tensor] = {}
    for name, payload in msgspec.json.decode(config, type=_Payloads).config.items():
        meta = payload.tensor_meta
        if payload.use_pickle or meta is None:
            raise BadFile(
                f"{path} holds {name} as a pickle, which can run code; it was not opened.",
                "export a network whose weights and constants are plain tensors",
            )
        if payload.path_name not in flat:
            content = bytearray(records.read(f"data/{kind}/{payload.path_name}"))
            kept = dtype(path, meta.dtype)
            flat[payload.path_name] = (
                torch.frombuffer(content, dtype=kept) if content else torch.empty(0, dtype=kept)
            )
        sizes, strides = ([one["as_int"] for one in part] for part in (meta.sizes, meta.strides))
        offset = meta.storage_offset["as_int"]
        # Its own memory: two names of one tensor must not change together.
        yield name, flat[payload.path_name].as_strided(sizes, strides, offset).clone()


def dtype(path: Path, number: int) -> torch.dtype:
    """The type that the file counts as ``number``. Raises BadFile for an unknown one."""
    if number not in DTYPES:
        raise BadFile(f"{path} holds tensors of type number {number}, unknown here.", SAVE_AGAIN)
    return DTYPES[number]

"""Which module of the network each operator of a file was written from.

Knows: how two exporters write a module path down. litert-torch names each tensor after the modules
around it ("package.Class_name" for each, joined by "/"; of what was fused, one path behind the
other, joined by ";"); torch's ONNX exporter keeps a "namespace" beside each node ("a.b:
package.Class"). Does not know: what a block is (analysis.blocks). Files of other makers have
operators and no paths.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import assert_never

from mnv4bench.errors import BadFile, MissingExtra
from mnv4bench.findings import FileOperator, Scope
from mnv4bench.inspection import coreml as inspect_coreml
from mnv4bench.inspection import probe
from mnv4bench.inspection import tflite as inspect_tflite
from mnv4bench.inspection.graph import Contents
from mnv4bench.records import Format

WRAPPED = "wrapped"  # how our exporter calls the network within what turns its layout
# "torch.nn.modules.conv.Conv2d_conv_stem": a class with its module, and the attribute's name.
_LITERT_SCOPE = re.compile(r"(?:[A-Za-z_]\w*\.)+(_*[A-Za-z][A-Za-z0-9]*)_(\w+)")
IN_PARTS = frozenset({"Summed"})  # export.lowering, whose import would load torch
NAMESPACE = "namespace"  # of a node's metadata
MAX_SCOPES = 64  # of one path; a name is anybody's text


def operators(path: Path, format: Format) -> tuple[FileOperator, ...]:
    """The operators of the main graph, in the file's order, with their module paths.

    Raises BadFile for a file that is no whole model, MissingExtra without its format's package.
    """
    match format:
        case "tflite":
            return _named(inspect_tflite.read(path))
        case "onnx":
            if find_spec("onnx") is None:
                raise MissingExtra("onnx", "export", "Telling which block an operator belongs to")
            answer = probe.ask("onnx modules", path)
            if isinstance(answer, probe.Refusal):
                raise BadFile(
                    f"{path} cannot be read as an ONNX model: {answer.reason}.",
                    "copy or export it again",
                )
            return answer.as_(tuple[FileOperator, ...])
        case "coreml":
            return _named(inspect_coreml.read(path))
        case "pt2":
            return ()  # an exported program is compiled anew where it runs; nobody profiles it yet
        case _:
            assert_never(format)


def in_onnx(path: Path) -> tuple[FileOperator, ...]:
    """As ``operators``, of an ONNX file; run in a process of its own."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    return tuple(
        FileOperator(
            operator=str(node.op_type),
            name=node.name,
            inputs=tuple(filter(None, node.input)),
            outputs=tuple(filter(None, node.output)),
            path=of_namespace(
                next((one.value for one in node.metadata_props if one.key == NAMESPACE), "")
            ),
        )
        for node in model.graph.node
    )


def of_tensor(name: str) -> tuple[Scope, ...]:
    """The modules in a name that litert-torch gave; of several, of what was computed first."""
    # What our exporter wrote in later has a part of its own behind it: "...Hardswish_act;1/relu6".
    paths = [part for part in name.split(";") if "/" in part.lstrip("0123456789").lstrip("/")]
    if not paths:
        return ()
    # The first is the network's class, or that of what our exporter put around it.
    found = [_LITERT_SCOPE.fullmatch(part) for part in paths[-1].split("/")[1:MAX_SCOPES]]
    scopes = [Scope(one[2], one[1]) for one in found if one is not None]
    if len(scopes) < len(found):
        return ()  # "MobilenetV3/Conv/Relu6": a path of another kind
    return _without_parts(scopes[1:] if scopes[0].name == WRAPPED else scopes)


def of_namespace(text: str) -> tuple[Scope, ...]:
    """The modules in a node's namespace, without the network itself and the operator."""
    scopes: list[Scope] = []
    before = ""
    for part in text.split("/")[1:-1][:MAX_SCOPES]:
        name, colon, kind = part.rpartition(": ")
        if not colon:
            return ()
        inside = name.removeprefix(f"{before}.") if before else name
        scopes.append(Scope(inside.rsplit(".", 1)[-1], kind.rsplit(".", 1)[-1]))
        before = name
    return _without_parts(scopes)


def _without_parts(scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    """The path down to a module that our exporter wrote as a sum of parts (export.lowering).

    Its parts are none of the network's: in another format it may be one operator.
    """
    for depth, (scope, inside) in enumerate(pairwise(scopes), 1):
        if scope.kind in IN_PARTS and inside.name.isdigit():
            return tuple(scopes[:depth])
    return tuple(scopes)


def _named(contents: Contents) -> tuple[FileOperator, ...]:
    def names(places: Sequence[int]) -> tuple[str, ...]:
        return tuple(contents.values[place].name for place in places)

    found = []
    for one in contents.operations[: contents.main]:
        outputs = names(one.outputs)
        inputs = names(one.inputs)
        # What the file gives out is called after that; its weights are not.
        held = [
            contents.values[place].name for place in one.inputs if contents.values[place].constant
        ]
        paths = map(of_tensor, (*outputs[:1], *held))
        path = next(filter(None, paths), ())
        found.append(
            FileOperator(
                operator=one.operator, name=one.name, inputs=inputs, outputs=outputs, path=path
            )
        )
    return tuple(found)

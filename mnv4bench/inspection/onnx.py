"""What stands in an ONNX file, and what ONNX Runtime makes of it before it runs.

Knows: the package onnx, its shape inference, and how a session saves its optimised graph. Does not
know: how operators are counted (graph). Both readings run in a process of their own: the inference
and the session are native code, and the file may be anybody's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from mnv4bench.inspection import seeded
from mnv4bench.inspection.graph import UNKNOWN_TYPE, Contents, Operation, Value

PROVIDER = "CPUExecutionProvider"
BLOCKED = "com.microsoft.nchwc"  # ONNX Runtime's domain of operators on channels in blocks
KERNEL_EVENT = "_kernel_time"  # how the runtime's profile names the run of a node
ERRORS_ONLY = 3  # onnxruntime's severity; a failed load still says why in its exception
# They compute nothing: what they write are the numbers that they read, elsewhere or as another
# type. Names of opset 24 and of ONNX Runtime's own domains.
MOVES = frozenset({
    "Cast", "CastLike", "Concat", "DepthToSpace", "DequantizeLinear",
    "DynamicQuantizeLinear", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
    "Identity", "Pad", "QuantizeLinear", "ReorderInput", "ReorderOutput", "Reshape",
    "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
})  # fmt: skip


_Seen = dict[str, list[tuple[str, tuple[int, ...]]]]  # node -> type and shape of what it writes


class Optimised(Struct, frozen=True):
    """The graph that a session runs, and who was given the file's operators."""

    contents: Contents
    assigned: tuple[tuple[str, str], ...] | None  # (provider, operator); None: it does not tell


def read(path: Path) -> Contents:
    """The graph of the file with the types and shapes that follow from its inputs.

    Raises what onnx raises for a file that is no model. Weights in other files are not read.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    notes = []
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
        notes.append("functions of the file are counted where they are called")
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # noqa: BLE001 - the inference is native and raises what it likes
        notes.append(f"types are those that the file declares; inferring them failed: {error}")
    return _Reader(model).contents(tuple(notes))


def optimised(path: Path) -> Optimised:
    """What a session of one thread on the processor runs. Raises onnxruntime's own exceptions.

    A saved graph declares few types of what the optimiser put in, so the session runs once and its
    profile says them all. Open sizes are taken as 1.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(saved)
        options.profile_file_prefix = str(Path(folder) / "profile")
        # A graph past protobuf's 2 GB could not be saved with its weights inside.
        options.add_session_config_entry(
            "session.optimized_model_external_initializers_file_name", "weights.bin"
        )
        session: Any = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDER])
        seen, notes = _seen(session)
        model = onnx.load(str(saved), load_external_data=False)
    parts: Any = getattr(session, "get_provider_graph_assignment_info", list)()
    assigned = tuple((part.ep_name, node.op_type) for part in parts for node in part.get_nodes())
    return Optimised(_Reader(model, seen).contents(notes), assigned or None)


def _seen(session: Any) -> tuple[_Seen, tuple[str, ...]]:
    """What each node writes, from the profile of one run; else a note why there is none."""
    notes: tuple[str, ...] = ()
    try:
        feed = {
            one.name: seeded.values(
                [side if isinstance(side, int) else -1 for side in one.shape],
                _named_type(one.type.removeprefix("tensor(").removesuffix(")")),
            )
            for one in session.get_inputs()
        }
        session.run(None, feed)
    except Exception as error:  # noqa: BLE001 - the runtime raises what it likes
        notes = (f"types within the optimised graph are unknown; running it failed: {error}",)
    events = json.loads(Path(session.end_profiling()).read_bytes())
    return {
        event["name"].removesuffix(KERNEL_EVENT): [
            (_named_type(kind), tuple(shape))
            for written in event["args"]["output_type_shape"]
            for kind, shape in written.items()
        ]
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith(KERNEL_EVENT)
    }, notes


class _Reader:
    """One model's graphs, the main one first, as operations over numbered values."""

    def __init__(self, model: Any, seen: _Seen | None = None) -> None:
        self._model = model
        self._seen = seen or {}
        self._values: list[Value] = []
        self._operations: list[Operation] = []
        self._graphs = 0

    def contents(self, notes: tuple[str, ...]) -> Contents:
        graph = self._model.graph
        bodies: list[tuple[Any, dict[str, int]]] = []
        known = self._graph(graph, {}, bodies)
        main = len(self._operations)
        while bodies:
            body, around = bodies.pop()
            self._graph(body, around, bodies)
        held = {one.name for one in graph.initializer}
        domains = [f"{one.domain or 'opset'} {one.version}" for one in self._model.opset_import]
        producer = f"{self._model.producer_name} {self._model.producer_version}".strip()
        return Contents(
            written_by=", ".join(filter(None, (producer, *domains))),
            values=tuple(self._values),
            operations=tuple(self._operations),
            main=main,
            # Old files list their weights among the inputs too.
            inputs=tuple(known[one.name] for one in graph.input if one.name not in held),
            outputs=tuple(known[one.name] for one in graph.output),
            graphs=self._graphs,
            notes=notes,
        )

    def _graph(
        self, graph: Any, around: dict[str, int], bodies: list[tuple[Any, dict[str, int]]]
    ) -> dict[str, int]:
        """Adds one graph; ``around`` are the values that a body sees. Returns name -> place."""
        self._graphs += 1
        known = dict(around)
        for one in graph.initializer:
            self._add(known, Value(one.name, _type(one.data_type), tuple(one.dims), constant=True))
        for one in (*graph.input, *graph.value_info, *graph.output):
            if one.name not in known or one.name in around:
                self._add(known, _declared(one))
        for node in graph.node:
            if node.op_type == "Constant" and node.output:
                self._add(known, _constant(node))
                continue
            outputs = [name for name in node.output if name]
            for name, (kind, shape) in zip(outputs, self._seen.get(node.name, ()), strict=False):
                self._add(known, Value(name, kind, shape))
            for name in (*node.input, *outputs):
                if name and name not in known:
                    self._add(known, Value(name, UNKNOWN_TYPE, None))
            self._operations.append(
                Operation(
                    operator=_named(node),
                    inputs=tuple(known[name] for name in node.input if name),
                    outputs=tuple(known[name] for name in outputs),
                    name=node.name,
                    moves=node.op_type in MOVES,
                    detail=_detail(node),
                )
            )
            bodies.extend((body, known) for body in _bodies(node))
        return known

    def _add(self, known: dict[str, int], value: Value) -> None:
        known[value.name] = len(self._values)
        self._values.append(value)


def _declared(info: Any) -> Value:
    tensor = info.type.tensor_type
    shape = tuple(side.dim_value if side.HasField("dim_value") else -1 for side in tensor.shape.dim)
    return Value(info.name, _type(tensor.elem_type), shape if tensor.HasField("shape") else None)


def _constant(node: Any) -> Value:
    """A constant that is written as a node; the file's other constants are no operators either."""
    for attribute in node.attribute:
        if attribute.name == "value":
            tensor = attribute.t
            return Value(node.output[0], _type(tensor.data_type), tuple(tensor.dims), constant=True)
    return Value(node.output[0], UNKNOWN_TYPE, None, constant=True)


def _named(node: Any) -> str:
    """The operator, with its domain where that is neither ONNX's nor the runtime's."""
    if node.domain == BLOCKED:
        return str(node.op_type) if node.op_type in MOVES else f"{node.op_type} (nchwc)"
    if node.domain in ("", "ai.onnx", "com.microsoft"):
        return str(node.op_type)
    return f"{node.domain}.{node.op_type}"


def _detail(node: Any) -> str:
    if node.op_type != "Transpose":
        return ""
    order = next((tuple(one.ints) for one in node.attribute if one.name == "perm"), ())
    return f"permutation {' '.join(map(str, order))}" if order else ""


def _bodies(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _type(number: int) -> str:
    import onnx

    try:
        name = str(onnx.TensorProto.DataType.Name(number)).lower()
    except ValueError:
        return UNKNOWN_TYPE
    return _named_type(name)


def _named_type(name: str) -> str:
    """An element type of ONNX or its runtime in numpy's words."""
    return {"float": "float32", "double": "float64", "undefined": UNKNOWN_TYPE}.get(name, name)

"""A torch exported program (.pt2) as a network: its graph is walked operator by operator.

No code of the file is run, nor written out and run: every operator has to be one of ATen's that
takes and gives tensors and numbers, or one on sizes.

Knows: ATen, and which of its operators are layers. Does not know: the file's layout (archive),
formats, what the network is for.
"""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from mnv4bench.errors import BadFile
from mnv4bench.exported_program import archive
from mnv4bench.exported_program.archive import (
    DTYPES,
    SAVE_AGAIN,
    Argument,
    Graph,
    Meta,
    Node,
    Signature,
    first_line,
)

__all__ = ["SAVE_AGAIN", "Program", "first_line", "read"]

# torch._export.serde.schema.MemoryFormat and ArgumentKind
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
POSITIONAL = 1
# What a program does with sizes that it leaves open.
SIZE_OPERATORS: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge")
}
# The types of plain arguments, and the one name among ATen's (from_file) that means a file.
PLAIN = {"Tensor", "int", "float", "bool", "number", "str", "Device", "complex", "Generator"}
FILE_ARGUMENT = "filename"


class Program(nn.Module):
    """The graph of a file; ``forward`` takes its inputs in order and gives its one output.

    Convolutions, linear layers and batch norms with their own weights are torch's modules, so
    that whoever looks for such (folding, rounding) finds them.
    """

    def __init__(self, path: Path, graph: Graph, signature: Signature, state: State) -> None:
        super().__init__()
        self.inputs: dict[str, tuple[int | str, ...]] = {}  # name -> sizes, open ones by name
        self.dtypes: dict[str, torch.dtype] = {}
        self.params = 0
        own: dict[str, Tensor] = {}
        for spec, given in zip(signature.input_specs, graph.inputs, strict=True):
            name = given.get("as_tensor", {}).get("name")
            if "user_input" in spec and name in graph.tensor_values:
                self.inputs[name] = tuple(map(_side, graph.tensor_values[name].sizes))
                self.dtypes[name] = archive.dtype(path, graph.tensor_values[name].dtype)
            else:
                own[name] = _own(path, spec, name, state)
                self.params += own[name].numel() if "parameter" in spec else 0
        self._output = _output(path, graph, signature)
        self.output = tuple(map(_side, graph.tensor_values[self._output].sizes))
        self._steps = [_Step(path, node) for node in graph.nodes]
        self.layers = nn.ModuleDict()
        used = set()
        for index, step in enumerate(self._steps):
            if layer := _layer(step, own, graph.tensor_values):
                self.layers[str(index)] = layer
            else:
                used |= step.names()
        self._held = {name: f"tensor_{at}" for at, name in enumerate(own) if name in used}
        for name, held in self._held.items():
            self.register_buffer(held, own[name])

    def forward(self, *given: Tensor) -> Tensor:
        values: dict[str, Any] = dict(zip(self.inputs, given, strict=True))
        values |= {name: getattr(self, held) for name, held in self._held.items()}
        layers = dict(self.layers.items())
        for index, step in enumerate(self._steps):
            step.run(values, layers.get(str(index)))
        result: Tensor = values[self._output]
        return result

    def as_graph(self, device: torch.device, dtype: torch.dtype) -> fx.GraphModule:
        """The same as torch's own graph of calls, for ``device`` in ``dtype``: without our work.

        Its names are ours and not the file's, since torch writes them into source code. Where the
        program asks for the processor or for 32-bit floats, it gets ``device`` and ``dtype``.
        """
        graph = fx.Graph()
        tracer = fx.proxy.GraphAppendingTracer(graph)

        def proxy(node: fx.Node) -> fx.Proxy:
            return fx.Proxy(node, tracer)

        values: dict[str, Any] = {
            name: proxy(graph.placeholder(f"input_{at}")) for at, name in enumerate(self.inputs)
        }
        values |= {name: proxy(graph.get_attr(held)) for name, held in self._held.items()}
        for index, step in enumerate(self._steps):
            layer = None
            if str(index) in self.layers:
                layer = partial(_called, graph, tracer, f"layers.{index}")
            step.run(values, layer, partial(_recorded, tracer, step.call))
        graph.output(values[self._output].node)

        def placed(value: Any) -> Any:
            if isinstance(value, torch.device):
                return device
            return dtype if value is torch.float32 else value

        for node in graph.nodes:
            node.args = fx.node.map_aggregate(node.args, placed)
            node.kwargs = fx.node.map_aggregate(node.kwargs, placed)
        graph.lint()
        return fx.GraphModule(copy.deepcopy(self), graph).to(device, dtype).eval()


def _called(
    graph: fx.Graph, tracer: fx.proxy.GraphAppendingTracer, layer: str, image: fx.Proxy
) -> fx.Proxy:
    return fx.Proxy(graph.call_module(layer, (image.node,)), tracer)


def _recorded(
    tracer: fx.proxy.GraphAppendingTracer, call: Callable[..., Any], *plain: Any, **words: Any
) -> fx.Proxy:
    """A call for later, also of an operator that takes no tensor and could be called at once."""
    made: fx.Proxy = tracer.create_proxy("call_function", call, plain, words)
    return made


State = Mapping[str, Tensor]


def read(path: Path) -> Program:
    """The program in ``path``. Raises BadFile for anything that is not one, or does more."""
    found = archive.read(path)
    try:
        return Program(path, found.graph, found.signature, found.state).eval()
    except (LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = first_line(error)
        raise BadFile(
            f"{path} holds a graph that is not written as torch writes it: {reason}.",
            SAVE_AGAIN,
        ) from None


def _own(path: Path, spec: dict[str, Any], name: str | None, state: State) -> Tensor:
    """The tensor that the file holds for one of the graph's inputs."""
    ((kind, value),) = spec.items()
    key = {
        "parameter": "parameter_name",
        "buffer": "buffer_name",
        "tensor_constant": "tensor_constant_name",
    }.get(kind)
    if key is None or name is None or value[key] not in state:
        raise BadFile(
            f"{path} takes a {kind.replace('_', ' ')} that is no tensor.",
            "export a network whose forward takes and holds tensors alone",
        )
    return state[value[key]]


def _side(size: dict[str, Any]) -> int | str:
    """A number, or for an open one its name; what torch writes there is never evaluated."""
    if "as_int" in size:
        return int(size["as_int"])
    named = re.fullmatch(r"Symbol\('(\w+)'.*\)", str(size["as_expr"]["expr_str"]))
    return named[1] if named else "?"


class _Step:
    """One node: an operator of ATen, or of numbers, with its arguments still as names."""

    def __init__(self, path: Path, node: Node) -> None:
        self.target = node.target
        self.call = _operator(path, node.target)
        self.arguments = node.inputs
        self.outputs = node.outputs

    def names(self) -> set[str]:
        """Of the tensors that it reads."""
        found = set()
        for one in self.arguments:
            ((kind, held),) = one.arg.items()
            several = held if isinstance(held, list) else [held]
            if kind in ("as_tensor", "as_tensors"):
                found |= {part["name"] for part in several}
            elif kind in ("as_optional_tensor", "as_optional_tensors"):
                found |= {part["as_tensor"]["name"] for part in several if "as_tensor" in part}
        return found

    def run(
        self,
        values: dict[str, Any],
        layer: Callable[[Any], Any] | None,
        call: Callable[..., Any] | None = None,
    ) -> None:
        """Put the results into ``values``; ``call`` takes the place of its operator."""
        if layer is not None:
            result = layer(_value(self.arguments[0].arg, values))
        else:
            named = [(one, _value(one.arg, values)) for one in self.arguments]
            plain = [value for one, value in named if one.kind == POSITIONAL]
            words = {one.name: value for one, value in named if one.kind != POSITIONAL}
            result = (call or self.call)(*plain, **words)
        several = len(self.outputs) > 1 and layer is None
        for place, output in enumerate(self.outputs):
            # By place, since what stands for a tensor in a graph cannot be iterated over.
            value = result[place] if several else result
            ((kind, held),) = output.items()
            if kind == "as_tensors":
                values.update({one["name"]: value[each] for each, one in enumerate(held)})
            elif kind != "as_none":
                values[held["name" if kind == "as_tensor" else "as_name"]] = value


def _operator(path: Path, target: str) -> Callable[..., Any]:
    """The function that a node names. Raises BadFile for any that might do more than compute."""
    if target in SIZE_OPERATORS:
        return SIZE_OPERATORS[target]
    found: Any = None
    match target.split("."):
        case ["torch", "ops", "aten", name, overload]:
            found = getattr(getattr(torch.ops.aten, name, None), overload, None)
    if not isinstance(found, torch._ops.OpOverload) or not _computes(found):
        raise BadFile(
            f"{path} uses {target}, which is not an operator of ATen on tensors; such are not run.",
            "export the network without it; program.run_decompositions() before saving takes out "
            "what torch.no_grad() and autocast leave in a graph",
        )
    return found


def _computes(found: torch._ops.OpOverload) -> bool:
    """Whether its arguments and results are tensors, numbers and words alone."""
    arguments, results = found._schema.arguments, found._schema.returns
    kinds = {re.sub(r"(Optional|List)\[|\]", "", str(one.type)) for one in (*arguments, *results)}
    names = {one.name for one in arguments}
    return kinds <= PLAIN and "Tensor" in kinds and FILE_ARGUMENT not in names


def _value(argument: Argument, values: dict[str, Any]) -> Any:
    """What an argument stands for, with ``values`` for what was computed before."""
    ((kind, held),) = argument.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return values[held["name"]]
        case "as_tensors":
            return [values[one["name"]] for one in held]
        case "as_optional_tensor" | "as_sym_int" | "as_sym_bool" | "as_sym_float":
            return _either(held, values)
        case "as_optional_tensors" | "as_sym_ints" | "as_sym_bools" | "as_sym_floats":
            return [_either(one, values) for one in held]
        case "as_scalar_type":
            return DTYPES[held]
        case "as_memory_format":
            return MEMORY_FORMATS[held]
        case "as_layout":
            return torch.strided
        case "as_device":
            return torch.device("cpu")
        case "as_float":
            return float(held)  # infinity is written as a word
        case "as_floats":
            return [float(one) for one in held]
        case "as_int" | "as_ints" | "as_bool" | "as_bools" | "as_string":
            return held
    raise ValueError(f"an argument of kind {kind}")


def _either(held: dict[str, Any], values: dict[str, Any]) -> Any:
    """A value that was computed before, or one that stands here."""
    ((kind, value),) = held.items()
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return values[value["name"]]
    return values[value] if kind == "as_name" else value


def _output(path: Path, graph: Graph, signature: Signature) -> str:
    """The name of the one tensor that comes out."""
    kinds = [next(iter(spec)) for spec in signature.output_specs]
    if "buffer_mutation" in kinds:
        raise BadFile(
            f"{path} changes its own buffers while it runs, as in training.",
            "call net.eval() before torch.export.export",
        )
    names = [one.get("as_tensor", {}).get("name") for one in graph.outputs]
    if kinds != ["user_output"] or len(names) != 1 or names[0] is None:
        raise BadFile(
            f"{path} gives {len(names)} outputs; only a network with one tensor is exported.",
            "wrap it in a module that returns the one tensor to measure",
        )
    return str(names[0])


def _layer(step: _Step, own: Mapping[str, Tensor], metas: Mapping[str, Meta]) -> nn.Module | None:
    """torch's own module for a node whose weights are the file's; None for any other node."""
    makers: dict[str, Callable[..., nn.Module | None]] = {
        "torch.ops.aten.conv2d.default": _conv2d,
        "torch.ops.aten.linear.default": _linear,
        "torch.ops.aten.batch_norm.default": _batch_norm,
        # What run_decompositions() makes of them.
        "torch.ops.aten.convolution.default": _conv2d,
        "torch.ops.aten._native_batch_norm_legit_no_training.default": _batch_norm,
    }
    if (maker := makers.get(step.target)) is None:
        return None
    image, *rest = step.arguments
    names = {one.name: one.arg["as_tensor"]["name"] for one in rest if "as_tensor" in one.arg}
    if not set(names.values()) <= set(own):  # computed by the program
        return None
    if maker is not _linear and len(metas[image.arg["as_tensor"]["name"]].sizes) != 4:
        return None
    plain = {one.name: _value(one.arg, {}) for one in rest if one.name not in names}
    made = maker(**{name: own[held] for name, held in names.items()}, **plain)
    return None if made is None else made.requires_grad_(False)


def _conv2d(
    weight: Tensor,  # (C_out, C_in / groups, k_h, k_w)
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    transposed: bool = False,
    output_padding: Sequence[int] = (0,),
    groups: int = 1,
) -> nn.Module | None:
    if transposed or any(output_padding):
        return None
    made = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        _pair(stride),
        _pair(padding),
        _pair(dilation),
        groups,
        bias is not None,
    )
    return _with(made, weight, bias)


def _pair(sides: Sequence[int]) -> tuple[int, int]:
    return sides[0], sides[-1]


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    return _with(made, weight, bias)


def _with(layer: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer


def _batch_norm(
    weight: Tensor | None,  # (C,), as all that follow
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> nn.Module | None:
    del momentum, cudnn_enabled
    if training or running_mean is None or running_var is None:
        return None
    made = nn.BatchNorm2d(len(running_mean), eps, affine=weight is not None)
    if weight is not None and bias is not None:
        made.weight, made.bias = nn.Parameter(weight), nn.Parameter(bias)
    made.running_mean, made.running_var = running_mean, running_var
    return made.eval()

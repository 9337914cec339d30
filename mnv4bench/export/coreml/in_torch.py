"""A Core ML program worked out in torch, operator by operator, with the weights of its file.

This is not Core ML and says nothing of a device. It shows, where Core ML cannot run, that the
program means what the network means: that no operator is missing, misplaced or set another way.
Written from the reference of MIL's operators (coremltools.converters.mil.mil.ops.defs), and
independent of how a network became a program.

Knows: what the operators compute. Does not know: where a program comes from, what it is compared
with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mnv4bench.export.coreml.package import Operator, Package


class UnknownOperatorError(Exception):
    """An operator, or a setting of one, that is not written out here."""


def work_out(package: Package, images: Tensor, exact: Mapping[str, Tensor] | None = None) -> Tensor:
    """The outputs (N, classes) for ``images`` (N, 3, H, W), computed one at a time in float32.

    Each result is rounded to float16 where the program says so; not so with ``exact``, which holds
    what to take in place of constants of these names: then nothing but the program is seen. Raises
    UnknownOperatorError, BadFile for a constant that cannot be read.
    """
    values = _constants(package, exact or {})
    with torch.no_grad():
        return torch.cat(
            [_one(package, dict(values), image[None], exact is None) for image in images]
        )


def _one(package: Package, values: dict[str, Any], image: Tensor, half: bool) -> Tensor:
    """The output for one image; ``values`` holds constants, and results when it is done."""

    def typed(value: Tensor, dtype: str) -> Tensor:
        return value.half().float() if half and dtype == "float16" else value

    (wanted,), (given,) = package.inputs, package.outputs
    values[wanted.name] = typed(image, wanted.dtype)
    for operator in package.operators:
        arguments = {
            parameter: [values[name] for name in names] if parameter == "values" else values[one]
            for parameter, names in operator.inputs.items()
            for one in names[:1]
        }
        results = _results(operator, arguments)
        for said, result in zip(operator.results, results, strict=True):
            if tuple(result.shape) != said.shape:
                raise UnknownOperatorError(f"{operator.type} gives {tuple(result.shape)}")
            values[said.name] = typed(result, said.dtype)
    output: Tensor = values[given.name]
    return output


def _constants(package: Package, exact: Mapping[str, Tensor]) -> dict[str, Any]:
    """Weights as tensors, settings as plain numbers and words."""
    found: dict[str, Any] = dict(exact)
    for name in package.constants.operators.keys() - exact.keys():
        value = package.constants.value(name)
        is_float = value.dtype.kind == "f"
        found[name] = torch.from_numpy(value.astype("float32")) if is_float else value.tolist()
    return found


def _results(operator: Operator, given: dict[str, Any]) -> tuple[Tensor, ...]:
    x: Any = given.get("x")  # a tensor, for all but concat
    match operator.type:
        case "split":
            return torch.split(x, given["split_sizes"], given["axis"])
        case "conv":
            return (_convolved(x, given),)
        case "linear":
            return (functional.linear(x, given["weight"], given.get("bias")),)
        case "matmul":
            first = x.mT if given["transpose_x"] else x
            second = given["y"].mT if given["transpose_y"] else given["y"]
            return (first @ second,)
        case "batch_norm":
            statistics = given["mean"], given["variance"], given["gamma"], given["beta"]
            return (functional.batch_norm(x, *statistics, eps=float(given["epsilon"])),)
        case "layer_norm":
            sides = [x.shape[axis] for axis in given["axes"]]
            affine = given["gamma"], given["beta"]
            return (functional.layer_norm(x, sides, *affine, float(given["epsilon"])),)
        case "concat" if not given["interleave"]:
            return (torch.cat(given["values"], given["axis"]),)
        case "gelu" if given["mode"] == "EXACT":
            return (functional.gelu(x),)
    return (_simple(operator, given),)


def _simple(operator: Operator, given: dict[str, Any]) -> Tensor:
    """Operators of one tensor or two that torch has under nearly the same name."""
    x: Tensor = given["x"] if "x" in given else given["values"]
    result: Tensor
    match operator.type:
        case "relu" | "sigmoid":
            result = getattr(torch, operator.type)(x)
        case "sigmoid_hard":
            result = (given["alpha"] * x + given["beta"]).clamp(0, 1)
        case "add":
            result = x + given["y"]
        case "mul":
            result = x * given["y"]
        case "real_div":
            result = x / given["y"]
        case "inverse":
            result = 1 / (x + given["epsilon"])
        case "softmax":
            result = torch.softmax(x, given["axis"])
        case "reduce_mean":
            result = torch.mean(x, given["axes"], keepdim=given["keep_dims"])
        case "reduce_sum":
            result = torch.sum(x, given["axes"], keepdim=given["keep_dims"])
        case "reshape":
            result = torch.reshape(x, given["shape"])
        case "transpose":
            result = torch.permute(x, given["perm"])
        case "cast":
            result = x
        case other:
            raise UnknownOperatorError(other)
    return result


def _convolved(x: Tensor, given: dict[str, Any]) -> Tensor:
    match given["pad_type"]:
        case "custom":
            # MIL says before and behind of each axis, the first one first; torch the last first.
            around = given["pad"]
            pairs = [around[at : at + 2] for at in range(0, len(around), 2)]
            x = functional.pad(x, [side for pair in reversed(pairs) for side in pair])
        case "valid":
            pass
        case rule:
            raise UnknownOperatorError(f"conv with padding {rule}")
    axes = x.dim() - 2
    if axes not in (1, 2):
        raise UnknownOperatorError(f"conv over {axes} axes")
    convolve = functional.conv1d if axes == 1 else functional.conv2d
    result: Tensor = convolve(
        x,
        given["weight"],
        given.get("bias"),
        stride=given["strides"],
        dilation=given["dilations"],
        groups=given["groups"],
    )
    return result

"""A Core ML program worked out in torch, operator by operator, with the weights of its file.

Written from the MIL reference (coremltools.converters.mil.mil.ops.defs) and independent of how the
package was made. Not Core ML: it shows that the program means what the network means.
"""

import numpy as np
import torch
from torch.nn import functional

from mnv4bench.export.coreml.package import Operator, Package


def run(package: Package, image: torch.Tensor) -> torch.Tensor:
    """The output for ``image``, each result rounded to float16 as the program says."""
    (wanted,), (given,) = package.inputs, package.outputs
    assert tuple(image.shape) == wanted.shape
    values = {wanted.name: image.half().float() if wanted.dtype == "float16" else image}
    for operator in package.operators:
        results = step(operator, _arguments(package, operator, values))
        assert len(results) == len(operator.results)
        for said, result in zip(operator.results, results, strict=True):
            assert tuple(result.shape) == said.shape, operator
            values[said.name] = result.half().float() if said.dtype == "float16" else result
    return values[given.name]


def _arguments(package, operator, values):
    def one(name):
        if name in values:
            return values[name]
        constant = package.constants.value(name)
        if constant.dtype.kind == "U":
            return str(constant.item())
        if constant.dtype.kind == "f":
            return torch.from_numpy(constant.astype(np.float32))
        return constant.tolist()

    return {
        parameter: [one(name) for name in names] if parameter == "values" else one(*names)
        for parameter, names in operator.inputs.items()
    }


def step(operator: Operator, a: dict) -> tuple[torch.Tensor, ...]:
    """The results of one operator for its arguments."""
    x = a.get("x")
    match operator.type:
        case "conv":
            if a["pad_type"] == "custom":
                top, bottom, left, right = a["pad"]
                x = functional.pad(x, (left, right, top, bottom))
            else:
                assert a["pad_type"] == "valid"
            y = functional.conv2d(
                x, a["weight"], a.get("bias"), a["strides"], 0, a["dilations"], a["groups"]
            )
        case "linear":
            y = functional.linear(x, a["weight"], a.get("bias"))
        case "matmul":
            left = x.mT if a["transpose_x"] else x
            y = left @ (a["y"].mT if a["transpose_y"] else a["y"])
        case "relu":
            y = x.relu()
        case "gelu":
            assert a["mode"] == "EXACT"
            y = functional.gelu(x)
        case "sigmoid":
            y = x.sigmoid()
        case "sigmoid_hard":
            y = (a["alpha"] * x + a["beta"]).clamp(0, 1)
        case "add":
            y = x + a["y"]
        case "mul":
            y = x * a["y"]
        case "real_div":
            y = x / a["y"]
        case "softmax":
            y = x.softmax(a["axis"])
        case "reduce_mean":
            y = x.mean(a["axes"], keepdim=a["keep_dims"])
        case "reduce_sum":
            y = x.sum(a["axes"], keepdim=a["keep_dims"])
        case "reshape":
            y = x.reshape(a["shape"])
        case "cast":
            y = x
        case "concat":
            assert not a["interleave"]
            y = torch.cat(a["values"], a["axis"])
        case "split":
            return x.split(a["split_sizes"], a["axis"])
        case "batch_norm":
            y = functional.batch_norm(
                x, a["mean"], a["variance"], a["gamma"], a["beta"], eps=a["epsilon"]
            )
        case "layer_norm":
            sides = [x.shape[axis] for axis in a["axes"]]
            y = functional.layer_norm(x, sides, a["gamma"], a["beta"], float(a["epsilon"]))
        case other:
            raise NotImplementedError(other)
    return (y,)

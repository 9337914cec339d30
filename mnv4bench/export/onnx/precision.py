"""An ONNX file in fp32 becomes the same network in fp16 or in int8.

Knows: ONNX Runtime's quantiser and converter, and what its CPU kernels take. Does not know: where
the calibration inputs come from, whether the file is right (parity).
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench.export.onnx import hard_swish as onnx_hard_swish
from mnv4bench.records import ActivationType, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto

    Inputs = NDArray[np.float32]


def convert(
    source: Path,
    target: Path,
    precision: Precision,
    inputs: "Inputs",
    activations: ActivationType,
) -> None:
    """Write ``target`` from ``source``, a file of ``exporter``.

    ``inputs`` (N, 3, H, W) are what the ranges of int8 activations are taken from, normalised as
    the network takes them; ``activations`` is the type that the target's int8 kernels take. Both
    say nothing in fp16. Input and output stay float32 in either precision. The same arguments give
    the same bytes.
    """
    match precision:
        case "fp16":
            to_half(source, target)
        case "int8":
            to_int8(source, target, inputs, activations)
        case "fp32" | "int8-dynamic" | "int8-weights" | "palette4":
            raise AssertionError(f"formats.recipe has no ONNX recipe in {precision}")


def to_half(source: Path, target: Path) -> None:
    """Weights and operators in float16; input and output stay float32.

    So the file takes what the fp32 file takes, on any runtime, and two casts say where the
    precision is lost. ONNX Runtime's processor kernels compute in float32 anyway.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = convert_float_to_float16(onnx.load(source), keep_io_types=True)
    onnx.save(half, target)


class _Reader:
    """One input after the other, in the form that the quantiser wants (CalibrationDataReader)."""

    def __init__(self, name: str, inputs: "Inputs") -> None:
        self._feeds: Iterator[dict[str, Inputs]] = ({name: one[None]} for one in inputs)

    def get_next(self) -> "dict[str, Inputs] | None":
        return next(self._feeds, None)


def to_int8(source: Path, target: Path, inputs: "Inputs", activations: ActivationType) -> None:
    """Static quantisation as QDQ pairs: int8 weights, one scale for each output channel."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    model = onnx.load(source)
    onnx_hard_swish.write_out(model.graph)
    (wanted,) = model.graph.input
    noise = logging.getLogger()  # ONNX Runtime talks to the root logger
    level = noise.level
    noise.setLevel(logging.ERROR)
    try:
        quantize_static(
            model,
            target,
            _Reader(wanted.name, inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8 if activations == "uint8" else QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in divided(model.graph)],
            calibrate_method=CalibrationMethod.MinMax,
        )
    finally:
        noise.setLevel(level)
    quantised = onnx.load(target)
    onnx_hard_swish.merge_sixths(quantised.graph)
    onnx.save(quantised, target)


# What lies between the queries, keys and values of a linear attention and its division.
BEFORE_DIVISION = (
    "MatMul", "Mul", "ReduceSum", "Add", "Div", "Reciprocal", "Reshape", "Transpose",
)  # fmt: skip


def divided(graph: "GraphProto") -> "list[NodeProto]":
    """Divisions by what the network itself computes, and the products and sums that go into them.

    They stay in float. EfficientViT divides one sum over all positions by another; both run over
    three decades, and a divisor that 8 bits round to zero or to one step is no divisor (cosine of
    the outputs 0.01 in 8 bits, 0.95 in float, all else in 8 bits; EfficientViT-B0).
    """
    makers = {name: node for node in graph.node for name in node.output}
    found: dict[str, NodeProto] = {}
    ahead = [node for node in graph.node if node.op_type == "Div" and node.input[1] in makers]
    while ahead:
        node = ahead.pop()
        if node.name not in found:
            found[node.name] = node
            before = [makers[name] for name in node.input if name in makers]
            ahead += [one for one in before if one.op_type in BEFORE_DIVISION]
    return list(found.values())

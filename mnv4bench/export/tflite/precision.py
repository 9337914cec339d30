"""A TFLite file in fp32 becomes the same network in fp16 or int8.

Knows: Google's quantiser for such files, and what it is asked for in each precision. Does not
know: where the calibration inputs come from, whether the file is right (parity).
"""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.export.tflite import activations, division, ranges
from mnv4bench.export.tflite.graph import Graph
from mnv4bench.records import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Inputs = NDArray[np.float32]

EVERY = ".*"


def convert(source: Path, target: Path, precision: Precision, inputs: "Inputs") -> None:
    """Write ``target`` from ``source``, a file of ``exporter``.

    ``inputs`` (N, H, W, 3) are what the ranges of int8 activations are taken from, normalised as
    the network takes them; they say nothing in the other precisions. The same arguments give the
    same bytes.

    fp16: weights in float16; a processor computes in float32. int8: full integer, int8 in and out,
    no operator in float; where a network divides, 16 bits. int8-dynamic: float in and out, int8
    weights, activations quantised while running.
    """
    with warnings.catch_warnings():
        # The quantiser warns about its own use of the interpreter (every tensor is kept).
        warnings.simplefilter("ignore")
        match precision:
            case "fp16":
                content = _stored_in_half(source)
            case "int8":
                content = _integer(source, inputs)
            case "int8-dynamic":
                content = _dynamic(source)
            case "fp32" | "int8-weights" | "palette4":
                raise AssertionError(f"formats.recipe has no TFLite recipe in {precision}")
    target.write_bytes(content)


def _stored_in_half(source: Path) -> bytes:
    from ai_edge_quantizer import qtyping, quantizer

    made = quantizer.Quantizer(source)
    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    made.update_quantization_recipe(
        EVERY,
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.OpQuantizationConfig(
            weight_tensor_config=weights,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        quantizer.AlgorithmName.FLOAT_CASTING,
    )
    return _content(made)


def _integer(source: Path, inputs: "Inputs") -> bytes:
    from ai_edge_quantizer import qtyping, quantizer

    graph = Graph(source)
    activations.write_out(graph)
    division.write_squares_out(graph)
    seen = ranges.observed(graph.content(), inputs)
    ranges.suit(seen, graph)
    division.divide_by_roots(graph, seen)
    made = quantizer.Quantizer(graph.content())
    everything = qtyping.TFLOperationName.ALL_SUPPORTED
    made.add_static_config(EVERY, everything, activation_num_bits=8, weight_num_bits=8)
    for operator in division.operators(graph):
        kind = qtyping.TFLOperationName(graph.kind(operator))
        made.add_static_config(_scope(graph, operator), kind, 16, 8)
    return _content(made, seen)


def _dynamic(source: Path) -> bytes:
    """int8 in the convolutions and products where that is faster; the rest stays as it is.

    Depthwise convolutions with dynamic scales XNNPACK leaves to the interpreter (Conv-S: 1.9
    instead of 0.2 ms). A padding before a convolution becomes a pass of its own with dynamic
    scales; in float it costs nothing.
    """
    from ai_edge_quantizer import qtyping, quantizer

    graph = Graph(source)
    makers = graph.makers()
    made = quantizer.Quantizer(source)
    for operator in graph.operators:
        kind = graph.kind(operator)
        before = makers.get(int(operator.inputs[0]))
        padded = before is not None and graph.kind(before) == "PAD"
        if kind == "FULLY_CONNECTED" or (kind == "CONV_2D" and not padded):
            name = qtyping.TFLOperationName(kind)
            made.add_dynamic_config(_scope(graph, operator), name, num_bits=8)
    return _content(made)


def _scope(graph: Graph, operator: Any) -> str:
    """The pattern by which the quantiser finds this operator: it looks in "name of its result;"."""
    (result,) = operator.outputs
    return f"^{re.escape(graph.name(result))};$"


def _content(made: Any, seen: ranges.Ranges | None = None) -> bytes:
    result = made.quantize(seen, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)

"""A TFLite file in fp32 becomes the same network in fp16 or int8.

Knows: Google's quantiser for such files, and what it is asked for in each precision. Does not
know: where the calibration inputs come from, whether the file is right (parity).
"""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.export import hard_swish, litert_ranges
from mnv4bench.export.tflite_graph import Graph
from mnv4bench.records import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Inputs = NDArray[np.float32]

EVERY = ".*"
# XNNPACK's kernels for depthwise convolutions cover at most this many taps.
MOST_TAPS = 25


def convert(source: Path, target: Path, precision: Precision, inputs: "Inputs") -> None:
    """Write ``target`` from ``source``, a file of export.litert.

    ``inputs`` (N, H, W, 3) are what the ranges of int8 activations are taken from, normalised as
    the network takes them; they say nothing in the other precisions. fp16 stores the weights in
    float16 and computes in float32 on a processor. int8 is full integer: int8 in and out, no
    operator in float. int8-dynamic has float in and out, int8 weights, and activations that are
    quantised while it runs. The same arguments give the same bytes.
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
    hard_swish.write_out(graph)
    content = graph.content()
    made = quantizer.Quantizer(content)
    made.add_static_config(
        EVERY, qtyping.TFLOperationName.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8
    )
    ranges = litert_ranges.observed(content, inputs, made.get_quantization_recipe())
    litert_ranges.suit(ranges, graph)
    return _content(made, ranges)


def _dynamic(source: Path) -> bytes:
    """int8 in the convolutions and products where that is faster; the rest stays as it is.

    Depthwise convolutions with dynamic scales XNNPACK leaves to the interpreter (Conv-S: 1.9
    instead of 0.2 ms), unless they have more taps than its own float kernels. A padding before a
    convolution becomes a pass of its own with dynamic scales; in float it costs nothing.
    """
    from ai_edge_quantizer import qtyping, quantizer

    graph = Graph(source)
    makers = graph.makers()
    made = quantizer.Quantizer(source)
    for operator in graph.operators:
        kind = graph.kind(operator)
        if kind == "DEPTHWISE_CONV_2D":
            _, height, width, _ = graph.shape(operator.inputs[1])
            chosen = height * width > MOST_TAPS
        elif kind == "CONV_2D":
            before = makers.get(int(operator.inputs[0]))
            chosen = before is None or graph.kind(before) != "PAD"
        else:
            chosen = kind == "FULLY_CONNECTED"
        if chosen:
            (result,) = operator.outputs
            # The quantiser looks for the pattern in "name of the result;".
            scope = f"^{re.escape(graph.name(result))};$"
            made.add_dynamic_config(scope, qtyping.TFLOperationName(kind), num_bits=8)
    return _content(made)


def _content(made: Any, ranges: litert_ranges.Ranges | None = None) -> bytes:
    result = made.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)

"""A TFLite file in fp32 becomes the same network in fp16 or int8.

Knows: Google's quantiser for such files and which operators XNNPACK takes quantised. Does not
know: where the calibration inputs come from, whether the file is right (parity).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.records import Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Inputs = NDArray[np.float32]


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
        target.write_bytes(_quantised(source, precision, inputs))


def _quantised(source: Path, precision: Precision, inputs: "Inputs") -> bytes:
    from ai_edge_quantizer import quantizer

    made = quantizer.Quantizer(source)
    ranges: dict[str, Any] | None = None
    match precision:
        case "fp16":
            _store_half(made)
        case "int8":
            made.add_static_config(".*", _all(), activation_num_bits=8, weight_num_bits=8)
            ranges = _ranges(source, inputs, made)
        case "int8-dynamic":
            made.add_dynamic_config(".*", _all(), num_bits=8)
        case "fp32" | "int8-weights" | "palette4":
            raise AssertionError(f"formats.recipe has no TFLite recipe in {precision}")
    result = made.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    assert result.quantized_model is not None
    return bytes(result.quantized_model)


def _all() -> Any:
    from ai_edge_quantizer import qtyping

    return qtyping.TFLOperationName.ALL_SUPPORTED


def _store_half(made: Any) -> None:
    from ai_edge_quantizer import qtyping, quantizer

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    made.update_quantization_recipe(
        regex=".*",
        operation_name=_all(),
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=weights,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key=quantizer.AlgorithmName.FLOAT_CASTING,
    )


def _ranges(source: Path, inputs: "Inputs", made: Any) -> dict[str, Any]:
    """Tensor name -> its least and largest value over all inputs.

    The quantiser's own default is a moving average, in which the first input weighs most.
    """
    from ai_edge_quantizer import calibrator, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    seen = calibrator.Calibrator(
        source.read_bytes(), num_threads=1, qsv_update_func=qsv_utils.min_max_update
    )
    (signature,) = seen.get_signature_list().items()
    name, sides = signature
    (wanted,) = sides["inputs"]
    recipe = recipe_manager.RecipeManager()
    recipe.load_quantization_recipe(made.get_quantization_recipe())
    seen.calibrate({name: [{wanted: one[None]} for one in inputs]}, recipe)
    ranges: dict[str, Any] = seen.get_model_qsvs()
    return ranges

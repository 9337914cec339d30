"""An ONNX file in fp32 becomes the same network in fp16 or in int8.

Knows: ONNX Runtime's quantiser and converter, and what its CPU kernels take. Does not know: where
the calibration inputs come from, whether the file is right (parity).
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench.records import ActivationType, Precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Inputs = NDArray[np.float32]


def convert(
    source: Path,
    target: Path,
    precision: Precision,
    inputs: "Inputs",
    activations: ActivationType,
) -> None:
    """Write ``target`` from ``source``, a file of export.onnx.

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

    (wanted,) = onnx.load(source, load_external_data=False).graph.input
    noise = logging.getLogger()  # ONNX Runtime talks to the root logger
    level = noise.level
    noise.setLevel(logging.ERROR)
    try:
        quantize_static(
            source,
            target,
            _Reader(wanted.name, inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8 if activations == "uint8" else QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    finally:
        noise.setLevel(level)

"""The words that records are made of: closed sets of names, and numbers with their ranges."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

Format = Literal["tflite", "onnx", "coreml", "pt2"]  # pt2: a program of torch.export
# int8: weights and activations. int8-dynamic (TFLite): int8 weights, activations quantised while
# running. int8-weights and palette4 (Core ML): weights stored in 8 bits or as 4-bit indices into a
# palette, computed with in fp16.
Precision = Literal["fp32", "fp16", "int8", "int8-dynamic", "int8-weights", "palette4"]
ActivationType = Literal["uint8", "int8"]
RunnerName = Literal["host", "android", "ssh", "apple", "cuda", "emulated", "replay"]
RuntimeName = Literal["litert", "onnxruntime", "coreml", "torch"]
# hexagon: Qualcomm's DSP up to Snapdragon 865; npu: the tensor processor of later ones.
Accelerator = Literal["cpu", "gpu", "edgetpu", "hexagon", "npu", "ane"]
Origin = Literal["measured", "published", "predicted", "emulated"]
# How torch runs a program on a CUDA GPU: operator by operator, as one recorded graph of kernels, or
# after torch.compile; and what its products and sums are computed in, whatever the file holds.
CudaMode = Literal["eager", "graph", "compile"]
Arithmetic = Literal["fp32", "tf32", "fp16", "bf16"]
Verdict = Literal["full", "partial", "none", "unproven"]
# table: of a published table that the user brought.
AccuracySource = Literal["paper", "timm", "measured", "table"]

# The largest single time that is believed: one hour. Longer ones are a damaged file, not a model.
MAX_SECONDS = 3600.0
Duration = Annotated[float, Meta(gt=0, le=MAX_SECONDS)]
Seconds = Annotated[float, Meta(ge=0)]
# What a column of Parquet holds; one figure beyond it would make a whole store unwritable.
MAX_WHOLE = 2**63 - 1
Count = Annotated[int, Meta(ge=0, le=MAX_WHOLE)]
Size = Annotated[int, Meta(ge=-MAX_WHOLE, le=MAX_WHOLE)]  # of one dimension; -1: left open
Fraction = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

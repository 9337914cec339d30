"""What each format is written with: suffix, layout, packages, and the version of our way to do it.

Knows: which pairs of format and precision are exported, and why the others are not. Does not know:
how (onnx/, tflite/, coreml/).
"""

import contextlib
import platform
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Literal, assert_never

from mnv4bench.errors import MissingExtra, UsageError
from mnv4bench.export import ExportRequest
from mnv4bench.records import ActivationType, Format, Precision

Layout = Literal["NCHW", "NHWC"]

SUFFIXES: dict[Format, str] = {
    "onnx": ".onnx",
    "tflite": ".tflite",
    "coreml": ".mlpackage",
    "pt2": ".pt2",
}

# In the order in which they are listed; what is not here is refused, with the reason below.
PRECISIONS: dict[Format, tuple[Precision, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "tflite": ("fp32", "fp16", "int8", "int8-dynamic"),
    "coreml": ("fp16", "int8-weights", "palette4"),
    "pt2": ("fp32",),
}
_STORED_ONLY = "weights that are only stored smaller are a Core ML way of writing a file"
_IN_THE_PROFILE = (
    "such a file holds fp32, and what it is computed in is the device's affair: the arithmetic of "
    "the profile's [cuda] table"
)
REFUSALS: dict[tuple[Format, Precision], str] = {
    ("onnx", "int8-dynamic"): (
        "each convolution would run as ConvInteger, which takes 2.8 times as long as fp32 "
        "(Conv-S, ONNX Runtime 1.31 on x86)"
    ),
    ("onnx", "int8-weights"): _STORED_ONLY,
    ("onnx", "palette4"): _STORED_ONLY,
    ("tflite", "int8-weights"): _STORED_ONLY,
    ("tflite", "palette4"): _STORED_ONLY,
    ("coreml", "fp32"): "the Neural Engine computes in fp16 alone, and so did the paper",
    ("coreml", "int8"): "coremltools quantises activations only on a Mac, by running the model",
    ("coreml", "int8-dynamic"): "Core ML has no such way to compute",
    ("pt2", "fp16"): _IN_THE_PROFILE,
    ("pt2", "int8"): "torch's quantised kernels are for processors; its CUDA GPUs have none",
    ("pt2", "int8-dynamic"): "torch's quantised kernels are for processors",
    ("pt2", "int8-weights"): _STORED_ONLY,
    ("pt2", "palette4"): _STORED_ONLY,
}

_FROM_TORCH = ("torch", "timm")
_ONNX = (*_FROM_TORCH, "onnx", "onnxscript", "onnx-ir")
_LITERT = (*_FROM_TORCH, "litert-torch", "litert-converter")


@dataclass(frozen=True)
class Recipe:
    """How files of one format and precision are made.

    ``version`` counts changes of our own code that change the bytes of a file: raise it with such
    a change, and every cached file of the kind is exported anew. ``packages`` are the
    distributions whose version may change the bytes.
    """

    format: Format
    precision: Precision
    layout: Layout
    version: int
    packages: tuple[str, ...]
    runtime: str  # the distribution that runs the file to compare it with torch
    from_fp32: bool = False  # made from the finished fp32 file, which is exported first
    calibrated: bool = False  # needs the ranges that activations take


def recipe(format: Format, precision: Precision) -> Recipe:
    """The recipe for a pair. Raises UsageError with the reason for one that cannot be had."""
    if precision not in PRECISIONS[format]:
        raise UsageError(
            f"{format} in {precision} cannot be had: {REFUSALS[format, precision]}.",
            f"{format} is exported in {', '.join(PRECISIONS[format])}",
        )
    match format:
        case "onnx":
            plain = Recipe("onnx", precision, "NCHW", 8, _ONNX, "onnxruntime")
            # The runtime's own tools write the other precisions.
            return _derived(plain, "onnxruntime")
        case "tflite":
            plain = Recipe("tflite", precision, "NHWC", 5, _LITERT, "ai-edge-litert")
            return _derived(plain, "ai-edge-quantizer")
        case "coreml":
            return Recipe(
                "coreml", precision, "NCHW", 2, (*_FROM_TORCH, "coremltools"), "coremltools"
            )
        case "pt2":
            return Recipe("pt2", precision, "NCHW", 1, _FROM_TORCH, "torch")
        case _:
            assert_never(format)


def recipe_of(request: ExportRequest) -> Recipe:
    """The recipe for a request: that of its pair, or TensorFlow's own converter's."""
    from mnv4bench.export.own import source as own_source

    pair = recipe(request.format, request.precision)
    if own_source.kind(request.model) != "tensorflow":
        return pair
    if request.format != "tflite":
        raise UsageError(
            f"{request.model} is a TensorFlow model, and TensorFlow's converter writes TFLite "
            f"alone, not {request.format}.",
            "take --format tflite or a device that runs TFLite; to have it in ONNX, convert it "
            "with tf2onnx and bring the file",
        )
    calibrated = request.precision == "int8"
    if calibrated and request.calibration:
        raise UsageError(
            f"How images are prepared for {request.model} is not known, so it cannot be calibrated "
            "on a folder.",
            "leave --calibration out, or quantise it yourself and bring the .tflite",
        )
    return Recipe(
        "tflite",
        request.precision,
        "NHWC",
        1,
        (tensorflow(),),
        "ai-edge-litert",
        calibrated=calibrated,
    )


def tensorflow() -> str:
    """The distribution that TensorFlow is installed as; raises MissingExtra without one."""
    for name in ("tensorflow", "tensorflow-cpu"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.version(name)
            return name
    raise MissingExtra("tensorflow", "tensorflow", "Converting a TensorFlow model")


def _derived(plain: Recipe, tool: str) -> Recipe:
    if plain.precision == "fp32":
        return plain
    return replace(
        plain,
        packages=(*plain.packages, tool),
        from_fp32=True,
        calibrated=plain.precision == "int8",
    )


def settled(request: ExportRequest) -> ExportRequest:
    """The request with every choice made, and without those that do not concern its recipe.

    Two requests for the same file are equal afterwards. Raises UsageError like ``recipe``.
    """
    from mnv4bench.export.own import source as own_source

    wanted = recipe_of(request)
    own = own_source.kind(request.model) is not None
    if own and request.weights not in ("random", "own"):
        raise UsageError(
            f"{request.model} brings its own weights; --weights {request.weights} would not be "
            "used.",
            "leave --weights out",
        )
    quantised_onnx = (request.format, request.precision) == ("onnx", "int8")
    coreml = request.format == "coreml"
    return replace(
        request,
        weights="own" if own else request.weights,
        shapes=request.shapes if own else (),
        calibration=request.calibration if wanted.calibrated else None,
        activations=(request.activations or host_activations()) if quantised_onnx else None,
        deployment_target=(request.deployment_target or DEFAULT_TARGET) if coreml else None,
    )


# The system that the paper's iPhone 13 ran (16.6.1), and the first with float16 inputs.
DEFAULT_TARGET = "iOS16"


def host_activations() -> ActivationType:
    """What ONNX Runtime's int8 kernels take on this machine.

    On x86 they multiply unsigned activations by signed weights; with signed activations the
    convolutions of Conv-S ran 1.8 times slower, and some not in int8 at all (ONNX Runtime 1.31).
    """
    return "uint8" if platform.machine().lower() in ("x86_64", "amd64", "i686") else "int8"


def versions(recipe: Recipe) -> dict[str, str]:
    """Package -> installed version, without importing it. Raises MissingExtra for an absent one."""
    found = {}
    for package in (*recipe.packages, recipe.runtime):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            purpose = f"Exporting {recipe.format} files"
            raise MissingExtra(package, "export", purpose) from None
    return {package: found[package] for package in recipe.packages}

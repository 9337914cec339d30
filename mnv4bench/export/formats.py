"""What each format is written with: suffix, layout, packages, and the version of our way to do it.

Knows: which pairs of format and precision this version exports. Does not know: how (onnx, litert).
"""

from dataclasses import dataclass
from importlib import metadata
from typing import Literal, assert_never

from mnv4bench.errors import MissingExtra, UsageError
from mnv4bench.records import Format, Precision

Layout = Literal["NCHW", "NHWC"]

SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "tflite": ".tflite", "coreml": ".mlpackage"}


@dataclass(frozen=True)
class Recipe:
    """How files of one format are made.

    ``version`` counts changes of our own code that change the bytes of a file: raise it with such
    a change, and every cached file of the format is exported anew. ``packages`` are the
    distributions whose version may change the bytes.
    """

    format: Format
    layout: Layout
    version: int
    packages: tuple[str, ...]
    runtime: str  # the distribution that runs the file to compare it with torch


def recipe(format: Format, precision: Precision) -> Recipe:
    """The recipe for a pair. Raises UsageError with the reason for one that is not built yet."""
    if precision != "fp32":
        raise UsageError(
            f"{format} in {precision} is not in this version; it exports fp32 only.",
            "leave --precision out, or measure a quantised file of your own: run --model FILE",
        )
    match format:
        case "onnx":
            written_by = ("torch", "timm", "onnx", "onnxscript", "onnx-ir")
            return Recipe("onnx", "NCHW", 4, written_by, "onnxruntime")
        case "tflite":
            made_by = ("torch", "timm", "litert-torch", "litert-converter")
            return Recipe("tflite", "NHWC", 2, made_by, "ai-edge-litert")
        case "coreml":
            raise UsageError(
                "Core ML files are not in this version: nothing here can run one to compare it "
                "with torch.",
                "export --format onnx or --format tflite",
            )
        case _:
            assert_never(format)


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

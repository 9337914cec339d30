"""What the verbs that export share: their options, and exports with a display of their progress."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mnv4bench.export import ExportRequest, Exports, Progress
from mnv4bench.records import DeviceProfile
from mnv4bench.render.progress import Board


class FormatWord(StrEnum):
    """Formats that can be written."""

    ONNX = "onnx"
    TFLITE = "tflite"
    COREML = "coreml"
    PT2 = "pt2"


class PrecisionWord(StrEnum):
    """Precisions that some format can be written in; see export.formats for the pairs."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    INT8_DYNAMIC = "int8-dynamic"
    INT8_WEIGHTS = "int8-weights"
    PALETTE4 = "palette4"


WeightsOption = Annotated[
    str,
    typer.Option(
        help="random, random:SEED, timm, timm:TAG, or a .safetensors or .pth file; FILE:CLASSES "
        "for one with another number of classes. Random weights are calibrated so that latency is "
        "that of a trained network."
    ),
]
ShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=]1x3x224x224",
        help="Of an input whose sizes your own model leaves open; repeat for more inputs.",
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        help="A folder of images to take the ranges of int8 activations from. [default: seeded "
        "images with the statistics of photographs]",
        show_default=False,
    ),
]


def requested(profile: DeviceProfile) -> ExportRequest:
    """What the device wants, without a model and weights."""
    return ExportRequest(
        model="",
        format=profile.format,
        weights="",
        precision=profile.precision,
        activations=profile.activations,
        deployment_target=profile.deployment_target,
    )


def export_all(requests: Sequence[ExportRequest]) -> Exports:
    """Every requested file, from the cache or exported now, shown while it goes on."""
    from mnv4bench import export

    phases: dict[ExportRequest, tuple[str, str]] = dict.fromkeys(requests, ("waiting", ""))
    columns = ("model", "format", "precision", "phase", "seconds")
    with Board("exporting", columns) as board:

        def listen(progress: Progress) -> None:
            request = progress.request
            seconds = f"{progress.seconds:.1f}" if progress.seconds else ""
            phases[request] = (progress.phase, seconds)
            board.rows(
                [
                    (r.model, r.format, r.precision, phase, spent)
                    for r, (phase, spent) in phases.items()
                ]
            )
            what = f"{request.model} to {request.format} in {request.precision}"
            if progress.phase == "done":
                board.line(f"exported {what}: {seconds} s")
            elif progress.phase == "failed":
                board.line(f"failed   {what}: {progress.detail}")

        return export.ensure(requests, listen=listen)

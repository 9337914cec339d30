"""``mnv4bench export``: one model as a file, compared with torch."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mnv4bench.cli.reading import emit


class ExportFormat(StrEnum):
    """Formats that can be written."""

    ONNX = "onnx"
    TFLITE = "tflite"


WeightsOption = Annotated[
    str,
    typer.Option(
        help="random, random:SEED, timm, timm:TAG, or a .safetensors or .pth file. "
        "Random weights are calibrated so that latency is that of a trained network."
    ),
]


def command(
    model: Annotated[str, typer.Argument(help="A model of `mnv4bench models`, or timm:NAME.")],
    format: Annotated[ExportFormat, typer.Option(help="Which kind of file.")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write. [default: MODEL.FORMAT]")
    ] = None,
    weights: WeightsOption = "random",
) -> None:
    """Export a model to ONNX (NCHW input) or TFLite (NHWC input) and check it against torch.

    Example: mnv4bench export mnv4-conv-s --format onnx --output conv-s.onnx
    """
    from mnv4bench import export, units
    from mnv4bench.cli.exporting import export_all

    request = export.ExportRequest(model=model, format=format.value, weights=weights)
    exports = export_all([request])
    if request in exports.failures:
        raise exports.failures[request]
    exported = exports.files[request]
    target = output or Path(f"{model.replace('/', '_').replace(':', '-')}.{format.value}")
    written = export.copy_out(exported, target)
    artifact = exported.artifact
    emit(f"{written}  {units.size(artifact.size_bytes)}  sha256 {artifact.sha256}")
    if artifact.parity is not None:
        parity = artifact.parity
        emit(
            f"compared with torch on {parity.inputs} inputs in {parity.runtime}: largest error "
            f"{parity.max_rel_error:.1e} of the largest output (limit {parity.tolerance:.0e})"
        )

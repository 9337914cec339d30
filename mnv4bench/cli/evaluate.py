"""``mnv4bench eval``: the accuracy of a file on labelled images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import (
    CalibrationOption,
    FormatWord,
    PrecisionWord,
    ShapeOption,
    WeightsOption,
)
from mnv4bench.cli.preparing import (
    CropOption,
    InterpolationOption,
    MeanOption,
    ResizeOption,
    StdOption,
)
from mnv4bench.cli.reading import DEFAULT_REPORTS, AsJson, emit, say
from mnv4bench.cli.stopping import stop_as_interrupted
from mnv4bench.errors import ExitStatus

if TYPE_CHECKING:
    from mnv4bench.export import ExportedFile, ExportRequest
    from mnv4bench.records import Evaluation, Format

# Each thread holds the file once more: beyond this, memory is worth more than time.
MAX_JOBS = 16


def command(
    artifact: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT",
            help="A file (.onnx, .tflite, .mlpackage), a model of `mnv4bench models` or a network "
            "of your own (.toml) to export with --format, --precision and --weights.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="A folder with a subfolder of images for each class; with --labels, any folder "
            "of images."
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Lines of NAME LABEL or NAME,LABEL, or one label a line for each image in sorted "
            "order. A label is a class number or an ImageNet synset.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="A second file or model on the same images; ends with the paired difference.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        FormatWord | None,
        typer.Option(help="Of a model: which kind of file. [default: tflite]", show_default=False),
    ] = None,
    precision: Annotated[
        PrecisionWord | None,
        typer.Option(help="Of a model. [default: fp32; fp16 for Core ML]", show_default=False),
    ] = None,
    weights: WeightsOption = "timm",
    shape: ShapeOption = None,
    calibration: CalibrationOption = None,
    resize: ResizeOption = None,
    crop: CropOption = None,
    interpolation: InterpolationOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    reports: Annotated[
        Path, typer.Option(help="Where the result goes, into a subfolder.")
    ] = DEFAULT_REPORTS,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            help=f"Threads, each with the file loaded. [default: one a processor, {MAX_JOBS} at "
            "most]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure top-1 and top-5 of a file on labelled images, through its own runtime.

    A stopped eval goes on where it was when the same command is given again.

    Example: mnv4bench eval conv-s.onnx --data imagenet/val --compare conv-s-int8.onnx
    """
    from mnv4bench import codec, store
    from mnv4bench.analysis import accuracy
    from mnv4bench.cli import evaluating
    from mnv4bench.cli.preparing import Preparing
    from mnv4bench.export import ExportRequest, formats
    from mnv4bench.findings import Accuracies
    from mnv4bench.render import accuracies

    stop_as_interrupted()
    asked = Preparing(resize, crop, interpolation, mean, std)
    kind: Format = format.value if format else "tflite"
    request = ExportRequest(
        model="",
        format=kind,
        weights=weights,
        precision=precision.value if precision else formats.PRECISIONS[kind][0],
        calibration=str(calibration) if calibration else None,
    )
    files = [_opened(one, request, shape) for one in (artifact, compare) if one]
    subjects = [evaluating.subject(file, asked, data, labels) for file in files]
    evaluating.require_alike(subjects)
    from mnv4bench.devices.holding import HOST, hold

    threads = jobs or min(os.cpu_count() or 1, MAX_JOBS)
    with store.hold(reports, store.ACCURACY), hold(HOST):
        evaluations = evaluating.evaluate_all(subjects, reports, threads)
    found = Accuracies(
        evaluations=tuple(
            accuracy.summarise(one, str(store.evaluation_path(reports, one))) for one in evaluations
        ),
        comparison=accuracy.compare(*evaluations) if len(evaluations) == 2 else None,
    )
    if as_json:
        emit(codec.encode_json(found))
    else:
        say(accuracies.accuracies(found))
    raise typer.Exit(_status(evaluations))


def _opened(word: str, request: ExportRequest, shapes: list[str] | None) -> ExportedFile:
    """The file that ``word`` names, with what the cache knows of it; or a model, exported."""
    import dataclasses

    from mnv4bench import export
    from mnv4bench.cli.exporting import export_all
    from mnv4bench.export import cache
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import shapes as input_shapes

    if not own_file.is_own_file(word):
        wanted = dataclasses.replace(request, model=word, shapes=tuple(shapes or ()))
        exports = export_all([wanted])
        if wanted in exports.failures:
            raise exports.failures[wanted]
        return exports.files[wanted]
    path = Path(word)
    if path.is_dir() and (package := export.find(cache.digest(path))):  # an .mlpackage of ours
        return dataclasses.replace(package, path=path)
    own = own_file.open_file(path, input_shapes.parse(shapes or []))
    known = export.find(own.artifact.sha256)
    return own if known is None else dataclasses.replace(known, path=own.path)


def _status(evaluations: Sequence[Evaluation]) -> int:
    """Evaluated on fewer images than there are is never fine."""
    from mnv4bench import units

    unreadable = {image.name for one in evaluations for image in one.unreadable}
    if not unreadable:
        return ExitStatus.OK
    typer.echo(
        f"error: {units.plural(len(unreadable), 'image')} could not be read and count as neither "
        "right nor wrong.\n  next: restore or remove what is named, and evaluate again",
        err=True,
    )
    return ExitStatus.NOT_MEASURED

"""``mnv4bench export``: models as files, each compared with torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.exporting import (
    CalibrationOption,
    FormatWord,
    PrecisionWord,
    ShapeOption,
    WeightsOption,
    export_all,
    requested,
)
from mnv4bench.cli.inspecting import inspect_and_show
from mnv4bench.cli.reading import emit
from mnv4bench.errors import ExportFailed, UsageError

if TYPE_CHECKING:
    from mnv4bench.export import ExportedFile, ExportRequest

ALL_MODELS = "all"


def command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models of `mnv4bench models`, timm:NAME, your own (.toml, .pt2, .keras, .h5, a "
            "SavedModel), or all for the whole catalog.",
            show_default=False,
        ),
    ],
    format: Annotated[
        list[FormatWord] | None,
        typer.Option(help="Which kind of file; repeat for more.", show_default=False),
    ] = None,
    precision: Annotated[
        list[PrecisionWord] | None,
        typer.Option(help="Repeat for more. [default: fp32; fp16 for Core ML]", show_default=False),
    ] = None,
    all_precisions: Annotated[
        bool, typer.Option("--all-precisions", help="Every precision that each format has.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(help="Take format and precision from this device's profile instead."),
    ] = None,
    shape: ShapeOption = None,
    weights: WeightsOption = "random",
    calibration: CalibrationOption = None,
    target: Annotated[
        str | None,
        typer.Option(help="Core ML: the oldest system to run on, e.g. iOS17. [default: iOS16]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write, or the folder for several. [default: MODEL-PRECISION.SUFFIX "
            "here, without the precision for fp32]",
            show_default=False,
        ),
    ] = None,
    inspect: Annotated[
        bool,
        typer.Option(
            "--inspect",
            help="Show what is inside: operators and their types, transposes, what the runtime's "
            "delegate or a GPU takes. MODEL may be a file as well; none is written without "
            "--output.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --inspect: print one JSON object on stdout.")
    ] = False,
) -> None:
    """Export models to ONNX (NCHW), TFLite (NHWC) or Core ML (NCHW) and compare them with torch.

    Example: mnv4bench export mnv4-conv-s --format onnx --output conv-s.onnx
    Example: mnv4bench export conv-s.onnx --inspect
    """
    from dataclasses import replace

    from mnv4bench.export.own import file as own_file

    if as_json and not inspect:
        raise UsageError("export prints JSON of what it finds in files.", "add --inspect")
    files = [Path(model) for model in models if own_file.is_own_file(model)] if inspect else []
    models = [model for model in models if Path(model) not in files]
    if files and not models:
        inspect_and_show(files, as_json)
        return
    if device and (format or precision or all_precisions):
        raise UsageError(
            f"--device {device} says which format and precision; so do the options beside it.",
            "leave --device out, or --format, --precision and --all-precisions",
        )
    kinds = _of_device(device) if device else _kinds(format, precision, all_precisions)
    _refuse_unused(kinds, calibration, target)
    requests = [
        replace(
            kind,
            model=model,
            weights=weights,
            calibration=str(calibration) if calibration else None,
            deployment_target=target or kind.deployment_target,
            shapes=tuple(shape or ()),
        )
        for model in _named(models)
        for kind in kinds
    ]
    targets = {} if inspect and output is None else _targets(requests, output)
    exports = export_all(requests)
    for request, place in targets.items():
        if request in exports.files:
            _write(exports.files[request], place, quiet=as_json)
    if inspect:
        made = [exported.path for exported in exports.files.values()]
        inspect_and_show([*files, *made], as_json)
    failures = list(exports.failures.values())
    if len(failures) == 1:
        raise failures[0]
    if failures:
        reasons = "".join(f"\n  {error.what}" for error in failures)
        raise ExportFailed(f"{len(failures)} of {len(requests)} files failed:{reasons}")


def _named(models: list[str]) -> list[str]:
    from mnv4bench.models import catalog

    everything = [entry.model for entry in catalog.entries()]
    named = (everything if model == ALL_MODELS else [model] for model in models)
    return list(dict.fromkeys(name for names in named for name in names))


def _kinds(
    words: list[FormatWord] | None, precisions: list[PrecisionWord] | None, every: bool
) -> list[ExportRequest]:
    """Requests without a model, for each pair that was asked for."""
    from mnv4bench.export import ExportRequest, formats

    if not words:
        raise UsageError(
            "export needs to know which kind of file.",
            "--format onnx, --format tflite, --format coreml, or --device of `mnv4bench devices`",
        )
    kinds = []
    for format in (word.value for word in words):
        had = formats.PRECISIONS[format]
        wanted = had if every else tuple(word.value for word in precisions or ()) or had[:1]
        for precision in wanted:
            formats.recipe(format, precision)  # refuses, with the reason
            kinds.append(ExportRequest("", format, "", precision))
    return kinds


def _refuse_unused(
    kinds: list[ExportRequest], calibration: Path | None, target: str | None
) -> None:
    """What concerns none of the files was meant for others."""
    from mnv4bench.export import formats

    if calibration and not any(formats.recipe(k.format, k.precision).calibrated for k in kinds):
        raise UsageError("--calibration is for int8 files; none is asked for.", "--precision int8")
    if target and all(kind.format != "coreml" for kind in kinds):
        raise UsageError("--target is for Core ML files; none is asked for.", "--format coreml")


def _of_device(device: str) -> list[ExportRequest]:
    from mnv4bench import profiles

    return [requested(profiles.load(device))]


def _targets(requests: list[ExportRequest], output: Path | None) -> dict[ExportRequest, Path]:
    """Where each file goes; a folder for several is made."""
    if output is not None and len(requests) == 1 and not output.is_dir():
        return {requests[0]: output}
    folder = output or Path()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be the folder of {len(requests)} files: {error.strerror}.",
            "--output FOLDER",
        ) from None
    targets = {request: folder / file_name(request) for request in requests}
    if len(set(targets.values())) < len(targets):
        names = [target.name for target in targets.values()]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(
            f"Two of these would be written to {folder / twice}, one over the other.",
            "export them one at a time, each with its own --output",
        )
    return targets


def file_name(request: ExportRequest) -> str:
    """What the file is called where only a folder was named."""
    from mnv4bench.export.formats import SUFFIXES
    from mnv4bench.export.own import source as own_source
    from mnv4bench.models import catalog

    model = catalog.name_of(request.model)
    if own_source.kind(model):
        model = Path(model).resolve().stem
    model = model.replace("/", "_").replace(":", "-")
    precision = "" if request.precision == "fp32" else f"-{request.precision}"
    return f"{model}{precision}{SUFFIXES[request.format]}"


def _write(exported: ExportedFile, target: Path, *, quiet: bool) -> None:
    from mnv4bench import export, units
    from mnv4bench.render import evidence

    artifact = exported.artifact
    written = export.copy_out(exported, target)
    if quiet:
        return
    emit(f"{written}  {units.size(artifact.size_bytes)}  sha256 {artifact.sha256}")
    for line in evidence.lines(artifact):
        emit(f"  {line}")

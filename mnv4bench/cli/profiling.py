"""What ``profile`` profiles: words of the command become a file on a device, and its operators.

Knows: files, names of models, artifacts of reports, devices. Does not know: profilers, or how a
profile is shown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mnv4bench import profiles, store
from mnv4bench.cli.phones import refuse_unused
from mnv4bench.errors import MissingExtra, NotMeasured, UsageError, nearest
from mnv4bench.render.progress import Board

if TYPE_CHECKING:
    from mnv4bench.devices import Options, Runner
    from mnv4bench.export import ExportedFile
    from mnv4bench.findings import FileOperator, OperatorProfile
    from mnv4bench.records import DeviceProfile, Format, Precision

# Where a file is profiled when nobody says.
HERE: dict[Format, str] = {"tflite": "host-cpu", "onnx": "host-ort-cpu"}


@dataclass(frozen=True)
class Words:
    """The words of one side. None: as the device's profile, or the artifact, has it."""

    what: str
    device: str | None
    weights: str
    precision: Precision | None
    threads: int | None
    shapes: tuple[str, ...]
    model: str | None  # which of a report


@dataclass(frozen=True)
class Subject:
    """One file on one device."""

    device: DeviceProfile
    runner: Runner
    file: ExportedFile


def subjects(sides: Sequence[Words], options: Options) -> list[Subject]:
    """What each side means, with the file there and the device ready; a file may be exported.

    Raises UsageError for words that mean nothing or a file that the device does not take, BadFile,
    NotMeasured where a device is not there or cannot tell. Nothing is exported before all is known.
    """
    from mnv4bench.devices.profiling import refusal

    found = []
    for words in sides:
        if not words.what.strip():
            raise UsageError("there is nothing to profile.", "name a file, a model or a report")
        file = _given(words)
        found.append((words, file, _device(words, file)))
    refuse_unused(options, [device for _, _, device in found])
    for _, _, device in found:
        if (refused := refusal(device)) is not None:
            raise refused
    ready = [(words, file, _ready(words, device, options)) for words, file, device in found]
    return [
        Subject(device, runner, file or _exported(words, device))
        for words, file, (device, runner) in ready
    ]


def _ready(words: Words, device: DeviceProfile, options: Options) -> tuple[DeviceProfile, Runner]:
    from mnv4bench.devices import open_runner

    runner = open_runner(device, options)
    status, detail = runner.availability()
    if status != "ready":
        raise NotMeasured(
            f"{device.device} is {status}: {detail}",
            f"mnv4bench doctor --device {words.device or device.device}",
        )
    return device, runner


def taken(subjects: Sequence[Subject], inferences: int) -> list[OperatorProfile]:
    """A profile of each, one after the other, shown while it goes on. Raises as a session does."""
    found = []
    with Board("profiling", ("file", "device", "doing")) as board:
        for one in subjects:
            name, device = one.file.path.name, one.device.device
            board.rows([(name, device, "profiling")])
            found.append(_profile(one, inferences))
            board.line(f"profiled {name} on {device}")
    return found


def _profile(one: Subject, inferences: int) -> OperatorProfile:
    from mnv4bench.analysis import operators

    with one.runner.held():
        session = one.runner.install(one.file.path, one.file.artifact)
        try:
            measured = session.operators(inferences)
        finally:
            session.remove()
    inside, notes = _inside(one.file)
    return operators.profile(
        measured,
        inside,
        file=os.fsencode(one.file.path).decode("utf-8", "replace"),  # names may hold any byte
        artifact=one.file.artifact,
        device=one.device,
        notes=notes,
    )


def _inside(file: ExportedFile) -> tuple[tuple[FileOperator, ...], tuple[str, ...]]:
    """The file's operators, or why they are not known: the times are worth showing without."""
    from mnv4bench.inspection import paths

    try:
        return paths.operators(file.path, file.artifact.format), ()
    except MissingExtra as error:
        return (), (f"blocks are not known: {error.what.rstrip('.')} ({error.next_step})",)


# --- words ------------------------------------------------------------------------------------


def _given(words: Words) -> ExportedFile | None:
    """A file that is there; None: a model, which is to be exported."""
    from mnv4bench.export.own import file as own_file
    from mnv4bench.export.own import shapes as input_shapes

    if words.what.endswith(".json"):
        return _of_report(words)
    if words.model:
        raise UsageError(
            f"--model chooses among the artifacts of a report, and {words.what} is none.",
            "leave --model out",
        )
    if not own_file.is_own_file(words.what):
        return None
    path = Path(words.what)
    return own_file.open_files([path], input_shapes.parse(words.shapes))[path]


def _of_report(words: Words) -> ExportedFile:
    from mnv4bench import export

    report = store.read(Path(words.what))
    artifacts = {one.artifact.model: one.artifact for one in report.measurements}
    name = words.model or next(iter(artifacts), "")
    if name not in artifacts:
        raise UsageError(
            f"{words.what} has no model {name}; {nearest(name, sorted(artifacts))}.",
            "mnv4bench show REPORT lists them",
        )
    if len(artifacts) > 1 and not words.model:
        raise UsageError(
            f"{words.what} has {len(artifacts)} models: {', '.join(sorted(artifacts))}.",
            f"say which: --model {name}",
        )
    cached = export.find(artifacts[name].sha256)
    if cached is None:
        raise NotMeasured(
            f"the file of {name} in {words.what} (sha256 {artifacts[name].sha256[:12]}) is not in "
            "the cache.",
            "export it again with the same versions, or name the file itself",
        )
    return cached


def _device(words: Words, file: ExportedFile | None) -> DeviceProfile:
    """The device as it is to be profiled. Raises UsageError where it does not take the file."""
    name = words.device
    if name is None:
        name = HERE["tflite"] if file is None else HERE.get(file.artifact.format)
    if name is None:
        raise UsageError(
            f"{words.what} is a Core ML file, and this machine has no device for it.",
            "say which: --device ID of `mnv4bench devices`",
        )
    device = profiles.load(name)
    if file is not None and file.artifact.format != device.format:
        other = HERE.get(file.artifact.format)
        raise UsageError(
            f"{words.what} is a {file.artifact.format} file, and {device.device} runs "
            f"{device.format}.",
            f"--device {other}" if other else "mnv4bench devices",
        )
    return msgspec.structs.replace(
        device,
        threads=words.threads or device.threads,
        precision=words.precision or device.precision,
    )


def _exported(words: Words, device: DeviceProfile) -> ExportedFile:
    """The model as the device wants it, from the cache or exported now."""
    from mnv4bench.cli.exporting import export_all, requested

    request = replace(
        requested(device), model=words.what, weights=words.weights, shapes=words.shapes
    )
    exports = export_all([request])
    for failure in exports.failures.values():
        raise failure
    return exports.files[request]

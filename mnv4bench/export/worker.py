"""The process of one export: build, convert, compare, write. Started by schedule.

Knows: the order of the steps and how to say what happens. Does not know: who listens.

Its stdout and stderr belong to the exporters' noise. What it has to say goes, as lines of JSON,
to the file descriptor that it was given::

    {"phase": "building"}    then converting, comparing, writing
    {"written": "<sha256>"}  or  {"error": {"kind": ..., "what": ..., "next_step": ...}}
"""

import ctypes
import errno
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, assert_never

from mnv4bench import runtimes
from mnv4bench.errors import BadFile, BenchError, ExportFailed, NotMeasured, UsageError
from mnv4bench.export import (
    ExportedFile,
    ExportRequest,
    cache,
    calibration,
    formats,
    identity,
    parity,
)
from mnv4bench.export.own import source as own_source
from mnv4bench.records import Artifact, Parity, Structure

if TYPE_CHECKING:
    from mnv4bench.models.build import BuiltModel

# An exporter's message may quote a whole graph; its end holds the reason.
REASON_LINES = 8
BYTES_PER_PARAMETER = 4  # fp32; the graph around the weights is small beside them
# What a full, shared or read-only disk answers.
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO}


def main(job: str) -> int:
    """Do the export that ``job`` (JSON, see schedule) describes; 0 when it lies in the cache."""
    order = json.loads(job)
    request = ExportRequest(**order["request"])
    root = Path(order["root"])
    with open(order["events"], "w", buffering=1, encoding="utf-8") as events:  # noqa: PTH123 - an fd
        try:
            # A program that the exporter starts must not hold it open after us.
            os.set_inheritable(order["events"], False)
            _die_with_parent(order["parent"])
            sha256 = export(request, order["key"], cache.Cache(root), events)
            _say(events, {"written": sha256})
        except Exception as error:  # noqa: BLE001 - an exporter may raise anything
            _say(events, {"error": _described(error, request, root)})
            return 1
    return 0


def export(request: ExportRequest, key: str, store: cache.Cache, events: IO[str]) -> str:
    """Build, convert, compare and put into the cache; returns the digest of the file."""
    request = formats.settled(request)
    _say(events, {"phase": "building"})
    if own_source.kind(request.model) == "tensorflow":
        from mnv4bench.export.own import tensorflow_lite

        return tensorflow_lite.export(
            request, key, store, lambda phase: _say(events, {"phase": phase})
        )
    # coremltools imports TensorFlow wherever it is installed, which takes 5 s, and uses it for
    # nothing that happens here.
    sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    import torch

    from mnv4bench.models import build, weights

    # One thread: sums come out in the same order every time, so the same export has the same
    # digest, and two exports share two processors without stepping on each other.
    torch.set_num_threads(1)
    if own_source.kind(request.model):
        built = own_source.built(request)
    else:
        built = build.build(request.model, weights.parse(request.weights))
    if identity.key(request) != key:
        raise ExportFailed(
            f"The weights, images or packages of {request.model} changed while it was being "
            "exported.",
            "run the command again",
        )
    return _made(built, request, key, store, events).artifact.sha256


def _made(
    built: "BuiltModel", request: ExportRequest, key: str, store: cache.Cache, events: IO[str]
) -> ExportedFile:
    """The entry, written now; what it is made from is exported first where the cache lacks it."""
    recipe = formats.recipe_of(request)
    source = _source(built, request, store, events).path if recipe.from_fp32 else None
    given = calibration.inputs(request.calibration, built)
    with store.staging() as staged:
        file = staged / cache.file_name(built.entry.model, request.format)
        cache.require_room(staged, built.params * BYTES_PER_PARAMETER)
        _say(events, {"phase": "converting"})
        convert(built, file, request, source, given)
        if [entry.name for entry in staged.iterdir()] != [file.name]:
            raise ExportFailed(
                f"The {request.format} file of {request.model} is not self-contained; the exporter "
                "put a part of it beside it.",
                "choose a smaller model: such files hold at most 2 GB",
            )
        _say(events, {"phase": "comparing"})
        parity, structure, input_shape = _evidence(built, file, request, given)
        _say(events, {"phase": "writing"})
        artifact = Artifact(
            model=built.entry.model,
            family=built.entry.family,
            format=request.format,
            precision=request.precision,
            sha256=cache.digest(file),
            size_bytes=cache.size_bytes(file),
            weights=built.weights,
            input_shape=input_shape,
            params=built.params,
            macs=built.macs,
            spec_sha256=identity.spec(request),
            exporter=formats.versions(recipe),
            parity=parity,
            structure=structure,
            preprocessing=built.preprocessing,
            calibration=given.said if recipe.calibrated else None,
            activations=request.activations,
            deployment_target=request.deployment_target,
        )
        store.commit(staged, key, artifact)
    found = store.get(key)
    if found is None:
        raise ExportFailed(
            f"The exported file of {request.model} vanished from {store.root} at once.",
            "see whether another program empties that folder, then run the command again",
        )
    return found


def _source(
    built: "BuiltModel", request: ExportRequest, store: cache.Cache, events: IO[str]
) -> ExportedFile:
    """The fp32 file of the same network and weights, from the cache or made now."""
    plain = formats.settled(replace(request, precision="fp32"))
    key = identity.key(plain)
    return store.get(key) or _made(built, plain, key, store, events)


def convert(
    built: "BuiltModel",
    file: Path,
    request: ExportRequest,
    source: Path | None,
    given: calibration.Inputs,
) -> None:
    """Write the model to ``file``; precisions that are made from the fp32 file, from ``source``."""
    match request.format:
        case "onnx":
            from mnv4bench.export.onnx import exporter as onnx
            from mnv4bench.export.onnx import precision as onnx_precision

            if source is None:
                onnx.convert(built, file)
            else:
                inputs = given.calibration.numpy()  # (N, 3, H, W)
                kind = request.activations or "uint8"  # fp16 has none
                onnx_precision.convert(source, file, request.precision, inputs, kind)
        case "tflite":
            from mnv4bench.export.tflite import exporter as litert
            from mnv4bench.export.tflite import precision as litert_precision

            if source is None:
                litert.convert(built, file)
            else:
                inputs = given.calibration.permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, 3)
                litert_precision.convert(source, file, request.precision, inputs)
        case "coreml":
            from mnv4bench.export.coreml import exporter as coreml

            coreml.convert(built, file, request.precision, request.deployment_target)
        case "pt2":
            from mnv4bench.export.pt2 import exporter as pt2

            pt2.convert(built, file)
        case _:
            assert_never(request.format)


def _evidence(
    built: "BuiltModel", file: Path, request: ExportRequest, given: calibration.Inputs
) -> tuple[Parity | None, Structure | None, tuple[int, ...]]:
    """What shows that the file is right. Raises ExportFailed when it is not.

    A file that this system cannot run is checked by its structure; so is any Core ML file.
    """
    structure = None
    if request.format == "coreml":
        from mnv4bench.export.coreml import structure as coreml_structure

        target = request.deployment_target
        structure = coreml_structure.check(built, file, request.precision, target)
    if not runtimes.can_run(request.format):
        return None, structure, (1, 3, built.input_px, built.input_px)
    recipe = formats.recipe(request.format, request.precision)
    compare = parity.compare
    if request.format == "coreml":
        from mnv4bench.export.coreml import running

        compare = running.compare
    outcome = compare(built, file, recipe, given)
    return outcome.parity, structure, outcome.input_shape


def _say(events: IO[str], event: Mapping[str, object]) -> None:
    events.write(json.dumps(event) + "\n")


def _described(error: Exception, request: ExportRequest, root: Path) -> dict[str, str]:
    """Any exception as the sentence, the next step and the kind that schedule raises again."""
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        error = cache.trouble(root, error)
    if not isinstance(error, BenchError):
        lines = [line for line in str(error).splitlines() if line.strip()][-REASON_LINES:]
        reason = "\n".join(lines) or "no message"
        error = ExportFailed(
            f"The exporter failed on {request.model} to {request.format}: "
            f"{type(error).__name__}: {reason}",
            "measure the other models, or bring a file of your own: mnv4bench run --model FILE",
        )
    leaves = (UsageError, BadFile, ExportFailed, NotMeasured, BenchError)
    kind = next(leaf for leaf in leaves if isinstance(error, leaf))
    return {"kind": kind.__name__, "what": error.what, "next_step": error.next_step}


def _die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends, even by kill -9.

    On other systems than Linux an orphan finishes its export into the cache and ends.
    """
    if sys.platform != "linux":
        return
    PR_SET_PDEATHSIG = 1  # noqa: N806 - the kernel's name, linux/prctl.h
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

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
from pathlib import Path
from typing import IO, TYPE_CHECKING, assert_never

from mnv4bench.errors import BadFile, BenchError, ExportFailed, NotMeasured, UsageError
from mnv4bench.export import ExportRequest, cache, formats, identity
from mnv4bench.records import Artifact, Format

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
    import torch

    from mnv4bench.export import parity
    from mnv4bench.models import build, catalog, weights

    # One thread: sums come out in the same order every time, so the same export has the same
    # digest, and two exports share two processors without stepping on each other.
    torch.set_num_threads(1)
    recipe = formats.recipe(request.format, request.precision)
    _say(events, {"phase": "building"})
    built = build.build(request.model, weights.parse(request.weights))
    if identity.key(request) != key:
        raise ExportFailed(
            f"The weights or packages of {request.model} changed while it was being exported.",
            "run the command again",
        )
    with store.staging() as staged:
        file = staged / cache.file_name(request.model, request.format)
        cache.require_room(staged, built.params * BYTES_PER_PARAMETER)
        _say(events, {"phase": "converting"})
        convert(built, file, request.format)
        if [entry.name for entry in staged.iterdir()] != [file.name]:
            raise ExportFailed(
                f"The {request.format} file of {request.model} is not self-contained; the exporter "
                "put a part of it beside it.",
                "choose a smaller model: such files hold at most 2 GB",
            )
        _say(events, {"phase": "comparing"})
        outcome = parity.compare(built, file, recipe)
        _say(events, {"phase": "writing"})
        artifact = Artifact(
            model=request.model,
            family=built.entry.family,
            format=request.format,
            precision=request.precision,
            sha256=cache.digest(file),
            size_bytes=file.stat().st_size,
            weights=built.weights,
            input_shape=outcome.input_shape,
            params=built.params,
            macs=built.macs,
            spec_sha256=catalog.spec_digest(request.model),
            exporter=formats.versions(recipe),
            parity=outcome.parity,
        )
        store.commit(staged, key, artifact)
    return artifact.sha256


def convert(built: "BuiltModel", file: Path, format: Format) -> None:
    """Write the model to ``file``."""
    match format:
        case "onnx":
            from mnv4bench.export import onnx

            onnx.convert(built, file)
        case "tflite":
            from mnv4bench.export import litert

            litert.convert(built, file)
        case "coreml":
            raise AssertionError("formats.recipe refuses Core ML before any process is started")
        case _:
            assert_never(format)


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

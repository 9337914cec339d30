"""ROOM: a torch module becomes a file, and the file is checked against torch.

Knows: formats, exporters, parity and the artifact cache. Does not know: devices, or what the files
are for. Importing this loads no torch, no exporter and no runtime; nor does serving from the cache.

    formats     what each format is written with: the one table of suffix, layout and packages
    identity    what makes two exports the same: the key of the cache
    cache       where the files live
    schedule    runs what the cache lacks, each export in its own process
    worker      that process: build, convert, compare, write
    folding, lowering   the network, written the way that exporters and runtimes like best
    onnx/, tflite/, coreml/, pt2/   the conversions and their precisions
    calibration     the inputs that ranges are taken from, and those that are compared on
    parity, rounding    the proof that a file computes what torch does, as far as it can
    copying     a file leaves the cache
    own/        what a person brings: files, and sources to be exported
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mnv4bench.errors import BenchError
from mnv4bench.records import ActivationType, Artifact, Format, Precision

# An exporter keeps one processor busy and holds 1 to 3 GB; more than two at once gain little on a
# laptop and may push it into swap.
DEFAULT_JOBS = min(2, os.cpu_count() or 1)

Phase = Literal[
    "cached", "started", "building", "converting", "comparing", "writing", "done", "failed"
]


@dataclass(frozen=True)
class ExportRequest:
    """One file that is wanted. ``weights`` in the words of the command line (models.weights).

    ``model`` is a name of the catalog, or the path of a source of one's own (own.source).
    """

    model: str
    format: Format
    weights: str
    precision: Precision = "fp32"
    calibration: str | None = None  # a folder of images; None: seeded ones
    activations: ActivationType | None = None  # ONNX int8; None: what this host's kernels take
    deployment_target: str | None = None  # Core ML; None: formats.DEFAULT_TARGET
    shapes: tuple[str, ...] = ()  # words of --shape, for a source of one's own with open sizes


@dataclass(frozen=True)
class ExportedFile:
    """One file that is there, verified against its digest a moment ago."""

    path: Path
    artifact: Artifact
    cached: bool  # False: this call exported it


@dataclass(frozen=True)
class Progress:
    """One step of one request, for a display. ``detail`` is the sentence when it failed."""

    request: ExportRequest
    phase: Phase
    seconds: float  # since the request's own process was started; 0 when cached
    detail: str = ""


@dataclass(frozen=True)
class Exports:
    """What came of the requests; every request is in one of the two."""

    files: dict[ExportRequest, ExportedFile] = field(default_factory=dict)
    failures: dict[ExportRequest, BenchError] = field(default_factory=dict)


def ensure(
    requests: Sequence[ExportRequest],
    *,
    jobs: int = DEFAULT_JOBS,
    listen: Callable[[Progress], None] | None = None,
) -> Exports:
    """Every requested file, from the cache or exported now, at most ``jobs`` at a time.

    A failed export stands in ``failures`` and stops no other. Raises UsageError at once, before
    anything slow, for a model, weights, format or precision that cannot be had; MissingExtra
    without the exporters' packages; NotMeasured when the cache cannot be written. ``listen`` is
    called from this thread. Ctrl-C ends all exports; what was finished stays in the cache.
    """
    from mnv4bench.export import schedule

    return schedule.ensure(requests, jobs, listen or (lambda _: None))


def find(sha256: str) -> ExportedFile | None:
    """The cached file with this digest, verified; None when there is none (any more)."""
    from mnv4bench.export.cache import Cache

    return Cache().find(sha256)


def copy_out(exported: ExportedFile, output: Path) -> Path:
    """Copy an artifact to where the user wants it, whole or not at all; returns the path written.

    Raises UsageError for a place that no file can or should be put, NotMeasured for a full disk.
    """
    from mnv4bench.export import copying

    return copying.copy_out(exported, output)

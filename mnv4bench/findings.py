"""What is concluded from reports: types only, in the shapes that ``--json`` prints.

Knows: the names of DESIGN.md, "JSON shapes". Does not know: how a conclusion is reached or drawn.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records import (
    AccuracySource,
    Format,
    ModelEntry,
    Origin,
    Precision,
    RunnerName,
    Verdict,
    Weights,
)

Availability = Literal["ready", "absent", "unusable"]


class Summary(Struct, frozen=True, kw_only=True):
    """One measurement in figures: what ``show`` lists.

    ``latency_s`` is the median over invocations of their medians; ``low_s``..``high_s`` its
    order-statistic interval, which covers the true median with probability ``confidence``.
    """

    report: str  # report id
    device: str
    model: str
    family: str
    format: Format
    precision: Precision
    origin: Origin
    latency_s: float
    low_s: float | None  # None: a single invocation says nothing about its spread
    high_s: float | None
    confidence: float  # reached by low_s..high_s, 0..1; 0 for a single invocation
    p90_s: float | None  # None: fewer samples than the order-statistic rule asks for
    invocations: int  # that the figures rest on
    invocations_tainted: int  # set aside because something disturbed them
    samples: int
    placement: Verdict
    tainted: tuple[str, ...]  # reasons that make the whole measurement unfit to compare
    artifact_sha256: str
    weights: Weights
    threads: int
    input_px: int | None
    size_bytes: int
    measured_at: str
    machine: str  # the device and runtime in words, e.g. "AMD EPYC, LiteRT 2.3.0, 1 thread"
    environment: str  # short digest of the must-match facts and the profile
    chosen_shapes: str = ""  # "ids 1x128": what --shape chose for a file that leaves sizes open


class Skipped(Struct, frozen=True, kw_only=True):
    """Something that was found and not used, with the sentence why."""

    path: str
    reason: str


class Shown(Struct, frozen=True, kw_only=True):
    """What ``show --json`` prints."""

    measurements: tuple[Summary, ...]
    skipped: tuple[Skipped, ...] = ()


class Point(Struct, frozen=True, kw_only=True):
    """One model in one group of a front."""

    model: str
    family: str
    latency_s: float | None  # None: excluded without a latency (failed, not benchmarked)
    low_s: float | None
    high_s: float | None
    top1: float | None  # percent
    accuracy_source: AccuracySource | None
    status: Literal["front", "dominated", "excluded"]
    dominated_by: tuple[str, ...] = ()
    reason: str | None = None  # why it was excluded
    front_probability: float | None = None
    weights: str = ""  # whose the latency is: "random (seed 0)", a timm tag, a file name
    accuracy_weights: str = ""  # the training whose accuracy is drawn
    placement: Verdict | None = None


class Group(Struct, frozen=True, kw_only=True):
    """Models that may be compared: one device, precision, origin and environment. One panel."""

    device: str
    precision: Precision
    origin: Origin
    machine: str
    environment: str
    points: tuple[Point, ...]  # by latency, excluded ones last


class Front(Struct, frozen=True, kw_only=True):
    """What ``pareto --json`` prints, and everything that its figure needs."""

    groups: tuple[Group, ...]
    skipped: tuple[Skipped, ...] = ()


class Catalog(Struct, frozen=True, kw_only=True):
    """What ``models --json`` prints."""

    models: tuple[ModelEntry, ...]


class DeviceRow(Struct, frozen=True, kw_only=True):
    """One row of ``devices --json``."""

    device: str
    runner: RunnerName
    format: Format
    precision: Precision
    accelerator: str
    status: Availability
    detail: str


class Devices(Struct, frozen=True, kw_only=True):
    """What ``devices --json`` prints."""

    devices: tuple[DeviceRow, ...]
    skipped: tuple[Skipped, ...] = ()

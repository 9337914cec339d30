"""What was measured and evaluated, in figures, and the fronts that follow."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.beside import SideBySide
from mnv4bench.findings.certainty import Certainty, Limits, Objective, Universality
from mnv4bench.findings.counts import Tally
from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import (
    AccuracySource,
    Format,
    ModelEntry,
    Origin,
    Precision,
    Preprocessing,
    Signal,
    UnreadableImage,
    Verdict,
    Weights,
)


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
    calibration: str | None = None  # "synthetic calibration"; None: nothing was calibrated
    chosen_shapes: str = ""  # "ids 1x128": what --shape chose for a file that leaves sizes open
    # The most inferences that one of ``samples`` is the mean of; 1: each is a single inference.
    inferences_per_value: int = 1
    # Back to back, when warm: the median of the last third of the windows; None: not run so.
    sustained_s: float | None = None
    device_s: float | None = None  # the GPU's part of latency_s, by its own clock
    sustained_ratio: float | None = None  # sustained_s / latency_s, which is burst
    # At a beat: the median of the second half, and the beat; None: not run so.
    paced_s: float | None = None
    paced_period_s: float | None = None
    # Of a device that every inference is a trip to: from one to the next; else None.
    apart_s: float | None = None
    signals: tuple[Signal, ...] = ()  # what ``placement`` rests on
    instructions: None = None  # of a Tally alone
    # Of each invocation that the figures rest on, in measured order; ``latency_s`` is the median
    # of ``medians_s``. Empty: not read on this device.
    medians_s: tuple[float, ...] = ()
    loads_s: tuple[float, ...] = ()  # opening the file, until the first inference could begin
    peaks_bytes: tuple[int, ...] = ()  # the process's largest resident memory

    @property
    def at(self) -> str:
        """When its last invocation began, UTC, ISO 8601."""
        return self.measured_at


class Evaluated(Struct, frozen=True, kw_only=True):
    """The accuracy of one artifact on one data set. Figures are percent of ``images``.

    ``top1_low``..``top1_high`` is Wilson's interval at ``confidence``: it covers what the file
    would reach on all images like these. top-5 is None where there are no more than five classes.
    """

    path: str  # of the evaluation's file
    artifact_sha256: str
    model: str
    family: str
    format: Format
    precision: Precision
    weights: Weights
    calibration: str | None  # "synthetic calibration"; None: nothing was calibrated
    dataset: str
    dataset_sha256: str
    numbering: str  # how labels became the numbers of outputs
    images: int  # that could be read
    unreadable: tuple[UnreadableImage, ...]
    classes: int
    top1: float
    top1_low: float
    top1_high: float
    top5: float | None
    top5_low: float | None
    top5_high: float | None
    confidence: float
    preprocessing: Preprocessing
    runtime: str  # with version
    evaluated_at: str


class Comparison(Struct, frozen=True, kw_only=True):
    """Two artifacts on the same images, by top-1: the second less the first, in points.

    ``low``..``high`` is Bonett and Price's interval at ``confidence``; ``p_value`` is McNemar's,
    exact and two-sided: the chance of so uneven a split of the images that only one of them got
    right, were both as accurate.
    """

    first: str  # model and precision, with the digest where they are the same
    second: str
    images: int  # readable for both
    both_right: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    low: float
    high: float
    confidence: float
    p_value: float


class Accuracies(Struct, frozen=True, kw_only=True):
    """What ``eval --json`` prints."""

    evaluations: tuple[Evaluated, ...]
    comparison: Comparison | None = None


class Shown(Struct, frozen=True, kw_only=True):
    """What ``show --json`` prints."""

    measurements: tuple[Summary | Tally, ...]
    evaluations: tuple[Evaluated, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    # Of measured devices that a published table has; None: no table has one.
    side_by_side: SideBySide | None = None


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
    # Share of resamples in which it is on the front; None: excluded, or nothing to resample.
    front_probability: float | None = None
    weights: str = ""  # whose the latency is: "random (seed 0)", a timm tag, a file name
    accuracy_weights: str = ""  # the training whose accuracy is drawn
    # Of a measured accuracy: its interval in percent, and what it was measured on.
    top1_low: float | None = None
    top1_high: float | None = None
    accuracy_data: str = ""  # the data set's name
    accuracy_sha256: str = ""  # its digest
    accuracy_images: int | None = None
    float_accuracy: bool = False  # quantised, and drawn with the accuracy of the float network
    calibration: str | None = None  # as Summary's
    placement: Verdict | None = None
    artifact_sha256: str = ""  # of the file; empty: published
    # Of a published latency: the last digit printed, in seconds; and whether its place is open, as
    # what was rounded away could put it on the front or off it.
    printed_to_s: float | None = None
    open: bool = False
    # What the front is over where Group.objective is not latency, in base units.
    x: float | None = None
    x_low: float | None = None
    x_high: float | None = None
    # Of each invocation, what the first axis' value is the median of. Empty: it is exact (a size),
    # or only one number was published.
    values: tuple[float, ...] = ()
    # What a front member could lose (above 0) or a dominated point lacks (below 0) until it changes
    # its place, in base units of the first axis or in points of top-1; either alone is enough. At
    # exactly this distance it ties. None: no other point sets such a bound, or it is excluded.
    margin_x: float | None = None
    margin_top1: float | None = None

    @property
    def cost(self) -> float | None:
        """What the front is over."""
        return self.latency_s if self.x is None else self.x

    @property
    def cost_interval(self) -> tuple[float | None, float | None]:
        """Of ``cost``: (low, high)."""
        return (self.low_s, self.high_s) if self.x is None else (self.x_low, self.x_high)

    @property
    def basis(self) -> tuple[str, str]:
        """What top-1 was measured on, and by whom; only points of one basis may be compared."""
        return (self.accuracy_source or "", self.accuracy_sha256)


class Group(Struct, frozen=True, kw_only=True):
    """Models that may be compared: one device, precision, origin and environment. One panel."""

    device: str
    precision: Precision
    origin: Origin
    machine: str
    environment: str
    points: tuple[Point, ...]  # by what the front is over, excluded ones last
    objective: Objective = "latency"
    measured_at: str = ""  # UTC, ISO 8601, of its latest measurement; empty: not measured here
    certainty: Certainty | None = None


class Front(Struct, frozen=True, kw_only=True):
    """What ``pareto --json`` prints, and everything that its figure needs."""

    groups: tuple[Group, ...]
    skipped: tuple[Skipped, ...] = ()
    side_by_side: SideBySide | None = None  # with published tables and measurements alone
    limits: Limits | None = None
    universality: tuple[Universality, ...] = ()  # one for each origin


class Catalog(Struct, frozen=True, kw_only=True):
    """What ``models --json`` prints."""

    models: tuple[ModelEntry, ...]

"""How latencies spread, and what is left of the speed when a device is warm: one model a row.

What the figures of ``show --figure`` are drawn from. Times are seconds. Samples are summed up here,
since tens of thousands would make a picture that nobody opens.
"""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import Origin, Precision, Verdict


class Histogram(Struct, frozen=True, kw_only=True):
    """Samples by how long they took, in bins of equal width; the few beyond are counted."""

    low_s: float  # where the first bin begins
    width_s: float  # of each bin, above 0
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0


class Strand(Struct, frozen=True, kw_only=True):
    """One invocation: a fresh process and its samples."""

    median_s: float
    count: int  # samples; 1 where a program gives nothing but the mean of its inferences
    # 5th and 95th, 25th and 75th percentile by nearest rank; None: too few samples to have some.
    # Of a mean, what the program itself says of the inferences behind it.
    low_s: float | None = None
    high_s: float | None = None
    quarter_s: float | None = None
    three_quarters_s: float | None = None
    inferences_per_value: int = 1  # more: each sample is the mean of so many
    tainted: tuple[str, ...] = ()
    used: bool = True  # whether the measurement's median rests on it


class Window(Struct, frozen=True, kw_only=True):
    """One stretch of running back to back."""

    begin_s: float  # since the first one began
    end_s: float
    median_s: float
    tainted: tuple[str, ...] = ()


class Shape(Struct, frozen=True, kw_only=True):
    """One measurement: the latest of a model in its environment."""

    model: str  # with what tells its variants apart
    family: str
    origin: Origin
    weights: str
    placement: Verdict
    latency_s: float  # the median over invocations of their medians
    low_s: float | None  # its interval; None: a single invocation has none
    high_s: float | None
    confidence: float  # reached by the interval, 0..1
    tainted: tuple[str, ...]  # what makes the whole measurement unfit to compare
    report: str
    histogram: Histogram | None = None  # of the used invocations; None: too few samples
    strands: tuple[Strand, ...] = ()  # in measured order
    # Back to back after the rounds; empty: not run so.
    windows: tuple[Window, ...] = ()
    sustained_s: float | None = None  # median of the last third; None: not run so, or cut short
    sustained_ratio: float | None = None  # sustained_s / latency_s
    sustained_cut: bool = False  # it did not come to its end


class ShapeGroup(Struct, frozen=True, kw_only=True):
    """The measurements of one device, precision, origin and environment, the fastest first."""

    device: str
    precision: Precision
    origin: Origin
    machine: str
    environment: str
    rows: tuple[Shape, ...]


class Shapes(Struct, frozen=True, kw_only=True):
    """What a figure of distributions, or of sustained speed, is a function of."""

    groups: tuple[ShapeGroup, ...]
    skipped: tuple[Skipped, ...] = ()

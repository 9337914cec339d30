"""What work and traffic say about latencies: types only."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import Layer, Origin, Precision


class Placed(Struct, frozen=True, kw_only=True):
    """One layer on the roofline of a ridge point."""

    layer: Layer
    moved_bytes: int
    intensity: float  # MACs for each byte moved
    share: float  # of the model's time at that ridge point; 0..1
    bound: Literal["compute", "memory"]


class Roofline(Struct, frozen=True, kw_only=True):
    """One network, layer by layer, on hardware of one ridge point."""

    model: str
    input_px: int
    precision: Precision
    ridge_macs_per_byte: float
    macs: int
    moved_bytes: int
    memory_bound_share: float  # of the model's time
    layers: tuple[Placed, ...]
    unexplained: tuple[str, ...]


class FittedModel(Struct, frozen=True, kw_only=True):
    """A latency that a ridge point was fitted to, and what the fit makes of it."""

    model: str
    latency_s: float
    fitted_s: float


class LeftOut(Struct, frozen=True, kw_only=True):
    """A latency that nothing was fitted to, with the reason."""

    model: str
    reason: str


class RidgeFit(Struct, frozen=True, kw_only=True):
    """The ridge point and the scale that explain a device's latencies best.

    ``ridge_low``..``ridge_high``: the ridge points whose error is within a tenth of the least, so
    that the data can hardly tell them apart. Errors are root mean squares of logarithms.
    """

    device: str
    precision: Precision
    origin: Origin
    source: str
    ridge_macs_per_byte: float
    ridge_low: float
    ridge_high: float
    peak_macs_per_s: float
    peak_bytes_per_s: float
    error: float
    error_macs: float  # of latency proportional to MACs
    rank_correlation: float
    rank_correlation_macs: float
    models: tuple[FittedModel, ...]
    left_out: tuple[LeftOut, ...]
    paper_ridge: float | None = None  # Table 16 of the paper, where it has the device
    paper_rank_correlation: float | None = None
    paper_rank_correlation_macs: float | None = None


class Swept(Struct, frozen=True, kw_only=True):
    """One network over all ridge points: its time over that of the reference at the same one."""

    model: str
    relative: tuple[float, ...]


class Sweep(Struct, frozen=True, kw_only=True):
    """How networks compare from hardware that computes slowly to hardware that waits for memory."""

    precision: Precision
    reference: str
    ridges: tuple[float, ...]  # MACs per byte
    models: tuple[Swept, ...]


class LeftOneOut(Struct, frozen=True, kw_only=True):
    """One anchor, and what the others alone predict for it."""

    model: str
    macs: int
    latency_s: float
    predicted_s: float
    by_macs_s: float  # the plain MAC count's prediction from the same others


class Predictor(Struct, frozen=True, kw_only=True):
    """What a device's anchors make of any network's layers, and how well: see analysis.prediction.

    The time of a network is the sum over its layers of max(MACs / ridge, bytes) times the
    ``*_s_per_byte`` of the layer's class, ``layer_s`` for each layer and ``fixed_s`` once.
    """

    device: str
    precision: Precision
    origin: Origin  # of the anchors
    source: str
    ridge_macs_per_byte: float
    dense_s_per_byte: float  # convolutions, pointwise and linear
    depthwise_s_per_byte: float
    matmul_s_per_byte: float
    layer_s: float
    fixed_s: float
    anchors: tuple[LeftOneOut, ...]
    left_out: tuple[LeftOut, ...]
    mean_error: float  # mean of |predicted / measured - 1| over the anchors, each left out
    worst_error: float
    rank_correlation: float
    mean_error_macs: float
    rank_correlation_macs: float
    spread: float  # factor that holds ``coverage`` of the anchors, each left out
    coverage: float
    s_per_mac: float  # the plain MAC count's, the median over the anchors
    least_macs: int
    most_macs: int


class Predicted(Struct, frozen=True, kw_only=True):
    """One network on a device that is not there. A prediction, never a measurement.

    Of a network that is an anchor itself, ``latency_s`` is what the other anchors predict.
    """

    device: str
    model: str
    precision: Precision
    input_px: int
    macs: int
    latency_s: float
    low_s: float
    high_s: float
    coverage: float
    by_macs_s: float
    known_s: float | None = None  # what was measured or published for it
    origin: Literal["predicted"] = "predicted"


class Predictions(Struct, frozen=True, kw_only=True):
    """What ``predict --json`` prints."""

    predictor: Predictor
    predictions: tuple[Predicted, ...]
    refused: tuple[LeftOut, ...]
    skipped: tuple[Skipped, ...] = ()  # reports that could not be used


class Rooflines(Struct, frozen=True, kw_only=True):
    """What ``roofline --json`` prints."""

    rooflines: tuple[Roofline, ...] = ()
    fits: tuple[RidgeFit, ...] = ()
    sweep: Sweep | None = None
    skipped: tuple[Skipped, ...] = ()  # reports that could not be used

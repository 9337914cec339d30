"""How sure a front is: shares of resamples, contested pairs, the area under it, the best model."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records import AccuracySource, Origin, Precision

# What a front has on its first axis; the second is always top-1.
Objective = Literal["latency", "size", "peak-memory", "load-time", "instructions"]
# Of two models: the first dominates the second, the other way round, or neither.
Relation = Literal["first", "second", "neither"]


class Contested(Struct, frozen=True, kw_only=True):
    """Two models, the first on the front, of which it is open whether one dominates the other."""

    first: str
    second: str
    relation: Relation  # as measured
    share: float  # of resamples with another relation, 0..1


class Hypervolume(Struct, frozen=True, kw_only=True):
    """The area between the front and a reference point, for one basis of accuracies.

    In points of top-1 times doublings: a model one point above the reference at half of its cost
    adds 1. Only areas with the same reference may be compared.
    """

    value: float
    low: float | None  # 2.5 % of resamples lie below; None: no interval can be given
    high: float | None
    reference_x: float  # base units of the objective
    reference_top1: float  # percent
    # False: twice the highest cost and one point below the lowest top-1 of the models compared
    reference_given: bool
    accuracy_source: AccuracySource | None = None
    accuracy_data: str = ""


class Pick(Struct, frozen=True, kw_only=True):
    """The best model that keeps the limits, for one basis of accuracies.

    The most accurate, of equals the cheapest; with nothing but a least top-1 the cheapest, of
    equals the most accurate. Shares are of resamples, 0..1; None: nothing there to resample.
    """

    model: str | None  # None: no model keeps the limits
    share: float | None  # in which it is the best that keeps the limits
    keeps: float | None  # in which it keeps them
    runner_up: str | None  # most often the best where it is not; where it always is, the next one
    runner_up_share: float | None
    none_share: float | None  # in which no model keeps the limits
    accuracy_source: AccuracySource | None = None
    accuracy_data: str = ""


class Certainty(Struct, frozen=True, kw_only=True):
    """What resampling the invocations of a group's models says of its front."""

    resamples: int  # 0: nothing was resampled, and ``reason`` says why
    seed: int
    monte_carlo_error: float  # the largest standard error of a share, from their number alone
    contested_share: float  # pairs above this share are contested
    reason: str = ""
    evaluated: int = 0  # points whose measured top-1 is drawn again too
    paired: int = 0  # of them: on the same images as each other
    scant: tuple[str, ...] = ()  # of one or two invocations: without a probability
    few: tuple[str, ...] = ()  # of more, but too few for a 95 % interval of the median
    contested: tuple[Contested, ...] = ()  # the most contested first; of many, the first 200
    contested_count: int = 0
    hypervolumes: tuple[Hypervolume, ...] = ()
    picks: tuple[Pick, ...] = ()


class Limits(Struct, frozen=True, kw_only=True):
    """What a model must keep to be the best one."""

    max_latency_s: float | None = None
    min_top1: float | None = None  # percent


# --- across devices ---------------------------------------------------------------------------


class Column(Struct, frozen=True, kw_only=True):
    """One group of a front: a device at one precision in one environment."""

    device: str
    precision: Precision
    machine: str
    environment: str


class Cell(Struct, frozen=True, kw_only=True):
    """One model on one device; ``ratio`` is its cost over that of the front at its accuracy."""

    status: Literal["front", "dominated", "unknown"]  # unknown is never "off the front"
    ratio: float | None  # 1 on the front; None: unknown
    low: float | None = None  # 2.5 % of resamples lie below; None: nothing to resample
    high: float | None = None
    front_probability: float | None = None
    dominated_by: tuple[str, ...] = ()
    reason: str = ""  # why it is unknown
    open: bool = False  # as Point's: what was rounded away in print decides


class Spanned(Struct, frozen=True, kw_only=True):
    """One model over all devices; cells in the order of the columns."""

    model: str
    family: str
    cells: tuple[Cell, ...]
    on_front: int  # of ``known``
    known: int
    mean_ratio: float | None  # geometric, over the known cells; None: no cell is known
    worst_ratio: float | None
    worst_device: str
    # 95 % of resamples lie in these; None: on some known device nothing could be resampled.
    on_front_low: int | None = None
    on_front_high: int | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    everywhere_probability: float | None = None  # on the front on every known device


class FamilySpan(Struct, frozen=True, kw_only=True):
    """One family over all devices: a cell is one of its models on one device."""

    family: str
    models: int
    on_front: int  # cells
    known: int  # cells
    devices: int  # with a known cell
    mostly_on: int  # of them: more than half of its known cells are on the front
    open: int = 0  # known cells of which what was rounded away in print decides
    # 95 % of resamples lie in these; None: on some known device nothing could be resampled.
    on_front_low: int | None = None
    on_front_high: int | None = None


class Universality(Struct, frozen=True, kw_only=True):
    """Models across the devices of one origin."""

    origin: Origin
    objective: Objective
    columns: tuple[Column, ...]
    rows: tuple[Spanned, ...]  # by share of known devices on the front, then mean ratio
    families: tuple[FamilySpan, ...]  # by share of known cells on the front
    resamples: int  # 0: nothing could be resampled
    seed: int
    left_out: tuple[str, ...] = ()  # groups that do not count, and why

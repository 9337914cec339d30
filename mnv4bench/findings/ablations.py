"""An ablation of the paper, measured: types only."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import Origin, Precision, PublishedAblation


class Effect(Struct, frozen=True, kw_only=True):
    """A change as a fraction, -0.39 is 39 % less; the interval is of 95 %, by resampling.

    ``low`` and ``high`` are None where there are too few processes to resample.
    """

    value: float
    low: float | None = None
    high: float | None = None


class AblationRow(Struct, frozen=True, kw_only=True):
    """One variant. Without a latency or a count it was not measured, for ``why_not``."""

    model: str
    what: str
    params: int
    macs: int
    latency_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    instructions: int | None = None  # on a device that counts
    invocations: int = 0
    over_base: Effect | None = None  # None for the base itself
    weights: str = ""
    placement: str = "unproven"
    tainted: tuple[str, ...] = ()
    why_not: str = ""
    printed: PublishedAblation | None = None  # the paper's row


class Arithmetic(Struct, frozen=True, kw_only=True):
    """How the paper compares two of the rows, computed here from ours and from its own figures.

    "increment": (new - base) / (old - base) - 1. "gain": old / new - 1.
    """

    kind: Literal["increment", "gain"]
    old: str
    new: str
    here: Effect | None  # None: not measured, or what ``old`` adds is not told from nothing
    why_not: str = ""
    whole: Effect | None = None  # new / old - 1, of the whole model
    params: float | None = None  # as ``here``, of our counts
    macs: float | None = None
    printed: PublishedAblation | None = None  # in percent, as the paper prints it
    recomputed: dict[str, float] = {}  # device -> as ``here``, from the figures that it prints
    recomputed_whole: dict[str, float] = {}


class Ablation(Struct, frozen=True, kw_only=True):
    """One table of the paper, measured on one device in one report."""

    study: str
    table: str
    title: str
    citation: str
    report: str
    measured_at: str
    device: str
    machine: str
    format: str
    precision: Precision
    origin: Origin
    threads: int
    rows: tuple[AblationRow, ...]
    arithmetic: Arithmetic | None = None
    notes: tuple[str, ...] = ()


class Ablations(Struct, frozen=True, kw_only=True):
    """What ``ablate --json`` prints."""

    studies: tuple[Ablation, ...]
    skipped: tuple[Skipped, ...] = ()

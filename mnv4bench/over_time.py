"""What is concluded from several sessions: types only, in the shapes that ``--json`` prints.

Knows: the names of a history and of a comparison. Does not know: how either is reached or drawn.
Times are seconds; dates UTC, ISO 8601; confidences, certainties and p-values fractions.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings import Comparison, Skipped
from mnv4bench.records import Format, Origin, Precision, Verdict

Fact = str | int | bool | None


class KeyChange(Struct, frozen=True, kw_only=True):
    """A key that has one value before (or in A) and another after (or in B)."""

    key: str
    before: Fact
    after: Fact


# --- history ----------------------------------------------------------------------------------


class Moment(Struct, frozen=True, kw_only=True):
    """One measurement of a series. ``low_s``..``high_s`` is the interval of its own session."""

    report: str
    at: str
    commit: str | None
    latency_s: float
    low_s: float | None
    high_s: float | None
    confidence: float
    placement: Verdict
    artifact_sha256: str
    environment: str  # short digest of the must-match facts and the profile
    unused: str | None = None  # why no level rests on it; None: it is used


class Segment(Struct, frozen=True, kw_only=True):
    """Measurements at one level, of one environment. The interval is of their median."""

    began: Literal["first", "change", "environment"]
    changed: tuple[KeyChange, ...]  # the must-match keys, where the environment began it
    start: str
    end: str
    first: str  # report ids
    last: str
    commit: str | None  # of the first
    measurements: int
    latency_s: float
    low_s: float | None
    high_s: float | None
    confidence: float
    machine: str
    environment: str


class ChangePoint(Struct, frozen=True, kw_only=True):
    """The latency changed between two measurements that follow each other.

    ``ratio`` is after over before; ``ratio_low``..``ratio_high`` holds it with ``confidence``.
    ``p_value`` is the chance of so clear a change somewhere in a series without any.
    """

    at: str
    report: str
    commit: str | None
    at_before: str  # the last measurement of the level before
    report_before: str
    commit_before: str | None
    before_s: float
    after_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    confidence: float
    certainty: float  # 1 - p_value
    p_value: float
    direction: Literal["slower", "faster"]
    along: tuple[KeyChange, ...] = ()  # what changed there too: the file, the placement


class Series(Struct, frozen=True, kw_only=True):
    """One model on one device over time. Its changes lie inside segments of one environment."""

    device: str
    model: str
    family: str
    format: Format
    precision: Precision
    origin: Origin
    weights: str
    input_px: int | None
    chosen_shapes: str
    threads: int
    machine: str  # at the latest measurement
    # Where machines take turns, or files share a name, each has a series: what tells it apart.
    apart: str
    alike: float  # how much sessions close in time are alike: autocorrelation, 0..0.9
    moments: tuple[Moment, ...]
    segments: tuple[Segment, ...]
    changes: tuple[ChangePoint, ...]


class History(Struct, frozen=True, kw_only=True):
    """What ``history --json`` prints, and everything that its figure needs."""

    series: tuple[Series, ...]  # those that changed last first, then the steady ones
    false_alarms: float  # the chance of a change point where nothing changed, of each judged part
    judged: int  # parts of series, of one environment each, with enough measurements to judge
    least_change: float  # smaller ratios are not reported
    skipped: tuple[Skipped, ...] = ()


# --- comparison -------------------------------------------------------------------------------

Outcome = Literal["same", "faster", "slower", "inconclusive", "not comparable"]


class Side(Struct, frozen=True, kw_only=True):
    """What stands for one model on one side of a comparison."""

    reports: tuple[str, ...]
    device: str
    machine: str
    latency_s: float
    values: int  # invocations of one session, or sessions
    placement: Verdict
    artifact_sha256: str
    commit: str | None
    measured_at: str
    tainted: tuple[str, ...] = ()
    top1: float | None = None  # percent, as measured on this file
    top1_low: float | None = None
    top1_high: float | None = None
    dataset: str = ""


class Compared(Struct, frozen=True, kw_only=True):
    """One model in A and in B. ``ratio`` is B over A, within ``low``..``high``."""

    model: str
    precision: Precision
    weights: str
    input_px: int | None
    chosen_shapes: str
    origin: Origin
    verdict: Outcome
    reason: str  # one sentence or more; never empty
    rests_on: Literal["invocations", "sessions"]  # invocations: nothing of how sessions differ
    a: Side
    b: Side
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.0
    differing: tuple[KeyChange, ...] = ()  # must-match keys, allowed by --across or --anyway
    accuracy: Comparison | None = None  # on the same images, where both files were evaluated


class Comparisons(Struct, frozen=True, kw_only=True):
    """What ``compare --json`` prints."""

    models: tuple[Compared, ...]
    max_slowdown: float
    across: tuple[str, ...] = ()  # keys that were allowed to differ
    anyway: bool = False
    notes: tuple[str, ...] = ()  # what a reader must know of all of it
    skipped: tuple[Skipped, ...] = ()

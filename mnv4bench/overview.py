"""Everything that is concluded from a store of reports, as one value: what a report page shows.

Knows: the names of it, in the shapes that ``report --json`` prints. Does not know: how a conclusion
is reached or drawn. Times are seconds; dates UTC, ISO 8601.
"""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.findings import Evaluated, Front, Summary, Tally
from mnv4bench.over_time import History
from mnv4bench.records import Environment, Origin, Placement, Precision


class Step(Struct, frozen=True, kw_only=True):
    """One invocation of a measurement: a fresh process, as it came about."""

    round: int
    at: str
    latency_s: float  # the median of its samples
    samples: int
    # Medians of neighbouring values, in measured order: what a time line is drawn of. Empty: not
    # kept, as there are too many reports (Overview.stretches says so).
    warmup_s: tuple[float, ...] = ()
    timed_s: tuple[float, ...] = ()
    warmup_steady: bool | None = None
    temperature_before_c: float | None = None
    temperature_after_c: float | None = None
    frequency_hz: float | None = None  # mean of the cores in use, else as read before it
    load_s: float | None = None
    peak_memory_bytes: int | None = None
    tainted: tuple[str, ...] = ()


class Exhibit(Struct, frozen=True, kw_only=True):
    """One measurement that counts, with its evidence. ``label`` is its name within its group."""

    label: str
    figures: Summary | Tally | None  # None: it could not be measured
    model: str
    device: str
    precision: Precision
    origin: Origin
    environment: str
    report: str
    failure: str | None = None
    placement: Placement | None = None
    steps: tuple[Step, ...] = ()
    sustained_s: tuple[float, ...] = ()  # medians of the windows of running back to back


class Setting(Struct, frozen=True, kw_only=True):
    """One report's circumstances."""

    report: str
    title: str  # of the device profile
    started_at: str
    finished_at: str | None
    ended: str | None  # None: stopped, and not gone on with
    seed: int
    rounds: int
    environment: Environment
    notes: tuple[str, ...] = ()


class Overview(Struct, frozen=True, kw_only=True):
    """What ``report --json`` prints, and everything that the page needs."""

    front: Front  # with certainty and universality; over instructions where those were counted
    exhibits: tuple[Exhibit, ...]  # the latest of each variant, as the front has them
    settings: tuple[Setting, ...]  # of the reports that the exhibits are of
    stretches: bool  # whether the steps have ``warmup_s`` and ``timed_s``
    evaluations: tuple[Evaluated, ...] = ()
    history: History | None = None  # None: nothing was measured twice

"""Whether head is slower than base."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import Environment

GateVerdict = Literal["same", "slower", "faster", "inconclusive"]
GateMetric = Literal["seconds", "instructions"]
BudgetVerdict = Literal["within", "over", "inconclusive"]


class Observed(Struct, frozen=True, kw_only=True):
    """One process of a gate, with both sides in it (on a phone: one of each)."""

    base: float  # median of the turns' lower deciles, seconds; or a count of instructions
    head: float
    ratio: float  # head over base, of neighbouring turns: not the quotient of the two above
    base_first: bool
    confirming: bool  # of the second measurement
    tainted: tuple[str, ...] = ()


class Pair(Struct, frozen=True, kw_only=True):
    """One model of a gate: head over base, so 1.03 is 3 % slower.

    ``low``..``high`` covers this model's true ratio with probability ``confidence`` although it was
    looked at while it was measured. ``p`` is two-sided, holds at every look, and is corrected for
    the number of models; so is ``significant``. Where there was a second measurement all figures
    are of that one, which no alarm has selected; only ``first_ratio`` is of the first.
    """

    model: str
    ratio: float | None  # None: nothing was measured
    low: float | None  # None: too few processes to say
    high: float | None
    p: float | None
    significant: bool  # larger than this session's own noise explains
    relevant: bool  # nearer to max_slowdown (or its inverse) than to 1, and that not excluded
    verdict: GateVerdict
    blocks: int  # on either side, in the processes that the figures rest on
    confirmed: bool  # by an independent second measurement
    confidence: float  # of low..high, 0..1
    processes: int  # that the figures rest on
    processes_tainted: int  # set aside because something disturbed them
    reason: str  # why this verdict; never empty
    needs_more: int | None = None  # processes, about; None: decided, or more would not help
    first_ratio: float | None = None  # None: no second measurement
    smallest_detectable_ratio: float | None = None  # None: too few processes, or too wild, to say
    base_s: float | None = None  # median of the blocks' lower deciles; None with an exact metric
    head_s: float | None = None
    base_artifact_sha256: str = ""
    head_artifact_sha256: str = ""
    notes: tuple[str, ...] = ()
    observed: tuple[Observed, ...] = ()  # every process, in measured order
    unproven: bool = False  # head did not provably run where it was asked to


class Budget(Struct, frozen=True, kw_only=True):
    """One model's latency on its head side against the time that somebody has set for it; seconds.

    ``latency_s`` is the median over fresh processes of their medians, as ``run`` has it, and
    ``low_s``..``high_s`` covers the true one with probability ``confidence`` although it was looked
    at while it was measured, and for all budgets of the gate together.
    """

    model: str
    budget_s: float
    verdict: BudgetVerdict
    latency_s: float | None  # None: nothing was measured
    low_s: float | None  # None: too few processes to say
    high_s: float | None
    confidence: float
    processes: int
    processes_tainted: int
    confirmed: bool  # over in an independent second measurement too
    reason: str  # why this verdict; never empty
    artifact_sha256: str = ""
    unproven: bool = False  # it did not provably run where it was asked to


class Gate(Struct, frozen=True, kw_only=True):
    """What ``gate --json`` prints. A model over its budget makes the verdict "slower".

    ``false_alarm_rate`` bounds the probability that nothing changed and yet any of the pairs comes
    out slower. ``smallest_detectable_ratio`` is the smallest slowdown that this session, with its
    own noise and its limit of processes, would have called slower about 95 times of 100, in its
    noisiest pair; at best that is ``max_slowdown``.
    """

    verdict: GateVerdict  # slower before inconclusive before faster before same
    pairs: tuple[Pair, ...]
    false_alarm_rate: float
    smallest_detectable_ratio: float | None
    max_slowdown: float
    reason: str = ""
    device: str = ""
    unit: str = ""  # which of its kind: a serial number, the name of a machine
    environment: Environment | None = None  # None: nothing was measured
    measured_at: str = ""  # UTC, ISO 8601; empty: nothing was measured
    seed: int | None = None  # ordered models and sides
    budgets: tuple[Budget, ...] = ()
    metric: GateMetric = "seconds"
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

"""Whether head is slower than base."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped

GateVerdict = Literal["same", "slower", "faster", "inconclusive"]
GateMetric = Literal["seconds", "instructions"]


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


class Gate(Struct, frozen=True, kw_only=True):
    """What ``gate --json`` prints.

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
    metric: GateMetric = "seconds"
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

"""Where the time of an inference goes, operator by operator; never a latency."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mnv4bench.records.devices import Placement
from mnv4bench.records.words import MAX_SECONDS, Count, Duration

# Clocks of profilers tick in microseconds, so a short operator may take none.
OperatorSeconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
# mean: of all inferences. undisturbed: of those that are near an operator's own lower decile, since
# other programs only ever add time. plan: the runtime's estimate beforehand; nothing was timed.
Statistic = Literal["mean", "undisturbed", "plan"]

# processor: of the one thread that runs an inference; what interrupts it has no part in it.
Clock = Literal["wall", "processor"]


class OperatorTime(Struct, frozen=True, kw_only=True):
    """One operator as a runtime ran it. All text is the runtime's own, so it is untrusted."""

    operator: str  # its kind, in the runtime's words: "Conv", "Fully Connected (NC, F32) GEMM"
    seconds: OperatorSeconds  # of one inference, all its calls together
    name: str = ""  # what the runtime calls this very one
    node: Count | None = None  # which operator of the file's main graph it is, where that is told
    part: Count | None = None  # which of ``Operators.parts`` it is inside of
    whole: bool = False  # all of ``part`` at once: its delegate tells nothing of single operators
    calls: Annotated[int, Meta(ge=1)] = 1  # in one inference
    low_s: OperatorSeconds | None = None  # the least and the most of one inference
    high_s: OperatorSeconds | None = None


class Part(Struct, frozen=True, kw_only=True):
    """Operators of the file that a delegate runs as one."""

    delegate: str  # "XNNPACK", "TfLiteGpuDelegateV2"
    nodes: tuple[Count, ...]  # of the file's main graph, in its order


class Operators(Struct, frozen=True, kw_only=True):
    """What a profiler said of one file on one device."""

    runtime: str  # with version
    source: str  # which profiler, in words
    statistic: Statistic
    inferences: Count  # that were profiled
    operators: tuple[OperatorTime, ...]  # in the order in which they ran
    parts: tuple[Part, ...] = ()
    # One inference with the profiler and one without, taken in turns (the lower deciles, or means
    # where a program tells no more): what profiling costs. None: not known.
    profiled_s: Duration | None = None
    plain_s: Duration | None = None
    clock: Clock = "wall"  # by which the two were taken; operators' are the profiler's own
    placement: Placement | None = None
    notes: tuple[str, ...] = ()  # what a reader must know

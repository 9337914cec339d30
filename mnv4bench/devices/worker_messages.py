"""What the measured process is asked and what it answers: one JSON line each way.

Knows: their fields. Does not know: who asks (worker_process), or how it is measured (host_worker).
"""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.records import (
    Accelerator,
    Count,
    CudaTarget,
    Duration,
    Paired,
    Placement,
    RuntimeName,
    Samples,
    Timing,
)


class Request(Struct, frozen=True, kw_only=True):
    """What the parent asks for."""

    file: str
    runtime: RuntimeName
    accelerator: Accelerator = "cpu"  # which unit a runtime that has several is to use
    cuda: CudaTarget | None = None  # of runtime "torch"
    threads: int
    timing: Timing
    round: Count
    position: Count
    shapes: dict[str, tuple[int, ...]] = {}  # of inputs whose sizes the file leaves open, by name
    head: Second | None = None  # timed beside it, in alternating blocks
    period_s: Duration | None = None  # then at this beat too
    phone: Phone | None = None  # where the file runs; None: here


class Phone(Struct, frozen=True, kw_only=True):
    """A device that a process here speaks for: an iPhone, through coremltools' helper app."""

    udid: str
    folder: str  # where the helper app is built, and what is sent lies
    tools: str = ""  # the folder of devicectl, where it is on no PATH
    development_team: str = ""
    provisioning_profile: str | None = None
    bundle_identifier: str | None = None


class Second(Struct, frozen=True, kw_only=True):
    """A second file to time beside the first: the head beside the base."""

    file: str
    shapes: dict[str, tuple[int, ...]] = {}
    base_first: bool = True


class Measured(Struct, frozen=True, kw_only=True, tag="measured"):
    """The answer when it worked."""

    samples: Samples
    placement: Placement


class Beside(Struct, frozen=True, kw_only=True, tag="beside"):
    """The answer when two files were timed side by side."""

    paired: Paired


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The answer when the runtime would not have the file."""

    stage: str  # "load", "feed" (its inputs) or "run"
    reason: str  # the runtime's own words, one line
    file: str = ""  # which of two; empty: either


Answer = Measured | Beside | Refused

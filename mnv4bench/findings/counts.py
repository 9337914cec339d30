"""Instructions per inference, counted under an emulator: a cost, which is no latency."""

from __future__ import annotations

from msgspec import Struct

from mnv4bench.records import Format, Origin, Precision, Signal, Verdict, Weights


class Tally(Struct, frozen=True, kw_only=True):
    """One counted measurement in figures: what ``show`` lists beside those of Summary.

    The keys are Summary's; those of a latency are always null.
    """

    report: str  # report id
    device: str
    model: str
    family: str
    format: Format
    precision: Precision
    origin: Origin
    latency_s: None = None
    low_s: None = None
    high_s: None = None
    p90_s: None = None
    instructions: int  # the lower median of ``samples`` inferences
    instructions_low: int  # the least and the most of them; the same where the count is exact
    instructions_high: int
    load_instructions: int | None  # opening the file
    invocations: int  # processes, all of them used: what differs in one is said, not set aside
    samples: int
    placement: Verdict
    tainted: tuple[str, ...]
    artifact_sha256: str
    weights: Weights
    input_px: int | None
    size_bytes: int
    measured_at: str
    machine: str
    environment: str
    emulator: str  # with all that a count depends on beside the file and the runtime
    calibration: str | None = None
    chosen_shapes: str = ""
    signals: tuple[Signal, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every inference took as many."""
        return self.instructions_low == self.instructions_high

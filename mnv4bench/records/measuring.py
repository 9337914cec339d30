"""What was measured: samples with their circumstances, measurements, reports."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mnv4bench.records.artifacts import Artifact
from mnv4bench.records.devices import DeviceProfile, DeviceState, Environment, GpuState, Placement
from mnv4bench.records.words import (
    MAX_WHOLE,
    Count,
    Duration,
    Fraction,
    Origin,
    Seconds,
    Sha256,
)


class Timing(Struct, frozen=True, kw_only=True):
    """How one invocation is timed; the values and their reasons stand in bench.py."""

    warmup_window_s: Duration
    warmup_window_count: Annotated[int, Meta(ge=1)]
    warmup_agreement: Fraction
    warmup_cap_s: Duration
    min_count: Annotated[int, Meta(ge=1)]
    min_duration_s: Seconds
    max_duration_s: Duration
    input_seed: Count
    input_buffers: Annotated[int, Meta(ge=1)]


class Noise(Struct, frozen=True, kw_only=True):
    """Evidence about the timed interval of one invocation. None: not readable on this device."""

    wall_s: Seconds
    cpu_s: Seconds | None = None  # of the process, all threads
    involuntary_switches: Count | None = None
    steal_s: Seconds | None = None  # all processors together, taken by the hypervisor
    pressure_s: Seconds | None = None  # some runnable task waited for a processor
    frequency_before_hz: float | None = None
    frequency_after_hz: float | None = None
    temperature_before_c: float | None = None
    temperature_after_c: float | None = None
    frequency_mean_hz: float | None = None  # of the cores in use, by their time at each frequency
    thermal_status_before: Count | None = None  # DeviceState's
    thermal_status_after: Count | None = None


class Spread(Struct, frozen=True, kw_only=True):
    """What a benchmark program says of the inferences behind its one mean; it gives no single ones.

    As TFLite's statistics have them: percentiles are nearest ranks, std is of the population.
    """

    median_s: Duration | None = None
    p5_s: Duration | None = None
    p95_s: Duration | None = None
    min_s: Duration | None = None
    max_s: Duration | None = None
    std_s: Seconds | None = None


class Paced(Struct, frozen=True, kw_only=True):
    """Inferences that begin at a beat, as an app's do that looks at a camera.

    Never mixed with those back to back: a unit whose clock follows demand is slower between rests.
    """

    period_s: Duration  # from the beginning of one to the beginning of the next
    latencies_s: Annotated[tuple[Duration, ...], Meta(min_length=1)]  # in measured order


class Samples(Struct, frozen=True, kw_only=True):
    """One invocation: one fresh process that loaded the artifact and timed inferences."""

    round: Count
    position: Count  # place within its round
    started_at: str  # UTC, ISO 8601
    latencies_s: Annotated[tuple[Duration, ...], Meta(min_length=1)]  # in measured order
    inferences_per_value: Annotated[int, Meta(ge=1, le=MAX_WHOLE)] = 1
    warmup_s: tuple[Duration, ...] = ()  # in measured order, the first inference first
    warmup_steady: bool | None = None  # False: the cap came before two windows agreed
    load_s: Seconds | None = None
    warm_load_s: Seconds | None = None  # loaded again, when the system had made it ready before
    first_inference_s: Duration | None = None
    loop_overhead_s: Seconds | None = None  # per inference: reading the clock and keeping the value
    capped: bool = False  # max_duration_s came before min_count and min_duration_s were reached
    spread: Spread | None = None  # of the inferences behind one mean
    warmup_inferences: Count | None = None  # where warmup_s is the mean of so many
    peak_memory_bytes: Count | None = None
    # None: ``latencies_s`` are back to back. Else its inferences began so far apart on average,
    # because the way to the device takes that long.
    apart_s: Duration | None = None
    paced: Paced | None = None  # measured after those of ``latencies_s``
    # Of a GPU, by its own clock: of the inferences of latencies_s, in the same order. A latency is
    # from the call to its answer; the rest of it is the host's part.
    device_s: tuple[Duration, ...] = ()
    gpu_before: GpuState | None = None  # warm, just before the first timed inference
    gpu_after: GpuState | None = None
    noise: Noise
    tainted: tuple[str, ...] = ()  # reasons that make it unfit to compare


class Round(Struct, frozen=True, kw_only=True):
    """What a device was before and after one round; a phone has little else to show for itself."""

    round: Count
    probe_before_s: Duration | None = None  # a fixed piece of work on the device's processor
    probe_after_s: Duration | None = None
    thermal_status_before: int | None = None
    thermal_status_after: int | None = None
    screen_before: str | None = None  # DeviceState's
    screen_after: str | None = None
    low_power_before: bool | None = None
    low_power_after: bool | None = None


class Paired(Struct, frozen=True, kw_only=True):
    """Two files timed side by side, in alternating blocks, so that what drifts hurts both alike.

    One process that holds both, where the device can; elsewhere two processes in turn, with one
    block each. A block's value is the median of its inferences (a benchmark program's: the mean).
    """

    started_at: str  # UTC, ISO 8601
    base_s: Annotated[tuple[Duration, ...], Meta(min_length=1)]  # per block, in measured order
    head_s: Annotated[tuple[Duration, ...], Meta(min_length=1)]
    base_first: bool  # whose block came first; blocks alternate from there
    inferences_per_block: Annotated[int, Meta(ge=1)]
    base_placement: Placement
    head_placement: Placement
    noise: Noise
    tainted: tuple[str, ...] = ()


class Counted(Struct, frozen=True, kw_only=True):
    """One invocation that was counted instead of timed: one fresh process under an emulator.

    A cost and never a latency: an emulator has no caches, no memory to wait for, no pipeline.
    """

    round: Count
    position: Count  # place within its round
    started_at: str  # UTC, ISO 8601
    # Of each inference, in measured order: the instructions that the program under the emulator
    # executed, less those of marking where an inference begins and ends.
    instructions: Annotated[tuple[Count, ...], Meta(min_length=1)]
    load_instructions: Count | None = None  # opening the file, until the first inference is ready
    outputs_sha256: Sha256 | None = None  # of every inference's outputs, in order
    tainted: tuple[str, ...] = ()  # reasons that make it unfit to compare


class Measurement(Struct, frozen=True, kw_only=True):
    """One artifact on one device: its invocations, its placement, the state before and after."""

    artifact: Artifact
    origin: Origin = "measured"
    invocations: tuple[Samples, ...] = ()
    counts: tuple[Counted, ...] = ()  # of origin "emulated", which has no invocations
    placement: Placement | None = None  # None: nothing ran yet
    state_before: DeviceState | None = None
    state_after: DeviceState | None = None
    # Back to back, after the rounds: what is left of the speed when the device gets warm.
    sustained: tuple[Samples, ...] = ()
    sustained_cut: bool = False  # it did not come to the end of that time
    failure: str | None = None  # the sentence why it could not be measured

    @property
    def has_figures(self) -> bool:
        """Whether it was timed or counted at least once."""
        return bool(self.invocations or self.counts)


class Plan(Struct, frozen=True, kw_only=True):
    """What a run set out to do; enough to go on with it after a stop."""

    seed: Count  # orders the models within each round
    min_rounds: Annotated[int, Meta(ge=1)]
    max_rounds: Annotated[int, Meta(ge=1)]
    target: Fraction  # half width of the interval over the median, e.g. 0.01
    timing: Timing
    sustained_s: Duration | None = None  # how long each model then runs back to back
    cool_wait_s: Seconds | None = None  # how long a hot device may cool; None: bench.COOL_WAIT_S
    missing: tuple[str, ...] = ()  # models that were asked for and could not be exported, and why


Ended = Literal["precise", "round limit", "interrupted", "failed"]


class Report(Struct, frozen=True, kw_only=True):
    """One run: measurements that share a profile and an environment; one file."""

    report: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$")]
    profile: DeviceProfile
    environment: Environment
    plan: Plan
    measurements: tuple[Measurement, ...]
    started_at: str
    finished_at: str | None = None  # set when sealed
    ended: Ended | None = None  # None: still running, or killed
    rounds: tuple[Round, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader must know, e.g. that the machine was busy

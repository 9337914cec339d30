"""What happened: the frozen values that travel between making reports and reading them.

Knows: names, units and ranges. Does not know: files, JSON, statistics, torch or any runtime.
Units are base units and stand in the name: ``_s`` seconds, ``_bytes``, ``_hz``, ``_c`` degrees
Celsius, ``_fraction`` 0..1; top-1 is in percent. ``None`` means unknown, never "fine".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Format = Literal["tflite", "onnx", "coreml"]
# int8: weights and activations. int8-dynamic (TFLite): int8 weights, activations quantised while
# running. int8-weights and palette4 (Core ML): weights stored in 8 bits or as 4-bit indices into a
# palette, computed with in fp16.
Precision = Literal["fp32", "fp16", "int8", "int8-dynamic", "int8-weights", "palette4"]
ActivationType = Literal["uint8", "int8"]
RunnerName = Literal["host", "android", "ssh", "apple", "cuda", "emulated", "replay"]
RuntimeName = Literal["litert", "onnxruntime", "coreml"]
Accelerator = Literal["cpu", "gpu", "edgetpu", "hexagon", "ane"]
Origin = Literal["measured", "published", "predicted", "emulated"]
Verdict = Literal["full", "partial", "none", "unproven"]
AccuracySource = Literal["paper", "timm", "measured"]

# The largest single time that is believed: one hour. Longer ones are a damaged file, not a model.
MAX_SECONDS = 3600.0
Duration = Annotated[float, Meta(gt=0, le=MAX_SECONDS)]
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


# --- models and artifacts -------------------------------------------------------------------


class Accuracy(Struct, frozen=True, kw_only=True):
    """One top-1 on ImageNet-1k validation, with its training and its source."""

    top1: Annotated[float, Meta(ge=0, le=100)]  # percent
    source: AccuracySource
    weights: str  # which training, e.g. "mobilenetv4_conv_small.e2400_r224_in1k"
    input_px: Annotated[int, Meta(gt=0)]  # at which resolution it was evaluated
    citation: str


class ModelEntry(Struct, frozen=True, kw_only=True):
    """One row of the catalog: a network, before any weights."""

    model: Name
    family: Name
    input_px: Annotated[int, Meta(gt=0)]
    params: Count | None  # as trained, 1000 classes
    macs: Count | None  # deployed form at input_px: convolutions, linears, attention matmuls
    accuracies: tuple[Accuracy, ...] = ()


class Weights(Struct, frozen=True, kw_only=True):
    """Where the numbers inside an artifact come from."""

    kind: Literal["random", "timm", "file", "own"]  # own: inside a file that the user brought
    detail: str  # "seed 0", a timm tag, a file name
    sha256: Sha256 | None = None  # of the tensors, where they were seen

    @property
    def text(self) -> str:
        """``"random (seed 0)"``, a timm tag, a file name."""
        return f"random ({self.detail})" if self.kind == "random" else self.detail


Deviation = Annotated[float, Meta(gt=0)]


class Preprocessing(Struct, frozen=True, kw_only=True):
    """How an image becomes a network's input: resize, centre crop, scale to 0..1, normalise."""

    resize_px: Annotated[int, Meta(gt=0)]  # the shorter side is resized to this
    crop_px: Annotated[int, Meta(gt=0)]  # then the centre square of this side is cut out
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]  # RGB, of pixels in 0..1; subtracted
    std: tuple[Deviation, Deviation, Deviation]  # RGB, of pixels in 0..1; divided by
    source: str  # whose it is: "timm mobilenetv4_conv_small.e2400_r224_in1k", "ImageNet's usual"


class Calibration(Struct, frozen=True, kw_only=True):
    """What the ranges of a quantised artifact's activations were taken from."""

    kind: Literal["images", "synthetic"]
    detail: str  # the folder's name, or "seed 0"
    count: Annotated[int, Meta(ge=1)]
    sha256: Sha256  # of the inputs, as tensors in order

    @property
    def text(self) -> str:
        """``"synthetic calibration"``, or ``"calibrated on 128 images of FOLDER"``."""
        if self.kind == "synthetic":
            return "synthetic calibration"
        return f"calibrated on {self.count} images of {self.detail}"


class Parity(Struct, frozen=True, kw_only=True):
    """How an artifact's outputs were compared with the network's in fp32 on the exporting host."""

    max_abs_error: Annotated[float, Meta(ge=0)]
    max_rel_error: Annotated[
        float, Meta(ge=0)
    ]  # largest absolute error over largest |torch output|
    tolerance: Annotated[float, Meta(gt=0)]  # limit of what ``judged_by`` names
    tolerance_reason: str
    inputs: Count  # number of inputs compared
    runtime: str  # which runtime ran the file, with version
    # An error has to stay under its tolerance, a ratio of signal to noise above.
    judged_by: Literal["max_rel_error", "sqnr_db"] = "max_rel_error"
    cosine: Annotated[float, Meta(ge=-1, le=1)] | None = None  # the smallest over the inputs
    sqnr_db: float | None = None  # signal over noise of all outputs, centred; None: no noise at all
    reference: str = "torch"  # what ran the network
    input_kind: str = "seeded"  # "seeded natural-image statistics", "images of FOLDER"


class Structure(Struct, frozen=True, kw_only=True):
    """What was checked of a Core ML artifact without running it."""

    not_run: str  # "not run here: Core ML runs on macOS, and this is Linux"; empty: parity ran it
    operators: dict[str, int]  # type -> count, constants left out
    input: str  # e.g. "input float16 (1, 3, 224, 224)"
    output: str
    compute: str  # the precision that the operators compute in, e.g. "float16"
    weights_compared: Count  # tensors of the file held against torch's folded ones
    max_weight_error: Annotated[float, Meta(ge=0)]  # see tolerance_reason for relative to what
    tolerance: Annotated[float, Meta(gt=0)]  # what max_weight_error had to stay under
    tolerance_reason: str
    # The program worked out in torch, with torch's weights: largest error of an output over the
    # largest output. None: it has an operator that is not written out there.
    program_error: Annotated[float, Meta(ge=0)] | None = None
    program_tolerance: Annotated[float, Meta(gt=0)] | None = None


class Artifact(Struct, frozen=True, kw_only=True):
    """One exported file: model + weights + format + precision + exporter, named by its digest."""

    model: Name
    family: Name
    format: Format
    precision: Precision
    sha256: Sha256
    size_bytes: Count
    weights: Weights
    input_shape: tuple[int, ...] | None = None  # as the file wants it; TFLite is NHWC, ONNX NCHW
    params: Count | None = None
    macs: Count | None = None
    spec_sha256: Sha256 | None = None  # of the architecture's definition
    exporter: dict[str, str] = {}  # package -> version
    parity: Parity | None = None  # None: a file that the user brought, or one not run here
    structure: Structure | None = None  # of Core ML, which the exporting host may not run
    preprocessing: Preprocessing | None = None  # of the weights; None: not known
    calibration: Calibration | None = None  # None: nothing was calibrated
    activations: ActivationType | None = None  # of an ONNX int8 file
    deployment_target: str | None = None  # of a Core ML file, e.g. "iOS16"
    # Of every input of a file that leaves sizes open, by name, as chosen with --shape.
    input_shapes: dict[str, tuple[int, ...]] = {}
    # Files beside this one that hold some of its weights; its digest and size are over them too.
    data_files: tuple[str, ...] = ()

    @property
    def chosen_shapes(self) -> str:
        """``"1x128"``, ``"ids 1x128, mask 1x128"``; empty where the file leaves nothing open."""
        shapes = {name: "x".join(map(str, shape)) for name, shape in self.input_shapes.items()}
        if len(shapes) == 1:
            return next(iter(shapes.values()))
        return ", ".join(f"{name} {shape}" for name, shape in shapes.items())

    @property
    def input_px(self) -> int | None:
        """Spatial size of a square image input, whichever the layout; None if it is not one."""
        if self.input_shape is None or len(self.input_shape) != 4:
            return None
        return self.input_shape[2]  # (N, H, W, C) and (N, C, H, W) agree on index 2 for H == W


class PublishedLatency(Struct, frozen=True, kw_only=True):
    """One cell of a published table: never a measurement of ours."""

    model: Name
    family: Name
    device: Name
    status: Literal["ok", "failed", "not_benchmarked"]
    latency_s: Duration | None
    top1: Annotated[float, Meta(ge=0, le=100)]
    input_px: Annotated[int, Meta(gt=0)]
    precision: Precision
    citation: str
    confidence: str  # how many independent sources the figure was read from


# --- devices ----------------------------------------------------------------------------------


class DeviceProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device-and-accelerator, as written in device_profiles/<device>.toml."""

    device: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    title: Name
    runner: RunnerName
    runtime: RuntimeName
    format: Format
    precision: Precision
    accelerator: Accelerator
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    activations: ActivationType | None = None  # ONNX int8: what the target's kernels take
    deployment_target: str | None = None  # Core ML: the oldest system that has to run it
    soc: str | None = None
    source: str | None = None  # where the facts of this file come from
    notes: str | None = None


class Signal(Struct, frozen=True, kw_only=True):
    """One piece of evidence about where a model ran."""

    name: str  # e.g. "session providers", "delegate nodes", "runtime log"
    evidence: str  # what was read, verbatim where short
    says: Verdict


class Placement(Struct, frozen=True, kw_only=True):
    """Which operators ran on which unit, and how that is known."""

    verdict: Verdict
    unit: str  # e.g. "cpu (XNNPACK)"
    operators: Count | None = None
    on_unit: Count | None = None  # of those, how many the asked-for unit took
    signals: tuple[Signal, ...] = ()


def _fact(meaning: str, *, must_match: bool = False) -> Any:
    return Meta(description=meaning, extra={"must_match": must_match})


class Environment(Struct, frozen=True, kw_only=True):
    """What a report's device and software were. This declaration is the table of keys.

    Keys marked ``must_match`` have to agree before two latencies may be compared.
    """

    machine: Annotated[str | None, _fact("computer, board or phone model")] = None
    cpu_model: Annotated[str | None, _fact("processor name", must_match=True)] = None
    cpu_count: Annotated[int | None, _fact("logical processors", must_match=True)] = None
    architecture: Annotated[str | None, _fact("instruction set", must_match=True)] = None
    memory_bytes: Annotated[int | None, _fact("physical memory")] = None
    virtualization: Annotated[str | None, _fact("hypervisor, if any", must_match=True)] = None
    os_name: Annotated[str | None, _fact("operating system", must_match=True)] = None
    os_version: Annotated[str | None, _fact("kernel or OS build")] = None
    runtime_name: Annotated[str | None, _fact("inference runtime", must_match=True)] = None
    runtime_version: Annotated[str | None, _fact("its version", must_match=True)] = None
    python_version: Annotated[str | None, _fact("Python that drove the runtime")] = None
    tool_version: Annotated[str | None, _fact("mnv4bench version")] = None
    commit: Annotated[str | None, _fact("git commit of the folder it was run in")] = None


def must_match_facts(environment: Environment) -> dict[str, str | int | None]:
    """The keys that have to agree before two latencies may be compared, with their values."""
    info = msgspec.inspect.type_info(Environment)
    assert isinstance(info, msgspec.inspect.StructType)
    return {
        field.name: getattr(environment, field.name)
        for field in info.fields
        if isinstance(field.type, msgspec.inspect.Metadata)
        and (field.type.extra or {}).get("must_match")
    }


class DeviceState(Struct, frozen=True, kw_only=True):
    """What changes while measuring; read before and after."""

    taken_at: str  # UTC, ISO 8601
    cpu_busy_fraction: Fraction | None = None  # of all processors, over a short interval
    load_1m: Annotated[float, Meta(ge=0)] | None = None
    memory_available_bytes: Count | None = None
    frequency_hz: Annotated[float, Meta(ge=0)] | None = None
    governor: str | None = None
    temperature_c: float | None = None
    on_battery: bool | None = None
    battery_fraction: Fraction | None = None


# --- measuring --------------------------------------------------------------------------------


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


class Samples(Struct, frozen=True, kw_only=True):
    """One invocation: one fresh process that loaded the artifact and timed inferences."""

    round: Count
    position: Count  # place within its round
    started_at: str  # UTC, ISO 8601
    latencies_s: Annotated[tuple[Duration, ...], Meta(min_length=1)]  # in measured order
    inferences_per_value: Annotated[int, Meta(ge=1)] = 1
    warmup_s: tuple[Duration, ...] = ()  # in measured order, the first inference first
    warmup_steady: bool | None = None  # False: the cap came before two windows agreed
    load_s: Seconds | None = None
    first_inference_s: Duration | None = None
    loop_overhead_s: Seconds | None = None  # per inference: reading the clock and keeping the value
    capped: bool = False  # max_duration_s came before min_count and min_duration_s were reached
    noise: Noise
    tainted: tuple[str, ...] = ()  # reasons that make it unfit to compare


class Measurement(Struct, frozen=True, kw_only=True):
    """One artifact on one device: its invocations, its placement, the state before and after."""

    artifact: Artifact
    origin: Origin = "measured"
    invocations: tuple[Samples, ...] = ()
    placement: Placement | None = None  # None: nothing ran yet
    state_before: DeviceState | None = None
    state_after: DeviceState | None = None
    failure: str | None = None  # the sentence why it could not be measured


class Plan(Struct, frozen=True, kw_only=True):
    """What a run set out to do; enough to go on with it after a stop."""

    seed: Count  # orders the models within each round
    min_rounds: Annotated[int, Meta(ge=1)]
    max_rounds: Annotated[int, Meta(ge=1)]
    target: Fraction  # half width of the interval over the median, e.g. 0.01
    timing: Timing
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
    notes: tuple[str, ...] = ()  # what a reader must know, e.g. that the machine was busy


# --- accuracy -----------------------------------------------------------------------------------

UNREADABLE = -1
Rank = Annotated[int, Meta(ge=UNREADABLE)]


class DataSet(Struct, frozen=True, kw_only=True):
    """A folder of labelled images, as it was at the time."""

    name: Name  # the folder's
    sha256: Sha256  # over each image's path in the folder, class and content, in order
    count: Annotated[int, Meta(ge=1)]  # images, unreadable ones included
    numbering: str  # how a label became the number of an output, e.g. "ImageNet synsets"


class UnreadableImage(Struct, frozen=True, kw_only=True):
    """An image that was no part of the evaluation."""

    name: str  # its path in the folder
    reason: str


class Evaluation(Struct, frozen=True, kw_only=True):
    """One artifact on one data set: for each image how many classes came before its own."""

    artifact: Artifact
    dataset: DataSet
    preprocessing: Preprocessing
    environment: Environment  # the runtime's name is its package's
    decoder: str | None = None  # the package that decoded the images, with version
    classes: Annotated[int, Meta(ge=2)]  # outputs of the artifact
    # In the data set's order. 0: the image's own class scored highest; UNREADABLE: not an image.
    # Of equal scores the lower class comes first; an output that is not finite ranks last.
    ranks: tuple[Rank, ...] = ()
    unreadable: tuple[UnreadableImage, ...] = ()  # one for each such rank, in order
    started_at: str
    finished_at: str | None = None  # set when sealed

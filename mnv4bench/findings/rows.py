"""Tidy tables: one row a measurement, an invocation or a sample. The declarations are the columns.

Names are stable: a column may be added, none is renamed. Units stand in the names as everywhere
(records): seconds, bytes, hertz, degrees Celsius, percent. An empty cell is unknown or has no
meaning for that row. docs/data.md shows the same text; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from mnv4bench.records import Origin

RowKind = Literal["measurements", "invocations", "samples"]


def _says(meaning: str) -> Meta:
    return Meta(description=meaning)


Report = Annotated[str, _says("id of the report, the name of its file; empty: published")]
Device = Annotated[str, _says("id of the device profile")]
Model = Annotated[str, _says("name of the model, or of the file that was brought")]
FormatOf = Annotated[str | None, _says("tflite, onnx or coreml")]
PrecisionOf = Annotated[str, _says("fp32, fp16, int8, int8-dynamic, int8-weights, palette4")]
InputPx = Annotated[int | None, _says("side of the square input image, in pixels")]
OriginOf = Annotated[
    Origin, _says("measured, published, predicted or emulated: never to be mixed in one series")
]
Digest = Annotated[str | None, _says("SHA-256 of the file that ran")]
Tainted = Annotated[
    str | None, _says("why it is unfit to compare, reasons joined by '; '; empty: it is fit")
]
Instructions = Annotated[
    int | None, _says("instructions per inference under an emulator: a cost, no latency")
]
PerValue = Annotated[
    int | None, _says("inferences that one value is the mean of; 1: each was timed by itself")
]


class MeasurementRow(Struct, frozen=True, kw_only=True):
    """One artifact on one device in one report, or one cell of a published table."""

    report: Report
    measured_at: Annotated[str | None, _says("UTC, ISO 8601: when its last invocation began")]
    origin: OriginOf
    device: Device
    machine: Annotated[str, _says("device and runtime in words")]
    environment: Annotated[
        str | None,
        _says("digest of all that must agree before latencies are compared; empty: published"),
    ]
    model: Model
    family: Annotated[str, _says("MobileNetV4, FastViT, own file and so on")]
    format: FormatOf
    precision: PrecisionOf
    input_px: InputPx
    weights: Annotated[str, _says("whose weights: random (seed 0), a timm tag, a file name")]
    artifact_sha256: Digest
    size_bytes: Annotated[int | None, _says("size of the file")]
    params: Annotated[int | None, _says("parameters as trained")]
    macs: Annotated[int | None, _says("multiply-accumulates of one inference")]
    calibration: Annotated[str | None, _says("what ranges of a quantised file were taken from")]
    accelerator: Annotated[str | None, _says("cpu, gpu, edgetpu, hexagon, npu or ane")]
    runtime: Annotated[str | None, _says("inference runtime")]
    runtime_version: Annotated[str | None, _says("its version")]
    threads: Annotated[int | None, _says("threads of the runtime")]
    latency_s: Annotated[
        float | None, _says("median over invocations of their medians; published: as printed")
    ]
    low_s: Annotated[
        float | None, _says("lower end of its interval; empty: a single invocation has none")
    ]
    high_s: Annotated[float | None, _says("upper end")]
    confidence: Annotated[
        float | None, _says("that low_s..high_s covers the true median, 0..1 (95 % from six on)")
    ]
    p90_s: Annotated[
        float | None,
        _says("bound of the 90th percentile at 99 %; empty: too few samples, or means"),
    ]
    sustained_s: Annotated[float | None, _says("back to back when warm; empty: not run so")]
    paced_s: Annotated[float | None, _says("at a beat, with rest between; empty: not run so")]
    device_s: Annotated[
        float | None, _says("the GPU's part of it by its own clock, where it tells; CUDA alone")
    ]
    load_s: Annotated[float | None, _says("loading the file, median over invocations")]
    warm_load_s: Annotated[
        float | None, _says("loading it again, when the system had made it ready")
    ]
    first_inference_s: Annotated[float | None, _says("the first inference, median")]
    peak_memory_bytes: Annotated[
        int | None, _says("of the process, the largest invocation; CUDA: of the tensors on the GPU")
    ]
    instructions: Instructions
    instructions_low: Annotated[int | None, _says("the least of any inference; equal: exact")]
    instructions_high: Annotated[int | None, _says("the most of any inference")]
    load_instructions: Annotated[int | None, _says("instructions of opening the file")]
    invocations: Annotated[int | None, _says("fresh processes that the figures rest on")]
    invocations_tainted: Annotated[int | None, _says("set aside as disturbed")]
    samples: Annotated[int | None, _says("values that the figures rest on")]
    inferences_per_value: PerValue
    placement: Annotated[
        str | None, _says("full, partial, none or unproven: whether it ran on the unit asked for")
    ]
    placement_unit: Annotated[str | None, _says("the unit, e.g. cpu (XNNPACK)")]
    operators: Annotated[int | None, _says("operators in the file")]
    operators_on_unit: Annotated[int | None, _says("of those, on the unit")]
    cost_on_unit: Annotated[
        float | None, _says("of the cost that the runtime estimates, the share on the unit, 0..1")
    ]
    top1_percent: Annotated[
        float | None, _says("ImageNet top-1, or on the data set that eval was given")
    ]
    top1_low_percent: Annotated[float | None, _says("lower end of a measured accuracy")]
    top1_high_percent: Annotated[float | None, _says("upper end")]
    accuracy_source: Annotated[
        str | None,
        _says(
            "measured: by mnv4bench eval on this very file; timm, paper: published, of the float "
            "network, trained; table: printed beside the published latency"
        ),
    ]
    tainted: Tainted
    failure: Annotated[str | None, _says("why there is no latency")]
    citation: Annotated[str | None, _says("of a published row: where it was printed")]
    commit: Annotated[str | None, _says("git commit of the folder that was measured in")]
    tool_version: Annotated[str | None, _says("mnv4bench that measured")]


class InvocationRow(Struct, frozen=True, kw_only=True):
    """One fresh process: the unit of replication."""

    report: Report
    origin: OriginOf
    device: Device
    model: Model
    format: FormatOf
    precision: PrecisionOf
    input_px: InputPx
    artifact_sha256: Digest
    phase: Annotated[
        str, _says("burst (the rounds), sustained (back to back) or counted (instructions)")
    ]
    round: Annotated[int, _says("round of the run, from 0; of sustained: the window")]
    position: Annotated[int, _says("place within its round, from 0")]
    started_at: Annotated[str, _says("UTC, ISO 8601")]
    median_s: Annotated[float | None, _says("median of its samples, warm-up left out")]
    min_s: Annotated[float | None, _says("the fastest sample")]
    max_s: Annotated[float | None, _says("the slowest sample")]
    instructions: Instructions
    samples: Annotated[int, _says("values, warm-up left out")]
    inferences_per_value: PerValue
    program_median_s: Annotated[
        float | None, _says("of single inferences, as a phone's benchmark program says")
    ]
    program_p5_s: Annotated[float | None, _says("the same, 5th percentile")]
    program_p95_s: Annotated[float | None, _says("the same, 95th percentile")]
    paced_s: Annotated[float | None, _says("median at a beat, of the second half")]
    paced_period_s: Annotated[float | None, _says("the beat: from one inference to the next")]
    apart_s: Annotated[
        float | None, _says("how far apart its inferences began; empty: back to back")
    ]
    device_s: Annotated[
        float | None, _says("the GPU's part of median_s, by its own clock; CUDA alone")
    ]
    load_s: Annotated[float | None, _says("loading the file")]
    warm_load_s: Annotated[
        float | None, _says("loading it again, when the system had made it ready")
    ]
    first_inference_s: Annotated[float | None, _says("the first inference")]
    warmup_samples: Annotated[int | None, _says("values of the warm-up")]
    warmup_steady: Annotated[bool | None, _says("false: the warm-up ended at its cap")]
    capped: Annotated[bool | None, _says("true: ended at the cap before count and duration")]
    peak_memory_bytes: Annotated[int | None, _says("of the process")]
    wall_s: Annotated[float | None, _says("length of the timed interval")]
    cpu_s: Annotated[float | None, _says("processor time of the process in it, all threads")]
    involuntary_switches: Annotated[int | None, _says("times that another program came first")]
    steal_s: Annotated[float | None, _says("processor time that a hypervisor took")]
    pressure_s: Annotated[float | None, _says("time that some task waited for a processor")]
    frequency_before_hz: Annotated[float | None, _says("clock before")]
    frequency_after_hz: Annotated[float | None, _says("clock after")]
    frequency_mean_hz: Annotated[float | None, _says("clock in between, by time")]
    temperature_before_c: Annotated[float | None, _says("temperature before")]
    temperature_after_c: Annotated[float | None, _says("temperature after")]
    thermal_status_before: Annotated[int | None, _says("Android's, 0 none to 6 shutdown")]
    thermal_status_after: Annotated[int | None, _says("the same, after")]
    tainted: Tainted


class SampleRow(Struct, frozen=True, kw_only=True):
    """One timed value of one invocation. The warm-up is among them: filter by ``phase``."""

    report: Report
    origin: OriginOf
    device: Device
    model: Model
    format: FormatOf
    precision: PrecisionOf
    input_px: InputPx
    artifact_sha256: Digest
    phase: Annotated[
        str, _says("warm-up (feeds no figure), timed, paced, sustained or counted (instructions)")
    ]
    round: Annotated[int, _says("as of its invocation")]
    position: Annotated[int, _says("as of its invocation")]
    inferences_per_value: PerValue
    tainted: Annotated[bool, _says("whether its invocation was disturbed")]
    index: Annotated[int, _says("place within its phase, from 0, in measured order")]
    latency_s: Annotated[float | None, _says("of one inference, or the mean of several")]
    instructions: Instructions


class SampleRun(NamedTuple):
    """The samples of one phase of one invocation: rows that differ in three columns alone."""

    first: SampleRow
    latencies_s: tuple[float, ...]  # empty where instructions were counted
    instructions: tuple[int, ...]  # empty where latencies were timed


Row = MeasurementRow | InvocationRow
ROWS: dict[RowKind, type[MeasurementRow | InvocationRow | SampleRow]] = {
    "measurements": MeasurementRow,
    "invocations": InvocationRow,
    "samples": SampleRow,
}


class Column(NamedTuple):
    """A column as documented."""

    name: str
    kind: type  # str, int, float or bool
    meaning: str


def columns(kind: RowKind) -> tuple[Column, ...]:
    """The columns of one table, in order."""
    row = ROWS[kind]
    hints = get_type_hints(row)
    info = msgspec.inspect.type_info(row)
    assert isinstance(info, msgspec.inspect.StructType)
    found = []
    for field in info.fields:
        assert isinstance(field.type, msgspec.inspect.Metadata)
        meaning = str((field.type.extra_json_schema or {})["description"])
        options = get_args(hints[field.name]) or (hints[field.name],)
        plain = next((one for one in options if one in (str, int, float, bool)), str)
        found.append(Column(field.name, plain, meaning))
    return tuple(found)

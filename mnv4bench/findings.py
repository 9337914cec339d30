"""What is concluded from reports: types only, in the shapes that ``--json`` prints.

Knows: the names of DESIGN.md, "JSON shapes". Does not know: how a conclusion is reached or drawn.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.records import (
    AccuracySource,
    Check,
    Format,
    ModelEntry,
    Origin,
    Precision,
    Preprocessing,
    RunnerName,
    Signal,
    UnreadableImage,
    Verdict,
    Weights,
)

Availability = Literal["ready", "absent", "unusable"]


class Summary(Struct, frozen=True, kw_only=True):
    """One measurement in figures: what ``show`` lists.

    ``latency_s`` is the median over invocations of their medians; ``low_s``..``high_s`` its
    order-statistic interval, which covers the true median with probability ``confidence``.
    """

    report: str  # report id
    device: str
    model: str
    family: str
    format: Format
    precision: Precision
    origin: Origin
    latency_s: float
    low_s: float | None  # None: a single invocation says nothing about its spread
    high_s: float | None
    confidence: float  # reached by low_s..high_s, 0..1; 0 for a single invocation
    p90_s: float | None  # None: fewer samples than the order-statistic rule asks for
    invocations: int  # that the figures rest on
    invocations_tainted: int  # set aside because something disturbed them
    samples: int
    placement: Verdict
    tainted: tuple[str, ...]  # reasons that make the whole measurement unfit to compare
    artifact_sha256: str
    weights: Weights
    threads: int
    input_px: int | None
    size_bytes: int
    measured_at: str
    machine: str  # the device and runtime in words, e.g. "AMD EPYC, LiteRT 2.3.0, 1 thread"
    environment: str  # short digest of the must-match facts and the profile
    calibration: str | None = None  # "synthetic calibration"; None: nothing was calibrated
    chosen_shapes: str = ""  # "ids 1x128": what --shape chose for a file that leaves sizes open
    # The most inferences that one of ``samples`` is the mean of; 1: each is a single inference.
    inferences_per_value: int = 1
    # Back to back, when warm: the median of the last third of the windows; None: not run so.
    sustained_s: float | None = None
    sustained_ratio: float | None = None  # sustained_s / latency_s, which is burst
    signals: tuple[Signal, ...] = ()  # what ``placement`` rests on


class Skipped(Struct, frozen=True, kw_only=True):
    """Something that was found and not used, with the sentence why."""

    path: str
    reason: str


class Evaluated(Struct, frozen=True, kw_only=True):
    """The accuracy of one artifact on one data set. Figures are percent of ``images``.

    ``top1_low``..``top1_high`` is Wilson's interval at ``confidence``: it covers what the file
    would reach on all images like these. top-5 is None where there are no more than five classes.
    """

    path: str  # of the evaluation's file
    artifact_sha256: str
    model: str
    family: str
    format: Format
    precision: Precision
    weights: Weights
    calibration: str | None  # "synthetic calibration"; None: nothing was calibrated
    dataset: str
    dataset_sha256: str
    numbering: str  # how labels became the numbers of outputs
    images: int  # that could be read
    unreadable: tuple[UnreadableImage, ...]
    classes: int
    top1: float
    top1_low: float
    top1_high: float
    top5: float | None
    top5_low: float | None
    top5_high: float | None
    confidence: float
    preprocessing: Preprocessing
    runtime: str  # with version
    evaluated_at: str


class Comparison(Struct, frozen=True, kw_only=True):
    """Two artifacts on the same images, by top-1: the second less the first, in points.

    ``low``..``high`` is Bonett and Price's interval at ``confidence``; ``p_value`` is McNemar's,
    exact and two-sided: the chance of so uneven a split of the images that only one of them got
    right, were both as accurate.
    """

    first: str  # model and precision, with the digest where they are the same
    second: str
    images: int  # readable for both
    both_right: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    low: float
    high: float
    confidence: float
    p_value: float


class Accuracies(Struct, frozen=True, kw_only=True):
    """What ``eval --json`` prints."""

    evaluations: tuple[Evaluated, ...]
    comparison: Comparison | None = None


class Shown(Struct, frozen=True, kw_only=True):
    """What ``show --json`` prints."""

    measurements: tuple[Summary, ...]
    evaluations: tuple[Evaluated, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Point(Struct, frozen=True, kw_only=True):
    """One model in one group of a front."""

    model: str
    family: str
    latency_s: float | None  # None: excluded without a latency (failed, not benchmarked)
    low_s: float | None
    high_s: float | None
    top1: float | None  # percent
    accuracy_source: AccuracySource | None
    status: Literal["front", "dominated", "excluded"]
    dominated_by: tuple[str, ...] = ()
    reason: str | None = None  # why it was excluded
    front_probability: float | None = None
    weights: str = ""  # whose the latency is: "random (seed 0)", a timm tag, a file name
    accuracy_weights: str = ""  # the training whose accuracy is drawn
    # Of a measured accuracy: its interval in percent, and what it was measured on.
    top1_low: float | None = None
    top1_high: float | None = None
    accuracy_data: str = ""  # the data set's name
    accuracy_sha256: str = ""  # its digest
    accuracy_images: int | None = None
    float_accuracy: bool = False  # quantised, and drawn with the accuracy of the float network
    calibration: str | None = None  # as Summary's
    placement: Verdict | None = None

    @property
    def basis(self) -> tuple[str, str]:
        """What top-1 was measured on, and by whom; only points of one basis may be compared."""
        return (self.accuracy_source or "", self.accuracy_sha256)


class Group(Struct, frozen=True, kw_only=True):
    """Models that may be compared: one device, precision, origin and environment. One panel."""

    device: str
    precision: Precision
    origin: Origin
    machine: str
    environment: str
    points: tuple[Point, ...]  # by latency, excluded ones last


class Front(Struct, frozen=True, kw_only=True):
    """What ``pareto --json`` prints, and everything that its figure needs."""

    groups: tuple[Group, ...]
    skipped: tuple[Skipped, ...] = ()


class Catalog(Struct, frozen=True, kw_only=True):
    """What ``models --json`` prints."""

    models: tuple[ModelEntry, ...]


class DeviceRow(Struct, frozen=True, kw_only=True):
    """One row of ``devices --json``."""

    device: str
    runner: RunnerName
    format: Format
    precision: Precision
    accelerator: str
    status: Availability
    detail: str


class Attached(Struct, frozen=True, kw_only=True):
    """One phone that adb lists now."""

    serial: str
    state: str  # in adb's words: "device" is ready, "unauthorized", "offline" ...
    model: str  # with its maker; "" where it cannot be asked
    fix: str  # what makes it ready; "" where it is
    profiles: tuple[str, ...] = ()  # those that mean such a phone


class Devices(Struct, frozen=True, kw_only=True):
    """What ``devices --json`` prints."""

    devices: tuple[DeviceRow, ...]
    attached: tuple[Attached, ...] = ()
    attached_unknown: str = ""  # why it cannot be said what is attached, e.g. that there is no adb
    skipped: tuple[Skipped, ...] = ()


class Examined(Struct, frozen=True, kw_only=True):
    """One device profile, with everything that a run on it needs looked at."""

    device: str
    unit: str | None  # which physical device it is; None: none that can be reached
    checks: tuple[Check, ...]


class Doctor(Struct, frozen=True, kw_only=True):
    """What ``doctor --json`` prints."""

    devices: tuple[Examined, ...]
    attached: tuple[Attached, ...] = ()
    attached_unknown: str = ""
    skipped: tuple[Skipped, ...] = ()


# --- what is inside a file --------------------------------------------------------------------


class Tensor(Struct, frozen=True, kw_only=True):
    """An input or output as the file declares it. A quantised q means scale * (q - zero_point)."""

    name: str
    type: str  # element type in numpy's words, e.g. "float32", "int8", "int4"
    shape: tuple[int, ...]  # -1: left open
    scale: float | None = None  # None: not quantised
    zero_point: int | None = None


class Operators(Struct, frozen=True, kw_only=True):
    """Operators of one type that read and write the same element types."""

    operator: str
    count: int
    reads: str  # types of what it computes on, e.g. "float32", "bool, float32"; "": constants alone
    constants: str  # type of its largest constant, shapes and indices left out; "": none
    writes: str
    on_unit: int | None = None  # of them, taken by the unit of ``Share``; None: not known


class Movement(Struct, frozen=True, kw_only=True):
    """Operators that move or convert values and compute nothing, alike in type and shapes."""

    operator: str
    count: int
    reads: tuple[int, ...] | None  # shape of the largest input; None: not known
    writes: tuple[int, ...] | None
    detail: str  # e.g. "permutation 0 3 1 2", "float32 to int8"; "": nothing more to say
    first: str  # where the first of them stands: a node's name, or that of the tensor it writes
    values: int | None  # numbers written by all of them in one inference


class Graph(Struct, frozen=True, kw_only=True):
    """Operators counted, the most frequent first; subgraphs included."""

    operators: int
    kinds: tuple[Operators, ...]
    movements: tuple[Movement, ...]  # transposes first, then by values
    graphs: int = 1  # more than 1: bodies of loops and branches, or several entry points


class Share(Struct, frozen=True, kw_only=True):
    """How much of the main graph a runtime's fast unit takes, as the runtime itself says."""

    unit: str  # "XNNPACK", "CPUExecutionProvider"
    runtime: str  # with version
    operators: int
    taken: int
    partitions: int | None  # parts that the unit runs as one; None: the runtime has no such notion
    left: dict[str, int] = {}  # operator -> count


class Integer(Struct, frozen=True, kw_only=True):
    """Whether a network that computes in integers does so from its inputs to its outputs."""

    full: bool  # no floats
    in_8_bits: bool  # nor wider integers than accelerators of 8 bits take
    reasons: tuple[str, ...] = ()  # what is not so


class Agreement(Struct, frozen=True, kw_only=True):
    """Outputs of one file on a GPU and on the processor for the same inputs, dequantised."""

    max_abs_error: float
    largest: float  # largest |output| of the processor
    cosine: float  # the smallest over the outputs
    kernels_apart: float  # largest distance between the processor's own two sets of kernels
    tolerance: float  # limit of max_abs_error / largest
    tolerance_reason: str
    agrees: bool | None  # None: beyond the tolerance, but the processor's own kernels are as well


class Compatibility(Struct, frozen=True, kw_only=True):
    """What one judge says of a TFLite file on a GPU."""

    by: str  # e.g. "GPU analyzer of TensorFlow 2.21.0"
    verdict: Literal["compatible", "incompatible", "unknown"]
    reasons: tuple[str, ...] = ()  # verbatim where the judge gives any; why it is unknown
    remark: str = ""  # what a reader must know of the judge
    agreement: Agreement | None = None  # None: nothing was run


class Inspection(Struct, frozen=True, kw_only=True):
    """What is inside one file, whoever made it, and what the runtimes here make of it."""

    file: str
    format: Format
    size_bytes: int
    sha256: str
    written_by: str  # producer and format version as the file says
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    graph: Graph  # as it stands in the file
    optimised: Graph | None = None  # as the runtime runs it; None: it runs the file's, or unknown
    share: Share | None = None
    integer: Integer | None = None  # None: no operator computes on quantised numbers
    gpu: tuple[Compatibility, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be found out, and why


class Inspected(Struct, frozen=True, kw_only=True):
    """What ``export --inspect --json`` prints."""

    inspections: tuple[Inspection, ...]

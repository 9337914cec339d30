"""What a model is, and the file that it became."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mnv4bench.records.words import (
    AccuracySource,
    ActivationType,
    Count,
    Duration,
    Format,
    Name,
    Precision,
    Sha256,
    Size,
)


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
    input_shape: tuple[Size, ...] | None = None  # as the file wants it; TFLite is NHWC, ONNX NCHW
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
        if not self.input_shapes:  # nearly all, and a large store is asked for each
            return ""
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
    top1: Annotated[float, Meta(ge=0, le=100)] | None  # None: the table prints none
    input_px: Annotated[int, Meta(gt=0)]
    precision: Precision
    citation: str
    confidence: str  # how many independent sources the figure was read from
    printed_to_s: Duration | None = None  # the last digit printed; None: not known
    runtime: str = ""  # what ran it, in the table's words, where it tells several apart
    accuracy_source: AccuracySource = "paper"  # whose ``top1`` is; "table": this very table's

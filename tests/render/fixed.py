"""Fixed findings for the golden texts and figures: invented latencies, no measurement."""

from msgspec.structs import replace

from mnv4bench.analysis.certainty import with_certainty
from mnv4bench.analysis.pareto import front_of, published_groups
from mnv4bench.analysis.universality import across
from mnv4bench.findings import (
    Accuracies,
    Comparison,
    Evaluated,
    Front,
    Group,
    Limits,
    Point,
    Shown,
    Skipped,
    Summary,
)
from mnv4bench.models.published import table
from mnv4bench.records import Preprocessing, Signal, UnreadableImage, Weights

HOSTILE = "[red]x[/red]\x1b[31m<script>alert('1')</script>&\u202e"


def point(model: str, latency_s: float | None, top1: float | None, **changes: object) -> Point:
    made = Point(
        model=model,
        family="MobileNetV4" if model.startswith("mnv4") else "FastViT",
        latency_s=latency_s,
        low_s=latency_s and latency_s * 0.99,
        high_s=latency_s and latency_s * 1.02,
        top1=top1,
        accuracy_source="paper" if top1 else None,
        status="front",
        weights="random (seed 0)",
        accuracy_weights="as published",
        placement="full",
    )
    return replace(made, **changes)


def measured(**changes: object) -> Group:
    made = Group(
        device="host-cpu",
        precision="fp32",
        origin="measured",
        machine="Test CPU, LiteRT 2.3.0, 1 thread",
        environment="0123456789ab",
        points=front_of(
            [
                point("mnv4-conv-s", 0.00202, 73.8),
                point("mnv4-conv-m", 0.0116, 79.9),
                point("fastvit-t8", 0.0123, 75.6, placement="partial"),
                point("fastvit-sa12", 0.022, 80.6, weights="timm tag", accuracy_source="timm"),
                point("own.onnx", 0.003, None, status="excluded", reason="no accuracy known"),
                point("fastvit-s12", None, None, status="excluded", reason="not measured: no room"),
            ]
        ),
    )
    return replace(made, **changes)


def quantised() -> Group:
    """int8: one measured on its file, the others drawn with the float network's accuracy."""
    synthetic, photographs = "synthetic calibration", "calibrated on 64 images of train"
    floats = {"float_accuracy": True, "accuracy_source": "timm"}
    points = (
        point("mnv4-conv-s", 0.0011, 73.8, calibration=synthetic, **floats),
        point("mnv4-conv-m", 0.0061, 79.1, calibration=photographs, weights="timm tag",
              accuracy_source="measured", top1_low=78.7, top1_high=79.5, accuracy_data="val",
              accuracy_images=50_000),
        point("fastvit-t8", 0.0123, 75.6, calibration=synthetic, **floats),
    )  # fmt: skip
    return measured(precision="int8", points=front_of(points))


def published() -> tuple[Group, ...]:
    return published_groups(table(), {"pixel6-cpu": "Pixel 6 CPU"})


LIMITS = Limits(max_latency_s=0.0125, min_top1=75)


def sampled(model: str, top1: float, *values: float, **changes: object) -> Point:
    middle, several = sorted(values)[len(values) // 2], len(values) > 1
    return point(model, middle, top1, values=values, weights="timm tag", accuracy_source="timm",
                 low_s=min(values) if several else None, high_s=max(values) if several else None,
                 **changes)  # fmt: skip


def unsure(device: str = "host-cpu", **changes: object) -> Group:
    """A contested pair, a model of one invocation, one that is tied, one that is tainted."""
    points = (
        sampled("mnv4-conv-s", 73.8, 0.00201, 0.00202, 0.00203, 0.00202, 0.00204, 0.00202, 0.00201),
        sampled("fastvit-t8", 79.1, 0.0108, 0.0112, 0.0119, 0.0115, 0.0111),
        sampled("mnv4-conv-m", 79.9, 0.0112, 0.0116, 0.0114, 0.0121, 0.0110, 0.0116, 0.0117),
        sampled("fastvit-s12", 79.0, 0.0208),
        point("fastvit-sa12", 0.022, 80.6, status="excluded", reason="tainted: busy"),
    )
    made = measured(device=device, points=front_of(points))
    return with_certainty(replace(made, **changes), limits=LIMITS)


def hostile() -> Group:
    """Names that would act, in every sentence that resampling has."""
    points = (
        sampled(f"{HOSTILE}1", 79.0, 0.0100, 0.0112, 0.0119, family=HOSTILE),
        sampled(f"{HOSTILE}2", 79.9, 0.0105, 0.0110, 0.0121, family="MobileNetV4"),
        sampled(f"{HOSTILE}3", 75.0, 0.02),
    )
    made = measured(device=HOSTILE, machine=HOSTILE, points=front_of(points))
    return with_certainty(made, limits=LIMITS)


def sure() -> Front:
    """What resampling says, over latency with limits and over an exact size."""
    sizes = (
        point("mnv4-conv-s", 0.00202, 73.8, x=15_100_000.0, values=()),
        point("mnv4-conv-m", 0.0116, 79.9, x=38_900_000.0, values=()),
    )
    exact = measured(objective="size", points=front_of(sizes))
    paper = with_certainty(published()[0], limits=LIMITS)
    return Front(groups=(unsure(), with_certainty(exact), paper), limits=LIMITS)


def spanned() -> Front:
    """Three measured devices, on one of which a model failed, and the paper's seven."""
    gone = replace(
        unsure("pixel6-cpu"), precision="int8", machine="Google Pixel 6 (Tensor)",
        points=tuple(
            replace(one, status="excluded", reason="not measured: no room")
            if one.model == "mnv4-conv-m" else one
            for one in unsure("pixel6-cpu").points
        ),
    )  # fmt: skip
    groups = (unsure(), unsure("host-ort-cpu"), gone, *published())
    return Front(groups=groups, universality=across(groups))


def front() -> Front:
    return Front(
        groups=(measured(), published()[0]),
        skipped=(Skipped(path="reports/old.json", reason="it is not a report"),),
    )


def summary(model: str = "mnv4-conv-s", latency_s: float = 0.00202, **changes: object) -> Summary:
    made = Summary(
        report="r1",
        device="host-cpu",
        model=model,
        family="MobileNetV4",
        format="tflite",
        precision="fp32",
        origin="measured",
        latency_s=latency_s,
        low_s=latency_s * 0.99,
        high_s=latency_s * 1.02,
        confidence=0.96875,
        p90_s=latency_s * 1.1,
        invocations=6,
        invocations_tainted=0,
        samples=300,
        placement="full",
        tainted=(),
        artifact_sha256="0" * 64,
        weights=Weights(kind="random", detail="seed 0"),
        threads=1,
        input_px=224,
        size_bytes=15_000_000,
        measured_at="2026-11-22T15:00:00Z",
        machine="Test CPU, LiteRT 2.3.0, 1 thread",
        environment="0123456789ab",
    )
    return replace(made, **changes)


def evaluated(model: str = "mnv4-conv-s", **changes: object) -> Evaluated:
    made = Evaluated(
        path=f"reports/accuracy/{model}.json",
        artifact_sha256="0" * 64,
        model=model,
        family="MobileNetV4",
        format="onnx",
        precision="fp32",
        weights=Weights(kind="timm", detail="mobilenetv4_conv_small.e2400_r224_in1k"),
        calibration=None,
        dataset="val",
        dataset_sha256="d" * 64,
        numbering="ImageNet synsets",
        images=49_998,
        unreadable=(
            UnreadableImage(name="n01440764/ILSVRC2012_val_00000293.JPEG", reason="cut short"),
            UnreadableImage(name=HOSTILE, reason=HOSTILE),
        ),
        classes=1000,
        top1=73.75,
        top1_low=73.36,
        top1_high=74.13,
        top5=91.42,
        top5_low=91.17,
        top5_high=91.66,
        confidence=0.95,
        preprocessing=Preprocessing(
            resize_px=256,
            crop_px=224,
            interpolation="bicubic",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            source="timm mobilenetv4_conv_small.e2400_r224_in1k",
        ),
        runtime="onnxruntime 1.31.1",
        evaluated_at="2026-11-24T10:05:00+00:00",
    )
    return replace(made, **changes)


def accuracies() -> Accuracies:
    """fp32 beside int8, compared; and a small network without a top-5 on another data set."""
    int8 = evaluated(
        precision="int8", calibration="synthetic calibration",
        top1=72.9, top1_low=72.5, top1_high=73.3, top5=90.9, top5_low=90.6, top5_high=91.1,
    )  # fmt: skip
    own = evaluated(
        "own.tflite", format="tflite", dataset="shapes", dataset_sha256="e" * 64, unreadable=(),
        weights=Weights(kind="own", detail="own.tflite"), images=40, classes=4, top5=None,
        top5_low=None, top5_high=None, runtime="ai-edge-litert 2.3.0",
    )  # fmt: skip
    comparison = Comparison(
        first="mnv4-conv-s onnx fp32", second="mnv4-conv-s onnx int8", images=49_998,
        both_right=35_500, only_first=1_374, only_second=949, neither=12_175, difference=-0.85,
        low=-1.04, high=-0.66, confidence=0.95, p_value=1.1e-18,
    )  # fmt: skip
    return Accuracies(evaluations=(evaluated(), int8, own), comparison=comparison)


def shown() -> Shown:
    return Shown(
        measurements=(
            summary("mnv4-conv-m", 0.0116, invocations_tainted=1),
            summary(),
            summary("fastvit-t8", 0.0123, tainted=("steal time, in 3 of 5 invocations",)),
            summary("own.onnx", 0.003, low_s=None, high_s=None, confidence=0.0, p90_s=None,
                    invocations=1, samples=20, placement="unproven"),
            summary(device="host-ort-cpu", format="onnx", machine="Test CPU, ONNX Runtime 1.31"),
        ),
        skipped=(Skipped(path="reports/old.json", reason="it is not a report"),),
    )  # fmt: skip


def phones() -> Shown:
    """Means of invocations, sustained speeds, and a run of which NNAPI says one thing twice."""
    means = {"inferences_per_value": 412, "p90_s": None, "samples": 6,
             "device": "pixel8-edgetpu", "precision": "int8",
             "machine": "Google Pixel 8 (Tensor G3), TFLite benchmark_model sha256 1234abcd, "
             "1 thread"}  # fmt: skip
    signals = (
        Signal(name="delegate nodes", evidence="31 of 31 nodes", says="full"),
        Signal(name="contrast", evidence="CPU 4.1 ms, asked for 4.0 ms", says="none"),
    )
    return Shown(
        measurements=(
            summary(**means, sustained_s=0.00256, sustained_ratio=1.267),
            summary("mnv4-conv-m", 0.0041, placement="unproven", signals=signals, **means),
        )
    )

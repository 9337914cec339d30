"""Fixed findings for the golden texts and figures: invented latencies, no measurement."""

from msgspec.structs import replace

from mnv4bench.analysis.pareto import front_of, published_groups
from mnv4bench.findings import Front, Group, Point, Shown, Skipped, Summary
from mnv4bench.models.published import table
from mnv4bench.records import Weights

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

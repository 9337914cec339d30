"""Values for tests: artifacts, whole reports with chosen latencies, evaluations."""

from hashlib import sha256

from msgspec.structs import replace

from mnv4bench.records import (
    UNREADABLE,
    Artifact,
    Counted,
    DataSet,
    DeviceProfile,
    Environment,
    Evaluation,
    Measurement,
    Noise,
    Placement,
    Plan,
    Preprocessing,
    Report,
    Samples,
    Signal,
    Timing,
    UnreadableImage,
    Weights,
)

PROFILE = DeviceProfile(
    device="host-cpu",
    title="this machine",
    runner="host",
    runtime="litert",
    format="tflite",
    precision="fp32",
    accelerator="cpu",
)
ENVIRONMENT = Environment(
    cpu_model="Test CPU", cpu_count=2, runtime_name="LiteRT", runtime_version="2.3.0"
)
TIMING = Timing(
    warmup_window_s=0.01,
    warmup_window_count=2,
    warmup_agreement=0.02,
    warmup_cap_s=0.1,
    min_count=3,
    min_duration_s=0.0,
    max_duration_s=1.0,
    input_seed=0,
    input_buffers=2,
)
PLAN = Plan(seed=7, min_rounds=3, max_rounds=6, target=0.01, timing=TIMING)
FULL = Placement(
    verdict="full",
    unit="cpu (XNNPACK)",
    operators=10,
    on_unit=10,
    signals=(Signal(name="delegate nodes", evidence="10 of 10", says="full"),),
)


def artifact(model: str = "mnv4-conv-s", **changes: object) -> Artifact:
    known = {"mnv4": "MobileNetV4", "mobilenetv3": "MobileNetV3"}
    made = Artifact(
        model=model,
        family=known.get(model.split("-")[0], "own file"),
        format="tflite",
        precision="fp32",
        sha256=sha256(model.encode()).hexdigest(),
        size_bytes=1000,
        weights=Weights(kind="random", detail="seed 0"),
        input_shape=(1, 224, 224, 3),
    )
    return replace(made, **changes)


def samples(round: int = 0, *latencies_s: float, position: int = 0, **changes: object) -> Samples:
    values = latencies_s or (0.002, 0.0021, 0.0019)
    made = Samples(
        round=round,
        position=position,
        started_at="2026-11-22T15:00:00+00:00",
        latencies_s=tuple(values),
        noise=Noise(wall_s=sum(values)),
    )
    return replace(made, **changes)


def measurement(model: str = "mnv4-conv-s", rounds: int = 3, **changes: object) -> Measurement:
    made = Measurement(
        artifact=artifact(model),
        invocations=tuple(samples(round) for round in range(rounds)),
        placement=FULL,
    )
    return replace(made, **changes)


def report(
    *measurements: Measurement, name: str = "20261122T150000Z-host-cpu-0001", **changes: object
) -> Report:
    made = Report(
        report=name,
        profile=PROFILE,
        environment=ENVIRONMENT,
        plan=PLAN,
        measurements=measurements or (measurement(),),
        started_at="2026-11-22T15:00:00+00:00",
        finished_at="2026-11-22T15:05:00+00:00",
        ended="precise",
    )
    return replace(made, **changes)


def evaluation(*ranks: int, model: str = "mnv4-conv-s", **changes: object) -> Evaluation:
    made = Evaluation(
        artifact=artifact(model),
        dataset=DataSet(name="val", sha256="d" * 64, count=len(ranks), numbering="class numbers"),
        preprocessing=Preprocessing(
            resize_px=256, crop_px=224, interpolation="bicubic",
            mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), source="a test",
        ),
        environment=Environment(runtime_name="ai-edge-litert", runtime_version="2.3.0"),
        classes=1000,
        ranks=ranks,
        unreadable=tuple(
            UnreadableImage(name=f"{place}.jpg", reason="cut short")
            for place, rank in enumerate(ranks) if rank == UNREADABLE
        ),
        started_at="2026-11-24T10:00:00+00:00",
        finished_at="2026-11-24T10:05:00+00:00",
    )  # fmt: skip
    return replace(made, **changes)


def counted(round: int = 0, *instructions: int, **changes: object) -> Counted:
    made = Counted(
        round=round,
        position=0,
        started_at=f"2026-11-24T23:0{round}:00+00:00",
        instructions=instructions or (120_465_190,) * 3,
        load_instructions=2_000_000,
        outputs_sha256="a" * 64,
    )
    return replace(made, **changes)


def counting_report(*counts: Counted, model: str = "mnv4-conv-s", **changes: object) -> Report:
    """Of one model on an emulated processor."""
    one = Measurement(artifact=artifact(model), origin="emulated", counts=counts, placement=FULL)
    profile = replace(PROFILE, device="cortex-a76-emulated", runner="emulated")
    environment = Environment(
        cpu_model="cortex-a76 (emulated)",
        architecture="aarch64",
        runtime_name="LiteRT",
        runtime_version="2.3.0",
        emulator="qemu 7.2 cortex-a76, glibc 2.36, board 0490cda3",
    )
    return report(one, profile=profile, environment=environment, **changes)

"""The tiny model files and the two host profiles that this room's tests share."""

from pathlib import Path

import pytest

from mnv4bench.records import (
    AndroidTarget,
    AppleTarget,
    Artifact,
    DeviceProfile,
    SshTarget,
    Timing,
    Weights,
)
from tests.apple.packages import write_package
from tests.devices.tiny_models import (
    write_onnx,
    write_onnx_text,
    write_program,
    write_tflite,
    write_tflite_sum,
)

# Short, and still every rule of the protocol is used.
TIMING = Timing(
    warmup_window_s=0.01,
    warmup_window_count=5,
    warmup_agreement=0.5,
    warmup_cap_s=1.0,
    min_count=40,
    min_duration_s=0.05,
    max_duration_s=10.0,
    input_seed=0,
    input_buffers=3,
)


class Files(dict[str, Path]):
    """By name; those that take seconds to make are made when they are asked for."""

    def __init__(self, folder: Path, made: dict[str, Path]) -> None:
        super().__init__(made)
        self._folder = folder

    def __missing__(self, name: str) -> Path:
        wide = name.startswith("wide.")
        match name.removeprefix("wide."):
            case "pt2":
                path = self._folder / ("wide.pt2" if wide else "tiny.pt2")
                self[name] = write_program(path, channels=64 if wide else 8)
            case "mlpackage":
                layers = 12 if wide else 3
                path = self._folder / f"{layers}.mlpackage"
                self[name] = write_package(path, layers=layers)
            case _:
                raise KeyError(name)
        return self[name]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    made = {
        "tflite": write_tflite(folder / "tiny.tflite"),
        "odd.tflite": write_tflite(folder / "odd.tflite", odd=True),
        "only-odd.tflite": write_tflite(folder / "only-odd.tflite", only_odd=True),
        "onnx": write_onnx(folder / "tiny.onnx"),
        "wide.tflite": write_tflite(folder / "wide.tflite", channels=128),
        "wide.onnx": write_onnx(folder / "wide.onnx", channels=128),
        "open-batch.onnx": write_onnx(folder / "open-batch.onnx", batch="n"),
        "open.onnx": write_onnx(folder / "open.onnx", batch="n", pixels="side"),
        "text.onnx": write_onnx_text(folder / "text.onnx"),
        "sum.tflite": write_tflite_sum(folder / "sum.tflite"),
    }
    return Files(folder, made)


def host_profile(runtime: str, **changes: object) -> DeviceProfile:
    """A profile of this machine for ``runtime``."""
    facts = {
        "device": "host-cpu" if runtime == "litert" else "host-ort-cpu",
        "title": "this machine",
        "runner": "host",
        "runtime": runtime,
        "format": "tflite" if runtime == "litert" else "onnx",
        "precision": "fp32",
        "accelerator": "cpu",
    }
    return DeviceProfile(**{**facts, **changes})


def phone_profile(tool: str, **changes: object) -> DeviceProfile:
    """A profile of the double's Pixel 8, on its processor; ``changes`` are of its android table."""
    delegate = changes.get("delegate", "xnnpack")
    accelerators = {"xnnpack": "cpu", "gpu": "gpu", "nnapi": "edgetpu", "hexagon": "hexagon"}
    android = AndroidTarget(**{"tool": tool, "delegate": "xnnpack", **changes})
    return DeviceProfile(
        device=f"a-phone-{delegate}",
        title="the double's Pixel 8",
        runner="android",
        runtime="litert",
        format="tflite",
        precision="fp32",
        accelerator=accelerators.get(delegate, "npu"),
        android=android,
    )


def board_profile(
    tool: str = "python", runtime: str = "litert", **changes: object
) -> DeviceProfile:
    """A profile of the double that ssh calls ``board``; ``changes`` are of its ssh table."""
    return DeviceProfile(
        device=f"a-board-{tool if runtime == 'litert' else runtime}",
        title="the double's Raspberry Pi",
        runner="ssh",
        runtime=runtime,
        format="tflite" if runtime == "litert" else "onnx",
        precision="fp32",
        accelerator="cpu",
        ssh=SshTarget(**{"host": "board", "tool": tool, **changes}),
    )


def apple_profile(unit: str, kind: str = "mac", **changes: object) -> DeviceProfile:
    """A profile of the desk's Mac, or of its iPhone 13."""
    facts = {
        "device": f"a-{kind}-{unit}",
        "title": f"the double's {kind}",
        "runner": "apple",
        "runtime": "coreml",
        "format": "coreml",
        "precision": "fp16",
        "accelerator": unit,
        "apple": AppleTarget(kind=kind),
    }
    return DeviceProfile(**{**facts, **changes})


def artifact_of(file: Path, **changes: object) -> Artifact:
    """What an artifact of ``file`` says about itself; a runner looks at its format and shape."""
    facts = {
        "model": file.stem,
        "family": "tiny",
        "format": "coreml" if file.suffix == ".mlpackage" else file.suffix.removeprefix("."),
        "precision": "fp32",
        "sha256": "0" * 64,
        "size_bytes": 1,
        "weights": Weights(kind="own", detail=file.name),
    }
    return Artifact(**{**facts, **changes})

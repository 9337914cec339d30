"""Which runners say what each operator takes, and how the others refuse.

Knows: the sentences. Does not know: profilers.
"""

from __future__ import annotations

from mnv4bench.errors import NotMeasured
from mnv4bench.records import DeviceProfile, Format

# With the profiler and as many without; enough that a machine with other work on it has quiet ones.
INFERENCES = 50


def not_profiled(device: str, why: str, format: Format = "tflite") -> NotMeasured:
    """The refusal of a device that cannot say what an operator takes; ``why`` is a clause."""
    here = {"tflite": "host-cpu", "onnx": "host-ort-cpu"}.get(format)
    return NotMeasured(
        f"{device} says nothing of single operators: {why}.",
        f"profile the file on this machine: --device {here}"
        if here
        else "export the model as tflite or onnx and profile it with --device host-cpu or "
        "host-ort-cpu",
    )


def refuse_for(profile: DeviceProfile) -> None:
    """Raises NotMeasured for a device of which it is known beforehand that it cannot tell."""
    if profile.runner == "emulated":
        raise not_profiled(
            profile.device,
            "an emulator's times are nobody's, and its instructions are counted for the whole",
        )
    if profile.runner == "cuda" or (profile.accelerator == "gpu" and profile.runner == "host"):
        raise not_profiled(profile.device, "its GPU is timed for whole inferences", profile.format)
    if profile.runner == "apple":
        raise not_profiled(
            profile.device,
            "Core ML's plan gives shares of an estimated cost, which a report's placement shows, "
            "and no times",
            profile.format,
        )
    if profile.runner == "ssh":
        raise not_profiled(
            profile.device, "over ssh only whole inferences are timed", profile.format
        )

"""Which runners say what each operator takes, and how the others refuse.

Knows: the sentences. Does not know: profilers.
"""

from __future__ import annotations

from mnv4bench.errors import NotMeasured
from mnv4bench.records import DeviceProfile, Format, Operators

# With the profiler and as many without; enough that a machine with other work on it has quiet ones.
INFERENCES = 50
WHOLE_ON_GPU = "its GPU is timed for whole inferences"


def not_profiled(device: str, why: str, format: Format) -> NotMeasured:
    """The refusal of a device that cannot say what an operator takes; ``why`` is a clause."""
    here = {"tflite": "host-cpu", "onnx": "host-ort-cpu"}.get(format)
    return NotMeasured(
        f"{device} says nothing of single operators: {why}.",
        f"profile the file on this machine: --device {here}"
        if here
        else "export the model as tflite or onnx and profile it with --device host-cpu or "
        "host-ort-cpu",
    )


def refusal(profile: DeviceProfile) -> NotMeasured | None:
    """That of a device of which it is known beforehand that it cannot tell; None of the others."""
    match profile.runner:
        case "emulated":
            why = "an emulator's times are nobody's, and its instructions are counted for the whole"
        case "cuda":
            why = WHOLE_ON_GPU
        case "host" if profile.accelerator == "gpu":
            why = WHOLE_ON_GPU
        case "apple":
            why = (
                "Core ML's plan gives shares of an estimated cost, which a report's placement "
                "shows, and no times"
            )
        case "ssh":
            why = "over ssh only whole inferences are timed"
        case _:
            return None
    return not_profiled(profile.device, why, profile.format)


class OnlyWhole:
    """The part of a session whose device times whole inferences: of operators it says why not."""

    _profile: DeviceProfile

    def operators(self, inferences: int) -> Operators:  # noqa: ARG002
        """Raises NotMeasured."""
        refused = refusal(self._profile)
        assert refused is not None  # or its session would ask
        raise refused

"""Devices that count and devices that time: neither is asked for what the other gives.

Knows: which profiles count instructions. Does not know: how.
"""

from __future__ import annotations

from mnv4bench.errors import NotMeasured
from mnv4bench.records import Counted, DeviceProfile, Format, Placement

# Of one process. More than one shows whether they are alike; the first two of a process, which
# still allocate, are not counted.
INFERENCES = 3
# The profiles of the emulated runner; all take TFLite files.
COUNTERS = "cortex-a76-emulated, cortex-a72-emulated or host-instructions"


class OnlyTimed:
    """The part of a session whose device gives latencies: asked to count, it says who does."""

    _profile: DeviceProfile

    def count(self, inferences: int, *, round: int, position: int) -> tuple[Counted, Placement]:  # noqa: ARG002
        """Raises NotMeasured."""
        raise not_counted(self._profile.device, self._profile.format)


def not_counted(device: str, format: Format) -> NotMeasured:
    """The refusal of a device that gives latencies, with the profiles that count."""
    return NotMeasured(
        f"{device} gives latencies; it does not count instructions.",
        ("" if format == "tflite" else "export the model as tflite, and ")
        + f"count instructions with --device {COUNTERS}",
    )


def not_timed(device: str) -> NotMeasured:
    """The refusal of a device that counts."""
    return NotMeasured(
        f"{device} counts instructions; it never gives latencies: an emulator has no caches, no "
        "memory to wait for and no pipeline.",
        "time it on a device of `mnv4bench devices` whose runner is not emulated",
    )

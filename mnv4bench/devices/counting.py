"""Devices that count and devices that time: neither is asked for what the other gives.

Knows: which profiles count instructions. Does not know: how.
"""

from __future__ import annotations

from mnv4bench.errors import NotMeasured

# The profiles of the emulated runner, by the format of the files that they take.
COUNTERS = {
    "tflite": "cortex-a76-emulated, cortex-a72-emulated or host-instructions",
    "onnx": "host-ort-instructions",
}


def not_counted(device: str, format: str) -> NotMeasured:
    """The refusal of a device that gives latencies, with the profiles that count."""
    counters = COUNTERS.get(format, "")
    return NotMeasured(
        f"{device} gives latencies; it does not count instructions.",
        f"count them with --device {counters}"
        if counters
        else f"instructions of {format} files are counted on no device",
    )


def not_timed(device: str) -> NotMeasured:
    """The refusal of a device that counts."""
    return NotMeasured(
        f"{device} counts instructions; it never gives latencies: an emulator has no caches, no "
        "memory to wait for and no pipeline.",
        "time it on a device of `mnv4bench devices` whose runner is not emulated",
    )

"""What a phone says about itself, read: properties, heat, battery, screen.

Knows: the output of getprop and dumpsys (Android 8 to 16), as text. Does not know: the kernel's
files (``devices/kernel_text.py``), or how it was fetched. Pure functions; what cannot be read is
None, never "fine".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mnv4bench.devices import kernel_text

Text = str | None

# Types of dumpsys thermalservice's readings (android.os.Temperature); 9 is the newer HAL's NPU.
_TEMPERATURE_TYPES = {0: "cpu", 1: "gpu", 2: "battery", 3: "skin", 9: "npu"}
_TEMPERATURE = re.compile(
    r"Temperature\{mValue=(-?[0-9]{1,9}(?:\.[0-9]{1,9})?), mType=(-?[0-9]{1,9}), "
    r"mName=([^,}]*), mStatus=(\d+)\}"
)
# Zones that sit in the processor, by what Google, Qualcomm, Samsung and MediaTek call them.
_PROCESSOR_ZONE = re.compile(
    r"(?:apc[0-9]?-|mtkts)?(?:cpu|gpu|npu|tpu|apu|nsp|cdsp|cluster|g3d|(?:big|mid|little)(?![a-z]))",
    re.IGNORECASE,
)
_PROCESSOR_TYPES = ("cpu", "gpu", "npu")  # of the HAL
# What `service list` calls a driver of NNAPI: android.hardware.neuralnetworks.IDevice/NAME.
_NNAPI_DRIVER = re.compile(r"android\.hardware\.neuralnetworks\.IDevice/([A-Za-z0-9._-]{1,80})")


def properties(text: str) -> dict[str, str]:
    """The lines ``[key]: [value]`` of getprop."""
    return dict(re.findall(r"^\[([^\]\n]+)\]: \[(.*)\]$", text, re.MULTILINE))


def soc(props: Mapping[str, str]) -> Text:
    """The system on a chip: its own name from SDK 31 on, before that the board's."""
    for key in ("ro.soc.model", "ro.board.platform", "ro.hardware"):
        if value := props.get(key, "").strip():
            return value
    return None


def thermal_status(text: str) -> int | None:
    """The number of ``Thermal Status: N`` (0 none to 6 shutdown); None before Android 10."""
    found = re.search(r"Thermal Status: ([0-6])\b", text)
    return int(found[1]) if found else None


def status_is_overridden(text: str) -> bool:
    """Whether somebody set the thermal status by hand, so that it says nothing."""
    return "IsStatusOverride: true" in text


def hal_temperatures(text: str) -> dict[str, float]:
    """Degrees Celsius by sensor from ``dumpsys thermalservice``: what the HAL reads now.

    The block of cached temperatures above it is older and is left out.
    """
    _, found, current = text.partition("Current temperatures from HAL:")
    current = re.split(r"\n\S", current)[0] if found else ""
    readings: dict[str, float] = {}
    for value, kind, name, _ in _TEMPERATURE.findall(current):
        label = _TEMPERATURE_TYPES.get(int(kind))
        if label and kernel_text.believed(float(value)):
            readings[f"{label} {name}".strip()] = float(value)
    return readings


def processor_temperature(hal: Mapping[str, float], zones: Mapping[str, float]) -> float | None:
    """The hottest of the sensors that sit in the processor.

    Those that the HAL calls so (``hal_temperatures``), where there are any; else the zones
    (``zone_temperatures``) whose names are known as a processor's.
    """
    named = [celsius for name, celsius in hal.items() if name.split()[0] in _PROCESSOR_TYPES]
    by_name = [celsius for name, celsius in zones.items() if _PROCESSOR_ZONE.match(name)]
    return max(named or by_name, default=None)


def battery(text: str) -> tuple[float | None, float | None, bool | None]:
    """(level 0..1, degrees Celsius, whether power comes in) from ``dumpsys battery``."""
    level = _field(text, "level")
    scale = _field(text, "scale") or 100.0
    tenths = _field(text, "temperature")
    powered = re.findall(r"^\s*(?:AC|USB|Wireless|Dock) powered: (true|false)", text, re.MULTILINE)
    return (
        None if level is None else min(max(level / scale, 0.0), 1.0),
        None if tenths is None else tenths / 10,
        "true" in powered if powered else None,
    )


def screen(text: str) -> Text:
    """``mWakefulness`` of ``dumpsys power``: Awake, Asleep, Dozing, Dreaming."""
    found = re.search(r"mWakefulness=([A-Za-z]+)", text)
    return found[1] if found else None


def nnapi_drivers(text: str) -> tuple[str, ...]:
    """The names of NNAPI's drivers in ``service list``; none of them on phones with old HALs."""
    return tuple(dict.fromkeys(_NNAPI_DRIVER.findall(text)))


def _field(text: str, name: str) -> float | None:
    found = re.search(rf"^\s*{name}: (-?[0-9]{{1,9}})\s*$", text, re.MULTILINE)
    return float(found[1]) if found else None

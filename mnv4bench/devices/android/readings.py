"""What a phone says about itself, read: properties, heat, battery, screen, clocks, load.

Knows: the output of getprop, dumpsys (Android 8 to 16) and the kernel's files, as text. Does not
know: how it was fetched. Pure functions; what cannot be read is None, never "fine".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Text = str | None

# Types of dumpsys thermalservice's readings (android.os.Temperature); 9 is the newer HAL's NPU.
_TEMPERATURE_TYPES = {0: "cpu", 1: "gpu", 2: "battery", 3: "skin", 9: "npu"}
_TEMPERATURE = re.compile(
    r"Temperature\{mValue=(-?[\d.]+), mType=(-?\d+), mName=([^,}]*), mStatus=(\d+)\}"
)
# Sensors that are not there read as -274 °C and the like; a burning phone reads less than this.
_BELIEVED_C = (-40.0, 150.0)
# What `service list` calls a driver of NNAPI: android.hardware.neuralnetworks.IDevice/NAME.
_NNAPI_DRIVER = re.compile(r"android\.hardware\.neuralnetworks\.IDevice/([A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True)
class Policy:
    """Processors that share a clock, as cpufreq groups them."""

    cpus: tuple[int, ...]
    max_hz: float


def properties(text: str) -> dict[str, str]:
    """The lines ``[key]: [value]`` of getprop."""
    return dict(re.findall(r"^\[([^\]]+)\]: \[(.*)\]$", text, re.MULTILINE))


def soc(props: Mapping[str, str]) -> Text:
    """The system on a chip: its own name from SDK 31 on, before that the board's."""
    for key in ("ro.soc.model", "ro.board.platform", "ro.hardware"):
        if value := props.get(key, "").strip():
            return value
    return None


def files(text: str) -> dict[str, str]:
    """The lines ``path:content`` of ``grep -H .``, the lines of one file joined again."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        path, colon, content = line.partition(":")
        if colon and path.startswith("/"):
            found[path] = f"{found[path]}\n{content}" if path in found else content
    return found


def policies(kernel: Mapping[str, str]) -> tuple[Policy, ...]:
    """The cpufreq policies in ``files`` of .../cpufreq/policy*, the slowest first."""
    found = []
    for path, content in kernel.items():
        if path.endswith("/related_cpus"):
            khz = kernel.get(path.replace("related_cpus", "cpuinfo_max_freq"), "")
            cpus = tuple(int(cpu) for cpu in content.split() if cpu.isdecimal())
            if cpus and khz.strip().isdecimal():
                found.append(Policy(cpus=cpus, max_hz=int(khz) * 1e3))
    return tuple(sorted(found, key=lambda policy: (policy.max_hz, policy.cpus)))


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
        if label and _believed(float(value)):
            readings[f"{label} {name}".strip()] = float(value)
    return readings


def zone_temperatures(kernel: Mapping[str, str]) -> dict[str, float]:
    """Degrees Celsius by zone, from ``files`` of /sys/class/thermal/thermal_zone*/{type,temp}."""
    readings: dict[str, float] = {}
    for path, content in kernel.items():
        if not path.endswith("/temp"):
            continue
        kind = kernel.get(path.removesuffix("temp") + "type", "").strip()
        value = _number(content)
        if kind and value is not None:
            celsius = value / 1e3 if abs(value) >= 1e3 else value  # most drivers: thousandths
            if _believed(celsius):
                readings[kind] = max(celsius, readings.get(kind, celsius))
    return readings


def processor_temperature(readings: Mapping[str, float]) -> float | None:
    """The hottest of the sensors that sit in the processor."""
    words = ("cpu", "big", "mid", "little", "soc", "cluster", "npu", "gpu", "tpu")
    hits = [celsius for name, celsius in readings.items() if name.lower().startswith(words)]
    return max(hits, default=None)


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


def load(text: str) -> float | None:
    """The first figure of /proc/loadavg."""
    return _number(text.split()[0]) if text.split() else None


def busy(before: str, after: str) -> float | None:
    """The used share 0..1 of all processors' time between two first lines of /proc/stat."""
    first, second = (_ticks(text) for text in (before, after))
    if first is None or second is None or second[1] <= first[1]:
        return None
    return min(max((second[0] - first[0]) / (second[1] - first[1]), 0.0), 1.0)


def mean_frequency_hz(
    before: Mapping[str, str], after: Mapping[str, str], policy: str
) -> float | None:
    """What the cpufreq policy at the path ``policy`` really ran at between two readings.

    From stats/time_in_state: ticks at each frequency. None where it cannot be read or stood still.
    """
    path = f"{policy}/stats/time_in_state"
    first, second = (_time_in_state(one.get(path, "")) for one in (before, after))
    spent = {khz: ticks - first.get(khz, 0) for khz, ticks in second.items()}
    total = sum(spent.values())
    if total <= 0:
        return None
    return sum(khz * 1e3 * ticks for khz, ticks in spent.items()) / total


def free_bytes(text: str) -> int | None:
    """The available space of the last file system that ``df -k`` lists."""
    for line in reversed(text.splitlines()):
        words = line.split()
        numbers = [int(word) for word in words[1:4] if word.isdecimal()]
        if len(numbers) == 3:
            return numbers[2] * 1024
    return None


def hertz(khz: Text) -> float | None:
    """A frequency file of cpufreq, which counts kilohertz."""
    return float(khz) * 1e3 if khz and khz.strip().isdecimal() else None


def nnapi_drivers(text: str) -> tuple[str, ...]:
    """The names of NNAPI's drivers in ``service list``; none of them on phones with old HALs."""
    return tuple(dict.fromkeys(_NNAPI_DRIVER.findall(text)))


def _field(text: str, name: str) -> float | None:
    found = re.search(rf"^\s*{name}: (-?\d+)\s*$", text, re.MULTILINE)
    return float(found[1]) if found else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _believed(celsius: float) -> bool:
    return _BELIEVED_C[0] < celsius < _BELIEVED_C[1]


def _ticks(text: str) -> tuple[int, int] | None:
    """(used, whole) ticks of the line ``cpu user nice system idle iowait ...``."""
    words = text.split()
    if len(words) < 6 or words[0] != "cpu" or not all(word.isdecimal() for word in words[1:]):
        return None
    ticks = [int(word) for word in words[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _time_in_state(text: str) -> dict[int, int]:
    pairs = (line.split() for line in text.splitlines())
    return {
        int(a): int(b)
        for a, b in (p for p in pairs if len(p) == 2)
        if a.isdecimal() and b.isdecimal()
    }

"""What the kernel of a device that is elsewhere says of itself, read: heat, clocks, load, space.

Knows: the kernel's files and df, as text. Does not know: how it was fetched. Pure functions; what
cannot be read is None, never "fine". So is a number longer than any real one: Python refuses 5000
digits, and a mask of the processor 30000000000 would fill the memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

Text = str | None

CPUFREQ = "/sys/devices/system/cpu/cpufreq"
THERMAL = "/sys/class/thermal"

# Sensors that are not there read as -274 °C and the like; a burning device reads less than this.
_BELIEVED_C = (-40.0, 150.0)
# Zones that are no temperatures: the battery current limiters' drivers register them. "soc" is a
# hundred less the battery's percent (Qualcomm's bcl_soc.c, and Google's), "ibat" and "vbat" are
# currents and voltages (bcl_pmic5.c), the rest their levels and limits.
_NO_TEMPERATURE = re.compile(
    r"socd?$|[iv]bat|bcl|vph|batoilo|smpl|(?:soft_)?ocp|uvlo|.*[-_](?:lvl|limit|bcl|[iv]bat|vph)",
    re.IGNORECASE,
)
# Zones count thousandths of degrees (the kernel's sysfs-class-thermal). Less than this is a driver
# that counts something else.
_SMALLEST_MILLI = 1000.0
# Processors that a device may name. Eight to ten are real.
MAX_CPUS = 1024
# Of kHz, kB and the like; ticks since the device was started may need more.
_DIGITS, _COUNTER_DIGITS = 9, 18


@dataclass(frozen=True, slots=True)
class Policy:
    """Processors that share a clock, as cpufreq groups them."""

    cpus: tuple[int, ...]
    max_hz: float


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
    seen: set[int] = set()
    for path, content in kernel.items():
        if path.endswith("/related_cpus"):
            khz = whole(kernel.get(path.replace("related_cpus", "cpuinfo_max_freq"), ""))
            numbers = (whole(word) for word in content.split())
            named = (cpu for cpu in numbers if cpu is not None and cpu < MAX_CPUS)
            cpus = tuple(cpu for cpu in dict.fromkeys(named) if cpu not in seen)
            if cpus and khz is not None:
                seen.update(cpus)  # a processor has one clock
                found.append(Policy(cpus=cpus, max_hz=khz * 1e3))
    return tuple(sorted(found, key=lambda policy: (policy.max_hz, policy.cpus)))


def zone_temperatures(kernel: Mapping[str, str]) -> dict[str, float]:
    """Degrees Celsius by zone, from ``files`` of /sys/class/thermal/thermal_zone*/{type,temp}.

    Without the zones that are no temperatures, and without those that do not count thousandths.
    """
    readings: dict[str, float] = {}
    for path, content in kernel.items():
        if not path.endswith("/temp"):
            continue
        kind = kernel.get(path.removesuffix("temp") + "type", "").strip()
        value = number(content)
        if not kind or _NO_TEMPERATURE.match(kind) or value is None:
            continue
        if abs(value) >= _SMALLEST_MILLI and believed(value / 1e3):
            readings[kind] = max(value / 1e3, readings.get(kind, value / 1e3))
    return readings


def load(text: str) -> float | None:
    """The first figure of /proc/loadavg."""
    return number(text.split()[0]) if text.split() else None


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
        numbers = [whole(word, _COUNTER_DIGITS) for word in words[1:4]]
        if len(numbers) == 3 and None not in numbers and (available := numbers[2]) is not None:
            return available * 1024
    return None


def kilobytes(text: str) -> int | None:
    """The figure of a line of /proc/meminfo, as bytes."""
    words = text.split()
    found = whole(words[1]) if len(words) >= 2 else None
    return None if found is None else found * 1024


def hertz(khz: Text) -> float | None:
    """A frequency file of cpufreq, which counts kilohertz."""
    number = whole(khz or "")
    return None if number is None else number * 1e3


def whole(text: str, digits: int = _DIGITS) -> int | None:
    """A number from a device; None where it is none, or longer than any that is real."""
    word = text.strip()
    return int(word) if re.fullmatch(rf"[0-9]{{1,{digits}}}", word) else None


def number(text: str) -> float | None:
    """A finite number; None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def believed(celsius: float) -> bool:
    """Whether it can be a temperature."""
    return _BELIEVED_C[0] < celsius < _BELIEVED_C[1]


def _ticks(text: str) -> tuple[int, int] | None:
    """(used, whole) ticks of the line ``cpu user nice system idle iowait ...``."""
    words = text.split()
    counts = [whole(word, _COUNTER_DIGITS) for word in words[1:9]]
    ticks = [count for count in counts if count is not None]
    if len(words) < 6 or words[0] != "cpu" or len(ticks) != len(counts):
        return None
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _time_in_state(text: str) -> dict[int, int]:
    spent: dict[int, int] = {}
    for line in text.splitlines():
        khz, _, ticks = line.partition(" ")
        at, count = whole(khz), whole(ticks, _COUNTER_DIGITS)
        if at is not None and count is not None:
            spent[at] = count
    return spent

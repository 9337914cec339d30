"""What the kernel tells about processors: time, steal, pressure, frequency, heat.

Knows: /proc and /sys on Linux, and the little that other systems give. Does not know: what a
reading means for a measurement. Every function returns None where there is nothing to read.
Imports nothing heavy: the measuring process uses it too.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None  # type: ignore[assignment]

STAT = Path("/proc/stat")
CPUINFO = Path("/proc/cpuinfo")
PRESSURE = Path("/proc/pressure/cpu")
STATUS = Path("/proc/self/status")
CPUS = Path("/sys/devices/system/cpu")
HWMON = Path("/sys/class/hwmon")
THERMAL = Path("/sys/class/thermal")

# Sensors that sit in or on the processor: kernel driver names of hwmon, and substrings of the
# types of thermal zones. Others (disk, wireless, battery) say nothing about throttling.
CPU_HWMON = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"})
CPU_ZONES = ("cpu", "soc", "x86_pkg_temp", "tcpu")


def text(path: Path) -> str | None:
    """The stripped content of a small file; None if it is absent, refused or empty."""
    try:
        return path.read_text(errors="replace").strip("\x00\n\t ") or None
    except OSError:
        return None


def _number(path: Path) -> float | None:
    content = text(path)
    try:
        return float(content) if content is not None else None
    except ValueError:
        return None


def hypervisor_flag() -> bool | None:
    """Whether an x86 processor says that it is virtual; None where it cannot say."""
    for line in (text(CPUINFO) or "").splitlines():
        if line.startswith("flags"):
            return "hypervisor" in line.split()
    return None


def cpu_s() -> float:
    """Processor time of this process so far, all threads."""
    return time.process_time()


def involuntary_switches() -> int | None:
    """How often this process was taken off a processor while it could have gone on."""
    return None if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def peak_memory_bytes() -> int | None:
    """The most memory that this process had resident so far, its interpreter included.

    Linux's own count (VmHWM, proc_pid_status(5)), since ru_maxrss there may be the parent's from
    before exec; macOS gives ru_maxrss in bytes (getrusage(2)).
    """
    if sys.platform == "darwin" and resource is not None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for line in (text(STATUS) or "").splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[0] == "VmHWM:" and fields[2] == "kB":
            return int(fields[1]) * 1024
    return None


def steal_s() -> float | None:
    """Time that a hypervisor took from all processors since boot, summed.

    A guest whose hypervisor does not account for steal shows 0 for ever; that is not "nothing was
    stolen", so a guest that never had any gives None.
    """
    fields = (text(STAT) or "").partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu" or set(fields[1:9]) == {"0"}:
        return None  # not Linux, or a sandbox that shows an empty table
    ticks = int(fields[8])
    if ticks == 0 and hypervisor_flag() is not False:
        return None
    return ticks / os.sysconf("SC_CLK_TCK")


def pressure_s() -> float | None:
    """Time since boot in which some runnable task had to wait for a processor (Linux PSI)."""
    for line in (text(PRESSURE) or "").splitlines():
        if line.startswith("some "):
            return int(line.rpartition("total=")[2]) / 1e6
    return None


def frequency_hz() -> float | None:
    """The fastest processor's current frequency, as its driver reports it.

    The fastest, because one busy thread raises one processor. /proc/cpuinfo is not asked: in a
    virtual machine it repeats the nominal figure.
    """
    readings = (_number(path) for path in CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
    return max((khz * 1e3 for khz in readings if khz), default=None)


def governor() -> str | None:
    """The frequency governor of the first processor."""
    return text(CPUS / "cpu0/cpufreq/scaling_governor")


def temperature_c() -> float | None:
    """The hottest sensor in or on the processor, degrees Celsius."""
    sensors = [
        sensor
        for chip in HWMON.glob("hwmon*")
        if text(chip / "name") in CPU_HWMON
        for sensor in chip.glob("temp*_input")
    ] + [
        zone / "temp"
        for zone in THERMAL.glob("thermal_zone*")
        if any(part in (text(zone / "type") or "").lower() for part in CPU_ZONES)
    ]
    readings = [milli / 1e3 for path in sensors if (milli := _number(path)) is not None]
    return max((celsius for celsius in readings if celsius > 0), default=None)

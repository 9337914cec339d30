"""What this machine is, and what it is doing right now.

Knows: Linux and macOS, through the kernel's files, psutil and sysctl. Does not know: runtimes'
insides or measurements. What cannot be read is None.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

from mnv4bench import __version__
from mnv4bench.devices import readings
from mnv4bench.records import Check, DeviceState, Environment

DMI = Path("/sys/class/dmi/id")
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
CLOCKSOURCES = Path("/sys/devices/system/clocksource/clocksource0/available_clocksource")

# Over how long the busy fraction is taken: 20 scheduler ticks of 10 ms, as /proc/stat counts.
BUSY_INTERVAL_S = 0.2
# As bench.QUIET_FRACTION, where a run waits for it.
QUIET_FRACTION = 0.10
GIT_TIMEOUT_S = 5.0

# How a guest's kernel names the hypervisor's clock, which every guest of that kind is offered.
HYPERVISOR_CLOCKS = {"kvm-clock": "kvm", "hyperv_clocksource_tsc_page": "hyper-v", "xen": "xen"}


def environment(runtime_name: str, runtime_version: str | None) -> Environment:
    """The machine and its software; the runtime's name and version are the caller's."""
    return Environment(
        machine=_machine(),
        cpu_model=_cpu_model(),
        cpu_count=os.cpu_count(),
        architecture=platform.machine() or None,
        memory_bytes=psutil.virtual_memory().total,
        virtualization=_virtualization(),
        os_name=platform.system() or None,
        os_version=platform.release() or None,
        runtime_name=runtime_name,
        runtime_version=runtime_version,
        python_version=platform.python_version(),
        tool_version=__version__,
        commit=_commit(),
    )


def now() -> str:
    """UTC, ISO 8601, as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def state() -> DeviceState:
    """Load, frequency, heat and power; takes ``BUSY_INTERVAL_S``."""
    battery = _battery()
    return DeviceState(
        taken_at=now(),
        cpu_busy_fraction=min(psutil.cpu_percent(interval=BUSY_INTERVAL_S) / 100, 1.0),
        load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        memory_available_bytes=psutil.virtual_memory().available,
        frequency_hz=readings.frequency_hz(),
        governor=readings.governor(),
        temperature_c=readings.temperature_c(),
        on_battery=None if battery is None or battery[1] is None else not battery[1],
        battery_fraction=None if battery is None else battery[0],
    )


def checks() -> tuple[Check, ...]:
    """What could spoil a measurement here: other programs, heat, power."""
    found = state()
    busy, temperature = found.cpu_busy_fraction, found.temperature_c
    noisy = busy is not None and busy > QUIET_FRACTION
    return (
        Check(
            name="host noise",
            status="unknown" if busy is None else "warning" if noisy else "ok",
            found="not readable"
            if busy is None
            else f"other programs use {busy:.0%} of the processors (limit {QUIET_FRACTION:.0%})",
            fix="close what is running; see it with: top" if noisy else "",
        ),
        Check(
            name="temperature",
            status="unknown" if temperature is None else "ok",
            found="not readable" if temperature is None else f"{temperature:.0f} °C",
        ),
        Check(
            name="power",
            status="warning"
            if found.on_battery
            else "unknown"
            if found.on_battery is None
            else "ok",
            found={None: "not readable", True: "on battery", False: "mains"}[found.on_battery],
            fix="plug it in: on battery many machines lower their clocks"
            if found.on_battery
            else "",
        ),
    )


def _machine() -> str | None:
    if sys.platform == "darwin":
        return _sysctl("hw.model")
    maker_and_product = (readings.text(DMI / "sys_vendor"), readings.text(DMI / "product_name"))
    return " ".join(filter(None, maker_and_product)) or readings.text(DEVICE_TREE_MODEL)


def _cpu_model() -> str | None:
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string")
    facts = dict[str, str]()
    for line in (readings.text(readings.CPUINFO) or "").splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    if "model name" in facts:
        return facts["model name"]
    if "CPU part" in facts:  # Arm: the kernel knows numbers, not names
        return f"Arm implementer {facts.get('CPU implementer', '?')} part {facts['CPU part']}"
    return platform.processor() or None


def _virtualization() -> str | None:
    """The hypervisor's name, "none" on bare metal, None where nobody says."""
    if sys.platform == "darwin":
        return {"0": "none", "1": "apple"}.get(_sysctl("kern.hv_vmm_present") or "")
    flag = readings.hypervisor_flag()
    if flag is None:
        return None
    if not flag:
        return "none"
    offered = (readings.text(CLOCKSOURCES) or "").split()
    named = next(
        (HYPERVISOR_CLOCKS[clock] for clock in offered if clock in HYPERVISOR_CLOCKS), None
    )
    return named or readings.text(DMI / "sys_vendor") or "unnamed hypervisor"


def _sysctl(name: str) -> str | None:
    """One macOS kernel fact as text, whether it is stored as text or as an integer."""
    import ctypes

    size = ctypes.c_size_t(256)
    buffer = ctypes.create_string_buffer(size.value)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, 0) != 0:
        return None
    raw = buffer.raw[: size.value]
    if size.value == 4 and not raw[:1].isalpha():
        return str(int.from_bytes(raw, sys.byteorder))
    return raw.rstrip(b"\x00").decode(errors="replace") or None


def _battery() -> tuple[float | None, bool | None] | None:
    """(charge 0..1, plugged in), or None without a battery."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):  # psutil: absent on some systems
        return None
    if battery is None:
        return None
    percent = battery.percent
    return (
        min(max(percent / 100, 0.0), 1.0) if percent is not None else None
    ), battery.power_plugged


def _commit() -> str | None:
    """The git commit of the current folder, with "+dirty" when tracked files differ from it."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}+dirty" if commit and changes else commit


def _git(*arguments: str) -> str | None:
    """What git prints; None without git, outside a repository, before its first commit."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None

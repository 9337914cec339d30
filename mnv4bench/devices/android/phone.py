"""One phone: what it is, what it is doing, and which of its processors are which.

Knows: the shell lines that ask. Does not know: models, benchmark programs or measuring.
Every question is one trip to the phone (``devices/remote.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from mnv4bench.devices import kernel_text
from mnv4bench.devices.android import readings
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.kernel_text import CPUFREQ, THERMAL, Policy
from mnv4bench.devices.remote import ask
from mnv4bench.records import DeviceState, Expects

MAX_NAME = 80  # letters of a name that a phone gives itself; a table shows it
UNIT_DIGITS = 12  # of a digest, as wherever one is shown

BOOT = "cat /proc/sys/kernel/random/boot_id"  # another one after each start

# Nothing here writes; what is absent or refused leaves its section empty.
IDENTITY = {
    "properties": "getprop",
    "kernel": "uname -r",
    "cpufreq": f"grep -H . {CPUFREQ}/policy*/related_cpus {CPUFREQ}/policy*/cpuinfo_max_freq",
    "memory": "grep MemTotal /proc/meminfo",
    "services": "service list | grep -i neuralnetworks",
    "boot": BOOT,
}
STATE = {
    "stat": "head -n 1 /proc/stat; sleep 0.2; head -n 1 /proc/stat",
    "load": "cat /proc/loadavg",
    "memory": "grep MemAvailable /proc/meminfo",
    "thermal": "dumpsys thermalservice",
    "zones": f"grep -H . {THERMAL}/thermal_zone*/type {THERMAL}/thermal_zone*/temp",
    "battery": "dumpsys battery",
    "power": "dumpsys power | grep mWakefulness=",
    "low_power": "settings get global low_power",
    "cpufreq": f"grep -H . {CPUFREQ}/policy*/scaling_cur_freq {CPUFREQ}/policy*/scaling_governor",
    "boot": BOOT,
    "space": "df -k /data/local/tmp",
}


@dataclass(frozen=True)
class Identity:
    """What does not change while a phone is on."""

    properties: Mapping[str, str]
    kernel: str | None
    policies: tuple[Policy, ...]  # the slowest first; empty where cpufreq cannot be read
    memory_bytes: int | None
    nnapi_drivers: tuple[str, ...]
    boot: str | None
    serial: str = field(repr=False)

    @property
    def model(self) -> str | None:
        return self._called("ro.product.model")

    @property
    def device(self) -> str | None:
        return self._called("ro.product.device")

    @property
    def soc(self) -> str | None:
        return (readings.soc(self.properties) or "")[:MAX_NAME] or None

    @property
    def sdk(self) -> int | None:
        return kernel_text.whole(self.properties.get("ro.build.version.sdk", ""))

    @property
    def abi(self) -> str | None:
        return self._called("ro.product.cpu.abi")

    @property
    def name(self) -> str:
        """``"Google Pixel 8 (shiba)"``."""
        maker = self._called("ro.product.manufacturer") or ""
        words = f"{maker} {self.model or 'unknown phone'}".strip()
        return f"{words} ({self.device})" if self.device else words

    @property
    def unit(self) -> str:
        """This very phone, told apart from others of its kind without naming it."""
        serial = self.properties.get("ro.serialno") or self.serial
        return sha256(serial.encode()).hexdigest()[:UNIT_DIGITS]

    @property
    def this_one(self) -> str:
        """``"Pixel 8 5a2984a51257"``: this very phone, whichever way it is attached."""
        return f"{self.model} {self.unit}"

    def _called(self, key: str) -> str | None:
        return self.properties.get(key, "")[:MAX_NAME] or None


def identify(adb: Adb) -> Identity:
    """What the phone is. Raises DeviceLost."""
    said = ask(adb, IDENTITY)
    return Identity(
        properties=readings.properties(said.get("properties", "")),
        kernel=said.get("kernel", "").strip() or None,
        policies=kernel_text.policies(kernel_text.files(said.get("cpufreq", ""))),
        memory_bytes=kernel_text.kilobytes(said.get("memory", "")),
        nnapi_drivers=readings.nnapi_drivers(said.get("services", "")),
        boot=said.get("boot", "").strip() or None,
        serial=adb.serial,
    )


def state(adb: Adb, policies: tuple[Policy, ...]) -> DeviceState:
    """What the phone is doing right now. Raises DeviceLost."""
    said = ask(adb, STATE)
    thermal = said.get("thermal", "")
    zones = kernel_text.zone_temperatures(kernel_text.files(said.get("zones", "")))
    hal = readings.hal_temperatures(thermal)
    level, battery_c, charging = readings.battery(said.get("battery", ""))
    stat = said.get("stat", "").splitlines()
    kernel = kernel_text.files(said.get("cpufreq", ""))
    fastest = policies[-1].cpus[0] if policies else None
    low_power = said.get("low_power", "").strip()
    return DeviceState(
        taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_busy_fraction=kernel_text.busy(*stat) if len(stat) == 2 else None,
        load_1m=kernel_text.load(said.get("load", "")),
        memory_available_bytes=kernel_text.kilobytes(said.get("memory", "")),
        frequency_hz=kernel_text.hertz(kernel.get(f"{CPUFREQ}/policy{fastest}/scaling_cur_freq")),
        governor=kernel.get(f"{CPUFREQ}/policy{fastest}/scaling_governor"),
        temperature_c=readings.processor_temperature(hal, zones),
        on_battery=None if charging is None else not charging,
        battery_fraction=level,
        # One that somebody set by hand says nothing of the heat.
        thermal_status=None
        if readings.status_is_overridden(thermal)
        else readings.thermal_status(thermal),
        temperatures_c={**zones, **hal},
        battery_temperature_c=battery_c,
        charging=charging,
        screen=readings.screen(said.get("power", "")),
        low_power_mode={"1": True, "0": False}.get(low_power),
        storage_available_bytes=kernel_text.free_bytes(said.get("space", "")),
        boot=said.get("boot", "").strip() or None,
    )


def misfit(identity: Identity, expects: Expects | None) -> str | None:
    """How the phone differs from what a profile expects, as part of a sentence; None: it fits."""
    if expects is None:
        return None
    wanted = (
        ("model", expects.models, identity.model),
        ("device", expects.devices, identity.device),
        ("SoC", expects.socs, identity.soc),
    )
    for what, alternatives, found in wanted:
        if alternatives and (found or "").lower() not in {one.lower() for one in alternatives}:
            return f"expects {what} {' or '.join(alternatives)}, and this one says {found}"
    sdk = identity.sdk
    if expects.min_sdk and (sdk is None or sdk < expects.min_sdk):
        return f"expects Android API level {expects.min_sdk} or later, and this one has {sdk}"
    if expects.max_sdk and (sdk is None or sdk > expects.max_sdk):
        return f"expects Android API level {expects.max_sdk} at most, and this one has {sdk}"
    return None

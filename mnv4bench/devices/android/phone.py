"""One phone: what it is, what it is doing, and which of its processors are which.

Knows: the shell lines that ask. Does not know: models, benchmark programs or measuring.
Every question is one trip to the phone, in sections under a marker that nobody can foresee: what a
phone prints is not trusted to be short or honest.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from mnv4bench.devices.android import readings
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.readings import Policy
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Cores, DeviceState, Expects

CPUFREQ = "/sys/devices/system/cpu/cpufreq"
THERMAL = "/sys/class/thermal"
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


def sections(commands: Mapping[str, str], marker: str) -> str:
    """A shell line that runs ``commands`` one after the other, each under its name."""
    return "\n".join(
        f"echo {marker} {name}\n{{ {command}; }} 2>/dev/null" for name, command in commands.items()
    )


def split(text: str, marker: str) -> dict[str, str]:
    """The output of each of ``sections`` by its name."""
    found = {}
    for part in text.split(f"{marker} ")[1:]:
        name, _, content = part.partition("\n")
        found[name.strip()] = content
    return found


def ask(adb: Adb, commands: Mapping[str, str]) -> dict[str, str]:
    """The output of every command by its name, in one trip. Raises DeviceLost."""
    marker = f"mnv4bench-{secrets.token_hex(6)}"
    return split(adb.shell(sections(commands, marker)).stdout, marker)


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
        return readings.whole(self.properties.get("ro.build.version.sdk", ""))

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
        policies=readings.policies(readings.files(said.get("cpufreq", ""))),
        memory_bytes=_kilobytes(said.get("memory", "")),
        nnapi_drivers=readings.nnapi_drivers(said.get("services", "")),
        boot=said.get("boot", "").strip() or None,
        serial=adb.serial,
    )


def state(adb: Adb, policies: tuple[Policy, ...]) -> DeviceState:
    """What the phone is doing right now. Raises DeviceLost."""
    said = ask(adb, STATE)
    thermal = said.get("thermal", "")
    zones = readings.zone_temperatures(readings.files(said.get("zones", "")))
    hal = readings.hal_temperatures(thermal)
    level, battery_c, charging = readings.battery(said.get("battery", ""))
    stat = said.get("stat", "").splitlines()
    kernel = readings.files(said.get("cpufreq", ""))
    fastest = policies[-1].cpus[0] if policies else None
    low_power = said.get("low_power", "").strip()
    return DeviceState(
        taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_busy_fraction=readings.busy(*stat) if len(stat) == 2 else None,
        load_1m=readings.load(said.get("load", "")),
        memory_available_bytes=_kilobytes(said.get("memory", "")),
        frequency_hz=readings.hertz(kernel.get(f"{CPUFREQ}/policy{fastest}/scaling_cur_freq")),
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
        storage_available_bytes=readings.free_bytes(said.get("space", "")),
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


def processors(policies: tuple[Policy, ...], cores: Cores, threads: int) -> tuple[int, ...]:
    """Which processors ``cores`` means on this phone; empty where cpufreq cannot be read.

    "fastest" and "big" take the next slower ones too while there are fewer than ``threads``.
    Raises NotMeasured for more threads than processors.
    """
    if not policies:
        return ()
    everyone = sorted(cpu for policy in policies for cpu in policy.cpus)
    if threads > len(everyone):
        raise NotMeasured(
            f"the phone has {len(everyone)} processors, and {threads} threads were asked for.",
            f"--threads {len(everyone)}",
        )
    slowest = policies[0].max_hz
    match cores:
        case "all":
            return tuple(everyone)
        case "little":
            chosen = [p for p in policies if p.max_hz == slowest]
        case "big":
            chosen = [p for p in policies if p.max_hz > slowest] or list(policies)
        case "fastest":
            chosen = [policies[-1]]
    for policy in reversed(policies):
        if sum(len(p.cpus) for p in chosen) >= threads:
            break
        if policy not in chosen:
            chosen.append(policy)
    return tuple(sorted(cpu for policy in chosen for cpu in policy.cpus))


def mask(cpus: tuple[int, ...]) -> str:
    """For Android's taskset: hexadecimal, without 0x; (8,) gives ``"100"``."""
    return f"{sum(1 << cpu for cpu in cpus):x}"


def _kilobytes(text: str) -> int | None:
    """The figure of a line of /proc/meminfo, as bytes."""
    words = text.split()
    kilobytes = readings.whole(words[1]) if len(words) >= 2 else None
    return None if kilobytes is None else kilobytes * 1024

"""One board: what it is, and what it is doing right now.

Knows: the shell lines that ask a Linux system, and what they answer. Does not know: models or
measuring. Nothing here writes; what is absent or refused leaves its section empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from mnv4bench.devices import kernel_text
from mnv4bench.devices.kernel_text import CPUFREQ, THERMAL, Policy
from mnv4bench.devices.readings import CPU_ZONES
from mnv4bench.devices.remote import Remote, ask
from mnv4bench.devices.ssh import throttling
from mnv4bench.records import DeviceState, Expects

TREE = "/proc/device-tree"
DMI = "/sys/class/dmi/id"
BOOT = "cat /proc/sys/kernel/random/boot_id"  # another one after each start
MAX_NAME = 80  # letters of a name that a board gives itself; a table shows it
UNIT_DIGITS = 12

IDENTITY = {
    "model": f"tr -d '\\0' <{TREE}/model",
    "compatible": f"tr '\\0' '\\n' <{TREE}/compatible",
    "serial": f"tr -d '\\0' <{TREE}/serial-number || cat /etc/machine-id",
    "dmi": f"cat {DMI}/sys_vendor {DMI}/product_name",
    "system": "uname -s; uname -r; uname -m",
    "cpuinfo": "grep -E '^(processor|model name|CPU implementer|CPU part)' /proc/cpuinfo",
    "cpufreq": f"grep -H . {CPUFREQ}/policy*/related_cpus {CPUFREQ}/policy*/cpuinfo_max_freq",
    "memory": "grep MemTotal /proc/meminfo",
    "tools": "for t in taskset sha256sum base64; do command -v $t >/dev/null && echo $t; done",
    "boot": BOOT,
}
STATE = {
    "stat": "head -n 1 /proc/stat; sleep 0.2; head -n 1 /proc/stat",
    "load": "cat /proc/loadavg",
    "memory": "grep MemAvailable /proc/meminfo",
    "zones": f"grep -H . {THERMAL}/thermal_zone*/type {THERMAL}/thermal_zone*/temp",
    "cpufreq": f"grep -H . {CPUFREQ}/policy*/scaling_cur_freq {CPUFREQ}/policy*/scaling_governor",
    "throttled": throttling.LINE,
    "boot": BOOT,
}
# Around every process.
CLOCKS = {
    "zones": STATE["zones"],
    "cpufreq": f"grep -H . {CPUFREQ}/policy*/stats/time_in_state "
    f"{CPUFREQ}/policy*/scaling_cur_freq",
    "throttled": throttling.LINE,
    "boot": BOOT,
}
# Arm's cores by the number that the kernel knows them by (Linux, arch/arm64/include/asm/cputype.h).
_ARM = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE", "0xd49": "Neoverse-N2",
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What does not change while a board is on."""

    model: str | None
    compatible: tuple[str, ...]  # of the device tree, the board first and its chip last
    system: str | None
    kernel: str | None
    machine: str | None  # of uname: "aarch64"
    cpu: str | None
    cpu_count: int | None
    policies: tuple[Policy, ...]  # the slowest first; empty where cpufreq cannot be read
    memory_bytes: int | None
    tools: frozenset[str]
    boot: str | None
    host: str
    serial: str = field(repr=False)

    @property
    def name(self) -> str:
        """``"Raspberry Pi 5 Model B Rev 1.0"``."""
        return self.model or self.cpu or "a board without a name"

    @property
    def soc(self) -> str | None:
        """``"brcm,bcm2712"``."""
        return self.compatible[-1] if self.compatible else None

    @property
    def unit(self) -> str:
        """This very board, told apart from others of its kind without naming it."""
        return sha256((self.serial or self.host).encode()).hexdigest()[:UNIT_DIGITS]

    @property
    def this_one(self) -> str:
        """The same, for a person: whichever name of it ssh was given."""
        return f"{self.name} {self.unit}"


def identify(ssh: Remote, host: str) -> Identity:
    """What the board is. Raises DeviceLost."""
    said = ask(ssh, IDENTITY)
    system = [*said.get("system", "").splitlines(), "", "", ""]
    dmi = " ".join(said.get("dmi", "").split())
    facts = said.get("cpuinfo", "")
    return Identity(
        model=_short(said.get("model", "")) or _short(dmi),
        compatible=tuple(filter(None, map(_short, said.get("compatible", "").splitlines()))),
        system=_short(system[0]),
        kernel=_short(system[1]),
        machine=_short(system[2]),
        cpu=cpu_name(facts),
        cpu_count=len(re.findall(r"^processor\s*:", facts, re.MULTILINE)) or None,
        policies=kernel_text.policies(kernel_text.files(said.get("cpufreq", ""))),
        memory_bytes=kernel_text.kilobytes(said.get("memory", "")),
        tools=frozenset(said.get("tools", "").split()),
        boot=_short(said.get("boot", "")),
        host=host,
        serial=said.get("serial", "").strip(),
    )


def cpu_name(cpuinfo: str) -> str | None:
    """The processor's name in lines of /proc/cpuinfo; of Arm's, where each kind of core has one."""
    if named := re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE):
        return _short(named[1])
    implementers = re.findall(r"^CPU implementer\s*:\s*(0x[0-9a-f]{1,4})", cpuinfo, re.MULTILINE)
    parts = re.findall(r"^CPU part\s*:\s*(0x[0-9a-f]{1,6})", cpuinfo, re.MULTILINE)
    kinds = dict.fromkeys(zip(implementers, parts, strict=False))
    names = [
        f"Arm {_ARM[part]}"
        if maker == "0x41" and part in _ARM
        else f"implementer {maker} part {part}"
        for maker, part in kinds
    ]
    return _short(", ".join(names))


def misfit(identity: Identity, expects: Expects | None) -> str | None:
    """How the board differs from what a profile expects, as part of a sentence; None: it fits."""
    if expects is None:
        return None
    wanted = (
        ("model", expects.models, {identity.model or ""}),
        ("board", expects.devices, set(identity.compatible)),
        ("SoC", expects.socs, set(identity.compatible[-1:])),
    )
    for what, alternatives, found in wanted:
        known = {one.lower() for one in found}
        if alternatives and known.isdisjoint(one.lower() for one in alternatives):
            says = identity.model or ", ".join(identity.compatible) or "nothing"
            return f"expects {what} {' or '.join(alternatives)}, and this one says {says}"
    return None


def state(ssh: Remote, identity: Identity, folder: str) -> DeviceState:
    """What the board is doing right now; ``folder`` is where files will lie. Raises DeviceLost."""
    # Of a folder that is not there yet: what holds it.
    space = f"df -k {folder} || df -k {folder.rpartition('/')[0] or '/'}"
    said = ask(ssh, {**STATE, "space": space})
    stat = said.get("stat", "").splitlines()
    kernel = kernel_text.files(said.get("cpufreq", ""))
    fastest = f"{CPUFREQ}/policy{identity.policies[-1].cpus[0]}" if identity.policies else ""
    zones = zone_temperatures(said)
    return DeviceState(
        taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_busy_fraction=kernel_text.busy(*stat) if len(stat) == 2 else None,
        load_1m=kernel_text.load(said.get("load", "")),
        memory_available_bytes=kernel_text.kilobytes(said.get("memory", "")),
        frequency_hz=kernel_text.hertz(kernel.get(f"{fastest}/scaling_cur_freq")),
        governor=_short(kernel.get(f"{fastest}/scaling_governor", "")),
        temperature_c=processor_temperature(zones),
        temperatures_c=zones,
        storage_available_bytes=kernel_text.free_bytes(said.get("space", "")),
        boot=_short(said.get("boot", "")),
        throttled=throttling.now(throttling.flags(said.get("throttled", ""))),
    )


def zone_temperatures(said: dict[str, str]) -> dict[str, float]:
    """Degrees Celsius by thermal zone, from the section "zones"."""
    return kernel_text.zone_temperatures(kernel_text.files(said.get("zones", "")))


def processor_temperature(zones: dict[str, float]) -> float | None:
    """The hottest zone in or on the processor."""
    return max(
        (heat for zone, heat in zones.items() if any(part in zone.lower() for part in CPU_ZONES)),
        default=None,
    )


def _short(text: str) -> str | None:
    return text.strip()[:MAX_NAME] or None

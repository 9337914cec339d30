"""What this Mac is and how it does: macOS, its processor, its heat, the runtime.

Knows: sw_vers, sysctl and pmset. Does not know: models or measurements. What cannot be read is
None, and everything is None off a Mac.
"""

from __future__ import annotations

import platform
import re
import sys

from msgspec.structs import replace

from mnv4bench.devices import host_facts, process
from mnv4bench.devices.host_runtimes import COREML
from mnv4bench.records import Check, DeviceState, Environment

LIMIT_S = 10.0
# Whatever macOS says of being held back counts as Android's "moderate", from which on a run waits.
HELD_BACK = 2
# Hosted CI runners among them; their macOS offers a virtual GPU and no Neural Engine.
IN_A_VIRTUAL_MACHINE = "kern.hv_vmm_present"
ARM = "hw.optional.arm64"  # 1 on Apple silicon, under Rosetta too


def is_mac() -> bool:
    """Whether this program runs on macOS."""
    return sys.platform == "darwin"


def off_a_mac(device: str, what: str) -> str:
    """The sentence without its full stop: "mac-ane is the Neural Engine of a Mac, and ..."."""
    return f"{device} is {what}, and this is {platform.system() or sys.platform}, not macOS"


def read(*command: str) -> str | None:
    """What a program of macOS prints; None where it is missing, fails or hangs."""
    try:
        done = process.run(command, timeout_s=LIMIT_S)
    except (OSError, process.TimedOut):
        return None
    return done.stdout.decode(errors="replace").strip() if done.status == 0 else None


def system() -> str | None:
    """ "26.1 (25B78)": macOS, of which Core ML is a part."""
    version, build = read("sw_vers", "-productVersion"), read("sw_vers", "-buildVersion")
    return f"{version} ({build})" if version and build else version


def environment() -> Environment:
    """This Mac and its software. Core ML's version is the system's."""
    found = host_facts.environment(COREML.title, None)
    macos = system()
    return replace(
        found,
        os_name="macOS",
        os_version=macos,
        runtime_version=f"macOS {macos or '?'}, coremltools {COREML.version()}",
    )


def state() -> DeviceState:
    """Load, heat and power right now."""
    return replace(host_facts.state(), thermal_status=thermal_status(read("pmset", "-g", "therm")))


def thermal_status(told: str | None) -> int | None:
    """DeviceState's, from what ``pmset -g therm`` prints; None: not told.

    It prints a note for each warning level that was never recorded, and, where the processor was
    ever held back since the start of the system, the limits that hold now, 100 being none.
    """
    if not told:
        return None
    levels = re.findall(r"(?:Thermal|Performance) Warning Level\s*=\s*(\d{1,4})", told)
    limits = re.findall(r"CPU_(?:Speed|Scheduler)_Limit\s*=\s*(\d{1,4})", told)
    notes = re.findall(r"No (?:thermal|performance) warning level has been recorded", told)
    if any(int(level) > 0 for level in levels) or any(int(limit) < 100 for limit in limits):
        return HELD_BACK
    return 0 if levels or limits or notes else None


def neural_engine() -> Check:
    """Whether this Mac can have one."""
    name = "Neural Engine"
    if read("sysctl", "-n", ARM) != "1":
        chip = read("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
        return Check(
            name=name,
            status="failed",
            found=f"this Mac ({chip}) has no Neural Engine, which Apple's own chips have",
            fix="measure its other units: --device mac-gpu, --device mac-cpu",
        )
    if read("sysctl", "-n", IN_A_VIRTUAL_MACHINE) == "1":
        return Check(
            name=name,
            status="warning",
            found="this is a virtual machine, and macOS offers those no Neural Engine",
            fix="run on the Mac itself; here the placement will say that nothing ran on it",
        )
    return Check(name=name, status="ok", found="a chip of Apple's, which has one")


def rosetta() -> Check | None:
    """A Python for Intel on Apple's chip: it runs, translated, and Core ML with it."""
    if platform.machine() != "x86_64" or read("sysctl", "-n", ARM) != "1":
        return None
    return Check(
        name="Python",
        status="failed",
        found=f"{sys.executable} is built for Intel and runs translated (Rosetta)",
        fix="use a Python for arm64, e.g. of https://www.python.org/downloads/macos/",
    )


def heat() -> Check:
    """What pmset says."""
    status = thermal_status(read("pmset", "-g", "therm"))
    if status is None:
        return Check(name="heat", status="unknown", found="pmset -g therm says nothing")
    if status:
        return Check(
            name="heat",
            status="warning",
            found="macOS holds the processor back (pmset -g therm)",
            fix="let it cool; a run waits for it",
        )
    return Check(name="heat", status="ok", found="macOS holds nothing back (pmset -g therm)")

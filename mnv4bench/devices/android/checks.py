"""Everything that a run on a phone needs, looked at one by one: what ``doctor`` shows.

Knows: the order in which things must be had, and what mends each. Does not know: how it is shown.
Changes nothing on the phone, and never raises: what could not be looked at is "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from mnv4bench.devices import Options, host_facts
from mnv4bench.devices.android import adb, attached, benchmark, modes, phone
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.benchmark import Tool
from mnv4bench.devices.android.program_strings import told_apart
from mnv4bench.devices.cores import mask, processors
from mnv4bench.devices.holding import is_held
from mnv4bench.errors import BenchError, DeviceLost
from mnv4bench.records import Check, DeviceProfile, DeviceState

# Below this a phone may go into battery saver in the middle of a run.
LOW_BATTERY = 0.30
# bench.heat's limit.
WARM_BATTERY_C = 37.0
# Of a phone that is left alone; the program itself keeps one core busy.
BUSY_FRACTION = 0.10


def every(profile: DeviceProfile, options: Options, spare_bytes: int) -> tuple[Check, ...]:
    """In the order in which a run would stumble over them."""
    return tuple(_every(profile, options, spare_bytes))


def _every(profile: DeviceProfile, options: Options, spare_bytes: int) -> Iterator[Check]:
    adb_check = _adb()
    yield adb_check
    tool, lacking = _find(profile, options)
    yield from _program(profile, tool, lacking)
    if adb_check.status == "failed":
        yield from host_facts.checks()[:1]
        return
    try:
        chosen = attached.choose(profile, options.serials)
        identity = chosen.identity
        assert identity is not None
    except BenchError as error:
        yield Check(name="phone", status="failed", found=error.what, fix=error.next_step)
        yield from host_facts.checks()[:1]
        return
    yield Check(
        name="phone",
        status="ok",
        found=f"{identity.name}, {identity.soc}, API level {identity.sdk}, {chosen.serial}",
    )
    yield _abi(tool, identity)
    yield from _accelerator(profile, identity)
    try:
        yield from _condition(Adb(chosen.serial), profile, identity, spare_bytes)
    except DeviceLost as error:
        yield Check(name="phone", status="failed", found=error.what, fix=error.next_step)
    yield from host_facts.checks()[:1]


def _adb() -> Check:
    try:
        adb.require_new_enough()
        _, words = adb.version()
        where = adb.program()
    except BenchError as error:
        return Check(name="adb", status="failed", found=error.what, fix=error.next_step)
    return Check(name="adb", status="ok", found=f"{words} ({where})")


def _find(profile: DeviceProfile, options: Options) -> tuple[Tool | None, BenchError | None]:
    """(the benchmark program, what it or its libraries lack)."""
    try:
        return benchmark.find(profile, options.benchmark_model, options.libraries), None
    except BenchError as error:
        lacking = error
    target = profile.android
    if target is None or not target.libraries:
        return None, lacking
    alone = replace(profile, android=replace(target, libraries=()))
    try:
        return benchmark.find(alone, options.benchmark_model, None), lacking
    except BenchError as error:
        return None, error


def _program(
    profile: DeviceProfile, tool: Tool | None, lacking: BenchError | None
) -> Iterator[Check]:
    name, libraries = "benchmark program", "delegate libraries"
    if tool is None:
        assert lacking is not None
        yield Check(name=name, status="failed", found=lacking.what, fix=lacking.next_step)
        return
    wanted, seen = benchmark.TITLES[tool.flavour], told_apart(tool.program)
    where = f"{tool.program}, sha256 {tool.sha256[:12]}"
    if seen is None:
        # The profile's word is all there is; the program's own flags tell when a run asks it.
        yield Check(
            name=name, status="ok", found=f"{where}; not told apart here, needed is the {wanted}"
        )
    elif seen != tool.flavour:
        yield Check(
            name=name,
            status="failed",
            found=f"{where} is the {benchmark.TITLES[seen]}, and {profile.device} needs the "
            f"{wanted}",
            fix=f"get it: {benchmark.DOWNLOADS[tool.flavour]}",
        )
    else:
        yield Check(name=name, status="ok", found=f"{wanted}, {where}")
    if lacking is not None:
        yield Check(name=libraries, status="failed", found=lacking.what, fix=lacking.next_step)
    elif tool.libraries:
        names = ", ".join(one.name for one in tool.libraries)
        yield Check(name=libraries, status="ok", found=names)


def _abi(tool: Tool | None, identity: phone.Identity) -> Check:
    if tool is None:
        found = f"{identity.abi}; without a program there is nothing to hold against it"
        return Check(name="ABI", status="unknown", found=found)
    try:
        benchmark.require_abi(tool, identity.abi)
    except BenchError as error:
        return Check(name="ABI", status="failed", found=error.what, fix=error.next_step)
    return Check(name="ABI", status="ok", found=f"{identity.abi}")


def _accelerator(profile: DeviceProfile, identity: phone.Identity) -> Iterator[Check]:
    target = benchmark.target_of(profile)
    if target.delegate != "nnapi":
        return
    drivers = identity.nnapi_drivers
    if not drivers:
        yield Check(
            name="accelerator",
            status="unknown",
            found="this phone does not list its NNAPI drivers; the run will tell",
        )
    elif target.nnapi_accelerator in drivers:
        yield Check(name="accelerator", status="ok", found=f"NNAPI: {', '.join(drivers)}")
    else:
        yield Check(
            name="accelerator",
            # Lazy drivers and those of old HALs are in no list, so a run is not refused.
            status="warning",
            found=f"no {target.nnapi_accelerator} in the phone's list of NNAPI drivers, which has "
            f"{', '.join(drivers)}; the run will tell",
            fix="if it fails, choose a profile that fits: mnv4bench devices",
        )


def _condition(
    device: Adb, profile: DeviceProfile, identity: phone.Identity, spare_bytes: int
) -> Iterator[Check]:
    target = benchmark.target_of(profile)
    now = phone.state(device, identity.policies)
    yield _space(now, spare_bytes)
    yield _heat(now)
    yield _battery(now, device)
    yield _screen(now, device)
    yield _load(now, device)
    yield _cores(profile, identity)
    # The lock of AndroidRunner.unit. A run puts the mode on, and it is nobody else's to put it off.
    if is_held(identity.this_one):
        yield Check(
            name="fixed performance",
            status="warning",
            found="in use by another run, so not looked at",
            fix="wait until it has ended",
        )
    elif (identity.sdk or 0) < modes.FIRST_SDK:
        yield Check(
            name="fixed performance",
            status="warning",
            found="Android before 11 has no such mode; clocks will move",
        )
    elif modes.left_on(device, target.remote_dir):
        yield Check(
            name="fixed performance",
            status="warning",
            found="an earlier run was killed and left it on",
            fix=f"the next run puts it off; now: {device.line('shell', modes.OFF)}",
        )
    else:
        yield Check(name="fixed performance", status="ok", found="there, and off")


def _space(now: DeviceState, spare_bytes: int) -> Check:
    free = now.storage_available_bytes
    if free is None:
        return Check(name="space", status="unknown", found="df says nothing")
    short = free < 2 * spare_bytes
    return Check(
        name="space",
        status="failed" if short else "ok",
        found=f"{free / 1e6:.0f} MB free in /data/local/tmp",
        fix="delete something on the phone" if short else "",
    )


def _heat(now: DeviceState) -> Check:
    status, battery = now.thermal_status, now.battery_temperature_c
    if status is None and battery is None:
        return Check(name="heat", status="unknown", found="neither thermal status nor battery")
    words = [] if status is None else [f"thermal status {status}"]
    words += [] if battery is None else [f"battery {battery:.1f} °C"]
    warm = bool(status) or (battery or 0) > WARM_BATTERY_C
    return Check(
        name="heat",
        status="warning" if warm else "ok",
        found=", ".join(words),
        fix="let it cool: a run waits for it" if warm else "",
    )


def _battery(now: DeviceState, device: Adb) -> Check:
    level = now.battery_fraction
    if level is None:
        return Check(name="battery", status="unknown", found="dumpsys battery says nothing")
    found = f"{level:.0%}, {'charging' if now.charging else 'not charging'}"
    if now.low_power_mode:
        fix = device.line("shell", "settings put global low_power 0")
        return Check(name="battery", status="warning", found=f"{found}, battery saver on", fix=fix)
    if level < LOW_BATTERY:
        return Check(name="battery", status="warning", found=found, fix="charge it first")
    if now.charging:
        # A cable charges; whoever wants it cool takes a hub or adb over Wi-Fi.
        return Check(name="battery", status="ok", found=f"{found} (charging warms)")
    return Check(name="battery", status="ok", found=found)


def _screen(now: DeviceState, device: Adb) -> Check:
    if now.screen is None:
        return Check(name="screen", status="unknown", found="dumpsys power says nothing")
    on = now.screen == "Awake"
    wake = device.line("shell", "input keyevent 224; svc power stayon usb")
    return Check(
        name="screen",
        status="ok" if on else "warning",
        found=now.screen,
        fix="" if on else f"with the screen off many phones use their slow cores: {wake}",
    )


def _load(now: DeviceState, device: Adb) -> Check:
    busy = now.cpu_busy_fraction
    if busy is None:
        return Check(name="load", status="unknown", found="/proc/stat cannot be read")
    return Check(
        name="load",
        status="warning" if busy > BUSY_FRACTION else "ok",
        found=f"{busy:.0%} of the processors are busy",
        fix=f"see with what: {device.line('shell', 'top -b -n 1')}" if busy > BUSY_FRACTION else "",
    )


def _cores(profile: DeviceProfile, identity: phone.Identity) -> Check:
    target = benchmark.target_of(profile)
    cpus: tuple[int, ...] = ()
    with suppress(BenchError):
        cpus = processors(identity.policies, target.cores, profile.threads)
    if not cpus:
        return Check(
            name="cores",
            status="warning",
            found="cpufreq cannot be read: the program goes where the phone puts it",
        )
    found = f"{target.cores}: {', '.join(map(str, cpus))} (taskset {mask(cpus)})"
    return Check(name="cores", status="ok", found=found)

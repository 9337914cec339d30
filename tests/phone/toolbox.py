"""The tools of the phone's own that the host lacks or that tell of the phone's state.

Knows: getprop, dumpsys, cmd, settings, service, taskset, df, uname, id, logcat, date and a few that
are only recorded. One script under many names, copied into each phone's folder; it starts without
site-packages and imports nothing of this project. Does not know: who sets the state (`android`).

The outputs are written from format facts (AOSP sources of Android 10 to 15: BatteryService,
ThermalManagerService, PowerManagerService and PowerManagerShellCommand, toybox), not captured.
"""

import json
import os
import sys
import time


def state():
    with open(os.path.join(os.environ["PHONE_FOLDER"], "state.json")) as file:  # noqa: PTH118, PTH123
        return json.load(file)


def told(**changes):
    """What the phone was told; with ``changes``, told so now."""
    place = os.path.join(os.environ["PHONE_FOLDER"], "told.json")  # noqa: PTH118
    facts = {}
    if os.path.exists(place):  # noqa: PTH110
        with open(place) as file:  # noqa: PTH123
            facts = json.load(file)
    if changes:
        facts.update(changes)
        with open(place + ".new", "w") as file:  # noqa: PTH123
            json.dump(facts, file)
        os.replace(place + ".new", place)  # noqa: PTH105
    return facts


def complain(text):
    print(text, file=sys.stderr)


def sdk():
    return int(state()["properties"].get("ro.build.version.sdk", "35"))


def getprop(arguments):
    properties = state()["properties"]
    if not arguments:
        for name in sorted(properties):
            print(f"[{name}]: [{properties[name]}]")
    else:
        print(properties.get(arguments[0], arguments[1] if len(arguments) > 1 else ""))
    return 0


def thermalservice():
    facts = state()
    if sdk() < 29:
        complain("Can't find service: thermalservice")
        return 0
    override = told().get("thermal_override")
    status = facts["thermal_status"] if override is None else override

    def sensors(added):
        for name, (kind, degrees) in facts["temperatures"].items():
            level = status if kind == 3 else 0
            print(
                f"\tTemperature{{mValue={degrees + added:.1f}, mType={kind}, mName={name}, "
                f"mStatus={level}}}"
            )

    print(f"IsStatusOverride: {'false' if override is None else 'true'}")
    print("ThermalEventListeners:\n\tcallbacks: 1\n\tkilled: false\n\tbroadcasts count: -1")
    print("ThermalStatusListeners:\n\tcallbacks: 2\n\tkilled: false\n\tbroadcasts count: -1")
    print(f"Thermal Status: {status}")
    print("Cached temperatures:")
    sensors(-7.5)  # stale on purpose: whoever reads this block is wrong
    print("HAL Ready: true\nHAL connection:")
    print(
        "\tThermalHAL AIDL 2  connected: yes" if sdk() >= 34 else "\tThermalHAL 2.0 connected: yes"
    )
    print("Current temperatures from HAL:")
    sensors(0)
    print("Current cooling devices from HAL:")
    print("\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}")
    return 0


def battery():
    facts = state()["battery"]
    status = 2 if facts["charging"] else 4 if facts["plugged"] else 3
    print("Current Battery Service state:")
    print("  AC powered: false")
    print(f"  USB powered: {'true' if facts['plugged'] else 'false'}")
    print("  Wireless powered: false")
    if sdk() >= 33:
        print("  Dock powered: false")
    print("  Max charging current: 500000\n  Max charging voltage: 5000000")
    print("  Charge counter: 3500000")
    print(f"  status: {status}\n  health: 2\n  present: true\n  level: {facts['level']}")
    print("  scale: 100\n  voltage: 4123")
    print(f"  temperature: {round(facts['temperature_c'] * 10)}\n  technology: Li-ion")
    return 0


def power():
    facts = state()
    awake = facts["screen"]
    print("POWER MANAGER (dumpsys power)\n")
    print("Power Manager State:\n  mDirty=0x0")
    print(f"  mWakefulness={awake}\n  mWakefulnessChanging=false")
    print(f"  mIsPowered={'true' if facts['battery']['plugged'] else 'false'}")
    print(f"  mBatteryLevel={facts['battery']['level']}")
    print(f"Settings and Configuration:\n  mLowPowerModeEnabled={str(facts['low_power']).lower()}")
    print(f"\nDisplay Power: state={'ON' if awake == 'Awake' else 'OFF'}")
    return 0


def display():
    screen = "ON" if state()["screen"] == "Awake" else "OFF"
    print("DISPLAY MANAGER (dumpsys display)")
    print(f"  mGlobalDisplayState={screen}")
    print(f"Display Power Controller:\n  mScreenState={screen}")
    return 0


def dumpsys(arguments):
    names = [name for name in arguments if not name.startswith("-")]
    known = {
        "thermalservice": thermalservice,
        "battery": battery,
        "power": power,
        "display": display,
    }
    if not names or names[0] not in known:
        complain(f"Can't find service: {names[0] if names else ''}")
        return 0
    return known[names[0]]()


def cmd(arguments):
    if not arguments:
        complain("cmd: No service specified; use -l to list all services")
        return 20
    service, *rest = arguments
    if service == "power" and rest[:1] == ["set-fixed-performance-mode-enabled"]:
        if sdk() < 30:
            print("Unknown command: set-fixed-performance-mode-enabled")
            return 255
        if not state()["fixed_performance_supported"]:
            complain("Failed to set FIXED_PERFORMANCE mode")
            complain("This is likely because Power HAL AIDL is not implemented on this device")
            return 255
        if len(rest) < 2:
            complain('Error: Argument expected after "set-fixed-performance-mode-enabled"')
            return 255
        told(fixed_performance=rest[1] == "true")
        return 0
    if service == "thermalservice" and rest[:1] == ["override-status"]:
        told(thermal_override=int(rest[1]))
        return 0
    if service == "thermalservice" and rest[:1] == ["reset"]:
        told(thermal_override=None)
        return 0
    if service in ("power", "thermalservice", "battery", "connectivity"):
        print(f"Unknown command: {rest[0] if rest else ''}")
        return 255
    complain(f"cmd: Can't find service: {service}")
    return 20


def settings(arguments):
    if arguments[:1] == ["get"] and len(arguments) == 3:
        put = told().get("settings", {}).get("/".join(arguments[1:]))
        if arguments[1:] == ["global", "low_power"] and put is None:
            put = "1" if state()["low_power"] else "0"
        print("null" if put is None else put)
        return 0
    if arguments[:1] == ["put"] and len(arguments) == 4:
        told(settings={**told().get("settings", {}), "/".join(arguments[1:3]): arguments[3]})
        return 0
    complain("Invalid command")
    return 255


def service(arguments):
    if arguments[:1] != ["list"]:
        complain("service: Unknown command")
        return 10
    drivers = [
        f"android.hardware.neuralnetworks.IDevice/{name}"
        for name in state()["accelerators"]
        if name not in ("cpu", "gpu", "hexagon", "npu", "external")
    ]
    known = [(name, "android.hardware.neuralnetworks.IDevice") for name in drivers]
    known += [("power", "android.os.IPowerManager"), ("battery", "")]
    if sdk() >= 29:
        known.append(("thermalservice", "android.os.IThermalService"))
    print(f"Found {len(known)} services:")
    for index, (name, interface) in enumerate(known):
        print(f"{index}\t{name}: [{interface}]")
    return 0


def taskset(arguments):
    if len(arguments) < 2:
        complain("taskset: Need 2 arguments")
        return 1
    try:
        mask = int(arguments[0], 16)
    except ValueError:
        complain(f"taskset: bad mask {arguments[0]}")
        return 1
    cpus = state()["cpus"]
    # The kernel takes a mask with one CPU that exists; this phone wants all of them to exist, so
    # that a wrong mask is seen.
    if not mask or any(mask >> cpu & 1 and cpu not in cpus for cpu in range(mask.bit_length())):
        complain(f"taskset: failed to set pid {os.getpid()}'s affinity: Invalid argument")
        return 1
    os.environ["PHONE_CPUS"] = " ".join(str(cpu) for cpu in cpus if mask >> cpu & 1)
    try:
        os.execvp(arguments[1], arguments[1:])
    except OSError as error:
        complain(f"taskset: exec {arguments[1]}: {error.strerror}")
        return 127 if isinstance(error, FileNotFoundError) else 126


def df(arguments):
    facts, used = state(), 0
    root = os.path.join(os.environ["PHONE_FOLDER"], "root")  # noqa: PTH118
    for folder, _, names in os.walk(os.path.join(root, "data")):  # noqa: PTH118
        for name in names:
            used += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
    named = [name for name in arguments if not name.startswith("-")]
    for name in named:
        if not os.path.exists(name):  # noqa: PTH110
            complain(f"df: {name}: No such file or directory")
            return 1
    total = 128 * 10**9 // 1024
    free = max(0, facts["capacity_bytes"] - used) // 1024
    print("Filesystem       1K-blocks     Used Available Use% Mounted on")
    print(
        f"/dev/block/dm-49 {total:>9} {total - free:>8} {free:>9} "
        f"{100 * (total - free) // total:>3}% /data/user/0"
    )
    return 0


def uname(arguments):
    facts = {"s": "Linux", "n": "localhost", "r": "5.15.137-android14-11-gabcdef123456"}
    facts |= {"v": "#1 SMP PREEMPT Mon Jan 1 00:00:00 UTC 2024", "m": "aarch64"}
    wanted = "".join(part.lstrip("-") for part in arguments) or "s"
    wanted = "snrvm" if "a" in wanted else wanted
    print(" ".join(facts[letter] for letter in "snrvm" if letter in wanted))
    return 0


def identity(arguments):
    number = state()["uid"]
    name = "root" if number == 0 else "shell"
    if "-un" in arguments:
        print(name)
    elif "-u" in arguments:
        print(number)
    else:
        context = "u:r:su:s0" if number == 0 else "u:r:shell:s0"
        print(
            f"uid={number}({name}) gid={number}({name}) groups={number}({name}) context={context}"
        )
    return 0


def logcat(arguments):
    if "-c" not in arguments:
        print("--------- beginning of main")
    return 0


def date(arguments):
    """The date of a phone that has become slow: its seconds last longer."""
    place = os.path.join(os.environ["PHONE_FOLDER"], "clock")  # noqa: PTH118
    with open(place) as file:  # noqa: PTH123
        since, factor = file.read().split()
    now = int(int(since) + (time.time_ns() - int(since)) * float(factor))
    if arguments not in (["+%s%N"], ["+%s"]):
        complain(f"date: bad format {arguments}")
        return 1
    print(now if arguments == ["+%s%N"] else now // 10**9)
    return 0


def recorded(arguments):
    """Done, as far as anybody can see."""
    return 0


TOOLS = {
    "getprop": getprop,
    "dumpsys": dumpsys,
    "cmd": cmd,
    "settings": settings,
    "service": service,
    "taskset": taskset,
    "df": df,
    "uname": uname,
    "id": identity,
    "logcat": logcat,
    "date": date,
    "input": recorded,
    "svc": recorded,
    "log": recorded,
}


def main():
    name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]  # noqa: PTH119
    if name == "toolbox":
        name, *arguments = arguments
    place = os.path.join(os.environ["PHONE_FOLDER"], "calls.jsonl")  # noqa: PTH118
    with open(place, "a") as file:  # noqa: PTH123
        file.write(json.dumps({"tool": name, "arguments": arguments}) + "\n")
    return TOOLS[name](arguments)


if __name__ == "__main__":
    sys.exit(main())

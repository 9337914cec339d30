"""What a Mac's programs answer, and a phone behind devicectl: one program under all their names.

Runs by itself, with the standard library alone, since every question to a phone starts it anew.
What it answers stands in desk.json beside it (desk.Desk writes it); the phone's files lie there.
The words are those that coremltools 9.0 and mnv4bench use; the answers have what they read.
"""

import json
import shutil
import signal
import struct
import sys
import time
from pathlib import Path

HERE = Path(sys.argv[0]).parent
DESK = HERE / "desk.json"
OPERATOR_NS = {"CPU_ONLY": 400_000, "CPU_AND_GPU": 150_000, "CPU_AND_NE": 80_000}


def main() -> int:
    desk = json.loads(DESK.read_text())
    name, words = Path(sys.argv[0]).name, sys.argv[1:]
    with (HERE / "log").open("a") as log:
        log.write(json.dumps([name, *words]) + "\n")
    if name == "xcrun":
        if words[:2] == ["--find", "devicectl"]:
            return said(HERE / "devicectl") if desk["devicectl"] else failed("xcrun: error", 72)
        name, words = words[0], words[1:]
    match name:
        case "sw_vers":
            return said(desk["macos"] if "-productVersion" in words else desk["macos_build"])
        case "sysctl":
            fact = desk["sysctl"].get(words[-1])
            return said(fact) if fact is not None else failed("unknown oid", 1)
        case "pmset":
            return said(desk["therm"])
        case "xcode-select":
            return said(desk["selected"]) if desk["selected"] else failed("no developer tools", 2)
        case "xcodebuild":
            return xcodebuild(desk, words)
        case "devicectl":
            return devicectl(desk, words)
    return failed(f"{name}: not played here", 64)


def said(words: object) -> int:
    print(words)
    return 0


def failed(words: str, status: int) -> int:
    print(words, file=sys.stderr)
    return status


def xcodebuild(desk, words: list[str]) -> int:
    if "-version" in words:
        if desk["xcodebuild"]:
            return failed(desk["xcodebuild"], 69)
        return said(f"Xcode {desk['xcode']}\nBuild version {desk['xcode_build']}")
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    app = Path(settings["SYMROOT"]) / "Release-iphoneos" / "ModelRunner.app"
    app.mkdir(parents=True)
    if settings.get("DEVELOPMENT_TEAM") in desk["strangers"]:  # it is signed at the end
        return failed('error: No Account for Team "X". Add a new account in Accounts settings', 65)
    (app / "bundle").write_text(settings["PRODUCT_BUNDLE_IDENTIFIER"])
    return 0


def devicectl(desk, words: list[str]) -> int:
    answer = Path(words[words.index("-j") + 1]) if "-j" in words else None

    def result(**facts) -> int:
        if answer:
            answer.write_text(json.dumps({"info": {"outcome": "success"}, "result": facts}))
        return 0

    if words[:2] == ["list", "devices"]:
        return result(devices=desk["devices"])
    option = "--device" if "--device" in words else "-d"
    wanted = words[words.index(option) + 1]
    device = next((one for one in desk["devices"] if one["identifier"] == wanted), None)
    if device is None or device["connectionProperties"]["tunnelState"] == "unavailable":
        return failed(
            "ERROR: The specified device was not found. (com.apple.dt.CoreDevice 1000)", 1
        )
    phone = HERE / "phone"
    match words[:3]:
        case ["device", "info", "details"]:
            if desk["wakes"]:
                device["connectionProperties"]["tunnelState"] = "connected"
                DESK.write_text(json.dumps(desk))
            return result(identifier=wanted)
        case ["device", "install", "app"]:
            app = Path(words[words.index("-d") + 2])
            bundle = (app / "bundle").read_text()
            (phone / bundle).mkdir(parents=True, exist_ok=True)
            return result(installedApplications=[{"bundleID": bundle, "databaseUUID": "x"}])
        case ["device", "process", "launch"]:
            return run_app(phone / words[-1], desk)
        case ["device", "uninstall", "app"]:
            if desk["stays"]:
                return failed("ERROR: The device is locked.", 1)
            bundle = words[words.index("--device") + 2]
            shutil.rmtree(phone / bundle, ignore_errors=True)
            return result()
        case ["device", "copy", way]:
            return copy(desk, phone, words, way, result)
    return failed(f"devicectl: {words[:3]} is not played here", 64)


def run_app(container: Path, desk) -> int:
    """The console of the app: until it is ended, or taken off the phone."""
    if desk["locked"]:
        return failed("ERROR: The application failed to launch: the device is locked.", 1)
    running = container / "running"
    number = int((HERE / "starts").read_text()) + 1 if (HERE / "starts").exists() else 1
    (HERE / "starts").write_text(str(number))
    running.write_text(str(number))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while running.exists():
            time.sleep(0.02)
    finally:
        running.unlink(missing_ok=True)
    return 0


def copy(desk, phone: Path, words: list[str], way: str, result) -> int:
    def word(name: str) -> str:
        return next(
            one.partition("=")[2] or words[place + 1]
            for place, one in enumerate(words)
            if one.partition("=")[0] == name
        )

    container = phone / word("--domain-identifier")
    source, destination = word("--source"), word("--destination")
    if way == "from":
        if not (container / source).exists():
            return failed("ERROR: The file could not be opened because there is no such file.", 1)
        shutil.copy(container / source, destination)
        return result(source=source, destination=destination)
    place = container / destination
    place.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        shutil.copytree(source, place)
    else:
        shutil.copy(source, place)
    if place.name == "message.json" and runs(container):
        ask(desk, container, json.loads(place.read_text()))
    return result(source=source, destination=destination)


def runs(container: Path) -> bool:
    """Whether the app does; one that was only just started takes a moment."""
    for _ in range(100):
        if (container / "running").exists():
            return True
        time.sleep(0.02)
    return False


def ask(desk, container: Path, message) -> None:
    """What the helper app does with a request: modelrunner's JSON-RPC, by files."""
    home, params = container / "Documents" / "modelrunnerd", message["params"]
    models = container / "models.json"
    known = json.loads(models.read_text()) if models.exists() else {}
    count = desk["trips"] = desk["trips"] + 1
    if desk["leaves_at"] and count >= desk["leaves_at"]:
        for one in desk["devices"]:
            one["connectionProperties"]["tunnelState"] = "unavailable"
    DESK.write_text(json.dumps(desk))
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    folder = home / "responses" / message["id"]
    folder.mkdir(parents=True)
    name = message["method"].rpartition(".")[2]
    result = {"modelID": params["modelID"]}
    net = desk["network"]
    if name == "Load":
        if desk["refuses"]:
            answer["error"] = {"code": -32000, "message": desk["refuses"]}
        known[params["modelID"]] = params["computeUnits"]
        models.write_text(json.dumps(known))
        result["duration"] = 40_000_000
    elif name == "Prediction":
        units = "CPU_ONLY" if desk["idle"] else known[params["modelID"]]
        result["duration"] = OPERATOR_NS[units] * len(net["operators"]) + 1000 * (count % 5)
        size = 1
        for side in net["shape"]:
            size *= side
        (folder / "tensors.bin").write_bytes(struct.pack(f"<{size}f", *[0.0] * size))
        strides = [1] * len(net["shape"])
        for place in range(len(net["shape"]) - 2, -1, -1):
            strides[place] = strides[place + 1] * net["shape"][place + 1]
        result["outputs"] = {
            net["output"]: {
                "shape": net["shape"],
                "strides": strides,
                "dataType": "Float32",
                "storage": {"offset": 0, "size": 4 * size},
            }
        }
        answer["resource"] = "tensors.bin"
    elif name == "ComputePlan":
        unit = {"CPU_ONLY": "cpu", "CPU_AND_GPU": "gpu", "CPU_AND_NE": "neuralEngine"}
        own = unit[known[params["modelID"]]]
        kind = {own: {"totalCoreCount": 16} if own == "neuralEngine" else {}}
        result["infos"] = [
            {
                "deviceUsage": {"preferred": kind, "supported": [kind, {"cpu": {}}]},
                "estimatedCost": 1 / len(net["operators"]),
                "path": path,
            }
            for path in net["operators"]
        ]
    if "error" not in answer:
        answer["result"] = result
    (folder / "message.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    sys.exit(main())

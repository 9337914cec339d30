"""A desk with a Mac on it, and phones on its cables: fixtures for every room's tests."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from mnv4bench.devices.apple import helper_app, mac, xcode

PROGRAMS = Path(__file__).with_name("mac_programs.py")
STAND_IN = Path(__file__).with_name("stand_in")
NAMES = ("sw_vers", "sysctl", "pmset", "xcode-select", "xcodebuild", "xcrun", "devicectl")
QUIET = """Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded"""
TEAM = "ABCDE12345"
UDID = "00008110-0001"


def phone(udid: str = UDID, **changes: Any) -> dict[str, Any]:
    """An iPhone 13 that is ready, as devicectl lists it; ``changes`` by the names of its parts."""
    listed = {
        "identifier": f"00000000-AAAA-BBBB-CCCC-{udid[-4:].rjust(12, '0')}",
        "deviceProperties": {
            "name": "Test iPhone; $(touch /tmp/hit)",
            "osVersionNumber": "26.1",
            "osBuildUpdate": "23B85",
            "developerModeStatus": "enabled",
            "ddiServicesAvailable": True,
        },
        "hardwareProperties": {
            "deviceType": "iPhone",
            "udid": udid,
            "marketingName": "iPhone 13",
            "productType": "iPhone14,5",
            "reality": "physical",
            "cpuType": {"name": "arm64e", "type": 16777228, "subType": 2},
        },
        "connectionProperties": {
            "pairingState": "paired",
            "tunnelState": "connected",
            "transportType": "wired",
        },
    }
    for part in list(listed.values()):
        if isinstance(part, dict):
            part.update({name: value for name, value in changes.items() if name in part})
    return {**listed, **{name: value for name, value in changes.items() if name in listed}}


class Desk:
    """A Mac's programs in a folder, and what they answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        text = PROGRAMS.read_text()
        for name in NAMES:
            program = folder / name
            program.write_text(f"#!{sys.executable} -SE\n{text}")
            program.chmod(0o755)
        self.put(
            macos="26.1",
            macos_build="25B78",
            sysctl={"hw.optional.arm64": "1", "kern.hv_vmm_present": "0"},
            therm=QUIET,
            selected="/Applications/Xcode.app/Contents/Developer",
            xcode="26.1",
            xcode_build="17B55",
            xcodebuild="",
            devicectl=True,
            devices=[],
            strangers=[],
            wakes=True,
            locked=False,
            stays=False,
            refuses="",
            idle=False,
            leaves_at=0,
            trips=0,
            network={"operators": [], "shape": [1, 3], "output": "answer"},
        )

    def put(self, **facts: Any) -> None:
        """From now on they answer this."""
        file = self.folder / "desk.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**known, **facts}))
        xcode.forget()

    def plug(self, *phones: dict[str, Any], package: Path | None = None) -> None:
        """These are attached; they run the operators of ``package``."""
        self.put(devices=list(phones))
        if package is not None:
            self.put(network=network_of(package))

    @property
    def asked(self) -> list[list[str]]:
        """What every program was asked, in order."""
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def on_the_phone(self) -> list[str]:
        """The apps that are installed."""
        home = self.folder / "phone"
        return sorted(one.name for one in home.iterdir()) if home.exists() else []

    @property
    def starts(self) -> int:
        """How often an app was started."""
        file = self.folder / "starts"
        return int(file.read_text()) if file.exists() else 0


def network_of(package: Path) -> dict[str, Any]:
    """What the phone's double needs to know of a package, which it cannot read."""
    from importlib import import_module

    from mnv4bench import runtimes

    spec = runtimes.coremltools().utils.load_spec(str(package))
    paths = import_module("coremltools.models.ml_program.experimental.model_structure_path")
    (output,) = spec.description.output
    return {
        "operators": [
            path.to_dict()
            for operator, path in paths.map_model_spec_to_path(spec)
            if operator.type != "const"
        ],
        "shape": list(output.type.multiArrayType.shape),
        "output": output.name,
    }


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """This machine is a Mac, whose Core ML is played, as far as mnv4bench can tell."""
    made = Desk(tmp_path / "mac")
    project = tmp_path / "coremltools" / "modelrunner"
    (project / "ModelRunner.xcworkspace").mkdir(parents=True)
    monkeypatch.setattr(mac, "is_mac", lambda: True)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(helper_app, "project", lambda: project)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    monkeypatch.setenv("CORE_ML_RUNNER", str(project))
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(helper_app.TEAM, TEAM)
    xcode.forget()
    yield made
    xcode.forget()

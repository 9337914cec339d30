"""`devices`, `doctor`, `run`, `show`, `gate` with Apple's devices: refused here, and on a desk."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnv4bench import bench, store
from mnv4bench.devices.apple import mac
from mnv4bench.records import Report
from tests.apple.desk import UDID, Desk, desk, phone
from tests.apple.packages import write_package
from tests.command_line import Terminal

__all__ = ["desk"]
elsewhere = pytest.mark.skipif(mac.is_mac(), reason="this is a Mac, where they are ready")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not matter here, so a busy machine may be measured."""
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("packages") / "net.mlpackage")


@pytest.fixture
def package(made: Path, terminal: Terminal) -> str:
    """A package of one's own in the folder that the command runs in."""
    shutil.copytree(made, "net.mlpackage")
    return "net.mlpackage"


@pytest.fixture
def iphone(desk: Desk, made: Path) -> Iterator[Desk]:
    desk.plug(phone(), package=made)
    return desk


def reports(folder: Path = Path("reports")) -> dict[str, Report]:
    return {one.profile.device: one for one in map(store.read, folder.glob("*.json"))}


# --- off a Mac ------------------------------------------------------------------------------------


@elsewhere
@pytest.mark.parametrize("device", ["mac-ane", "iphone13-ane"])
def test_run_refuses_with_one_sentence(terminal: Terminal, device: str) -> None:
    ran = terminal("run", "--device", device, "--model", "mnv4-conv-s")
    assert ran.status == 3
    what, step = ran.err.strip().splitlines()
    assert what.startswith(f"error: {device} is the Neural Engine of")
    assert what.endswith("not macOS.")
    assert step.startswith("  next: run the same command on a Mac")
    assert ran.out == ""
    assert reports() == {}


@elsewhere
def test_gate_refuses(terminal: Terminal, package: str) -> None:
    write_package(Path("head/net.mlpackage"), layers=4)
    ran = terminal("gate", "--device", "mac-ane", "--base", package, "--head", "head/net.mlpackage")
    assert ran.status == 3
    assert "not macOS" in ran.err


def test_a_gate_on_an_iphone_is_refused_before_anything_is_made(terminal: Terminal) -> None:
    for words in (("--base", "mnv4-conv-s"), ("--budget", "mnv4-conv-s=1ms")):
        ran = terminal("gate", "--device", "iphone13-ane", "--head", "mnv4-conv-s", *words)
        assert ran.status == 3
        assert "iphone13-ane cannot judge a gate" in ran.err
        assert "--device mac-ane" in ran.err


@elsewhere
def test_doctor_says_the_same(terminal: Terminal) -> None:
    ran = terminal("doctor", "--device", "mac-ane", "--json")
    assert ran.status == 3
    (examined,) = ran.json["devices"]
    (check,) = examined["checks"]
    assert (check["name"], check["status"]) == ("macOS", "failed")
    assert "not macOS" in check["found"]


@elsewhere
def test_devices_lists_them_as_absent(terminal: Terminal) -> None:
    rows = {row["device"]: row for row in terminal("devices", "--json").json["devices"]}
    for device in ("mac-ane", "mac-gpu", "mac-cpu", "iphone13-ane", "iphone17pro-ane"):
        assert rows[device]["status"] == "absent"
        assert "not macOS" in rows[device]["detail"]


@elsewhere
@pytest.mark.parametrize("device", ["mac-ane", "iphone13-ane"])
def test_a_dry_run_tells_what_it_would_do(terminal: Terminal, package: str, device: str) -> None:
    ran = terminal("run", "--device", device, "--model", package, "--dry-run")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert "# these run on a Mac; this machine is none" in lines
    assert sum('"runtime":"coreml"' in line for line in lines) >= 2
    assert any('"accelerator":"ane"' in line for line in lines)
    assert any("uninstall app" in line for line in lines) == device.startswith("iphone")


# --- on a desk with a Mac -------------------------------------------------------------------------


def test_a_run_on_the_neural_engine(desk: Desk, terminal: Terminal, package: str) -> None:
    ran = terminal("run", "--device", "mac-ane", "--model", package, "--quick", "--rounds", "2")
    assert ran.status == 0, ran.err
    (measurement,) = reports()["mac-ane"].measurements
    assert measurement.placement is not None
    assert measurement.placement.verdict == "full"
    assert measurement.state_before is not None
    assert measurement.state_before.thermal_status == 0
    assert len(measurement.invocations) == 2
    assert all(one.paced and one.warm_load_s for one in measurement.invocations)
    shown = terminal("show", "reports").out
    assert "Paced" in shown
    assert "begin every 33.3 ms, with rest between" in shown
    assert "Core ML macOS 26.1 (25B78)" in shown
    samples = terminal("show", "reports", "--rows", "samples", "--format", "csv").out
    assert samples.count(",paced,") == 2 * 45
    invocations = terminal("show", "reports", "--rows", "invocations", "--format", "csv").out
    for row in csv.DictReader(invocations.splitlines()):
        assert float(row["paced_s"]) > float(row["median_s"])
        assert float(row["load_s"]) > float(row["warm_load_s"])
        assert row["apart_s"] == ""


def test_a_placement_that_is_not_proven_ends_with_its_status(
    desk: Desk, terminal: Terminal, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORE_ML_IDLE", "1")
    ran = terminal("run", "--device", "mac-gpu", "--model", package, "--quick", "--rounds", "1")
    assert ran.status == 5
    assert ": 1.00 times as fast" in ran.out


def test_doctor_looks_at_the_macs_units(desk: Desk, terminal: Terminal) -> None:
    found = terminal("doctor", "--json").json
    devices = [one["device"] for one in found["devices"]]
    assert {"host-cpu", "mac-ane", "mac-gpu", "mac-cpu"} <= set(devices)
    assert not [device for device in devices if device.startswith("iphone")]


def test_a_run_on_an_iphone_that_leaves_goes_on(
    iphone: Desk, terminal: Terminal, package: str
) -> None:
    # Six trips of the processor's process, and as many before the second round's end.
    iphone.put(leaves_at=40)
    words = ("--device", "iphone13-ane", "--model", package)
    ran = terminal("run", *words, "--quick", "--rounds", "2")
    assert ran.status == 3
    assert "went away" in ran.err
    assert "--resume" in ran.err
    kept = reports()["iphone13-ane"]
    assert kept.finished_at is None
    iphone.put(leaves_at=0)
    iphone.plug(phone())
    ran = terminal("run", "--resume", "--model", package)
    assert ran.status == 0, ran.err
    finished = reports()["iphone13-ane"]
    assert finished.report == kept.report
    (measurement,) = finished.measurements
    assert len(measurement.invocations) == 2
    assert all(one.apart_s for one in measurement.invocations)
    assert iphone.on_the_phone == []
    shown = terminal("show", "reports").out
    assert "Not back to back" in shown
    assert "apart, a mean)" in " ".join(shown.split())
    assert "Paced" not in shown
    assert UDID not in Path(next(iter(Path("reports").glob("*.json")))).read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sustained", "60"), "rests for seconds before every inference"),
        (("--benchmark-model", "x"), "are for Android phones; iphone13-ane is none"),
    ],
)
def test_what_an_iphone_cannot_do_is_refused(
    iphone: Desk, terminal: Terminal, package: str, words: tuple[str, ...], said: str
) -> None:
    ran = terminal("run", "--device", "iphone13-ane", "--model", package, *words)
    assert ran.status == 2
    assert said in ran.err


def test_a_phone_that_is_not_trusted(iphone: Desk, terminal: Terminal, package: str) -> None:
    iphone.plug(phone(pairingState="unpaired"))
    ran = terminal("run", "--device", "iphone13-ane", "--model", package)
    assert ran.status == 3
    assert "does not trust this Mac" in ran.err
    assert "tap Trust" in ran.err
    assert reports() == {}


def test_a_serial_that_is_not_there(iphone: Desk, terminal: Terminal, package: str) -> None:
    words = ("--device", "iphone13-ane", "--model", package, "--serial", "00008110-0009")
    ran = terminal("run", *words)
    assert ran.status == 3
    assert f"--serial {UDID}" in ran.err

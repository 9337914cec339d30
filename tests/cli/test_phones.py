"""`devices`, `doctor` and `run` with phones: the genuine adb and the double of a phone."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import profiles, store
from mnv4bench.cli import attached as attached_phones
from mnv4bench.devices.android import attached
from mnv4bench.records import DeviceProfile, Expects, Report
from tests.command_line import Terminal
from tests.devices.conftest import phone_profile
from tests.devices.tiny_models import write_tflite
from tests.phone import handsets, programs
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions

pytestmark = pytest.mark.usefixtures("ask_anew")

MINE = """
device = "{name}"
title = "the phone on my desk"
runner = "android"
runtime = "litert"
format = "tflite"
precision = "fp32"
accelerator = "cpu"
[expects]
devices = ["{code}"]
[android]
tool = "classic"
delegate = "xnnpack"
"""


@pytest.fixture
def mine(terminal: Terminal) -> str:
    """A profile of one's own, of a Pixel 8."""
    Path("mine.toml").write_text(MINE.format(name="mine", code="shiba"))
    return "./mine.toml"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return programs.write_program(tmp_path / "benchmark_model")


def reports(folder: Path = Path("reports")) -> dict[str, Report]:
    return {one.profile.device: one for one in map(store.read, folder.glob("*.json"))}


# --- devices ----------------------------------------------------------------------------------


def test_an_attached_phone_is_listed_with_the_profiles_that_mean_it(phone: Phone) -> None:
    pixel8 = replace(phone_profile("classic"), expects=Expects(devices=("SHIBA",)))
    anyone = replace(pixel8, device="any-phone", expects=None)
    other = replace(pixel8, device="pixel6", expects=Expects(models=("Pixel 6",)))
    too_new = replace(pixel8, device="too-new", expects=Expects(min_sdk=99))
    host = replace(anyone, device="host-cpu", runner="host")
    [one], unknown = attached_phones.phones([pixel8, anyone, other, too_new, host])
    assert (one.serial, one.state, one.fix) == (phone.serial, "device", "")
    assert one.model == "Google Pixel 8 (shiba)"
    assert one.profiles == (pixel8.device, "any-phone")
    assert unknown == ""


def test_devices_shows_what_is_attached(phone: Phone, terminal: Terminal) -> None:
    ran = terminal("devices", "--json")
    assert ran.status == 0
    [one] = ran.json["attached"]
    assert set(one) == {"serial", "state", "model", "fix", "profiles"}
    assert (one["serial"], one["state"]) == (phone.serial, "device")
    assert "pixel8-edgetpu" in one["profiles"]
    table = terminal("devices").out
    assert phone.serial in table
    assert "Google Pixel 8" in table


def test_one_that_cannot_be_spoken_to_says_what_to_do(
    terminal: Terminal, genuine_adb: GenuineAdb, tmp_path: Path
) -> None:
    made = handsets.pixel8(tmp_path / "phone")
    made.behaviour = "unauthorized"
    genuine_adb.plug(made)
    genuine_adb.wait_for(made, "unauthorized")
    [one] = terminal("devices", "--json").json["attached"]
    assert (one["state"], one["profiles"]) == ("unauthorized", [])
    assert "allow USB debugging" in one["fix"]
    assert "unauthorized" in terminal("devices").out
    ran = terminal("doctor")
    assert ran.status == 3
    assert "allow USB debugging" in ran.out


def without_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)


def test_without_adb_devices_says_so_in_one_line_and_goes_on(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_adb(monkeypatch)
    ran = terminal("devices")
    assert ran.status == 0
    assert "host-cpu" in ran.out
    assert "Attached phones: adb was not found" in ran.out
    found = terminal("devices", "--json").json
    assert found["attached"] == []
    assert "apt install adb" in found["attached_unknown"]


def test_thirty_profiles_do_not_ask_thirty_times(
    phone: Phone, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "REMEMBER_S", 60.0)
    asked: list[str] = []
    identify = attached.identify
    monkeypatch.setattr(
        attached, "identify", lambda device: asked.append(device.serial) or identify(device)
    )
    many = tuple(replace(phone_profile("classic"), device=f"phone-{n}") for n in range(30))
    monkeypatch.setattr(profiles, "load_all", lambda: (many, ()))
    assert len(terminal("devices", "--json").json["devices"]) == 30
    assert asked == [phone.serial]


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_of_this_machine(terminal: Terminal) -> None:
    ran = terminal("doctor", "--device", "host-cpu", "--json")
    assert ran.status == 0, ran
    [one] = ran.json["devices"]
    assert (one["device"], one["unit"]) == ("host-cpu", "host")
    checks = {check["name"]: check for check in one["checks"]}
    assert set(checks["runtime"]) == {"name", "status", "found", "fix"}
    assert checks["runtime"]["status"] == "ok"
    assert (ran.json["attached"], ran.json["attached_unknown"]) == ([], "")
    assert "Ready to measure: host-cpu." in terminal("doctor", "--device", "host-cpu").out


def test_doctor_without_a_device_looks_at_this_machine_and_hints(
    terminal: Terminal, genuine_adb: GenuineAdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", "/no/such/driver.json")  # a machine needs no GPU
    ran = terminal("doctor")
    assert ran.status == 0, ran
    [ready] = [line for line in ran.out.splitlines() if line.startswith("Ready to measure: ")]
    assert {"host-cpu", "host-ort-cpu"} <= set(ready.rstrip(".").split(": ")[1].split(", "))
    assert "Attached phones: none. Plug one in with USB debugging on" in ran.out
    without_adb(monkeypatch)
    ran = terminal("doctor")
    assert ran.status == 0
    assert "adb was not found" in ran.out


def test_doctor_looks_at_everything_that_a_run_on_a_phone_needs(
    phone: Phone, terminal: Terminal, mine: str, program: Path
) -> None:
    lacking = terminal("doctor", "--device", mine, "--json")
    assert lacking.status == 3
    checks = {check["name"]: check for check in lacking.json["devices"][0]["checks"]}
    assert checks["benchmark program"]["status"] == "failed"
    assert checks["benchmark program"]["fix"]
    assert "Not ready: mine." in terminal("doctor", "--device", mine).out
    whole = terminal("doctor", "--device", mine, "--benchmark-model", program, "--json")
    assert whole.status == 0, whole
    [one] = whole.json["devices"]
    assert one["unit"].startswith("Pixel 8 ")
    assert {"adb", "phone", "benchmark program", "ABI", "space", "heat", "battery"} <= {
        check["name"] for check in one["checks"]
    }


def test_doctor_looks_at_every_profile_that_means_an_attached_phone(
    phone: Phone, terminal: Terminal, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = replace(phone_profile("classic"), expects=Expects(devices=("shiba",)))
    others = replace(ours, device="pixel6-cpu", expects=Expects(devices=("oriole",)))
    host = profiles.load("host-cpu")
    known: tuple[DeviceProfile, ...] = (host, ours, others)
    monkeypatch.setattr(profiles, "load_all", lambda: (known, ()))
    ran = terminal("doctor", "--benchmark-model", program, "--json")
    assert ran.status == 0, ran
    assert [one["device"] for one in ran.json["devices"]] == ["host-cpu", ours.device]
    elsewhere = terminal("doctor", "--serial", "another", "--json")
    assert [one["device"] for one in elsewhere.json["devices"]] == ["host-cpu"]


def test_doctor_of_a_device_without_a_runner_names_the_next_step(terminal: Terminal) -> None:
    text = (profiles.bundled_directory() / "host-cpu.toml").read_text()
    text = text.replace('"host-cpu"', '"mine"').replace('"host"', '"replay"')
    Path("mine.toml").write_text(text)
    ran = terminal("doctor", "--device", "./mine.toml")
    assert ran.status == 3
    assert "replay runner" in ran.out
    assert terminal("doctor", "--device", "host-cpx").status == 2


# --- run --------------------------------------------------------------------------------------


def test_a_phone_and_this_machine_are_measured_in_one_run(
    phone: Phone, terminal: Terminal, mine: str, program: Path
) -> None:
    write_tflite(Path("net.tflite"))
    ran = terminal(
        "run", "--device", "host-cpu", "--device", mine, "--model", "net.tflite", "--quick",
        "--rounds", "1", "--sustained", "1", "--benchmark-model", program,
    )  # fmt: skip
    assert ran.status == 0, ran
    found = reports()
    assert set(found) == {"host-cpu", "mine"}
    assert {one.ended for one in found.values()} == {"round limit"}
    assert all(one.measurements[0].sustained for one in found.values())
    assert found["mine"].rounds[0].probe_before_s
    assert "Google Pixel 8 (Tensor G3)" in ran.out
    assert "the benchmark program gives no single ones" in ran.out
    assert "mine: round 1 of at most 1" in ran.err
    rows = {row["device"]: row for row in terminal("show", "--json").json["measurements"]}
    assert rows["host-cpu"]["inferences_per_value"] == 1
    assert rows["mine"]["inferences_per_value"] > 1
    assert rows["mine"]["p90_s"] is None


def test_of_two_phones_one_goes_away_and_a_resume_finishes(
    phone: Phone, terminal: Terminal, mine: str, program: Path, genuine_adb: GenuineAdb,
    tmp_path: Path,
) -> None:  # fmt: skip
    other = handsets.pixel6(tmp_path / "other")
    genuine_adb.plug(other)
    Path("oriole.toml").write_text(MINE.format(name="oriole", code="oriole"))
    write_tflite(Path("net.tflite"))
    phone.at("--graph=", 2, phone.drop)
    words = ("--model", "net.tflite", "--benchmark-model", program)
    both = ("--device", mine, "--device", "./oriole.toml")
    ran = terminal("run", *both, *words, "--quick", "--rounds", "2")
    assert ran.status == 3
    assert f"mine: given up: the phone {phone.serial} went away" in ran.err
    resume = f"run --resume --device {mine} --model net.tflite --benchmark-model {program}"
    assert f"Go on with: mnv4bench {resume}\n" in ran.err
    found = reports()
    assert found["oriole"].ended == "round limit"
    assert (found["mine"].ended, found["mine"].finished_at) == ("interrupted", None)
    assert len(found["mine"].measurements[0].invocations) == 1
    genuine_adb.wait_for(phone, "device")
    ran = terminal(*resume.split())
    assert ran.status == 0, ran
    assert len(reports()["mine"].measurements[0].invocations) == 2
    assert not phone.fixed_performance


def test_nnapi_that_lies_ends_with_status_5_and_stays_out_of_fronts(
    phone: Phone, terminal: Terminal, program: Path
) -> None:
    Path("npu.toml").write_text(
        MINE.format(name="npu", code="shiba")
        .replace('"fp32"', '"int8"')
        .replace('"cpu"', '"edgetpu"')
        .replace('"xnnpack"', '"nnapi"\nnnapi_accelerator = "google-edgetpu"')
    )
    phone.accelerator("google-edgetpu", mode="lies")
    write_convolutions(Path("int8.tflite"), quantised=True)
    write_tflite(Path("float.tflite"))
    words = ("run", "--device", "./npu.toml", "--quick", "--rounds", "1",
             "--benchmark-model", program)  # fmt: skip
    ran = terminal(*words, "--model", "int8.tflite")
    assert ran.status == 5, ran
    assert "int8 did not provably run where it was asked to (edgetpu)" in ran.err
    assert "mnv4bench show reports/ shows the signals" in ran.err
    [point] = terminal("pareto", "--json").json["groups"][0]["points"]
    assert point["status"] == "excluded"
    assert point["reason"].startswith("placement unproven")
    said = terminal("show").out
    assert "int8 is not proven to have run where it was asked to" in said
    assert "contrast" in said
    refused = terminal(*words, "--model", "float.tflite", "--reports", "none")
    assert refused.status == 2
    assert "takes int8 graphs alone" in refused.err
    assert not list(Path("none").glob("*.json"))


def test_the_dry_run_of_a_phone_can_be_pasted(
    phone: Phone, terminal: Terminal, mine: str, program: Path
) -> None:
    write_tflite(Path("net.tflite"))
    words = ("run", "--device", mine, "--model", "net.tflite", "--quick")
    ran = terminal(*words, "--dry-run", "--benchmark-model", program)
    assert ran.status == 0, ran
    assert not Path("reports").exists()
    Path("pasted.sh").write_text(ran.out)
    pasted = subprocess.run(["sh", "pasted.sh"], capture_output=True, text=True)
    assert pasted.returncode == 0, pasted
    assert "Inference timings in us" in pasted.stdout
    lost = terminal(*words, "--dry-run")
    assert lost.status == 3
    assert lost.err.startswith("error: the TFLite benchmark_model is not here")


def test_ctrl_c_gives_a_phone_back_as_it_was(
    phone: Phone, mine: str, program: Path, tmp_path: Path
) -> None:
    """In a thread, beside this machine: nothing that undoes may be stopped."""
    write_tflite(Path("net.tflite"))
    words = ("run", "--device", "host-cpu", "--device", mine, "--model", "net.tflite",
             "--rounds", "200", "--benchmark-model", str(program))  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "mnv4bench", *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and process.poll() is None:
            mine_now = reports().get("mine")
            if mine_now and mine_now.measurements[0].invocations:
                break
            time.sleep(0.05)
        assert phone.fixed_performance
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not phone.fixed_performance
    assert {one.ended for one in reports().values()} == {"interrupted"}
    assert not any(one.measurements[0].failure for one in reports().values())


def test_collecting_is_of_one_phone(terminal: Terminal) -> None:
    assert "--device" in terminal("doctor", "--collect", "all.zip").err
    ran = terminal("doctor", "--collect", "all.zip", "--device", "host-cpu")
    assert ran.status == 2
    assert "host-cpu is none" in ran.err


def test_samples_of_a_phone_are_collected(
    phone: Phone, terminal: Terminal, mine: str, program: Path
) -> None:
    words = ("doctor", "--device", mine, "--collect", "all.zip")
    ran = terminal(*words, "--benchmark-model", program)
    assert ran.status == 0, ran
    assert ran.out.startswith("all.zip: ")
    with zipfile.ZipFile("all.zip") as packed:
        assert "index.json" in packed.namelist()
        assert any(name.startswith("classic/") for name in packed.namelist())
    Path("all.zip").unlink()
    lacking = terminal(*words)
    assert lacking.status == 0
    assert "classic/help.txt: " in lacking.out
    assert Path("all.zip").is_file()

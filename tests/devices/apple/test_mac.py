"""This Mac through Core ML, as far as a double of Core ML can show it."""

import subprocess
import time
from pathlib import Path
from statistics import median

import pytest
from msgspec.structs import replace

from mnv4bench import profiles
from mnv4bench.devices import Options, open_runner
from mnv4bench.devices.apple import mac
from mnv4bench.devices.host_worker import _at_beat
from mnv4bench.errors import NotMeasured, WorkerFailed
from mnv4bench.records import Environment, Placement, Samples
from tests.apple.desk import QUIET, Desk
from tests.devices.conftest import TIMING, apple_profile, artifact_of

SHORT = replace(TIMING, min_count=20, min_duration_s=0.01)


def invoked(package: Path, unit: str = "ane") -> tuple[Samples, Placement]:
    runner = open_runner(apple_profile(unit))
    return runner.install(package, artifact_of(package)).invoke(SHORT, round=0, position=0)


def test_back_to_back_at_a_beat_cold_and_warm(desk: Desk, package: Path) -> None:
    samples, placement = invoked(package)
    assert samples.apart_s is None
    assert samples.paced is not None
    assert samples.paced.period_s == pytest.approx(1 / 30)
    assert len(samples.paced.latencies_s) == 45
    # The double lowers its clock when it rests, as the Neural Engine does.
    assert median(samples.paced.latencies_s) > 1.3 * median(samples.latencies_s)
    assert samples.load_s is not None
    assert samples.warm_load_s is not None
    assert samples.load_s > 3 * samples.warm_load_s
    assert not [reason for reason in samples.tainted if reason.startswith("waited")]
    assert placement.verdict == "full"
    assert placement.cost_on_unit == 1.0
    assert [signal.name for signal in placement.signals] == [
        "compute plan",
        "contrast with the processor",
    ]


def test_core_ml_times_no_operator(desk: Desk, package: Path) -> None:
    session = open_runner(apple_profile("ane")).install(package, artifact_of(package))
    with pytest.raises(
        NotMeasured, match="a-mac-ane says nothing of single operators: Core ML's plan"
    ):
        session.operators(10)


def test_a_long_window_has_no_beat(desk: Desk, package: Path) -> None:
    runner = open_runner(apple_profile("cpu"))
    given = [(package, artifact_of(package))]
    window = replace(SHORT, min_count=1, min_duration_s=10.0)
    lines = [line for line in runner.commands(given, SHORT, window) if not line.startswith("#")]
    assert ['"period_s":null' in line for line in lines] == [False, True]


def test_what_takes_longer_than_the_beat_is_not_run_at_it() -> None:
    """Its inferences would add nothing but their time, which the process's limit does not hold."""

    def infer() -> None:
        raise AssertionError("it ran")

    turns = [(lambda: None, infer)]
    assert _at_beat(turns, 0.033, time.perf_counter_ns, back_to_back_ns=40e6) is None
    with pytest.raises(AssertionError, match="it ran"):
        _at_beat(turns, 0.033, time.perf_counter_ns, back_to_back_ns=20e6)


def test_the_clock_is_core_mls_own(desk: Desk, package: Path) -> None:
    """The double spends 50 µs and more outside its clock for each prediction."""
    samples, _ = invoked(package, "cpu")
    inside = sum(samples.latencies_s)
    assert samples.noise.wall_s - inside > 40e-6 * len(samples.latencies_s)


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("CORE_ML_PLAN", "some", "partial"),
        ("CORE_ML_PLAN", "none", "none"),
        ("CORE_ML_PLAN", "unread", "unproven"),
        ("CORE_ML_IDLE", "1", "unproven"),  # the plan says all of it, and nothing gets faster
    ],
)
def test_placement_is_the_plan_and_its_witness(
    desk: Desk, package: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, verdict: str
) -> None:
    monkeypatch.setenv(name, value)
    _, placement = invoked(package, "gpu")
    assert placement.verdict == verdict
    if value == "unread":
        assert "macOS 14.4" in placement.signals[0].evidence


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CORE_ML_REFUSES", "Error compiling model: it has a cycle", "could not load .* a cycle"),
        ("CORE_ML_NEWEST", "6", "this macOS is too old for version 7 of the format"),
        ("CORE_ML_SILENT", "1", "could not run .* did not say how long"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(
    desk: Desk, package: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WorkerFailed, match=words) as caught:
        invoked(package, "cpu")
    assert caught.value.what.startswith("Core ML could not")
    assert "\n" not in caught.value.what
    assert caught.value.next_step.startswith("repeat it by hand: echo ")


def test_nothing_is_left_in_the_temporary_folder(
    desk: Desk, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """coremltools leaves its compiled packages there."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    invoked(package, "cpu")
    assert list(scratch.iterdir()) == []


def test_a_package_that_changes_meanwhile_is_refused(desk: Desk, package: Path, tmp_path) -> None:
    import shutil

    mine = tmp_path / "mine.mlpackage"
    shutil.copytree(package, mine)
    session = open_runner(apple_profile("cpu")).install(mine, artifact_of(mine))
    (mine / "Manifest.json").touch()  # which coremltools does whenever it opens one
    session.invoke(SHORT, round=0, position=0)
    (mine / "Data/com.apple.CoreML/model.mlmodel").touch()
    with pytest.raises(NotMeasured, match=r"mine\.mlpackage changed"):
        session.invoke(SHORT, round=0, position=0)


# --- what this Mac is -----------------------------------------------------------------------------


def test_core_mls_version_is_the_systems(desk: Desk) -> None:
    environment = open_runner(apple_profile("ane")).environment()
    assert isinstance(environment, Environment)
    assert environment.os_name == "macOS"
    assert environment.os_version == "26.1 (25B78)"
    assert environment.runtime_name == "Core ML"
    assert environment.runtime_version == "macOS 26.1 (25B78), coremltools 9.0"
    desk.put(macos_build="25B79")
    assert open_runner(apple_profile("ane")).environment() != environment


LIMITS = """{notes}2026-08-20 05:08:37 -0700 CPU Power notify
\tCPU_Scheduler_Limit \t= 100
\tCPU_Available_CPUs \t= 12
\tCPU_Speed_Limit \t= {speed}
"""


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (QUIET, 0),
        (LIMITS.format(notes="", speed=100), 0),
        (LIMITS.format(notes="", speed=62), 2),
        (LIMITS.format(notes=QUIET + "\n", speed=62), 2),
        ("Thermal Warning Level = 0\n", 0),
        ("Thermal Warning Level = 5\n", 2),
        ("Performance Warning Level = 5\n", 2),
        ("Usage: pmset <options>", None),
        ("", None),
        (None, None),
    ],
)
def test_the_heat_that_pmset_tells(told: str | None, status: int | None) -> None:
    assert mac.thermal_status(told) == status


def test_a_mac_that_is_held_back_is_waited_for(desk: Desk) -> None:
    desk.put(therm=LIMITS.format(notes="", speed=62))
    runner = open_runner(apple_profile("ane"))
    assert runner.state().thermal_status == 2
    checks = {check.name: check for check in runner.checks()}
    assert checks["heat"].status == "warning"
    assert runner.availability()[0] == "ready"


@pytest.mark.parametrize(
    ("facts", "unit", "status", "words"),
    [
        ({}, "ane", "failed", "has no Neural Engine"),  # Intel: sysctl does not know the name
        ({"hw.optional.arm64": "1", "kern.hv_vmm_present": "1"}, "ane", "warning", "virtual"),
    ],
)
def test_a_mac_without_the_unit(desk: Desk, facts, unit: str, status: str, words: str) -> None:
    desk.put(sysctl=facts)
    runner = open_runner(apple_profile(unit))
    (check,) = [one for one in runner.checks() if one.name == "Neural Engine"]
    assert (check.status, words in check.found) == (status, True)
    assert check.fix
    assert runner.availability()[0] == ("unusable" if status == "failed" else "ready")
    assert open_runner(apple_profile("cpu")).availability()[0] == "ready"


def test_a_python_for_intel_on_apples_chip(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mac.platform, "machine", lambda: "x86_64")
    status, detail = open_runner(apple_profile("cpu")).availability()
    assert status == "unusable"
    assert "Rosetta" in detail


def test_without_coremltools(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnv4bench.devices.host_runtimes.importlib.util.find_spec", lambda _: None)
    status, detail = open_runner(apple_profile("cpu")).availability()
    assert status == "unusable"
    assert "pip install" in detail


def test_programs_that_are_missing_are_unknown(desk: Desk, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert mac.system() is None
    assert mac.state().thermal_status is None
    assert mac.heat().status == "unknown"


# --- off a Mac ------------------------------------------------------------------------------------


@pytest.mark.skipif(mac.is_mac(), reason="this is a Mac")
@pytest.mark.parametrize("device", ["mac-ane", "mac-gpu", "mac-cpu", "iphone13-ane"])
def test_off_a_mac_everything_says_so(device: str, package: Path) -> None:
    runner = open_runner(profiles.load(device), Options())
    status, detail = runner.availability()
    assert status == "absent"
    assert device in detail
    assert "not macOS" in detail
    (check,) = runner.checks()
    assert (check.name, check.status) == ("macOS", "failed")
    assert "--published" in check.fix
    for ask in (
        runner.unit,
        runner.environment,
        lambda: runner.install(package, artifact_of(package)),
    ):
        with pytest.raises(NotMeasured, match="not macOS; nothing was measured"):
            ask()


@pytest.mark.skipif(mac.is_mac(), reason="this is a Mac")
@pytest.mark.parametrize("device", ["mac-ane", "iphone13-ane"])
def test_off_a_mac_the_commands_are_still_told(device: str, package: Path) -> None:
    lines = open_runner(profiles.load(device)).commands([(package, artifact_of(package))], SHORT)
    assert lines[0] == "# these run on a Mac; this machine is none"
    assert any("start_worker.py" in line for line in lines)
    assert any("devicectl" in line for line in lines) == device.startswith("iphone")


def test_a_command_that_is_told_can_be_pasted(desk: Desk, package: Path) -> None:
    runner = open_runner(apple_profile("cpu"))
    (line,) = [
        line
        for line in runner.commands([(package, artifact_of(package))], SHORT)
        if not line.startswith("#")
    ]
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert '"type":"measured"' in done.stdout

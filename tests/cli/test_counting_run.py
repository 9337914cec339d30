"""``run`` on a device that counts: a sealed report without a latency, and what every verb makes of
it; stopped in the middle, nothing is left running and ``--resume`` goes on."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mnv4bench import store
from mnv4bench.devices.emulated import plugin
from mnv4bench.errors import ExitStatus
from mnv4bench.records import Report
from tests.command_line import Terminal, command, run_process

SAMPLE = Path(plugin.__file__).parents[1] / "android" / "samples" / "int8.tflite"
ARM = "cortex-a76-emulated"
PATIENCE_S = 120.0

pytestmark = pytest.mark.usefixtures("emulated_system")


def only_report(directory: Path) -> Report:
    [path] = directory.glob("*.json")
    return store.read(path)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, emulated_system) -> Path:
    """A folder whose reports/ holds one finished count."""
    folder = tmp_path_factory.mktemp("counted")
    ran = run_process("run", "--device", ARM, "--model", SAMPLE, cwd=folder)
    assert ran.status == ExitStatus.OK, ran
    assert "a cost, not a latency" in " ".join(ran.out.split())
    assert "ended: precise after 2 rounds" in ran.out
    return folder


@pytest.fixture
def here(counted: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Terminal:
    monkeypatch.chdir(counted)
    return terminal


def test_the_report_is_sealed_and_holds_no_latency(counted: Path) -> None:
    report = only_report(counted / "reports")
    assert report.finished_at
    assert report.ended == "precise"
    [one] = report.measurements
    assert one.origin == "emulated"
    assert one.invocations == one.sustained == ()
    first, second = one.counts
    assert first.instructions == second.instructions
    assert len(first.instructions) == 3
    assert one.placement
    assert one.placement.verdict == "full"
    environment = report.environment
    assert environment.emulator
    assert environment.emulator.startswith("qemu ")
    assert "cortex-a76" in environment.emulator
    assert environment.architecture == "aarch64"
    assert environment.machine is None  # whoever emulates is no part of it
    assert report.plan.sustained_s is None


def test_show_lists_the_count_and_no_latency(here: Terminal, counted: Path) -> None:
    [row] = here("show", "--json").json["measurements"]
    [one] = only_report(counted / "reports").measurements
    assert row["instructions"] == one.counts[0].instructions[0]
    assert row["latency_s"] is row["low_s"] is row["high_s"] is row["p90_s"] is None
    assert (row["origin"], row["placement"], row["tainted"]) == ("emulated", "full", [])
    ran = here("show")
    assert f"{row['instructions']:,}" in ran.out
    assert "exact" in ran.out


def test_a_front_of_latencies_excludes_it_with_the_reason(here: Terminal) -> None:
    [group] = here("pareto", "--json").json["groups"]
    assert group["origin"] == "emulated"
    [point] = group["points"]
    assert point["status"] == "excluded"
    assert point["latency_s"] is None
    assert "a cost, not a latency" in point["reason"]


@pytest.mark.parametrize("words", [("history",), ("compare", "reports", "reports")])
def test_what_compares_latencies_says_that_there_are_none(here: Terminal, words) -> None:
    ran = here(*words)
    assert ran.status == ExitStatus.NOT_MEASURED
    assert "instructions were counted: a cost, not a latency" in ran.err


def test_devices_and_doctor_know_it(here: Terminal) -> None:
    rows = {row["device"]: row for row in here("devices", "--json").json["devices"]}
    assert rows[ARM]["status"] == "ready"
    assert "no latencies" in rows[ARM]["detail"]
    ran = here("doctor", "--device", ARM)
    assert ran.status == ExitStatus.OK
    assert "int8 bit-identical to this machine" in ran.out


def test_a_dry_run_shows_the_command_and_counts_nothing(here: Terminal, counted: Path) -> None:
    ran = here("run", "--device", ARM, "--model", SAMPLE, "--dry-run")
    assert ran.status == ExitStatus.OK
    assert "qemu-aarch64 -cpu cortex-a76" in ran.out
    assert "at most 2 rounds" in ran.out
    only_report(counted / "reports")


@pytest.mark.parametrize(
    "words", [("--quick",), ("--rounds", "3"), ("--sustained", "10"), ("--threads", "2")]
)
def test_what_is_for_latencies_is_refused(here: Terminal, words) -> None:
    ran = here("run", "--device", ARM, "--model", SAMPLE, *words)
    assert ran.status == ExitStatus.USAGE
    assert ARM in ran.err


# --- stopped ----------------------------------------------------------------------------------


def emulators(of: int) -> set[psutil.Process]:
    """Everything that the process ``of`` has started and that lives."""
    return set(psutil.Process(of).children(recursive=True))


def is_counting(process: psutil.Process) -> bool:
    """Not the emulator that is only asked for its version."""
    try:
        return any(word.endswith("start_worker.py") for word in process.cmdline())
    except psutil.Error:
        return False


def counting(running: "subprocess.Popen[str]") -> set[psutil.Process]:
    """The emulators of ``running``, once there are some."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and running.poll() is None:
        found = {one for one in emulators(running.pid) if is_counting(one)}
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no emulator was started: {running.communicate()}")


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        command("run", "--device", ARM, "--model", SAMPLE),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def test_ctrl_c_leaves_no_emulator_and_a_report_that_resume_finishes(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    started = counting(running)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == ExitStatus.INTERRUPTED
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(started, timeout=PATIENCE_S)
    assert not alive
    stopped = only_report(tmp_path / "reports")
    assert (stopped.ended, stopped.finished_at) == ("interrupted", None)
    ran = run_process("run", "--resume", "--model", SAMPLE, cwd=tmp_path)
    assert ran.status == ExitStatus.OK, ran
    report = only_report(tmp_path / "reports")
    assert report.report == stopped.report
    assert report.finished_at
    assert len(report.measurements[0].counts) == 2


def test_kill_9_leaves_no_emulator(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    started = counting(running)
    time.sleep(1.0)  # until the worker has asked to die with its parent
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(started, timeout=PATIENCE_S)
    assert not alive

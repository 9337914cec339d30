"""`devices`, `doctor`, `run` and `gate` with a board: the genuine ssh and the double of a board."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mnv4bench import store
from mnv4bench.records import Report
from tests.board.double import Board
from tests.command_line import Terminal
from tests.devices.tiny_models import write_tflite
from tests.phone import programs

PI = ("--device", "raspberrypi5-cpu", "--host", "board")
MINE = """
device = "mine"
title = "the board on my desk"
runner = "ssh"
runtime = "litert"
format = "tflite"
precision = "fp32"
accelerator = "cpu"
[ssh]
host = "board"
{rest}
"""
# The program, which does not wait until this machine is quiet.
WITHOUT_WAITING = "from mnv4bench import bench, cli; bench.QUIET_WAIT_S = 0.0; cli.main()"


@pytest.fixture(autouse=True)
def _on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The board's processors are this machine's, and other tests may use them."""
    monkeypatch.setattr("mnv4bench.bench.QUIET_WAIT_S", 0.0)


@pytest.fixture
def model(terminal: Terminal, ssh_board: Board) -> tuple[str, ...]:
    write_tflite(Path("net.tflite"))
    return ("--model", "net.tflite")


def mine(rest: str = "") -> str:
    Path("mine.toml").write_text(MINE.format(rest=rest))
    return "./mine.toml"


def reports(folder: Path = Path("reports")) -> dict[str, Report]:
    return {one.profile.device: one for one in map(store.read, folder.glob("*.json"))}


# --- devices and doctor -----------------------------------------------------------------------


def test_without_a_host_boards_are_absent_and_say_what_names_one(terminal: Terminal) -> None:
    rows = {one["device"]: one for one in terminal("devices", "--json").json["devices"]}
    for device in ("raspberrypi5-cpu", "raspberrypi4-cpu", "ssh-board-cpu"):
        assert rows[device]["runner"] == "ssh"
        assert rows[device]["status"] == "absent"
        assert "--host user@board" in rows[device]["detail"]


def test_a_host_of_the_environment_is_asked_once_and_fits_its_profiles(
    terminal: Terminal, ssh_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNV4BENCH_SSH_HOST", "board")
    rows = {one["device"]: one for one in terminal("devices", "--json").json["devices"]}
    assert rows["raspberrypi5-cpu"]["status"] == "ready"
    assert rows["ssh-board-cpu"]["status"] == "ready"
    assert "Raspberry Pi 5 Model B Rev 1.0" in rows["ssh-board-cpu"]["detail"]
    assert rows["raspberrypi4-cpu"]["status"] == "absent"
    assert "expects board raspberrypi,4-model-b" in rows["raspberrypi4-cpu"]["detail"]


def test_doctor_looks_at_a_board(terminal: Terminal, ssh_board: Board) -> None:
    ssh_board.heat(83.0)
    ssh_board.throttled(0x50005)
    ran = terminal("doctor", *PI)
    assert ran.status == 0, ran
    for words in ("Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76", "LiteRT 2.3.0", "83 °C"):
        assert words in ran.out
    assert "under-voltage, throttled" in ran.out
    assert "power supply it is sold with" in ran.out
    assert "scaling_governor" in ran.out  # how its clocks are held steady
    found = terminal("doctor", "--host", "board", "--json").json["devices"]
    assert {"raspberrypi5-cpu", "ssh-board-cpu"} <= {one["device"] for one in found}
    assert "raspberrypi4-cpu" not in {one["device"] for one in found}


def test_doctor_says_why_a_board_is_not_reached(terminal: Terminal, ssh_board: Board) -> None:
    ssh_board.refuse_the_key()
    ran = terminal("doctor", "--host", "board")
    assert ran.status == 3, ran
    assert "board refused every key" in ran.out
    assert "ssh-copy-id board" in ran.out


# --- run --------------------------------------------------------------------------------------


def test_a_board_is_measured_with_every_inference(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...]
) -> None:
    ran = terminal("run", *PI, *model, "--quick")
    assert ran.status == 0, ran
    report = reports()["raspberrypi5-cpu"]
    [measurement] = report.measurements
    assert report.environment.machine == "Raspberry Pi 5 Model B Rev 1.0"
    assert report.environment.cpu_model == "Arm Cortex-A76"
    assert report.environment.soc == "brcm,bcm2712"
    assert len(measurement.invocations) == 3
    assert all(len(one.latencies_s) >= 10 for one in measurement.invocations)
    assert measurement.placement is not None
    assert measurement.placement.verdict == "full"
    assert measurement.state_before is not None
    assert measurement.state_before.temperature_c == pytest.approx(48.2)
    assert measurement.state_before.throttled == ()
    assert len(report.rounds) == 3
    assert not ssh_board.path("/tmp/mnv4bench").exists(), "it was left as it was"
    assert "raspberrypi5-cpu" in terminal("show", "reports").out


def test_a_clock_that_is_held_down_taints(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...]
) -> None:
    """Under-voltage: waiting does not mend it, so it is measured, and marked."""
    ssh_board.throttled(0x50001)
    ran = terminal("run", *PI, *model, "--quick", "--rounds", "1")
    assert ran.status == 0, ran
    report = reports()["raspberrypi5-cpu"]
    assert any("under-voltage" in note for note in report.notes)
    [one] = report.measurements[0].invocations
    assert any("held its clock down: under-voltage" in reason for reason in one.tainted)


def test_a_board_that_throttles_is_waited_for(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...]
) -> None:
    ssh_board.heat(85.0)
    ssh_board.throttled(0xE000E)
    ran = terminal("run", *PI, *model, "--quick", "--cool-wait", "1")
    assert ran.status == 3, ran
    assert "did not cool within 1 s" in ran.err
    assert "holds the clock down at 85 °C" in ran.err
    assert "--host board" in ran.err  # the command that goes on says it all


def test_the_network_goes_and_a_resume_finishes(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnv4bench.devices.ssh.runner.GIVE_BACK_S", 0.0)
    ssh_board.vanish_at(2)
    ran = terminal("run", *PI, *model, "--quick")
    assert ran.status == 3, ran
    assert "the connection to board was lost" in ran.err
    resume = "run --resume --device raspberrypi5-cpu --model net.tflite --host board"
    assert f"then: mnv4bench {resume}\n" in ran.err
    report = reports()["raspberrypi5-cpu"]
    assert (report.ended, report.finished_at) == ("interrupted", None)
    assert len(report.measurements[0].invocations) == 1
    ssh_board.wait_until_idle()
    ssh_board.reboot()
    ssh_board.python()
    ran = terminal(*resume.split())
    assert ran.status == 0, ran
    assert len(reports()["raspberrypi5-cpu"].measurements[0].invocations) == 3


def test_a_benchmark_program_on_a_board_without_python(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...], tmp_path: Path
) -> None:
    (ssh_board.home / "mnv4bench/bin/python").unlink()
    program = programs.write_program(tmp_path / "benchmark_model", "litert")
    profile = mine('tool = "litert"')
    ran = terminal(
        "run", "--device", profile, *model, "--quick", "--keep", "--benchmark-model", program
    )
    assert ran.status == 0, ran
    report = reports()["mine"]
    assert report.environment.runtime_name == "LiteRT benchmark_model"
    assert report.environment.runtime_sha256
    assert all(one.inferences_per_value >= 10 for one in report.measurements[0].invocations)
    kept = {one.name.partition("-")[0] for one in ssh_board.path("/tmp/mnv4bench").iterdir()}
    assert "tools" in kept


def test_a_killed_run_leaves_nothing_running(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...]
) -> None:
    words = ("run", *PI, *model, "--sustained", "60", "--rounds", "1", "--quick")
    # A process of its own: what is patched here does not reach it.
    started = [sys.executable, "-c", WITHOUT_WAITING, *words]
    run = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ssh_board.wait_until_measuring()
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    ssh_board.wait_until_idle()


def test_host_is_for_boards_alone(terminal: Terminal) -> None:
    ran = terminal("run", "--device", "host-cpu", "--host", "board")
    assert ran.status == 2
    assert "--host is for boards over ssh; host-cpu is none" in ran.err
    ran = terminal("run", "--device", "ssh-board-cpu", "--serial", "A")
    assert ran.status == 2
    assert "are for phones" in ran.err
    ran = terminal("run", "--device", "ssh-board-cpu", "--host", "-oProxyCommand=x")
    assert ran.status in (2, 3)
    assert "no host as ssh takes it" in ran.err


# --- dry run ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["python", "litert"])
def test_the_commands_of_a_dry_run_work_when_pasted(
    terminal: Terminal, ssh_board: Board, model: tuple[str, ...], tmp_path: Path, tool: str
) -> None:
    program: tuple[object, ...] = ()
    if tool != "python":
        program = ("--benchmark-model", programs.write_program(tmp_path / "program", tool))
    ran = terminal(
        "run", "--device", mine(f'tool = "{tool}"'), *model, "--quick", "--dry-run", *program
    )
    assert ran.status == 0, ran
    assert not reports()
    assert not ssh_board.path("/tmp/mnv4bench").exists()
    pasted = subprocess.run(["sh"], input=ran.out, capture_output=True, text=True)
    assert pasted.returncode == 0, pasted
    found = '"latencies_s"' if tool == "python" else "BENCHMARK RESULTS"
    assert found in pasted.stdout, pasted
    assert not ssh_board.path("/tmp/mnv4bench").exists()


# --- gate -------------------------------------------------------------------------------------


def test_a_slower_head_is_found_on_a_board(terminal: Terminal, ssh_board: Board) -> None:
    write_tflite(Path("old.tflite"))
    write_tflite(Path("new.tflite"), channels=128)
    sides = ("--base", "old.tflite", "--head", "new.tflite")
    ran = terminal("gate", *sides, *PI, "--json")
    assert ran.status == 1, ran
    (pair,) = ran.json["pairs"]
    assert (pair["verdict"], pair["confirmed"]) == ("slower", True)
    assert "Raspberry Pi 5" in ran.json["unit"]
    assert not ssh_board.path("/tmp/mnv4bench").exists()


def test_a_gate_keeps_what_was_measured_when_the_network_goes(
    terminal: Terminal, ssh_board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnv4bench.devices.ssh.runner.GIVE_BACK_S", 0.0)
    write_tflite(Path("old.tflite"))
    write_tflite(Path("new.tflite"), channels=24)
    ssh_board.vanish_at(3)
    ran = terminal("gate", "--base", "old.tflite", "--head", "new.tflite", *PI, "--json")
    assert ran.status == 3, ran
    (pair,) = ran.json["pairs"]
    assert pair["verdict"] == "inconclusive"
    assert len(pair["observed"]) == 2
    assert "the connection to board was lost" in ran.json["notes"][0]
    ssh_board.wait_until_idle()

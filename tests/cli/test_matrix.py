"""`run` with many devices: who goes at the same time, who falls out, stopping, going on.

The phones here do as they are told; that this machine is one physical device under two profiles is
shown with real runtimes.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import bench, store
from mnv4bench.cli import matrix, planning
from mnv4bench.devices import Options, Runner, stopping
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.errors import BenchError, DeviceLost, NotMeasured, UsageError
from mnv4bench.records import Artifact, DeviceProfile, Environment, Report
from tests.command_line import Terminal
from tests.devices.tiny_models import write_tflite, write_tflite_sum
from tests.sample_reports import ENVIRONMENT, FULL
from tests.scripted import Script, ScriptedRunner, ScriptedSession

REPORTS = Path("reports")
PHONES = ("pixel6-cpu", "s23-cpu")
BOTH = ("--device", "pixel6-cpu", "--device", "s23-cpu")
PATIENCE_S = 60.0  # of a test for another thread; only a failure takes so long


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    monkeypatch.setattr(matrix, "WAIT_S", 0.05)
    yield
    stopping.forget()


@pytest.fixture
def model(terminal: Terminal) -> tuple[str, ...]:
    """A file of one's own, which needs no exporter."""
    write_tflite(Path("net.tflite"))
    return ("--model", "net.tflite")


Attach = Callable[..., dict[str, ScriptedRunner]]


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> Attach:
    """``attach(pixel6_cpu=runner)``: those are there, and no other."""

    def attach(**runners: ScriptedRunner) -> dict[str, ScriptedRunner]:
        there = {name.replace("_", "-"): runner for name, runner in runners.items()}

        def open_runner(profile: DeviceProfile, options: Options) -> Runner:
            if profile.device not in there:
                raise NotMeasured(f"no phone for {profile.device} is attached.", "plug it in")
            return there[profile.device]

        monkeypatch.setattr(planning, "open_runner", open_runner)
        return there

    return attach


def reports() -> dict[str, Report]:
    return {one.profile.device: one for one in map(store.read, REPORTS.glob("*.json"))}


def steady(model: str, round: int) -> float:
    return 0.002


def phone(unit: str, script: Script = steady) -> ScriptedRunner:
    return ScriptedRunner(script, unit=unit)


def test_different_devices_are_measured_at_the_same_time(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    together = threading.Barrier(2)

    def meet(model: str, round: int) -> float:
        together.wait(PATIENCE_S)  # broken, were one to wait for the other's end
        return 0.002

    attach(pixel6_cpu=phone("A", meet), s23_cpu=phone("B", meet))
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 0, ran
    found = reports()
    assert set(found) == set(PHONES)
    for device, report in found.items():
        assert report.ended == "round limit"
        assert len(report.measurements[0].invocations) == 3
        assert f"{device}: round 3 of at most 3" in ran.err
        assert f"{device}: report: {store.path_of(REPORTS, report)}" in ran.out


def test_profiles_of_one_device_take_turns(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    order: list[str] = []

    def noted(name: str) -> Script:
        def script(model: str, round: int) -> float:
            order.append(name)
            return 0.002

        return script

    phones = attach(pixel6_cpu=phone("A", noted("cpu")), pixel7_gpu=phone("A", noted("gpu")))
    ran = terminal("run", "--device", "pixel6-cpu", "--device", "pixel7-gpu", *model, "--quick")
    assert ran.status == 0, ran
    assert order == ["cpu"] * 3 + ["gpu"] * 3
    assert phones["pixel6-cpu"].removed == ["net"]


def test_the_status_is_the_worst_of_all(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    def died(model: str, round: int) -> BenchError:
        return NotMeasured("the program was killed.")

    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B", died))
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "s23-cpu: net: the program was killed." in ran.err
    assert reports()["pixel6-cpu"].finished_at is not None


def test_what_is_not_proven_is_said_beside_what_failed(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    class Elsewhere(ScriptedRunner):
        def install(self, file: Path, artifact: Artifact):
            session = ScriptedSession(self, artifact.model)
            session.placement = replace(FULL, verdict="unproven")
            return session

    def died(model: str, round: int) -> BenchError:
        return NotMeasured("the program was killed.")

    attach(pixel6_cpu=phone("A", died), s23_cpu=Elsewhere(steady, unit="B"))
    alone = terminal("run", "--device", "s23-cpu", *model, "--quick")
    assert alone.status == 5
    assert "net did not provably run where it was asked to (cpu)" in alone.err
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "net (s23-cpu) did not provably run where it was asked to (cpu)" in ran.err
    assert "pixel6-cpu: net: the program was killed." in ran.err


def test_one_that_goes_away_is_reported_and_the_rest_goes_on(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    gone = threading.Event()

    def pulled(model: str, round: int) -> float | BenchError:
        if round < 1:
            return 0.002
        gone.set()
        return DeviceLost("the cable of B was pulled.", "plug it in, then run --resume")

    def waits_for_that(model: str, round: int) -> float:
        assert gone.wait(PATIENCE_S)
        return 0.002

    phones = attach(pixel6_cpu=phone("A", waits_for_that), s23_cpu=phone("B", pulled))
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "s23-cpu: given up: the cable of B was pulled." in ran.err
    assert "mnv4bench run --resume --device s23-cpu" in ran.err
    assert f"{store.path_of(REPORTS, reports()['s23-cpu'])} keeps what was measured" in ran.err
    assert "Traceback" not in ran.err
    found = reports()
    assert found["pixel6-cpu"].finished_at is not None
    assert len(found["s23-cpu"].measurements[0].invocations) == 1
    assert phones["s23-cpu"].removed == ["net"]
    again = attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    ran = terminal("run", "--resume", *model)
    assert ran.status == 0, ran
    assert again["pixel6-cpu"].calls == []
    assert [round for _, round, _ in again["s23-cpu"].calls] == [1, 2]
    assert reports()["s23-cpu"].finished_at is not None


def test_one_alone_that_goes_away_is_the_error(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    def pulled(model: str, round: int) -> float | BenchError:
        return 0.002 if round < 2 else DeviceLost("the cable was pulled.", "run --resume")

    attach(s23_cpu=phone("B", pulled))
    ran = terminal("run", "--device", "s23-cpu", *model, "--quick")
    assert ran.status == 3
    assert ran.out == ""
    assert "s23-cpu-" in ran.err
    assert ran.err.endswith("error: the cable was pulled.\n  next: run --resume\n")
    assert "keeps what was measured" in ran.err
    report = reports()["s23-cpu"]
    assert (len(report.measurements[0].invocations), report.ended) == (2, "interrupted")


def test_one_that_is_not_there_is_said_at_once_and_the_others_are_measured(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    attach(pixel6_cpu=phone("A"))
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "s23-cpu takes no part: no phone for s23-cpu is attached.\n  next: plug it in" in ran.err
    assert ran.err.index("takes no part") < ran.err.index("round 1 of")
    assert set(reports()) == {"pixel6-cpu"}
    alone = terminal("run", "--device", "s23-cpu", *model)
    assert alone.status == 3
    assert alone.err.startswith("error: no phone for s23-cpu")
    none = terminal("run", "--device", "s23-cpu", "--device", "s23-gpu", *model)
    assert none.status == 3
    assert none.err.count("is attached.") == 2


def test_one_that_is_plugged_in_later_has_its_turn_with_a_resume(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    class Absent(ScriptedRunner):
        def availability(self) -> tuple[str, str]:
            return "absent", "no phone is attached."

        def environment(self) -> Environment:
            raise NotMeasured("no phone is attached.")

    attach(pixel6_cpu=phone("A"), s23_cpu=Absent(steady, unit="B"))
    ran = terminal("run", *BOTH, *model, "--quick", "--seed", "5")
    assert ran.status == 3
    assert "s23-cpu takes no part: s23-cpu is absent: no phone is attached." in ran.err
    assert "mnv4bench doctor --device s23-cpu" in ran.err
    assert "Go on with: mnv4bench run --resume --device s23-cpu" in ran.err
    assert "s23-cpu" not in ran.out
    waiting = reports()["s23-cpu"]
    assert (waiting.finished_at, waiting.measurements[0].invocations) == (None, ())
    still = terminal("run", "--resume", *model)
    assert still.status == 3
    assert still.err.startswith("error: s23-cpu is absent")
    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    ran = terminal("run", "--resume", *BOTH, *model)
    assert ran.status == 0, ran
    found = reports()
    assert found["s23-cpu"].report == waiting.report
    assert found["s23-cpu"].plan == found["pixel6-cpu"].plan
    assert found["s23-cpu"].environment == ENVIRONMENT
    assert found["s23-cpu"].ended == "round limit"
    done = terminal("run", "--resume", *BOTH, *model)
    assert done.status == 3
    assert "holds no unfinished report of pixel6-cpu" in done.err


def test_a_resume_of_one_that_was_never_begun_says_so_and_finishes_the_other(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    def lost(model: str, round: int) -> BenchError:
        return DeviceLost("gone.")

    attach(s23_cpu=phone("B", lost))
    assert terminal("run", "--device", "s23-cpu", *model, "--quick").status == 3
    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    ran = terminal("run", "--resume", *BOTH, *model)
    assert ran.status == 3
    assert "pixel6-cpu takes no part: reports holds no unfinished report of pixel6-cpu" in ran.err
    assert reports()["s23-cpu"].finished_at is not None


def test_a_device_that_another_process_measures_is_left_alone(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    script = (
        "import sys; from mnv4bench.devices.holding import hold\n"
        "with hold('B'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        ran = terminal("run", *BOTH, *model, "--quick", "--reports", "mine")
        assert other.stdin is not None
        other.stdin.close()
    assert ran.status == 3
    assert "s23-cpu: another run or eval is measuring on this device (B)" in ran.err
    assert "mnv4bench run --resume --device s23-cpu --model net.tflite --reports mine" in ran.err
    with hold("B"):  # nothing stayed locked
        pass
    ran = terminal("run", "--resume", *model, "--reports", "mine")
    assert ran.status == 0, ran


def test_what_this_machine_does_is_nothing_to_a_phone(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    attach(host_cpu=phone(HOST), s23_cpu=phone("B"))
    with hold(HOST):  # as `eval` does
        assert terminal("run", "--device", "s23-cpu", *model, "--quick").status == 0
        both = ("--device", "s23-cpu", "--device", "host-cpu")
        ran = terminal("run", *both, *model, "--quick", "--reports", "both")
    assert ran.status == 3
    assert "host-cpu: another run or eval is measuring on this machine" in ran.err
    assert "s23-cpu: ended: round limit" in ran.out


def test_a_report_that_another_run_is_writing_is_left_alone(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    with store.hold(REPORTS, "s23-cpu"):
        ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "s23-cpu takes no part: another run or eval is working in reports" in ran.err
    assert set(reports()) == {"pixel6-cpu"}


def test_a_file_that_one_device_refuses_leaves_no_report_behind(
    terminal: Terminal, attach: Attach, model: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    class IntegersOnly(ScriptedRunner):
        def install(self, file: Path, artifact: Artifact):
            raise UsageError(f"{file.name} computes in floats.", "--precision int8")

    attach(pixel6_cpu=phone("A"), s23_cpu=IntegersOnly(steady, unit="B"))
    ran = terminal("run", *BOTH, *model, "--quick")
    assert ran.status == 3
    assert "s23-cpu: net.tflite computes in floats.\n    next: --precision int8" in ran.err
    assert set(reports()) == {"pixel6-cpu"}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_every_device_and_a_resume_finishes_all(
    terminal: Terminal, attach: Attach, model: tuple[str, ...], stop: signal.Signals
) -> None:
    both = threading.Barrier(2)

    def interrupts(model: str, round: int) -> float:
        if round == 1:
            both.wait(PATIENCE_S)
            os.kill(os.getpid(), stop)
            stopping.pause(PATIENCE_S)  # as a phone's benchmark program would be waited for
        return 0.002

    def waits(model: str, round: int) -> float:
        if round == 1:
            both.wait(PATIENCE_S)
            stopping.pause(PATIENCE_S)
        return 0.002

    phones = attach(
        pixel6_cpu=phone("A", interrupts), s23_cpu=phone("B", waits), pixel7_gpu=phone("A")
    )
    third = ("--device", "pixel7-gpu")
    ran = terminal("run", *BOTH, *third, *model, "--quick")
    assert ran.status == 130
    assert "Traceback" not in ran.err
    for device in (*PHONES, "pixel7-gpu"):
        assert f"--device {device}" in ran.err[ran.err.index("run --resume") :]
    found = reports()
    rounds = {d: len(one.measurements[0].invocations) for d, one in found.items()}
    assert rounds == {"pixel6-cpu": 1, "s23-cpu": 1, "pixel7-gpu": 0}
    assert {one.ended for one in found.values()} == {"interrupted"}
    assert phones["s23-cpu"].removed == ["net"]
    assert phones["pixel7-gpu"].calls == []
    attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"), pixel7_gpu=phone("A"))
    one = terminal("run", "--resume", *third, *model)
    assert one.status == 0, one
    assert reports()["pixel7-gpu"].finished_at is not None
    assert reports()["s23-cpu"].finished_at is None
    rest = terminal("run", "--resume", *model)
    assert rest.status == 0, rest
    assert all(report.finished_at for report in reports().values())
    assert terminal("run", "--resume").status == 3


def test_ctrl_c_before_anything_is_measured_promises_nothing(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    class Stops(ScriptedRunner):
        def install(self, file: Path, artifact: Artifact):
            raise KeyboardInterrupt

    attach(s23_cpu=Stops(steady, unit="B"))
    ran = terminal("run", "--device", "s23-cpu", *model)
    assert ran.status == 130
    assert "stopped; nothing was measured yet" in ran.err
    assert not list(REPORTS.glob("*.json"))


def test_ctrl_c_waits_until_every_thread_has_undone_what_it_did() -> None:
    undone: list[str] = []
    first_is_through = threading.Event()

    def slow() -> None:
        try:
            stopping.pause(PATIENCE_S)
        finally:
            assert first_is_through.wait(PATIENCE_S)
            time.sleep(0.2)  # an interrupted wait of the main thread would be over by now
            undone.append("whole")

    def quick() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            stopping.pause(PATIENCE_S)
        finally:
            first_is_through.set()

    with pytest.raises(KeyboardInterrupt):
        matrix.side_by_side([slow, quick])
    assert undone == ["whole"]


def test_a_mistake_of_ours_in_a_thread_is_not_swallowed() -> None:
    done = threading.Event()

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        matrix.side_by_side([broken, done.set])
    assert done.is_set()


# --- this machine -----------------------------------------------------------------------------


def test_two_profiles_of_this_machine_take_turns(terminal: Terminal) -> None:
    ran = terminal(
        "run", "--device", "host-cpu", "--device", "host-ort-cpu", "--quick", "--rounds", "1",
        "--model", "mobilenetv3-small",
    )  # fmt: skip
    assert ran.status == 0, ran
    found = reports()
    assert set(found) == {"host-cpu", "host-ort-cpu"}
    first, second = (found[d].measurements[0] for d in ("host-cpu", "host-ort-cpu"))
    assert (first.artifact.format, second.artifact.format) == ("tflite", "onnx")
    assert {one.ended for one in found.values()} == {"round limit"}
    assert ran.err.index("host-cpu: round 1") < ran.err.index("host-ort-cpu: round 1")
    assert "host-cpu  fp32, tflite  MEASURED" in ran.out
    assert "host-ort-cpu  fp32, onnx  MEASURED" in ran.out


def test_a_worker_in_a_thread_is_not_hit_by_ctrl_c_and_is_ended(tmp_path: Path) -> None:
    """Ctrl-C reaches the whole process group; the worker must not look like one that crashed."""
    write_tflite(tmp_path / "net.tflite")
    script = f"""
import sys, threading
from pathlib import Path
from mnv4bench import bench, cli
from mnv4bench.cli import matrix, planning
from mnv4bench.devices import open_runner
from tests.sample_reports import ENVIRONMENT, FULL
from tests.scripted import ScriptedRunner

def opened(profile, options):
    if profile.device == "host-cpu":
        return open_runner(profile, options)
    return ScriptedRunner(lambda model, round: 0.002, unit="B")

planning.open_runner = opened
bench.QUIET_WAIT_S = 0
sys.argv = ["mnv4bench", "run", "--device", "host-cpu", "--device", "s23-cpu", "--rounds", "200",
            "--model", {str(tmp_path / "net.tflite")!r}]
cli.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and process.poll() is None:
            kept = [*map(store.read, (tmp_path / "reports").glob("*host-cpu*.json"))]
            if kept and len(kept[0].measurements[0].invocations) >= 1:
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    [path] = (tmp_path / "reports").glob("*host-cpu*.json")
    report = store.read(path)
    assert report.ended == "interrupted"
    assert report.measurements[0].failure is None


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "word"),
    [("--sustained", "nan"), ("--sustained", "0"), ("--sustained", "inf"), ("--cool-wait", "nan"),
     ("--cool-wait", "-1"), ("--cool-wait", "inf")],
)  # fmt: skip
def test_seconds_are_a_number_in_range(terminal: Terminal, option: str, word: str) -> None:
    ran = terminal("run", "--model", "mnv4-conv-s", option, word)
    assert ran.status == 2
    assert option in ran.err


def test_what_is_for_phones_is_refused_elsewhere(terminal: Terminal) -> None:
    for words in (("--serial", "X"), ("--keep",), ("--benchmark-model", "x"), ("--libraries", ".")):
        ran = terminal("run", "--model", "mnv4-conv-s", *words)
        assert ran.status == 2
        assert "are for phones; host-cpu is none" in ran.err


def test_the_options_for_phones_reach_the_runner(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, model: tuple[str, ...]
) -> None:
    given: list[Options] = []

    def open_runner(profile: DeviceProfile, options: Options) -> Runner:
        given.append(options)
        return phone("A")

    monkeypatch.setattr(planning, "open_runner", open_runner)
    words = ("--serial", "X", "--serial", "Y", "--benchmark-model", "bm", "--libraries", "libs",
             "--keep", "--sustained", "1", "--cool-wait", "30")  # fmt: skip
    monkeypatch.setattr(bench, "_sustain", lambda report, index, session, listener: [report])
    ran = terminal("run", "--device", "s23-cpu", *model, "--quick", *words)
    assert ran.status == 0, ran
    assert given == [Options(("X", "Y"), Path("bm"), Path("libs"), keep=True)]
    plan = reports()["s23-cpu"].plan
    assert (plan.sustained_s, plan.cool_wait_s) == (1, 30)


def test_a_resume_may_wait_longer_and_takes_no_other_plan(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    def lost(model: str, round: int) -> BenchError:
        return DeviceLost("gone.")

    attach(s23_cpu=phone("B", lost))
    only = ("--device", "s23-cpu", *model)
    assert terminal("run", *only, "--quick").status == 3
    attach(s23_cpu=phone("B"))
    assert "--sustained" in terminal("run", "--resume", "--sustained", "5").err
    assert terminal("run", "--resume", "--dry-run").status == 2
    assert terminal("run", "--resume", "--device", "s32-cpu").status == 2
    assert terminal("run", "--resume", *only, "--cool-wait", "9").status == 0
    assert reports()["s23-cpu"].plan.cool_wait_s == 9


def test_a_dry_run_prints_what_would_run_and_does_nothing(
    terminal: Terminal, attach: Attach, model: tuple[str, ...]
) -> None:
    phones = attach(pixel6_cpu=phone("A"), s23_cpu=phone("B"))
    write_tflite_sum(Path("sum.tflite"))
    shapes = ("--shape=left=1x4x8", "--shape=right=1x4x8")
    words = ("--dry-run", "--sustained", "60", "--model", "sum.tflite", *shapes)
    with store.hold(REPORTS, "s23-cpu"), hold("A"):  # it holds nothing itself
        ran = terminal("run", *BOTH, *model, *words)
    assert ran.status == 0, ran
    lines = ran.out.splitlines()
    commands = [line for line in lines if not line.startswith("#")]
    of_one_phone = [
        "push net.tflite", "push sum.tflite", "time net for 0.5 s", "time sum for 0.5 s",
        "time net for 10.0 s", "time sum for 10.0 s",
    ]  # fmt: skip
    assert commands == of_one_phone * 2
    assert lines[0].startswith("# pixel6-cpu: net, sum; one round of at most 12 rounds")
    assert lines[0].endswith("then each model back to back for 60 s")
    assert not list(REPORTS.glob("*.json"))
    assert not any(one.calls for one in phones.values())


def test_a_name_cannot_leave_the_comment_of_a_dry_run(terminal: Terminal, attach: Attach) -> None:
    attach(s23_cpu=phone("B"))
    odd = "net\ntouch hacked\n.tflite"
    write_tflite(Path(odd))
    ran = terminal("run", "--device", "s23-cpu", "--model", odd, "--dry-run")
    assert ran.status == 0, ran
    [comment] = [line for line in ran.out.splitlines() if line.startswith("#")]
    assert "touch hacked" in comment


def test_the_commands_of_a_dry_run_work_when_pasted(
    terminal: Terminal, model: tuple[str, ...]
) -> None:
    ran = terminal("run", *model, "--dry-run", "--quick")
    assert ran.status == 0, ran
    pasted = subprocess.run(["sh", "-e"], input=ran.out, capture_output=True, text=True)
    assert pasted.returncode == 0, pasted
    assert '"latencies_s"' in pasted.stdout
    assert not REPORTS.exists()

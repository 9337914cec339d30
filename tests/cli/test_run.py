"""`run` and `export` from end to end: real exports, real runtimes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnv4bench import store
from mnv4bench.records import Report
from tests.command_line import Ran, Terminal, command, run_process

MODELS = ("mnv4-conv-s", "mobilenetv3-small")
ASKED = [word for model in MODELS for word in ("--model", model)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The artifacts are in the cache, so that what follows is about measuring."""
    folder = tmp_path_factory.mktemp("exported")
    for format in ("tflite", "onnx"):
        for model in MODELS:
            ran = run_process("export", model, "--format", format, cwd=folder)
            assert ran.status == 0, ran


def only_report(directory: Path) -> Report:
    [path] = directory.glob("*.json")
    return store.read(path)


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize("device", ["host-cpu", "host-ort-cpu"])
def test_run_measures_and_ends_with_a_table_and_a_front(device: str, tmp_path: Path) -> None:
    ran = run_process("run", "--device", device, *ASKED, "--quick", cwd=tmp_path)
    assert ran.status == 0, ran
    assert "Traceback" not in ran.err
    report = only_report(tmp_path / "reports")
    assert report.finished_at is not None
    assert report.ended in ("round limit", "precise")
    assert [m.artifact.model for m in report.measurements] == list(MODELS)
    for one in report.measurements:
        assert [i.round for i in one.invocations] == [0, 1, 2]
        assert one.placement is not None
        assert one.placement.verdict in ("full", "partial")
        assert one.artifact.parity is not None
        assert one.artifact.parity.max_rel_error <= one.artifact.parity.tolerance
    assert "mnv4-conv-s" in ran.out
    assert "front" in ran.out
    assert str(store.path_of(Path("reports"), report)) in ran.out
    shown = run_process("show", "reports", "--json", cwd=tmp_path).json["measurements"]
    assert {row["device"] for row in shown} == {device}
    assert {row["origin"] for row in shown} == {"measured"}


@pytest.mark.usefixtures("exported")
def test_a_second_run_exports_nothing(tmp_path: Path) -> None:
    ran = run_process("run", *ASKED, "--rounds", "1", "--quick", cwd=tmp_path)
    assert ran.status == 0
    assert "exported" not in ran.err


def until_rounds(directory: Path, rounds: int, process: "subprocess.Popen[str]") -> None:
    """Wait until the report on disk holds so many rounds."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        for path in directory.glob("*.json"):
            if min(len(m.invocations) for m in store.read(path).measurements) >= rounds:
                return
        time.sleep(0.05)
    raise AssertionError(f"no {rounds} rounds: {process.communicate()}")


@pytest.fixture
def running(tmp_path: Path, exported: None) -> Iterator["subprocess.Popen[str]"]:
    """A run of many rounds, started as its own process group leader is by a shell."""
    with subprocess.Popen(
        command("run", *ASKED, "--rounds", "8", "--quick", "--seed", "5"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def test_kill_9_leaves_a_readable_report_that_resume_finishes(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    until_rounds(reports, 2, running)
    running.kill()
    running.wait()
    stopped = only_report(reports)
    assert stopped.finished_at is None
    before = [len(m.invocations) for m in stopped.measurements]
    assert run_process("show", "reports", "--json", cwd=tmp_path).status == 0
    ran = run_process("run", "--resume", cwd=tmp_path)
    assert ran.status == 0, ran
    report = only_report(reports)
    assert report.report == stopped.report
    assert report.finished_at is not None
    assert all(len(m.invocations) >= n for m, n in zip(report.measurements, before, strict=True))
    for one, earlier in zip(report.measurements, stopped.measurements, strict=True):
        assert one.invocations[: len(earlier.invocations)] == earlier.invocations
    again = run_process("run", "--resume", cwd=tmp_path)
    assert again.status == 3
    assert "no unfinished report" in again.err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_tidy_report_and_status_130(
    running: "subprocess.Popen[str]", tmp_path: Path, stop: signal.Signals
) -> None:
    reports = tmp_path / "reports"
    until_rounds(reports, 1, running)
    os.killpg(running.pid, stop)  # a terminal sends Ctrl-C to the worker too
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "run --resume" in err
    report = only_report(reports)
    assert (report.ended, report.finished_at) == ("interrupted", None)
    assert all(m.failure is None for m in report.measurements)
    assert not list(reports.glob("*.tmp"))


def test_two_runs_at_once_in_one_directory(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    until_rounds(tmp_path / "reports", 1, running)
    ran = run_process("run", *ASKED, "--quick", cwd=tmp_path)
    assert ran.status == 3
    assert "another run or eval is working in reports" in ran.err


def sentence(ran: Ran, status: int, *parts: str) -> None:
    assert ran.status == status, ran
    assert "Traceback" not in ran.err
    for part in parts:
        assert part in ran.err


def test_bad_words_are_sentences(terminal: Terminal, tmp_path: Path) -> None:
    sentence(terminal("run", "--model", "mnv4-conv-x"), 2, "mnv4-conv-x", "mnv4-conv-s")
    sentence(terminal("run", "--device", "pixel8-edgtpu"), 2, "nearest: pixel8-edgetpu")
    if sys.platform != "darwin":
        sentence(terminal("run", "--device", "iphone13-ane"), 3, "not macOS", "--published")
    sentence(terminal("run", "--model", "missing.tflite"), 2, "missing.tflite")
    (tmp_path / "text.tflite").write_text("this is no model")
    sentence(terminal("run", "--model", "text.tflite"), 4, "text.tflite")
    sentence(terminal("run", "--resume", "--quick"), 2, "--resume")
    sentence(terminal("run", "--calibration", tmp_path), 2, "--precision int8")
    sentence(terminal("run", "--threads", "0"), 2, "threads")
    sentence(
        terminal("run", "--weights", "missing.pth", "--model", "mnv4-conv-s"), 2, "missing.pth"
    )
    in_fp32 = ("--format", "coreml", "--precision", "fp32")
    sentence(terminal("export", "mnv4-conv-s", *in_fp32), 2, "Neural Engine", "palette4")
    sentence(terminal("export", "mnv4-conv-s"), 2, "--format onnx")
    int8 = ("--format", "tflite", "--precision", "int8")
    sentence(terminal("export", "mnv4-conv-s", *int8, "--calibration", tmp_path), 2, "no image")
    assert not list(tmp_path.glob("reports/*.json"))


@pytest.mark.usefixtures("exported")
def test_a_file_of_ones_own_is_measured_as_it_is(terminal: Terminal, tmp_path: Path) -> None:
    made = terminal("export", "mobilenetv3-small", "--format", "onnx", "--output", "my net.onnx")
    assert made.status == 0
    own = tmp_path / "my net.onnx"
    wrong = terminal("run", "--model", own, "--device", "host-cpu")
    sentence(wrong, 2, "host-cpu measures tflite")
    ran = terminal("run", "--model", own, "--device", "host-ort-cpu", "--quick")
    assert ran.status == 0, ran
    [one] = only_report(tmp_path / "reports").measurements
    assert (one.artifact.model, one.artifact.weights.kind) == ("my net", "own")
    [point] = terminal("pareto", "--json").json["groups"][0]["points"]
    assert (point["status"], point["top1"]) == ("excluded", None)


@pytest.mark.usefixtures("exported")
def test_a_model_that_fails_on_the_device_does_not_hide_the_others(
    terminal: Terminal, tmp_path: Path
) -> None:
    """A file that is a whole ONNX model by its outside, and that the runtime refuses."""
    terminal("export", "mobilenetv3-small", "--format", "onnx", "--output", "good.onnx")
    data = (tmp_path / "good.onnx").read_bytes()
    (tmp_path / "bad.onnx").write_bytes(data.replace(b"HardSwish", b"HardSwosh"))
    ran = terminal(
        "run", "--device", "host-ort-cpu", "--quick", "--model", "good.onnx", "--model", "bad.onnx"
    )
    assert ran.status == 3
    assert "bad" in ran.err
    assert "Traceback" not in ran.err
    by_model = {m.artifact.model: m for m in only_report(tmp_path / "reports").measurements}
    assert len(by_model["good"].invocations) == 3
    assert by_model["bad"].failure
    points = {p["model"]: p for p in terminal("pareto", "--json").json["groups"][0]["points"]}
    assert points["bad"]["status"] == "excluded"


@pytest.mark.usefixtures("exported")
def test_export_writes_where_it_is_asked_to(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal("export", "mnv4-conv-s", "--format", "onnx", "--output", "conv-s.onnx")
    assert ran.status == 0, ran
    assert (tmp_path / "conv-s.onnx").stat().st_size > 10_000_000
    assert "compared with torch" in ran.out
    ran = terminal("export", "mnv4-conv-s", "--format", "onnx", "--output", tmp_path)
    assert (tmp_path / "mnv4-conv-s.onnx").is_file()
    for place, status in ((tmp_path / "nowhere" / "x.onnx", 3), ("/dev/full", 2)):
        refused = terminal("export", "mnv4-conv-s", "--format", "onnx", "--output", place)
        sentence(refused, status, "--output")


def test_the_json_of_a_report_can_be_read_without_this_program(tmp_path: Path) -> None:
    from tests.sample_reports import report

    path = store.write(tmp_path, report())
    value = json.loads(path.read_text())["report"]
    first = value["measurements"][0]["invocations"][0]
    assert first["latencies_s"] == [0.002, 0.0021, 0.0019]
    assert value["profile"]["device"] == "host-cpu"
    assert value["environment"]["runtime_version"] == "2.3.0"

"""Two files side by side, each with an interpreter of its own."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median

import psutil
import pytest
from msgspec.structs import replace

from mnv4bench.devices import Options, host_request, interpreter, open_runner
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.errors import UsageError, WorkerFailed
from tests import other_python
from tests.devices.conftest import TIMING, artifact_of, host_profile
from tests.devices.test_worker_process import wait_for

PACKAGES = ("msgspec", "numpy", "ai-edge-litert", "onnxruntime")
SHORT = replace(TIMING, min_count=40, min_duration_s=0.02)
MEASURED = (
    "msgspec",
    "numpy",
    "onnxruntime",
    "ai_edge_litert",
    "flatbuffers",
    "google",
    "protobuf",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return other_python.make(tmp_path / "other")


@pytest.fixture
def other(place: Path) -> Interpreter:
    return interpreter.ask(str(place), "--head-env", PACKAGES)


def session(file: Path, python: Interpreter | None = None) -> HostSession:
    runtime = "litert" if file.suffix == ".tflite" else "onnxruntime"
    runner = open_runner(host_profile(runtime), Options(python=python))
    made = runner.install(file, artifact_of(file))
    assert isinstance(made, HostSession)
    return made


@pytest.mark.parametrize("base_first", [True, False])
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_each_side_runs_in_its_own_interpreter(
    files, place: Path, other: Interpreter, tmp_path: Path, format: str, base_first: bool
) -> None:
    log = tmp_path / "log"
    other_python.writes_its_environment(place, log)
    base, head = session(files[format]), session(files[f"wide.{format}"], other)
    paired = base.beside(head, SHORT, base_first=base_first)
    # Head has several times the work: which is which is not lost on the way.
    assert median(paired.head_s) > 1.2 * median(paired.base_s)
    assert paired.base_first is base_first
    assert len(paired.base_s) == len(paired.head_s)
    assert len(paired.base_s) * paired.inferences_per_block >= 40
    assert paired.base_placement.verdict == paired.head_placement.verdict == "full"
    assert paired.noise.cpu_s
    assert paired.tainted == ()
    assert len(log.read_text().splitlines()) == 1  # one of the two processes
    assert psutil.Process().children() == []


def test_two_sessions_of_one_named_interpreter_share_a_process(
    files, place: Path, other: Interpreter, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    other_python.writes_its_environment(place, log)
    sides = [session(files["onnx"], other), session(files["wide.onnx"], other)]
    paired = sides[0].beside(sides[1], SHORT, base_first=True)
    assert median(paired.head_s) > 1.2 * median(paired.base_s)
    (line,) = log.read_text().splitlines()
    assert "start_worker.py" in line


def test_one_file_is_timed_in_the_interpreter_that_was_named(
    files, place: Path, other: Interpreter, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    other_python.writes_its_environment(place, log)
    samples, _ = session(files["onnx"], other).invoke(TIMING, round=0, position=0)
    assert samples.latencies_s
    assert log.exists()


def test_the_environment_says_which_python_it_is(other: Interpreter) -> None:
    runner = open_runner(host_profile("onnxruntime"), Options(python=other))
    environment = runner.environment()
    assert environment.python_version == other.version
    assert environment.runtime_version == other.packages["onnxruntime"]


def test_the_shown_command_is_of_the_named_interpreter(files, other: Interpreter) -> None:
    runner = open_runner(host_profile("onnxruntime"), Options(python=other))
    _, line = runner.commands([(files["onnx"], artifact_of(files["onnx"]))], TIMING)
    assert f"{other.python} -P" in line


def test_our_python_path_is_kept_from_it(
    files, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "msgspec", "onnxruntime"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('of another environment')")
    found = interpreter.ask(str(place), "--head-env", PACKAGES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    samples, _ = session(files["onnx"], found).invoke(TIMING, round=0, position=0)
    assert samples.latencies_s


def test_what_start_up_files_print_is_no_answer(files, place: Path, other: Interpreter) -> None:
    other_python.at_start(place, "import os; os.write(1, b'chatter\\n{\\nno end of line')")
    paired = session(files["onnx"]).beside(
        session(files["wide.onnx"], other), SHORT, base_first=True
    )
    assert paired.head_s


def test_a_file_that_one_side_does_not_take_is_named(
    files, other: Interpreter, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"garbage" * 50)
    version = other.packages["onnxruntime"]
    with pytest.raises(
        WorkerFailed, match=rf"ONNX Runtime {version} could not load bad\.onnx"
    ) as caught:
        session(files["onnx"]).beside(session(bad, other), SHORT, base_first=True)
    assert f'"file":"{bad}"' in caught.value.next_step  # and not a copy, which is gone
    assert psutil.Process().children() == []


def test_without_a_runtime_the_install_line_is_of_that_environment(files, tmp_path: Path) -> None:
    bare = interpreter.ask(
        str(other_python.make(tmp_path / "bare", only=("msgspec",))), "--head-env", PACKAGES
    )
    with pytest.raises(UsageError, match="lacks numpy, onnxruntime") as caught:
        session(files["onnx"], bare)
    assert caught.value.next_step == f"{bare.python} -m pip install numpy onnxruntime"


READY = 'print(\'{"type":"ready","inference_s":0.001}\', flush=True)'


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('no such thing')", "ended with status 1: no such thing"),
        (f"{READY}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        (f"{READY}\nprint('what?', flush=True)\ninput(); input()", "answered nonsense"),
        (f"{READY}\nprint('[0]', flush=True)\ninput(); input()", "without times"),
        ("import time; time.sleep(600)", "did not answer within 2 s"),
        (f"{READY}\nimport time; time.sleep(600)", "did not answer within 2 s"),
    ],
)
def test_a_process_that_does_not_keep_to_the_words_is_an_error(
    files, other: Interpreter, tmp_path: Path, monkeypatch, script: str, words: str
) -> None:
    (tmp_path / "worker.py").write_text(script)
    monkeypatch.setattr(host_request, "START_WORKER", tmp_path / "worker.py")
    monkeypatch.setattr(host_request, "time_limit_s", lambda timing: 2.0)
    with pytest.raises(WorkerFailed, match=words) as caught:
        session(files["onnx"]).beside(session(files["onnx"], other), SHORT, base_first=True)
    assert "repeat it by hand" in caught.value.next_step
    assert psutil.Process().children() == []


PARENT = """
import sys
from pathlib import Path
from msgspec.structs import replace
from tests.devices.test_host_beside import PACKAGES, SHORT, interpreter, session
other = interpreter.ask(sys.argv[2], "--head-env", PACKAGES)
sides = [session(Path(sys.argv[1])), session(Path(sys.argv[1]), other)]
long = replace(SHORT, min_duration_s=300, max_duration_s=300)
sides[0].beside(sides[1], long, base_first=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_whatever_ends_the_program_ends_both_processes(how: str, files, place: Path) -> None:
    root = Path(__file__).parents[2]
    command = (sys.executable, "-c", PARENT, str(files["onnx"]), str(place))
    with subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL) as parent:
        try:
            measuring = wait_for(lambda: both(psutil.Process(parent.pid)))
            parent.send_signal(signal.Signals[how])
            parent.wait(60)
        finally:
            parent.kill()  # leaving the block waits for it
    for one in measuring:
        wait_for(lambda one=one: not one.is_running() or one.status() == psutil.STATUS_ZOMBIE)


def both(parent: psutil.Process) -> list[psutil.Process]:
    """The two measuring processes, once both have begun to wait for each other."""
    found = []
    for child in parent.children():
        with contextlib.suppress(psutil.Error):  # one that has just ended: it was asked something
            found += [child] if any("start_worker" in word for word in child.cmdline()) else []
    return found if len(found) == 2 else []


def test_an_interpreter_that_is_gone_is_an_error(files, other: Interpreter, place: Path) -> None:
    sides = [session(files["onnx"]), session(files["onnx"], other)]
    (place / "bin" / "python").unlink()
    with pytest.raises(WorkerFailed, match="could not be started: No such file"):
        sides[0].beside(sides[1], SHORT, base_first=True)
    assert psutil.Process().children() == []


def test_what_the_measuring_process_needs_is_all_that_it_needs(files, tmp_path: Path) -> None:
    """Beside the runtime's own dependencies: an environment need not have this program's."""
    small = other_python.make(tmp_path / "small", only=MEASURED)
    found = interpreter.ask(str(small), "--base-env", PACKAGES)
    for name in ("tflite", "onnx"):
        paired = session(files[name], found).beside(session(files[name]), SHORT, base_first=True)
        assert paired.base_s
    assert sys.prefix != found.prefix

"""The seam to an outside process, with processes that misbehave in every way."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mnv4bench.devices import worker_process
from mnv4bench.devices.worker_process import Finished, ending
from mnv4bench.errors import WorkerFailed


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def run(code: str, request: bytes = b"", timeout_s: float = 60) -> Finished:
    return worker_process.run(python(code), request, timeout_s=timeout_s, purpose="measures x")


def test_request_and_both_streams_travel() -> None:
    finished = run("import sys; print(sys.stdin.read()); print('chatter', file=sys.stderr)", b"hi")
    assert (finished.status, finished.stdout.strip(), finished.stderr.strip()) == (
        0,
        b"hi",
        "chatter",
    )


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(WorkerFailed, match="could not be started: No such file") as caught:
        worker_process.run(("/no/such/python",), b"{}", timeout_s=1, purpose="measures x")
    assert caught.value.command == ("/no/such/python",)


def test_a_process_that_hangs_is_stopped_and_its_words_kept() -> None:
    code = "import sys, time; print('so far', file=sys.stderr, flush=True); time.sleep(600)"
    with pytest.raises(WorkerFailed, match="did not end within 2 s and was stopped") as caught:
        run(code, timeout_s=2)
    assert caught.value.status is None
    assert caught.value.stderr.strip() == "so far"
    assert not psutil.Process().children()


def test_a_process_that_reads_nothing_is_no_error_of_the_pipe() -> None:
    assert run("pass", request=b"x" * 10_000_000).status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_crash_is_named_by_its_signal() -> None:
    finished = run("import os; os.abort()")
    assert ending(finished).startswith("was killed by SIGABRT")


def test_the_last_words_are_shown_and_not_the_traceback() -> None:
    words = ending(run("raise ValueError('bad ' + 'x' * 1000)"))
    assert words.startswith("ended with status 1: ValueError: bad xxx")
    assert len(words) < 400
    assert "Traceback" not in words


def test_an_unknown_signal_is_a_number() -> None:
    assert ending(Finished(("x",), -199, b"", "")) == "was killed by signal 199"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell line")
def test_the_line_to_repeat_by_hand_works_in_a_shell() -> None:
    command = python("import sys; print(sys.stdin.read().strip()[::-1])")
    line = worker_process.by_hand(command, b'{"it\'s": "a $HOME"}')
    shell = line.removeprefix("repeat it by hand: ")
    ran = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == '{"it\'s": "a $HOME"}'[::-1]


PARENT = """
import sys
from pathlib import Path
from mnv4bench.devices.host import HostRunner
from tests.devices.conftest import TIMING, artifact_of, host_profile
from msgspec.structs import replace
file = Path(sys.argv[1])
session = HostRunner(host_profile("litert")).install(file, artifact_of(file))
print("going", flush=True)
session.invoke(replace(TIMING, min_duration_s=300, max_duration_s=300), round=0, position=0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_whatever_ends_the_program_ends_the_measuring_process(how: str, files) -> None:
    root = Path(__file__).parents[2]
    command = (sys.executable, "-c", PARENT, str(files["tflite"]))
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"going\n"
        worker = wait_for(lambda: measuring(psutil.Process(parent.pid)))
        parent.send_signal(signal.Signals[how])
        parent.wait(60)
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def measuring(parent: psutil.Process) -> psutil.Process | None:
    """The worker of ``parent`` once it holds the runtime, so well after its start."""
    for child in parent.children():
        try:
            if any("ai_edge_litert" in mapped.path for mapped in child.memory_maps()):
                return child
        except psutil.Error:
            continue
    return None


def wait_for(found, limit_s: float = 60):
    """What ``found`` returns once that is true."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {limit_s} s")

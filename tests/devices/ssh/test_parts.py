"""What ssh and boards say, read; the worker's file; the leash. No board is needed."""

import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.devices.ssh import board, failures, leash, throttling, worker
from mnv4bench.records import Expects

CAPTURES = Path(__file__).parents[2] / "captures" / "openssh-9.2p1"

# --- ssh's own words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capture", "what", "fix"),
    [
        ("unresolved", "there is no host called pi@board: ssh: Could not resolve", "~/.ssh/config"),
        ("no-server", "no ssh server answers on it", "systemctl enable --now ssh"),
        ("timed-out", "pi@board does not answer: ssh: connect to host 192.0.2.1", "switch it on"),
        ("silent", "pi@board does not answer: Connection to 127.0.0.1", "wake it"),
        ("unknown-key", "not in known_hosts yet", "ssh pi@board, compare the key"),
        ("changed-key", "the host key of pi@board has changed (it now shows SHA256:", "-R"),
        ("refused-key", "refused every key that ssh offered (it takes publickey)", "ssh-copy-id"),
        ("hung-up", "the connection to pi@board was lost", "run --resume"),
        ("went-away", "was lost: Connection to 127.0.0.1 closed by remote host.", "run --resume"),
        ("not-responding", "was lost: Timeout, server 127.0.0.1 not responding", "run --resume"),
        ("option", "ssh refuses your configuration: command-line: line 0", "mend it"),
    ],
)
def test_each_failure_of_ssh_is_a_sentence_with_a_next_step(
    capture: str, what: str, fix: str
) -> None:
    error = failures.lost("pi@board", (CAPTURES / f"{capture}.txt").read_text())
    assert what in error.what, error
    assert fix in error.next_step, error
    assert len(error.what.splitlines()) == 1


def test_a_changed_key_is_forgotten_with_ssh_s_own_command() -> None:
    error = failures.lost("pi@board", (CAPTURES / "changed-key.txt").read_text())
    assert 'ssh-keygen -f "/home/me/.ssh/known_hosts" -R "[127.0.0.1]:2222"' in error.next_step


def test_words_that_nobody_knows_are_repeated() -> None:
    error = failures.lost("pi@board", "debug1: hm\nssh: quantum decoherence on line 3.\n")
    assert error.what == "ssh could not reach pi@board: ssh: quantum decoherence on line 3."
    assert failures.lost("b", "").what == "the connection to b was lost."


def test_the_words_of_the_program_are_not_taken_for_ssh_s() -> None:
    said = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nPermission denied\n"
    assert failures.lost("b", said, began=True).what == "the connection to b was lost."
    said += "Connection to 10.0.0.5 closed by remote host.\n"
    assert failures.lost("b", said, began=True).what == (
        "the connection to b was lost: Connection to 10.0.0.5 closed by remote host."
    )


@given(st.text())
def test_whatever_ssh_says_is_one_line(said: str) -> None:
    error = failures.lost("pi@board", said)
    assert len(error.what.splitlines()) == 1
    assert error.next_step


# --- what a board says of itself ------------------------------------------------------------------


def test_the_firmwares_bits() -> None:
    assert throttling.flags("throttled=0x50005\n") == 0x50005
    assert throttling.flags("50005\n") == 0x50005  # the kernel's file
    for nothing in ("", "error=1 error_msg=...", "throttled=", "0x5", "f" * 30):
        assert throttling.flags(nothing) is None
    assert throttling.now(0x50005) == ("under-voltage", "throttled")
    assert throttling.now(0) == ()
    assert throttling.now(None) is None


def test_what_was_remembered_before_tells_nothing_new() -> None:
    assert throttling.taints(0x50000, 0x50000) == ()
    assert throttling.taints(0x50000, 0xD0000) == (
        "the board's firmware held its clock down: soft temperature limit",
    )
    assert throttling.taints(0, 0x20002) == (
        "the board's firmware held its clock down: frequency capped",
    )
    assert throttling.taints(None, 0x50000) == ()  # since when, nobody knows
    assert throttling.taints(None, 0x1)
    assert throttling.taints(0, None) == ()


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n" * 4, "Arm Cortex-A76"),
        (
            "CPU implementer\t: 0x41\nCPU part\t: 0xd05\n"
            "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n",
            "Arm Cortex-A55, Arm Cortex-A76",
        ),
        ("CPU implementer\t: 0x61\nCPU part\t: 0x022\n", "implementer 0x61 part 0x022"),
        ("model name\t: Intel(R) N100\n", "Intel(R) N100"),
        ("model name\t: " + "x" * 500 + "\n", "x" * 80),
        ("", None),
        ("CPU part\t: \n", None),
    ],
)
def test_the_processors_name(cpuinfo: str, name: str | None) -> None:
    assert board.cpu_name(cpuinfo) == name


def identity(**facts: object) -> board.Identity:
    known = {
        "model": "Raspberry Pi 4 Model B Rev 1.5",
        "compatible": ("raspberrypi,4-model-b", "brcm,bcm2711"),
        "system": "Linux",
        "kernel": "6.6",
        "machine": "aarch64",
        "cpu": None,
        "cpu_count": 4,
        "policies": (),
        "memory_bytes": None,
        "tools": frozenset(),
        "boot": None,
        "host": "pi@board",
        "serial": "100000004ba1",
    }
    return board.Identity(**{**known, **facts})


def test_a_board_is_told_by_its_device_tree() -> None:
    pi4 = identity()
    assert board.misfit(pi4, None) is None
    assert board.misfit(pi4, Expects(devices=("raspberrypi,4-model-b",))) is None
    assert board.misfit(pi4, Expects(socs=("BRCM,BCM2711",))) is None
    assert board.misfit(pi4, Expects(models=("raspberry pi 4 model b rev 1.5",))) is None
    how = board.misfit(pi4, Expects(devices=("raspberrypi,5-model-b", "raspberrypi,500")))
    assert how == (
        "expects board raspberrypi,5-model-b or raspberrypi,500, and this one says Raspberry Pi 4 "
        "Model B Rev 1.5"
    )
    # A board is no SoC, and what says nothing fits nothing.
    assert board.misfit(pi4, Expects(socs=("raspberrypi,4-model-b",)))
    assert board.misfit(identity(model=None, compatible=()), Expects(devices=("x",)))


def test_a_unit_is_a_digest_and_no_serial_number() -> None:
    assert identity().unit != identity(serial="100000004ba2").unit
    assert "100000004ba1" not in identity().this_one
    assert "100000004ba1" not in repr(identity())
    assert identity(serial="").unit != identity(serial="", host="pi@other").unit


# --- the worker -----------------------------------------------------------------------------------


def test_the_workers_file_is_whole_and_the_same_every_time() -> None:
    first = worker.packed()
    worker.packed.cache_clear()
    assert worker.packed() == first
    names = set(zipfile.ZipFile(BytesIO(first)).namelist())
    assert "__main__.py" in names
    probe = (
        "import sys, mnv4bench.devices.host_worker, mnv4bench.devices.litert_cpu\n"
        "import mnv4bench.devices.ort_cpu\n"
        "print(*(m for m in sys.modules if m.partition('.')[0] == 'mnv4bench'))"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert loaded
    for module in loaded:
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & names, f"{module} is not in the worker"


def test_the_worker_runs_from_its_file_alone(tmp_path: Path) -> None:
    file = tmp_path / worker.name()
    file.write_bytes(worker.packed())
    (tmp_path / "msgspec.py").write_text("raise SystemExit('a file of the folder was imported')")
    where = "import mnv4bench; print(mnv4bench.__file__)"
    ran = subprocess.run(
        [sys.executable, "-P", file, "host_worker"],
        input=b"{}",
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert b"missing required field" in ran.stderr, where
    assert b"worker-" in ran.stderr  # its tracebacks name the zip: it is no other copy of us


# --- the leash ------------------------------------------------------------------------------------


def leashed(tmp_path: Path, *words: str, limit_s: float = 30.0) -> subprocess.Popen[bytes]:
    script = leash.script(words, limit_s=limit_s, pid=str(tmp_path / "a.pid"))
    return subprocess.Popen(
        ["sh", "-c", f"{script}\necho $status"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize(("words", "status"), [(("true",), 0), (("sh", "-c", "exit 7"), 7)])
def test_a_program_on_a_leash_gives_its_status(
    tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    with leashed(tmp_path, *words) as ran:
        assert ran.stdout is not None
        assert int(ran.stdout.read()) == status
    assert not (tmp_path / "a.pid").exists()


def test_the_end_of_the_input_ends_the_program(tmp_path: Path) -> None:
    """As where ssh was killed: sh alone would wait for it to the end."""
    with leashed(tmp_path, "sleep", "600") as ran:
        pid = tmp_path / "a.pid"
        deadline = time.monotonic() + 20
        while not (pid.is_file() and pid.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert ran.stdin is not None
        ran.stdin.write(b"noise that is no end\n")
        ran.stdin.flush()
        assert Path(f"/proc/{pid.read_text().strip()}").exists()
        ran.stdin.close()
        assert ran.stdout is not None
        assert int(ran.stdout.read()) > 128


def test_what_hangs_is_ended_by_the_board_itself(tmp_path: Path) -> None:
    with leashed(tmp_path, "sleep", "600", limit_s=1.0) as ran:
        assert ran.stdout is not None
        assert int(ran.stdout.read()) in leash.HUNG


def test_a_request_reaches_the_program(tmp_path: Path) -> None:
    request = '{"a": "it\'s $HOME %s \\\\ \\n"}'
    script = leash.script(("cat",), limit_s=20, pid=str(tmp_path / "a.pid"), request=request)
    ran = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ran:
        assert ran.stdout is not None
        assert ran.stdout.read().decode() == request

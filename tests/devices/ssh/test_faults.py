"""Bad luck with boards: each one sentence with its evidence and the next step."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.devices import Options, stopping
from mnv4bench.devices.ssh import asked, connection, reaching
from mnv4bench.errors import (
    BenchError,
    DeviceLost,
    ExitStatus,
    NotMeasured,
    UsageError,
    WorkerFailed,
)
from mnv4bench.records import Expects
from tests.board.double import Board, deaf_port
from tests.devices.conftest import TIMING, artifact_of, board_profile, files
from tests.devices.ssh.conftest import MakeRunner
from tests.phone import programs

__all__ = ["files"]
WAYS = ("python", "litert")
LONG = replace(TIMING, min_duration_s=30.0, max_duration_s=60.0)


def assert_sentence(error: BenchError, *words: str) -> None:
    assert all(word in f"{error.what} {error.next_step}" for word in words), str(error)
    assert len(error.what.splitlines()) == 1
    assert error.next_step
    assert error.exit_status == ExitStatus.NOT_MEASURED == 3
    assert "Traceback" not in error.what


def measure(runner, file: Path, timing=TIMING) -> None:
    with runner.held():
        runner.install(file, artifact_of(file)).invoke(timing, round=0, position=0)


# --- before anything runs -------------------------------------------------------------------------


def test_no_ssh(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    runner = make_runner()
    with pytest.raises(NotMeasured) as caught:
        runner.unit()
    assert_sentence(caught.value, "ssh was not found", "apt install openssh-client")
    assert runner.availability()[0] == "absent"
    assert runner.checks()[0].status == "failed"


def test_nobody_names_a_board(ssh_board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnv4bench.devices.ssh.runner import SshRunner

    runner = SshRunner(board_profile(host=None), Options())
    with pytest.raises(NotMeasured) as caught:
        runner.unit()
    assert_sentence(caught.value, "a-board-python", "nothing names it", "--host user@board")
    assert runner.availability()[0] == "absent"
    monkeypatch.setenv("MNV4BENCH_SSH_HOST", "board")
    assert SshRunner(board_profile(host=None), Options()).availability()[0] == "ready"
    assert SshRunner(board_profile(host="x"), Options(host="board")).availability()[0] == "ready"


@pytest.mark.parametrize("host", ["-oProxyCommand=touch pwned", "a b", "a;b", "$(x)", ""])
def test_a_host_is_never_an_option_or_a_command(ssh_board: Board, host: str) -> None:
    from mnv4bench.devices.ssh.runner import SshRunner

    runner = SshRunner(board_profile(host=None), Options(host=host))
    with pytest.raises(
        (UsageError, NotMeasured), match=r"no host as ssh takes it|nothing names it"
    ):
        runner.unit()


def test_a_host_that_nobody_knows(make_runner: MakeRunner) -> None:
    with pytest.raises(DeviceLost) as caught:
        make_runner(host="no-such-board.invalid").unit()
    assert_sentence(caught.value, "there is no host called no-such-board.invalid", "~/.ssh/config")


def test_its_host_key_has_changed(ssh_board: Board, make_runner: MakeRunner) -> None:
    assert make_runner().unit()
    ssh_board.change_its_key()
    connection.Ssh("board").close()
    runner = make_runner()
    with pytest.raises(DeviceLost) as caught:
        runner.unit()
    assert_sentence(
        caught.value, "the host key of board has changed", "SHA256:", "ssh-keygen", "-R"
    )
    assert runner.availability()[0] == "absent"


def test_its_host_key_is_not_known(ssh_board: Board, make_runner: MakeRunner) -> None:
    ssh_board.be_unknown()
    with pytest.raises(DeviceLost) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "not in known_hosts", "ssh board")


def test_the_key_is_refused(ssh_board: Board, make_runner: MakeRunner) -> None:
    ssh_board.refuse_the_key()
    with pytest.raises(DeviceLost) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "board refused every key", "publickey", "ssh-copy-id board")


def test_no_server_listens(ssh_board: Board, make_runner: MakeRunner) -> None:
    ssh_board.vanish()
    with pytest.raises(DeviceLost) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "no ssh server answers", "Connection refused", "systemctl")


def test_a_board_that_hangs(
    ssh_board: Board, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1)
    with deaf_port() as deaf:
        config = ssh_board.folder / "config"
        port = deaf.getsockname()[1]
        config.write_text(f"Host board\n  HostName 127.0.0.1\n  Port {port}\n")
        with pytest.raises(DeviceLost) as caught:
            make_runner().unit()
    assert_sentence(caught.value, "board", "timed out")


def test_another_board_than_the_profile_means(ssh_board: Board) -> None:
    from mnv4bench.devices.ssh.runner import SshRunner

    expects = Expects(devices=("raspberrypi,4-model-b",))
    runner = SshRunner(replace(board_profile(), expects=expects), Options())
    with pytest.raises(NotMeasured) as caught:
        runner.unit()
    assert_sentence(caught.value, "expects board raspberrypi,4-model-b", "Raspberry Pi 5 Model B")
    assert runner.availability()[0] == "absent"
    fitting = Expects(devices=("RASPBERRYPI,5-MODEL-B",), socs=("brcm,bcm2712",))
    assert SshRunner(replace(board_profile(), expects=fitting), Options()).unit()


def test_a_login_shell_that_runs_nothing(ssh_board: Board, make_runner: MakeRunner) -> None:
    ssh_board.tool("timeout", "echo 'This account is currently not available.'; exit 1")
    with pytest.raises(DeviceLost) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "did not run its command", "not available", "login shell")


# --- what measures there --------------------------------------------------------------------------


def test_no_python_there(ssh_board: Board, make_runner: MakeRunner) -> None:
    runner = make_runner(python="/opt/nothing/bin/python")
    with pytest.raises(NotMeasured) as caught, runner.held():
        pass
    assert_sentence(
        caught.value, "no Python on the board", "/opt/nothing", "-m venv ~/mnv4bench", "tool ="
    )
    assert runner.availability()[0] == "unusable"
    assert {check.name: check.status for check in runner.checks()}["python"] == "failed"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (
            '{"python": "3.9.2", "prefix": "/usr", "packages": {}}',
            ("is Python 3.9.2", "needs 3.11 or newer", "tool = 'litert'"),
        ),
        (
            '{"python": "3.11.2", "prefix": "/usr", "packages": {"numpy": "2.3.5"}}',
            ("lacks msgspec, ai-edge-litert", "-m pip install msgspec ai-edge-litert"),
        ),
        ("Illegal instruction", ("does not work", "Illegal instruction")),
    ],
)
def test_a_python_that_cannot_measure(
    ssh_board: Board, make_runner: MakeRunner, says: str, words: tuple[str, ...]
) -> None:
    file = ssh_board.home / "mnv4bench/bin/python"
    file.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{says}'\n")
    runner = make_runner()
    with pytest.raises(NotMeasured) as caught, runner.held():
        pass
    assert_sentence(caught.value, *words)
    assert runner.availability()[0] == "unusable"


def test_a_program_for_another_processor(make_runner: MakeRunner, tmp_path: Path) -> None:
    program = programs.write_elf(tmp_path / "x86", machine=0x3E, bits=64)
    runner = make_runner("litert", Options(benchmark_model=program))
    with pytest.raises(NotMeasured) as caught, runner.held():
        pass
    assert_sentence(caught.value, "built for x86_64", "the board is aarch64", "linux_arm64")
    assert runner.availability()[0] == "unusable"
    assert {check.name: check.status for check in runner.checks()}["architecture"] == "failed"


def test_a_program_that_its_system_cannot_run(make_runner: MakeRunner, tmp_path: Path) -> None:
    """An aarch64 file that is a header and nothing else: the kernel here refuses it, too."""
    program = programs.write_elf(tmp_path / "arm", machine=0xB7, bits=64)
    with (
        pytest.raises(NotMeasured) as caught,
        make_runner("litert", Options(benchmark_model=program)).held(),
    ):
        pass
    assert_sentence(caught.value, "cannot run", "linux_arm64")


def test_the_other_benchmark_program(make_runner: MakeRunner, tmp_path: Path) -> None:
    classic = programs.write_program(tmp_path / "classic", "classic")
    with (
        pytest.raises(NotMeasured) as caught,
        make_runner("litert", Options(benchmark_model=classic)).held(),
    ):
        pass
    assert_sentence(caught.value, "is the TFLite benchmark_model", "needs the LiteRT")


def test_no_benchmark_program_here(make_runner: MakeRunner, monkeypatch) -> None:
    monkeypatch.setenv("MNV4BENCH_BENCHMARK_MODEL", "/a/phones/program")  # and not a board's
    runner = make_runner("litert", Options())
    status, detail = runner.availability()
    assert status == "unusable"
    assert "MNV4BENCH_BOARD_BENCHMARK_MODEL" in detail
    assert "linux_arm64" in detail


def test_a_program_is_not_given_to_a_board_with_python(make_runner: MakeRunner, tmp_path) -> None:
    with pytest.raises(UsageError, match="measures with the board's Python"):
        make_runner(options=Options(benchmark_model=tmp_path / "x"))


# --- room -----------------------------------------------------------------------------------------


def test_a_full_disk_is_seen_before_anything_is_sent(
    ssh_board: Board, make_runner: MakeRunner, files
) -> None:
    ssh_board.tool("df", "echo 'Filesystem 1K-blocks Used Available Use% Mounted on'\n"
                   "echo '/dev/mmcblk0p2 100000 95000 5000 95% /'")  # fmt: skip
    runner = make_runner()
    with pytest.raises(NotMeasured) as caught:
        measure(runner, files["tflite"])
    assert not isinstance(caught.value, DeviceLost)
    assert_sentence(caught.value, "the board board has 5 MB free")
    assert {check.name: check.status for check in runner.checks()}["space"] == "failed"


def test_a_disk_that_fills_up_on_the_way(ssh_board: Board, make_runner: MakeRunner, files) -> None:
    runner = make_runner()
    with runner.held():
        model = files["tflite"]
        target = asked.target_of(runner._profile)
        (_, there), *_ = asked.files(runner._profile, target, model, artifact_of(model))
        part = ssh_board.path(there)
        part.parent.mkdir(parents=True)
        full = part.with_name(f"{part.name}.part")
        full.symlink_to("/dev/full")  # every write to it: no space left on device
        with pytest.raises(NotMeasured) as caught:
            runner.install(files["tflite"], artifact_of(files["tflite"]))
        assert not isinstance(caught.value, DeviceLost)
        assert_sentence(caught.value, "no room for tiny.tflite", "No space left", "remote_dir")
        assert not full.is_symlink(), "what arrived is taken away"
        samples, _ = runner.install(files["wide.tflite"], artifact_of(files["wide.tflite"])).invoke(
            TIMING, round=0, position=0
        )
        assert samples.latencies_s
    assert not ssh_board.path("/tmp/mnv4bench").exists()


def test_a_file_that_arrives_damaged(ssh_board: Board, make_runner: MakeRunner, files) -> None:
    ssh_board.tool("sha256sum", 'echo "$(printf %064d 1)  $1"')
    with pytest.raises(NotMeasured) as caught:
        measure(make_runner(), files["tflite"])
    assert_sentence(caught.value, "arrived damaged on the board board", "disk and its network")


def test_a_folder_that_is_somebody_elses(ssh_board: Board, make_runner: MakeRunner) -> None:
    folder = ssh_board.path("/tmp/mnv4bench")
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 65534, 65534)
    else:
        folder.chmod(0o500)
    with pytest.raises(NotMeasured) as caught, make_runner().held():
        pass
    assert_sentence(caught.value, "/tmp/mnv4bench", "cannot be used", "remote_dir")
    folder.chmod(0o700)


# --- in the middle --------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", WAYS)
def test_the_network_goes_in_the_middle(
    ssh_board: Board, make_runner: MakeRunner, files, monkeypatch, tool: str
) -> None:
    monkeypatch.setattr("mnv4bench.devices.ssh.runner.GIVE_BACK_S", 0.0)
    failed = interrupted(make_runner(tool), files["tflite"], ssh_board, ssh_board.vanish)
    assert isinstance(failed, DeviceLost)
    assert_sentence(failed, "the connection to board was lost", "run --resume")
    ssh_board.wait_until_idle()


@pytest.mark.parametrize("tool", WAYS)
def test_ssh_is_killed_in_the_middle(
    ssh_board: Board, make_runner: MakeRunner, files, tool: str
) -> None:
    """As where this program itself is killed: nothing is left running on the board."""

    def kill() -> None:
        import psutil

        for child in psutil.Process().children():
            if child.name() == "ssh":
                child.kill()

    failed = interrupted(make_runner(tool), files["tflite"], ssh_board, kill)
    assert isinstance(failed, DeviceLost)
    assert_sentence(failed, "the ssh to board was killed here, by signal 9", "run --resume")
    ssh_board.wait_until_idle()


@pytest.mark.parametrize("tool", WAYS)
def test_stopping_ends_what_runs_on_the_board(
    ssh_board: Board, make_runner: MakeRunner, files, tool: str
) -> None:
    stopping.forget()
    try:
        failed = interrupted(make_runner(tool), files["tflite"], ssh_board, stopping.ask)
    finally:
        stopping.forget()
    assert isinstance(failed, KeyboardInterrupt)
    ssh_board.wait_until_idle()
    assert not ssh_board.path("/tmp/mnv4bench").exists()


def interrupted(runner, file: Path, board: Board, how: Callable[[], object]):
    """What an invocation ended with, to which ``how`` happened while it measured."""
    caught: list[BaseException] = []

    def work() -> None:
        try:
            measure(runner, file, LONG)
        except BaseException as error:  # noqa: BLE001
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    board.wait_until_measuring()
    how()
    thread.join(60)
    assert not thread.is_alive()
    return caught[0] if caught else None


def test_a_board_that_falls_asleep_is_given_up(
    ssh_board: Board, make_runner: MakeRunner, files, monkeypatch
) -> None:
    monkeypatch.setattr(connection, "ALIVE_INTERVAL_S", 1)
    monkeypatch.setattr(connection, "ALIVE_COUNT", 1)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setattr("mnv4bench.devices.ssh.runner.GIVE_BACK_S", 0.0)
    failed = interrupted(make_runner(), files["tflite"], ssh_board, ssh_board.fall_asleep)
    assert isinstance(failed, DeviceLost)
    assert_sentence(failed, "board")
    ssh_board.wake()
    ssh_board.wait_until_idle()


def test_a_board_that_was_started_anew(ssh_board: Board, make_runner: MakeRunner, files) -> None:
    runner = make_runner()
    with runner.held():
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        ssh_board.restart()
        with pytest.raises(DeviceLost) as caught:
            session.invoke(TIMING, round=0, position=0)
    assert_sentence(caught.value, "was started anew", "run --resume")


@pytest.mark.parametrize("tool", WAYS)
def test_what_an_earlier_run_left_is_ended_first(
    ssh_board: Board, make_runner: MakeRunner, files, tool: str
) -> None:
    """A process of another run, whose connection nobody watches: nohup, say."""
    import subprocess

    folder = ssh_board.path("/tmp/mnv4bench")
    folder.mkdir(mode=0o700)
    left = subprocess.Popen(["sleep", "600"], executable="/bin/sleep")
    named = folder / "spin"
    named.write_text("#!/bin/sh\nsleep 600\n")
    named.chmod(0o755)
    spinning = subprocess.Popen(["/bin/sh", str(named)])
    (folder / "a.pid").write_text(f"{spinning.pid}\n")
    (folder / "b.pid").write_text(f"{left.pid}\n")  # since then another program's number
    try:
        measure(make_runner(tool), files["tflite"])
        assert spinning.wait(5) == -signal.SIGKILL
        assert left.poll() is None, "a process that is not ours is left alone"
    finally:
        left.kill()
        left.wait()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("hang", ("hung and was stopped",)),
        ("segfault", ("was killed by SIGSEGV",)),
        ("garbage", ("printed no result that is known here", "is kept in")),
    ],
)
def test_a_program_that_goes_wrong(
    ssh_board: Board, make_runner: MakeRunner, files, monkeypatch, mode: str, words
) -> None:
    monkeypatch.setattr(
        "mnv4bench.devices.ssh.invocation.START_ALLOWANCE_S", -20.0 if mode == "hang" else 120
    )
    ssh_board.program(mode)
    with pytest.raises(WorkerFailed) as caught:
        measure(make_runner("classic"), files["tflite"])
    assert_sentence(caught.value, *words, "--keep", "ssh -n board")
    ssh_board.wait_until_idle()


def test_a_process_that_dies(ssh_board: Board, make_runner: MakeRunner, files) -> None:
    runner = make_runner()
    with runner.held():
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        file = ssh_board.home / "mnv4bench/bin/python"
        whole = file.read_text()
        for script, words in (
            ("kill -9 $$", ("was killed by SIGKILL", "no memory left")),
            ("echo Bus error >&2; exit 7", ("ended with status 7", "Bus error")),
            ("echo hello", ("answered nonsense",)),
        ):
            file.write_text(f"#!/bin/sh\n{script}\n")
            with pytest.raises(WorkerFailed) as caught:
                session.invoke(TIMING, round=0, position=0)
            assert_sentence(caught.value, "tiny.tflite", *words)
        file.write_text(whole)
        assert session.invoke(TIMING, round=0, position=0)[0].latencies_s


def test_a_process_that_hangs_is_ended_on_the_board(
    ssh_board: Board, make_runner: MakeRunner, files, monkeypatch
) -> None:
    monkeypatch.setattr("mnv4bench.devices.ssh.invocation.START_ALLOWANCE_S", -20.0)
    runner = make_runner()
    with runner.held():
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        (ssh_board.home / "mnv4bench/bin/python").write_text("#!/bin/sh\nexec sleep 600\n")
        with pytest.raises(WorkerFailed) as caught:
            session.invoke(TIMING, round=0, position=0)
    assert_sentence(caught.value, "hung and was stopped")
    ssh_board.wait_until_idle()


def test_more_threads_than_it_has_processors(ssh_board: Board) -> None:
    from mnv4bench.devices.ssh.runner import SshRunner

    runner = SshRunner(replace(board_profile(), threads=200), Options())
    with pytest.raises(NotMeasured, match="200 threads were asked for"):
        runner.environment()


def test_asking_is_remembered_for_a_moment(ssh_board: Board, make_runner: MakeRunner) -> None:
    """Listing three profiles of a board that is away takes one time-out and not three."""
    ssh_board.vanish()
    times = 0
    genuine = reaching.board.identify

    def counted(*arguments):
        nonlocal times
        times += 1
        return genuine(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reaching.board, "identify", counted)
        for _ in range(3):
            assert make_runner().availability()[0] == "absent"
    assert times == 1


@pytest.mark.parametrize("tool", WAYS)
def test_operators_are_not_asked_of_boards_yet(make_runner: MakeRunner, files, tool: str) -> None:
    runner = make_runner(tool)
    with runner.held():
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        with pytest.raises(NotMeasured) as caught:
            session.operators(3)
    assert_sentence(caught.value, "a-board-", "single operators", "--device host-cpu")


def test_a_configuration_for_logging_in_by_hand_does_no_harm(
    ssh_board: Board, make_runner: MakeRunner
) -> None:
    """tmux at every login, a port that is taken, another language."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = ssh_board.folder / "config"
        config.write_text(
            f"{config.read_text()}  RemoteCommand tmux\n  RequestTTY yes\n  LogLevel QUIET\n"
            f"  LocalForward 127.0.0.1:{taken.getsockname()[1]} 127.0.0.1:9\n"
            "  ExitOnForwardFailure yes\n  ControlMaster no\n  SetEnv LC_ALL=de_DE.UTF-8\n"
        )
        assert make_runner().unit().startswith("Raspberry Pi 5")

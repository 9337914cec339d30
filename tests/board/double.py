"""One board: its files, its keys, its server, and what can go wrong with them.

Knows: where a Raspberry Pi keeps its model, clocks and heat (Linux's sysfs-class-thermal and
cpufreq; the device tree of arch/arm64/boot/dts/broadcom). Does not know: ssh's protocol (`server`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from mnv4bench.devices.ssh import reaching

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0
A76 = """\
processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU part\t: 0xd0b

processor\t: 1
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""


class Board:
    """A Raspberry Pi 5 under ``folder``, called ``board`` by an ssh whose configuration is here.

    ``environment`` is what a program under test must run with to reach it.
    """

    def __init__(self, folder: Path) -> None:
        assert " " not in str(folder)  # its path is put into shell commands
        self.folder, self.root = folder.resolve(), folder.resolve() / "root"
        self.home = self.root / "home" / "pi"
        self._server: subprocess.Popen[str] | None = None
        self._port = 0
        self._genuine = shutil.which("ssh") or "ssh"
        self.home.mkdir(parents=True)
        self._make_files()
        self._make_tools()
        self._make_keys()
        self.environment = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "SSH_AUTH_SOCK": "",
        }

    # --- its files ------------------------------------------------------------------------------

    def path(self, path: str) -> Path:
        """A path of the board here."""
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """One of its files."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _make_files(self) -> None:
        self.write("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
        self.write("/proc/device-tree/compatible", "raspberrypi,5-model-b\0brcm,bcm2712\0")
        self.write("/proc/device-tree/serial-number", "4a5e1e4b2ca1d3c0\0")
        self.write("/proc/cpuinfo", A76)
        self.restart()
        policy = "/sys/devices/system/cpu/cpufreq/policy0"
        cpus = sorted(os.sched_getaffinity(0))  # taskset is the host's
        self.write(f"{policy}/related_cpus", " ".join(map(str, cpus)) + "\n")
        self.write(f"{policy}/cpuinfo_max_freq", "2400000\n")
        self.write(f"{policy}/scaling_cur_freq", "2400000\n")
        self.write(f"{policy}/scaling_governor", "ondemand\n")
        self.write(f"{policy}/stats/time_in_state", "1500000 500\n2400000 900\n")
        self._benchmarks(cpus)
        self.heat(48.2)
        self.throttled(0)
        (self.root / "tmp").mkdir(exist_ok=True)

    def _benchmarks(self, cpus: list[int], **changes: object) -> None:
        """What the doubles of the benchmark programs (tests/phone) take their times from."""
        state = {
            "steady_us": 0.0,
            "slowdown": 1.0,
            "accelerators": {"cpu": {"factor": 1.0, "mode": "works"}},
            "counter": None,
            "nnapi": False,
            "cpus": cpus,
            **changes,
        }
        (self.folder / "state.json").write_text(json.dumps(state))

    def program(self, mode: str) -> None:
        """How the benchmark program behaves: "works", "hang", "segfault", "garbage"."""
        cpus = sorted(os.sched_getaffinity(0))
        self._benchmarks(cpus, accelerators={"cpu": {"factor": 1.0, "mode": mode}})

    def restart(self) -> None:
        """It was started anew, as the kernel says it."""
        self.write("/proc/sys/kernel/random/boot_id", f"{uuid.uuid4()}\n")

    def heat(self, celsius: float) -> None:
        """The processor's only sensor."""
        zone = "/sys/class/thermal/thermal_zone0"
        self.write(f"{zone}/type", "cpu-thermal\n")
        self.write(f"{zone}/temp", f"{celsius * 1000:.0f}\n")

    def throttled(self, flags: int) -> None:
        """What the firmware says of the clock."""
        self.tool("vcgencmd", f"echo throttled=0x{flags:x}")

    def tool(self, name: str, script: str) -> Path:
        """A program on its PATH, before the host's."""
        file = self.root / "bin" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def python(self, program: str | Path = sys.executable) -> None:
        """The Python of ~/mnv4bench."""
        file = self.home / "mnv4bench" / "bin" / "python"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
        file.chmod(0o755)

    def vanish_at(self, start: int) -> None:
        """Its network goes when a measuring process starts for the ``start``-th time."""
        starts = self.folder / "starts"
        starts.write_text("")
        file = self.home / "mnv4bench" / "bin" / "python"
        file.write_text(
            f"#!/bin/sh\nif [ $# -gt 2 ] && [ $1 = -P ]; then\n"
            f"echo >>{starts}; [ $(wc -l <{starts}) -eq {start} ] && "
            f'kill -9 $(cat {self.folder}/server.pid)\nfi\nexec {sys.executable} "$@"\n'
        )

    def _make_tools(self) -> None:
        uname = shutil.which("uname")
        self.tool("uname", f'[ "$1" = -m ] && echo aarch64 || exec {uname} "$@"')
        self.python()

    # --- its keys -------------------------------------------------------------------------------

    def _make_keys(self) -> None:
        for name in ("host_key", "key"):
            self._make_key(self.folder / name)
        self.authorize("key")

    def _make_key(self, file: Path) -> None:
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "double", "-f", str(file)]
        subprocess.run(words, check=True)

    def authorize(self, *names: str) -> None:
        """Those of the keys here that it takes; the server reads them when it starts."""
        keys = [(self.folder / f"{name}.pub").read_text() for name in names]
        (self.folder / "authorized_keys").write_text("".join(keys))

    def refuse_the_key(self) -> None:
        """It takes another key than the user's."""
        self._make_key(self.folder / "another")
        self.authorize("another")
        self.reboot()

    def change_its_key(self) -> None:
        """As a board that was set up anew."""
        for file in self.folder.glob("host_key*"):
            file.unlink()
        self._make_key(self.folder / "host_key")
        self.reboot()

    def be_unknown(self) -> None:
        """As a board that the user never logged in to."""
        (self.folder / "known_hosts").write_text("")
        reaching.forget()

    # --- its server -----------------------------------------------------------------------------

    def start(self) -> None:
        """Listen; known to the user's ssh."""
        environment = {
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "BOARD_FOLDER": str(self.folder),
            "PHONE_FOLDER": str(self.folder),  # of the benchmark programs' doubles
        }
        facts = {"port": self._port, "environment": environment}
        (self.folder / "server.json").write_text(json.dumps(facts))
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.board.server", str(self.folder)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        (self.folder / "server.pid").write_text(str(self._server.pid))
        assert self._server.stdout
        self._port = int(self._server.stdout.readline())
        self._write_configuration()
        reaching.forget()

    def _write_configuration(self) -> None:
        if not (self.folder / "known_hosts").is_file():
            key = (self.folder / "host_key.pub").read_text()
            (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {key}")
        (self.folder / "config").write_text(
            f"Host board\n  HostName 127.0.0.1\n  Port {self._port}\n  User pi\n"
            f"  IdentityFile {self.folder / 'key'}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder / 'known_hosts'}\n"
        )
        # ssh takes the home folder from the system's user and not from $HOME.
        wrapper = self.folder / "bin" / "ssh"
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(f'#!/bin/sh\nexec {self._genuine} -F {self.folder / "config"} "$@"\n')
        wrapper.chmod(0o755)

    def vanish(self) -> None:
        """Its network goes: nothing answers any more, and nothing says goodbye."""
        if self._server is not None:
            self._server.kill()
            self._end_server()
        reaching.forget()

    def fall_asleep(self) -> None:
        """It is there, and answers nothing."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        reaching.forget()

    def wake(self) -> None:
        """It goes on where it was."""
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)
        reaching.forget()

    def reboot(self) -> None:
        """Gone, and back on the same port."""
        self.vanish()
        self.start()

    def stop(self) -> None:
        """The end of it, with whatever still runs there."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                self._server.send_signal(signal.SIGCONT)
            self._server.kill()
            self._end_server()
        for process in self.running():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        reaching.forget()

    def _end_server(self) -> None:
        assert self._server is not None
        self._server.wait()
        for pipe in (self._server.stdin, self._server.stdout):
            if pipe is not None:
                pipe.close()
        self._server = None

    def running(self, *, besides: str = "-c") -> list[psutil.Process]:
        """Programs that run there now: those of the remote folder, but none with ``besides``."""
        mine = f"{self.root}/tmp/mnv4bench"
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = process.cmdline()
                # Not the shells whose scripts name the folder too.
                shell = "-c" in words or besides in words
                if any(word.startswith(mine) for word in words) and not shell:
                    found.append(process)
        return found

    def wait_until_idle(self) -> None:
        """Fails the test where something goes on running."""
        end = time.monotonic() + PATIENCE_S
        while left := self.running():
            assert time.monotonic() < end, [process.cmdline() for process in left]
            time.sleep(0.05)

    def wait_until_measuring(self) -> None:
        """Until a measuring process runs there."""
        end = time.monotonic() + PATIENCE_S
        while not self.running(besides="--help"):  # which the benchmark program is asked before
            assert time.monotonic() < end, "nothing began to measure"
            time.sleep(0.02)


def deaf_port() -> socket.socket:
    """A socket that takes connections and never says a word: a board that hangs."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture
def ssh_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A Raspberry Pi 5 that the user's ssh calls ``board``, with LiteRT in its Python."""
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here: .ci/packages installs it")
    pytest.importorskip("asyncssh", reason="no asyncssh here: make setup installs it")
    board = Board(tmp_path / "board")
    for name, value in board.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK")
    board.start()
    yield board
    board.stop()

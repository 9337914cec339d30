"""The genuine adb, with a server of its own: own port, own home, nothing leaves loopback.

Knows: how phones' doubles are plugged in and out. Does not know: the doubles' insides.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phone.android import Phone

PATIENCE_S = 20.0


def _own_server() -> dict[str, str]:
    """The environment of an adb whose server is nobody else's."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return {
        "ANDROID_ADB_SERVER_PORT": str(port),
        # Newer adb would otherwise open UDP 5353 on all interfaces.
        "ADB_MDNS": "0",
        "ADB_MDNS_OPENSCREEN": "0",
        "ADB_USB": "0",
        "ADB_EMU": "0",
    }


@contextlib.contextmanager
def no_phones() -> Iterator[None]:
    """Nothing in here meets the phones on the user's desk, nor leaves an adb server behind."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _own_server().items():
            patch.setenv(name, value)
        yield
        if program := shutil.which("adb"):
            subprocess.run([program, "kill-server"], capture_output=True, check=False)


class GenuineAdb:
    """Runs the host's adb against its own server. ``environment`` is what a program under test
    must run with to talk to the same server."""

    def __init__(self, program: str, home: Path) -> None:
        self.program = program
        self.environment = {**_own_server(), "HOME": str(home)}
        self._phones: list[Phone] = []

    def run(
        self, *arguments: str, stdin: bytes | None = None, timeout_s: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[bytes]:
        """One call of adb, with its outputs and status."""
        return subprocess.run(
            [self.program, *arguments],
            env={**os.environ, **self.environment},
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )

    def shell(
        self, phone: Phone, command: str, *, stdin: bytes = b"", timeout_s: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[bytes]:
        """``adb shell`` on one phone."""
        return self.run("-s", phone.serial, "shell", command, stdin=stdin, timeout_s=timeout_s)

    def start(self) -> None:
        """Start the server; it stays up until `stop`."""
        started = self.run("start-server")
        assert started.returncode == 0, started.stderr.decode()

    def stop(self) -> None:
        """End the server."""
        self.run("kill-server")

    def plug(self, phone: Phone) -> str:
        """Connect ``phone`` and give its serial. Whether it is ready is for the test to see: a
        phone that is unauthorized is plugged in too."""
        self.run("connect", phone.serial)
        self._phones.append(phone)
        if phone.behaviour == "ready":
            self.wait_for(phone, "device")
        return phone.serial

    def unplug(self, phone: Phone) -> None:
        """Pull ``phone`` for good; the server forgets it."""
        self.run("disconnect", phone.serial)
        self._phones.remove(phone)

    def unplug_all(self) -> None:
        """No phone is attached any more, and none runs."""
        for phone in list(self._phones):
            self.unplug(phone)
            phone.close()

    def states(self) -> dict[str, str]:
        """Serial to state, as ``adb devices`` lists them."""
        lines = self.run("devices").stdout.decode().splitlines()[1:]
        return dict(line.split("\t") for line in lines if "\t" in line)

    def wait_for(self, phone: Phone, state: str) -> None:
        """Wait until adb lists ``phone`` as ``state``; fails the test after a while."""
        end = time.monotonic() + PATIENCE_S
        while self.states().get(phone.serial) != state:
            assert time.monotonic() < end, (state, self.states())
            time.sleep(0.02)


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenuineAdb]:
    """One server for the session."""
    program = shutil.which("adb")
    if program is None:
        pytest.skip("no adb here: .ci/packages installs it")
    adb = GenuineAdb(program, tmp_path_factory.mktemp("adb-home"))
    adb.start()
    yield adb
    adb.unplug_all()
    adb.stop()


@pytest.fixture
def genuine_adb(adb_server: GenuineAdb, monkeypatch: pytest.MonkeyPatch) -> Iterator[GenuineAdb]:
    """The session's adb with no phone attached, in the environment of the test; what a test plugs
    in is unplugged and switched off after it."""
    for name, value in adb_server.environment.items():
        if name != "HOME":
            monkeypatch.setenv(name, value)
    yield adb_server
    adb_server.unplug_all()

"""adb's ``shell`` and ``exec`` services, with mksh, which is Android's, or the host's shell.

Knows: shell v1 and v2, streams, exit statuses; absolute paths of the phone in a command stand for
the phone's folder, and the folder's path in the output for the phone's. No namespaces: many CIs
forbid them. Does not know: Android. A command that builds a path out of pieces ("/da" + "ta") is
beyond it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.phone.protocol import Closed, Stream

# A path begins where no name goes on: not in "a/data", but in "--graph=/data" and "x:/data".
PHONE_PATH = re.compile(r"(?<![\w.\-/*?\]}])/(?=(?:data|sys|proc|vendor|system|sdcard)(?:/|\b))")
# Android's own shell, whose arithmetic has 32 bits and whose traps are its own; .ci/packages
# installs it. Elsewhere the host's.
SHELL = shutil.which("mksh") or "/bin/sh"
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)


def on_host(command: str, root: Path) -> str:
    """``command`` with the phone's paths under ``root``."""
    return PHONE_PATH.sub(lambda _: f"{root}/", command)


class OnPhone:
    """Takes ``root`` out of a stream of bytes, wherever the packets are cut."""

    def __init__(self, root: Path) -> None:
        self._root, self._held = str(root).encode(), b""
        self._found = re.compile(re.escape(self._root) + b"/?")

    def feed(self, data: bytes) -> bytes:
        """What is certain by now."""
        data = self._held + data
        longest = min(len(self._root), len(data))
        keep = next(
            (count for count in range(longest, 0, -1) if self._root.startswith(data[-count:])), 0
        )
        if data[: len(data) - keep].endswith(self._root):
            keep += len(self._root)  # what is held is the "/" after it
        self._held = data[len(data) - keep :]
        return self._found.sub(b"/", data[: len(data) - keep])

    def rest(self) -> bytes:
        """What was held back, at the end."""
        held, self._held = self._held, b""
        return self._found.sub(b"/", held)


class Shell:
    """Runs commands in the phone's folder."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root, self._environment = root, environment
        self._running: list[subprocess.Popen[bytes]] = []

    def run(
        self,
        stream: Stream,
        command: str,
        *,
        newer: bool,
        started: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """Run ``command`` over ``stream``; the exit status is 128 + signal if it was killed."""
        process = subprocess.Popen(
            [SHELL, "-c", on_host(command or "exec sh", self._root)],
            cwd=self._root,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if newer else subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        assert process.stdin is not None
        threading.Thread(target=_feed, args=(process, stream, newer), daemon=True).start()
        started()
        outputs = [(process.stdout, STDOUT)]
        if process.stderr is not None:
            outputs.append((process.stderr, STDERR))
        pumps = [
            threading.Thread(
                target=_pump, args=(output, kind, stream, newer, self._root), daemon=True
            )
            for output, kind in outputs
        ]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        code = process.wait()
        self._running.remove(process)
        with contextlib.suppress(OSError):  # what was not read
            process.stdin.close()
        ended()
        status = 128 - code if code < 0 else code
        if newer:
            stream.write(struct.pack("<BIB", EXIT, 1, status & 0xFF))

    @property
    def running(self) -> int:
        """How many commands run now."""
        return len(self._running)

    def kill(self) -> None:
        """End what still runs: all of each shell's session, also where the shell itself is gone."""
        import psutil

        shells = {process.pid for process in self._running}
        for pid in psutil.pids() if shells else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) in shells:
                    os.kill(pid, signal.SIGKILL)


def _pump(output: IO[bytes], kind: int, stream: Stream, newer: bool, root: Path) -> None:
    back = OnPhone(root)

    def send(data: bytes) -> None:
        if data:
            stream.write(struct.pack("<BI", kind, len(data)) + data if newer else data)

    # A client that went away does not stop the program: adbd goes on reading (and a benchmark
    # whose output nobody reads would otherwise hang here for ever).
    gone = False
    with output:
        while data := os.read(output.fileno(), 32768):
            if not gone:
                try:
                    send(back.feed(data))
                except Closed:
                    gone = True
        if not gone:
            with contextlib.suppress(Closed):
                send(back.rest())


def _feed(process: subprocess.Popen[bytes], stream: Stream, newer: bool) -> None:
    assert process.stdin is not None
    try:
        while True:
            if not newer:
                process.stdin.write(stream.read())
            else:
                kind, length = struct.unpack("<BI", stream.read_exactly(5))
                data = stream.read_exactly(length)
                if kind == STDIN:
                    process.stdin.write(data)
                elif kind == CLOSE_STDIN:
                    process.stdin.close()
                    continue
            process.stdin.flush()
    except (Closed, OSError, ValueError):
        with contextlib.suppress(ProcessLookupError, OSError, ValueError):
            if newer and stream.closed and process.poll() is None:
                # adbd hangs up on the shell alone (kill(pid_, SIGHUP) in AOSP's
                # packages/modules/adb/daemon/shell_service.cpp): what the shell started lives on.
                process.send_signal(signal.SIGHUP)
            else:
                process.stdin.close()

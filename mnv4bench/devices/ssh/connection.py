"""The one seam to ssh: shell lines and files to a board, over the user's own configuration.

Knows: OpenSSH's ``ssh`` program, its options and its exit statuses. Does not know: what the
commands are for. Keys, agents, jump hosts, ports and aliases are the user's; nothing is asked on
the terminal (BatchMode).

One connection is kept and shared (ControlMaster), so a trip costs tens of milliseconds. Its socket
lies in a folder of this process's own, with a short path: a socket's name has some 100 letters.

Facts that this stands on: ssh joins its arguments with blanks and the login shell parses them
again, so a command is one quoted string for ``sh -c``. ssh ends with 255 when it fails itself, and
with the program's status otherwise, which may be 255 too; so every command ends by echoing a marker
with its status. Killing ssh leaves the program on the board running, so each runs under
``timeout -k`` there (``leash.py`` for those that run long). Files go through ``cat``: a board whose
server has no SFTP takes them as well.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shlex
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from mnv4bench.devices import process
from mnv4bench.devices.remote import SHELL_TIMEOUT_S, Output
from mnv4bench.devices.ssh import failures
from mnv4bench.errors import DeviceLost, NotMeasured

CONNECT_TIMEOUT_S = 10
# A board that is gone is noticed after three of these; each wakes it for an instant.
ALIVE_INTERVAL_S = 10
ALIVE_COUNT = 3
PERSIST_S = 60  # how long the connection outlives the last trip, where this program is killed
KILL_AFTER_S = 5  # from timeout's TERM to its KILL, there
# The board ends what hangs; only then is it asked in vain.
ANSWER_ALLOWANCE_S = 30.0
# 150 MB over 10 Mbit/s, three times over.
PUSH_TIMEOUT_S = 360.0
CLOSE_TIMEOUT_S = 5.0
SHARED = os.name == "posix"  # Windows' client has no ControlMaster


def program() -> str:
    """Where ssh is. Raises NotMeasured with how to install it."""
    found = shutil.which("ssh")
    if found is None:
        raise NotMeasured("ssh was not found (looked on PATH).", failures.INSTALL)
    return found


def version() -> str:
    """``"OpenSSH_9.2p1"``. Raises NotMeasured."""
    try:
        said = process.run((program(), "-V"), timeout_s=SHELL_TIMEOUT_S)
    except (OSError, process.TimedOut):
        raise NotMeasured(f"{program()} does not run.", failures.INSTALL) from None
    return f"{said.stderr}{said.stdout.decode(errors='replace')}".partition(",")[0].strip()[:80]


class Ssh:
    """One board, as ssh calls it; ``devices.remote.Remote``."""

    way_advice = "see whether its disk and its network are sound"

    def __init__(self, host: str) -> None:
        """Raises NotMeasured without ssh; connects at the first trip."""
        self.host = host
        self.called = f"the board {host}"
        self._program = program()

    def command(self, line: str) -> tuple[str, ...]:
        """The argument list that runs ``line`` in a POSIX shell on the board."""
        # In C's words, whatever language the user's ssh hands on: some of them are read here.
        return (
            *self._own_options(),
            "--",
            self.host,
            f"exec env LC_ALL=C sh -c {shlex.quote(line)}",
        )

    def shell_line(self, command: str) -> str:
        """As the user would type it; ``-n``: the next pasted lines are not its input."""
        return shlex.join(("ssh", "-n", self.host, command))

    def push_line(self, file: Path, remote: str) -> str:
        """The same of a push."""
        cat = f"cat >{shlex.quote(remote)}"
        return f"{shlex.join(('ssh', self.host, cat))} <{shlex.quote(str(file))}"

    def shell(
        self,
        command: str,
        timeout_s: float = SHELL_TIMEOUT_S,
        *,
        stoppable: bool = True,
        given: bytes = b"",
    ) -> Output:
        """Run ``command`` to its end, with ``given`` on its input; its status is never raised.

        The board ends it after ``timeout_s``. Raises DeviceLost when there is no board to speak
        to, when it went away, or did not answer.
        """
        marker = _marker()
        # Its own end of the marker: a status that was not said is a command that did not end.
        inner = shlex.quote(f"( {command}\n)\necho {marker} $?")
        line = f"timeout -k {KILL_AFTER_S} {timeout_s:.0f} sh -c {inner}"
        said = self._run(line, timeout_s + ANSWER_ALLOWANCE_S, given=given, stoppable=stoppable)
        return self._output(said, marker, timeout_s)

    def leashed(self, script: str, limit_s: float) -> Output:
        """Run ``script``, which ends its programs by itself when its input ends (``leash.py``)."""
        marker = _marker()
        line = f"( {script}\n)\necho; echo {marker} $?"
        said = self._run(line, limit_s + ANSWER_ALLOWANCE_S, open_input=True)
        return self._output(said, marker, limit_s)

    def push(self, file: Path, remote: str) -> None:
        """Copy ``file`` to the path ``remote``, whose folder exists.

        Raises DeviceLost when the board went away, NotMeasured when the board refused the file.
        """
        size_mb = file.stat().st_size / 1e6
        said = self.shell(f"cat >{shlex.quote(remote)}", PUSH_TIMEOUT_S, given=file.read_bytes())
        if said.status == 0:
            return
        words = failures.last_words(said.stderr)
        if "No space left" in words or "quota exceeded" in words:
            raise NotMeasured(
                f"{self.called} has no room for {file.name} ({size_mb:.1f} MB): {words}.",
                "free some, or set remote_dir in the profile to a folder with room: "
                + self.shell_line("df -h"),
            )
        raise NotMeasured(
            f"{file.name} could not be put on {self.called}: {words}.",
            "try it by hand: " + self.push_line(file, remote),
        )

    def close(self) -> None:
        """End the kept connection; the next trip makes another."""
        if not SHARED or not _sockets.known(self.host):
            return
        with suppress(OSError, process.TimedOut):
            process.run(
                (*self._own_options(), "-O", "exit", "--", self.host),
                timeout_s=CLOSE_TIMEOUT_S,
                apart=True,
                stoppable=False,
            )

    def _own_options(self) -> tuple[str, ...]:
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": CONNECT_TIMEOUT_S,
            "ServerAliveInterval": ALIVE_INTERVAL_S,
            "ServerAliveCountMax": ALIVE_COUNT,
            "LogLevel": "INFO",  # or nobody would learn why it failed
            # Of a user's configuration that is meant for logging in by hand.
            "RemoteCommand": "none",
            "ClearAllForwardings": "yes",
        }
        if SHARED:
            options |= {
                "ControlMaster": "auto",
                "ControlPath": f"{_sockets.folder(self.host)}/%C",
                "ControlPersist": PERSIST_S,
            }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return (self._program, "-T", "-x", *words)

    def _run(
        self,
        line: str,
        timeout_s: float,
        *,
        given: bytes = b"",
        stoppable: bool = True,
        open_input: bool = False,
    ) -> process.Finished:
        command = self.command(line)
        try:
            return process.run(
                command,
                timeout_s=timeout_s,
                request=given,
                apart=True,
                stoppable=stoppable,
                open_input=open_input,
            )
        except process.TimedOut:
            raise DeviceLost(
                f"{self.called} did not answer within {timeout_s:.0f} s.",
                f"see whether it is alive ({shlex.join(('ssh', self.host))}); then: "
                "mnv4bench run --resume",
            ) from None
        except OSError as error:
            raise NotMeasured(
                f"{self._program} could not be started: {error.strerror}.", failures.INSTALL
            ) from None

    def _output(self, said: process.Finished, marker: str, limit_s: float) -> Output:
        text = said.stdout.decode(errors="replace").replace("\r\n", "\n")
        stdout, found, status = text.rpartition(marker)
        if found and re.fullmatch(r"\s*\d{1,3}\s*", status):
            return Output(status=int(status), stdout=stdout, stderr=said.stderr)
        if said.status == 255:
            raise failures.lost(self.host, said.stderr, began=bool(text.strip()))
        if said.status < 0:
            raise DeviceLost(
                f"the ssh to {self.host} was killed here, by signal {-said.status}.",
                "mnv4bench run --resume",
            )
        words = failures.last_words(said.stderr) or failures.last_words(text)
        by_hand = self.shell_line("timeout 5 sh -c 'echo fine'")
        if said.status in (124, 137):
            raise DeviceLost(
                f"{self.called} did not do within {limit_s:.0f} s what takes a moment, and ended "
                "it.",
                f"see what keeps it busy: {self.shell_line('top -b -n 1')}",
            )
        raise DeviceLost(
            f"{self.called} let ssh in and did not run its command (status {said.status})"
            + (f": {words}." if words else "."),
            f"its login shell must run programs, and it needs timeout and sh; try: {by_hand}",
        )


class _Sockets:
    """Where the sockets of kept connections lie: a folder of this process, gone with it."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._hosts: set[str] = set()
        self._lock = threading.Lock()

    def folder(self, host: str) -> Path:
        """For a connection to ``host``, made where it is not there."""
        with self._lock:
            self._hosts.add(host)
            if self._path is None or not self._path.is_dir():
                # The usual temporary folder of a Mac is too long a path for a socket.
                short = Path("/tmp")  # noqa: S108 - mkdtemp makes one that nobody else may enter
                place = short if short.is_dir() else None
                self._path = Path(tempfile.mkdtemp(prefix="mnv4-", dir=place))
                atexit.register(self._leave, self._path)
            return self._path

    def known(self, host: str) -> bool:
        """Whether a connection to ``host`` may be kept."""
        return host in self._hosts

    def _leave(self, path: Path) -> None:
        for host in sorted(self._hosts):
            with suppress(NotMeasured):
                Ssh(host).close()
        shutil.rmtree(path, ignore_errors=True)


_sockets = _Sockets()


def _marker() -> str:
    return f"mnv4bench-end-{secrets.token_hex(6)}"

"""The one seam to adb: what is attached, shell lines, files to the phone.

Knows: Android's own ``adb`` program (platform tools 29 to 36), its exit statuses and the words of
its failures. Does not know: what the commands are for, nor how their output is read.

Facts that this stands on: ``adb shell`` joins its arguments with blanks and the phone's shell
parses them again, so a command is one string whose parts are quoted by who builds it. A cable that
is pulled makes ``adb shell`` end with 255 and say nothing, as a program may too; so every command
ends by echoing a marker with its status, and without the marker the phone is gone.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnv4bench.devices import process
from mnv4bench.devices.remote import SHELL_TIMEOUT_S, Output
from mnv4bench.errors import DeviceLost, NotMeasured

# Before 1.0.39 `adb shell` does not tell a command's exit status apart from its own.
OLDEST = (1, 0, 39)
LIST_TIMEOUT_S = 20.0  # the first call may have to start adb's server
# A model of 150 MB over USB 2, three times over.
PUSH_TIMEOUT_S = 300.0

INSTALL = (
    "install Android's platform tools: apt install adb, brew install android-platform-tools, or "
    "developer.android.com/tools/releases/platform-tools; then: adb devices"
)
_GONE = re.compile(
    r"device '[^']*' not found|device offline|device unauthorized|no devices/emulators found"
    r"|device still (?:authorizing|connecting)|error: closed|protocol fault|connection reset"
    r"|failed to read|remote (?:read|write) failed: (?!No space)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of ``adb devices``."""

    serial: str
    state: str  # "device", "unauthorized", "offline", "no permissions", "recovery" ...


def program() -> str:
    """Where adb is: on PATH, else in the SDK that ANDROID_HOME or ANDROID_SDK_ROOT names.

    Raises NotMeasured with how to install it.
    """
    folders = [os.environ.get(name) for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT")]
    places = [Path(folder, "platform-tools", "adb") for folder in folders if folder]
    found = shutil.which("adb") or next((str(one) for one in places if one.is_file()), None)
    if found is None:
        looked = ", ".join(["PATH", *map(str, places)])
        raise NotMeasured(f"adb was not found (looked on {looked}).", INSTALL)
    return found


def version() -> tuple[tuple[int, ...], str]:
    """(protocol version, adb's own words), e.g. ``((1, 0, 41), "1.0.41, 36.0.0-13206524")``.

    Raises NotMeasured when adb cannot be had or says something else.
    """
    said = _run((program(), "version"), LIST_TIMEOUT_S)
    text = said.stdout.decode(errors="replace")
    found = re.search(r"Android Debug Bridge version (\d+(?:\.\d+)+)", text)
    if found is None:
        raise NotMeasured(
            f"{program()} does not say which version of adb it is: "
            f"{(text or said.stderr).strip()[:120]!r}.",
            INSTALL,
        )
    tools = re.search(r"^Version (\S+)", text, re.MULTILINE)
    words = found[1] + (f", {tools[1]}" if tools else "")
    return tuple(map(int, found[1].split("."))), words


def require_new_enough() -> None:
    """Raises NotMeasured for an adb that hides the exit status of what it runs."""
    number, words = version()
    if number < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise NotMeasured(
            f"{program()} is adb {words}; older than {oldest}, it hides the exit status of what "
            "it runs.",
            INSTALL,
        )


def devices() -> tuple[Listed, ...]:
    """What is attached, in adb's order. Raises NotMeasured when adb cannot say."""
    said = _run((program(), "devices"), LIST_TIMEOUT_S)
    if said.status:
        raise NotMeasured(f"adb devices failed: {_last(said.stderr)}.", "adb kill-server")
    listed = []
    for line in said.stdout.decode(errors="replace").splitlines()[1:]:
        serial, _, rest = line.partition("\t")
        if rest and not line.startswith("*"):
            # "no permissions (user in plugdev group; ...)" is the one state of several words.
            state = "no permissions" if rest.startswith("no permissions") else rest.split()[0]
            listed.append(Listed(serial=serial.strip(), state=state))
    return tuple(listed)


class Adb:
    """One phone, by its serial number; ``devices.remote.Remote``."""

    way_advice = "try another cable or port"

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self.called = f"the phone {serial}"
        self._program = program()

    def line(self, *words: str) -> str:
        """The shell line of the host that does the same, ready to paste.

        ``-n``: adb would otherwise read the next pasted lines as its own input.
        """
        if words[0] == "shell":
            words = ("shell", "-n", *words[1:])
        return shlex.join(("adb", "-s", self.serial, *words))

    def shell_line(self, command: str) -> str:
        """``line`` of a shell command."""
        return self.line("shell", command)

    def push_line(self, file: Path, remote: str) -> str:
        """``line`` of a push."""
        return self.line("push", str(file), remote)

    def shell(
        self, command: str, timeout_s: float = SHELL_TIMEOUT_S, *, stoppable: bool = True
    ) -> Output:
        """Run ``command`` in the phone's shell to its end; its status is never raised.

        Raises DeviceLost when the phone went away or did not answer in ``timeout_s``.
        ``stoppable=False`` is for what must be done even when everything is to stop.
        """
        marker = f"mnv4bench-end-{secrets.token_hex(6)}"
        line = (
            # adbd hangs up on the outer shell alone, and one that waits for a foreground command
            # hears nothing; so the command is in the background, and is told.
            f"( {command}\n) &\n"
            "line=$!; trap 'kill $line; exit 129' HUP INT TERM; wait $line\n"
            f"echo {marker} $?"
        )
        said = self._run(("shell", line), timeout_s, stoppable=stoppable)
        text = said.stdout.decode(errors="replace").replace("\r\n", "\n")
        stdout, found, status = text.rpartition(marker)
        if not found or not re.fullmatch(r"\s*\d{1,3}\s*", status):
            raise self._lost(said.stderr)
        return Output(status=int(status), stdout=stdout, stderr=said.stderr)

    def push(self, file: Path, remote: str) -> None:
        """Copy ``file`` to the path ``remote``, whose folder exists.

        Raises DeviceLost when the phone went away, NotMeasured when the phone refused it.
        """
        said = self._run(("push", str(file), remote), PUSH_TIMEOUT_S)
        if said.status == 0:
            return
        words = f"{said.stderr}\n{said.stdout.decode(errors='replace')}"
        if "No space left" in words:
            raise NotMeasured(
                f"the phone {self.serial} has no room for {file.name} "
                f"({file.stat().st_size / 1e6:.1f} MB).",
                "free some: " + self.line("shell", "df /data"),
            )
        if _GONE.search(words):
            raise self._lost(words)
        raise NotMeasured(
            f"adb could not push {file.name} to {self.serial}: {_last(words)}.",
            "try it by hand: " + self.line("push", str(file), remote),
        )

    def _run(
        self, words: Sequence[str], timeout_s: float, *, stoppable: bool = True
    ) -> process.Finished:
        command = (self._program, "-s", self.serial, *words)
        try:
            return process.run(command, timeout_s=timeout_s, apart=True, stoppable=stoppable)
        except process.TimedOut:
            raise DeviceLost(
                f"the phone {self.serial} did not answer within {timeout_s:.0f} s.",
                "look at it; then: mnv4bench run --resume",
            ) from None
        except OSError as error:
            raise NotMeasured(
                f"{self._program} could not be started: {error.strerror}.", INSTALL
            ) from None

    def _lost(self, said: str) -> DeviceLost:
        words = _last(said)
        return DeviceLost(
            f"the phone {self.serial} went away" + (f": {words}." if words else "."),
            "plug it in again; adb devices must show it; then: mnv4bench run --resume",
        )


def _run(command: tuple[str, ...], timeout_s: float) -> process.Finished:
    try:
        return process.run(command, timeout_s=timeout_s, apart=True)
    except process.TimedOut:
        raise NotMeasured(
            f"{shlex.join(command)} did not end within {timeout_s:.0f} s.", "adb kill-server"
        ) from None
    except OSError as error:
        raise NotMeasured(
            f"{command[0]} could not be started: {error.strerror}.", INSTALL
        ) from None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (
        lines[-1].removeprefix("adb: ").removeprefix("error: ").rstrip(".")[:200] if lines else ""
    )

"""Files on a phone, by digest: one that is there whole is not sent again.

Knows: sha256sum, df and mv in the phone's shell. Does not know: what the files are for.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path

from mnv4bench.devices.android import phone, readings
from mnv4bench.devices.android.adb import Adb
from mnv4bench.errors import DeviceLost, NotMeasured

# Beside the files themselves: results, logs, a delegate's own cache.
SPARE_BYTES = 64 * 2**20


def digest(file: Path) -> str:
    """The sha256 of a file here."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def push(adb: Adb, file: Path, remote: str) -> None:
    """``file`` at the path ``remote`` on the phone, whole.

    Raises NotMeasured without room or when it arrives damaged, DeviceLost. A push that is cut short
    leaves nothing at ``remote``.
    """
    wanted = digest(file)
    if _remote_digest(adb, remote) == wanted:
        return
    _require_room(adb, file)
    part = f"{remote}.part"
    try:
        adb.push(file, part)
        if (arrived := _remote_digest(adb, part)) != wanted:
            raise NotMeasured(
                f"{file.name} arrived damaged on {adb.serial} "
                f"(sha256 {str(arrived)[:12]}, not {wanted[:12]}).",
                "try another cable or port, then run again",
            )
    except NotMeasured as error:
        if not isinstance(error, DeviceLost):
            adb.shell(f"rm -f {shlex.quote(part)}")
        raise
    adb.shell(_move_line(part, remote))


def lines(adb: Adb, file: Path, remote: str) -> tuple[str, ...]:
    """What ``push`` runs for a file that is not there yet, ready to paste."""
    part = f"{remote}.part"
    return (
        adb.line("shell", _digest_line(remote)),
        adb.line("shell", phone.STATE["space"]),
        adb.line("push", str(file), part),
        adb.line("shell", _digest_line(part)),
        adb.line("shell", _move_line(part, remote)),
    )


def _digest_line(remote: str) -> str:
    return f"sha256sum {shlex.quote(remote)} 2>/dev/null"


def _move_line(part: str, remote: str) -> str:
    return f"mv {shlex.quote(part)} {shlex.quote(remote)}"


def _remote_digest(adb: Adb, remote: str) -> str | None:
    said = adb.shell(_digest_line(remote))
    found = re.match(r"\s*([0-9a-f]{64})\b", said.stdout)
    return found[1] if found else None


def _require_room(adb: Adb, file: Path) -> None:
    said = phone.ask(adb, {"space": phone.STATE["space"]})
    room = readings.free_bytes(said.get("space", ""))
    needed = file.stat().st_size + SPARE_BYTES
    if room is not None and room < needed:
        raise NotMeasured(
            f"the phone {adb.serial} has {room / 1e6:.0f} MB free, and {file.name} needs "
            f"{needed / 1e6:.0f} MB with room to work.",
            "free some: delete something on the phone",
        )

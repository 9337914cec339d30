"""Files on a device that is elsewhere, by digest: one that is there whole is not sent again.

Knows: sha256sum, df and mv in the device's shell. Does not know: what the files are for.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path

from mnv4bench.devices import kernel_text
from mnv4bench.devices.remote import Remote
from mnv4bench.errors import DeviceLost, NotMeasured

# Beside the files themselves: results, logs, a delegate's own cache.
SPARE_BYTES = 64 * 2**20


def digest(file: Path) -> str:
    """The sha256 of a file here."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def text_digest(text: str) -> str:
    """The same of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def push(device: Remote, file: Path, remote: str) -> None:
    """``file`` at the path ``remote`` on the device, whole.

    Raises NotMeasured without room or when it arrives damaged, DeviceLost. A push that is cut short
    leaves nothing at ``remote``.
    """
    wanted = digest(file)
    if _remote_digest(device, remote) == wanted:
        return
    _require_room(device, file, remote)
    part = f"{remote}.part"
    try:
        device.push(file, part)
        if (arrived := _remote_digest(device, part)) != wanted:
            raise NotMeasured(
                f"{file.name} arrived damaged on {device.called} "
                f"(sha256 {str(arrived)[:12]}, not {wanted[:12]}).",
                f"{device.way_advice}, then run again",
            )
    except NotMeasured as error:
        if not isinstance(error, DeviceLost):
            device.shell(f"rm -f {shlex.quote(part)}")
        raise
    device.shell(_move_line(part, remote))


def lines(device: Remote, file: Path, remote: str) -> tuple[str, ...]:
    """What ``push`` runs for a file that is not there yet, ready to paste."""
    part = f"{remote}.part"
    return (
        device.shell_line(_digest_line(remote)),
        device.shell_line(_space_line(remote)),
        device.push_line(file, part),
        device.shell_line(_digest_line(part)),
        device.shell_line(_move_line(part, remote)),
    )


def _digest_line(remote: str) -> str:
    return f"sha256sum {shlex.quote(remote)} 2>/dev/null"


def _move_line(part: str, remote: str) -> str:
    return f"mv {shlex.quote(part)} {shlex.quote(remote)}"


def _space_line(remote: str) -> str:
    return f"df -k {shlex.quote(remote.rpartition('/')[0])} 2>/dev/null"


def _remote_digest(device: Remote, remote: str) -> str | None:
    said = device.shell(_digest_line(remote))
    found = re.match(r"\s*([0-9a-f]{64})\b", said.stdout)
    return found[1] if found else None


def _require_room(device: Remote, file: Path, remote: str) -> None:
    room = kernel_text.free_bytes(device.shell(_space_line(remote)).stdout)
    needed = file.stat().st_size + SPARE_BYTES
    if room is not None and room < needed:
        raise NotMeasured(
            f"{device.called} has {room / 1e6:.0f} MB free, and {file.name} needs "
            f"{needed / 1e6:.0f} MB with room to work.",
            "free some: delete something there",
        )

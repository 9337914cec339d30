"""What is changed on a phone for a run, and that it is always given back.

Knows: Android 11's fixed-performance mode, which needs no root, and the marker that outlives a
program that was killed. Does not know: why a run wants it.

The marker lies in the program's own folder on the phone, so whichever computer comes next finds it.
"""

from __future__ import annotations

import shlex

from mnv4bench.devices.android.adb import Adb

FIRST_SDK = 30  # `cmd power` has the mode from Android 11 on
MARKER = "restore-fixed-performance"
# android/os/PowerManagerInternal: clocks below their highest that the phone can hold; the same
# upper and lower bound. `cmd power` answers nothing when it did it.
ON = "cmd power set-fixed-performance-mode-enabled true"
OFF = "cmd power set-fixed-performance-mode-enabled false"


def enter_line(remote_dir: str) -> str:
    """The marker first: a mode without one would be forgotten."""
    return f"touch {shlex.quote(f'{remote_dir}/{MARKER}')} && {ON}"


def leave_line(remote_dir: str) -> str:
    """Does nothing where the marker is not there; the marker goes only when the mode is off."""
    marker = shlex.quote(f"{remote_dir}/{MARKER}")
    return f"[ ! -e {marker} ] || {{ {OFF} && rm -f {marker}; }}"


def enter(adb: Adb, remote_dir: str) -> bool:
    """Whether the phone is in fixed-performance mode now. Raises DeviceLost."""
    said = adb.shell(enter_line(remote_dir))
    words = f"{said.stdout}{said.stderr}".lower()
    if said.status == 0 and "unknown" not in words and "exception" not in words:
        return True
    # Phones without the mode refuse to put it off, too, so only the marker goes.
    adb.shell(f"rm -f {shlex.quote(f'{remote_dir}/{MARKER}')}")
    return False


def leave(adb: Adb, remote_dir: str) -> bool:
    """Off, where this program had put it on, now or in an earlier run; whether that is so now.

    Where it could not be put off the marker stays. Raises DeviceLost.
    """
    return adb.shell(leave_line(remote_dir), stoppable=False).status == 0


def left_on(adb: Adb, remote_dir: str) -> bool:
    """Whether an earlier run left the mode on. Raises DeviceLost."""
    return adb.shell(f"[ -e {shlex.quote(f'{remote_dir}/{MARKER}')} ]").status == 0

"""Which board a profile means, reached and asked who it is.

Knows: where a host is named, and that listing profiles asks the same board again and again. Does
not know: how a board measures.
"""

from __future__ import annotations

import os
import re
import time

from mnv4bench.devices import Options
from mnv4bench.devices.ssh import board
from mnv4bench.devices.ssh.board import Identity
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.errors import BenchError, NotMeasured, UsageError
from mnv4bench.records import DeviceProfile, SshTarget

VARIABLE = "MNV4BENCH_SSH_HOST"
REMEMBER_S = 5.0
_HOST = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9._@:/%\[\]+-]{0,254}\Z")  # as SshTarget.host

_seen: dict[str, tuple[float, Identity | BenchError]] = {}


def host_of(profile: DeviceProfile, target: SshTarget, options: Options) -> str:
    """What ssh calls the board: --host, else the profile's, else $MNV4BENCH_SSH_HOST.

    Raises NotMeasured where none of them names one, UsageError for what ssh could not take.
    """
    named = options.host or target.host or os.environ.get(VARIABLE)
    if named and not _HOST.match(named):
        raise UsageError(
            f"{named!r} is no host as ssh takes it.",
            "--host user@board, or a Host of ~/.ssh/config",
        )
    if not named:
        raise NotMeasured(
            f"{profile.device} is a board that is reached over ssh, and nothing names it (looked "
            f"at --host, host in [ssh] of the profile, and ${VARIABLE}).",
            "--host user@board, as ssh takes it",
        )
    return named


def identity(ssh: Ssh, *, anew: bool = False) -> Identity:
    """Who the board is; for some seconds what it, or its silence, said the last time.

    Raises NotMeasured, DeviceLost.
    """
    known = _seen.get(ssh.host)
    if known is None or anew or time.monotonic() - known[0] > REMEMBER_S:
        found: Identity | BenchError
        try:
            found = board.identify(ssh, ssh.host)
        except BenchError as error:
            found = error
        known = _seen[ssh.host] = (time.monotonic(), found)
    if isinstance(known[1], BenchError):
        raise known[1]
    return known[1]


def require_fit(profile: DeviceProfile, found: Identity) -> None:
    """Raises NotMeasured when the board is another one than the profile expects."""
    if how := board.misfit(found, profile.expects):
        raise NotMeasured(
            f"{profile.device} {how} ({found.host}).",
            "mnv4bench devices lists the profiles; ssh-board-cpu takes any board",
        )
    if found.system != "Linux":
        raise NotMeasured(
            f"{found.host} runs {found.system or 'a system that does not say its name'}, and the "
            "ssh runner drives Linux.",
            "run mnv4bench on that machine itself: mnv4bench run --device host-cpu",
        )
    if "sha256sum" not in found.tools:
        raise NotMeasured(
            f"{found.name} ({found.host}) has no sha256sum, which tells whether a file arrived "
            "whole.",
            "install coreutils there",
        )


def forget() -> None:
    """Ask anew the next time."""
    _seen.clear()

"""Which phones are attached, and which of them a profile means.

Knows: adb's list and what each phone says it is. Does not know: how a phone measures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mnv4bench.devices.android import adb
from mnv4bench.devices.android.adb import Adb
from mnv4bench.devices.android.phone import Identity, identify, misfit
from mnv4bench.errors import BenchError, NotMeasured
from mnv4bench.records import DeviceProfile

# Listing thirty profiles asks for the same phones thirty times.
REMEMBER_S = 2.0

READY = "device"
_WHAT_TO_DO = {
    "unauthorized": "unlock it and allow USB debugging from this computer",
    "authorizing": "unlock it and allow USB debugging from this computer",
    "offline": "unplug it and plug it in again, or: adb reconnect offline",
    "no permissions": "let your user at USB: add the udev rules of Android "
    "(apt install android-sdk-platform-tools-common), then adb kill-server",
    "recovery": "start Android: adb reboot",
    "sideload": "start Android: adb reboot",
    "bootloader": "start Android: fastboot reboot",
}


@dataclass(frozen=True, slots=True)
class Phone:
    """One attached phone; without an identity it cannot be spoken to, and ``state`` says why."""

    serial: str
    state: str
    identity: Identity | None

    @property
    def name(self) -> str:
        if self.identity:
            return self.identity.name
        return "does not say what it is" if self.state == READY else self.state

    @property
    def fix(self) -> str:
        """What makes it ready; empty where it is."""
        if self.state == READY:
            return "" if self.identity else f"look at it: adb -s {self.serial} shell getprop"
        return _WHAT_TO_DO.get(self.state, f"adb -s {self.serial} get-state must say device")


_seen: tuple[float, str, tuple[Phone, ...]] | None = None


def phones() -> tuple[Phone, ...]:
    """Every attached phone, in adb's order. Raises NotMeasured when adb cannot be had."""
    global _seen
    server = os.environ.get("ANDROID_ADB_SERVER_PORT", "")
    if _seen and _seen[1] == server and time.monotonic() - _seen[0] < REMEMBER_S:
        return _seen[2]
    adb.require_new_enough()
    found = tuple(
        Phone(one.serial, one.state, _identity(one.serial) if one.state == READY else None)
        for one in adb.devices()
    )
    _seen = (time.monotonic(), server, found)
    return found


def forget() -> None:
    """Ask anew the next time."""
    global _seen
    _seen = None


def _identity(serial: str) -> Identity | None:
    try:
        return identify(Adb(serial))
    # A phone that answers nonsense is one that cannot be spoken to; the others are listed.
    except (BenchError, ValueError, ArithmeticError):
        return None


def choose(profile: DeviceProfile, serials: Sequence[str]) -> Phone:
    """The attached phone that ``profile`` means.

    ``serials``, else $ANDROID_SERIAL, say which may be taken. Of several the one that fits what the
    profile expects is taken, where it is one alone. Raises NotMeasured with what was found; where
    none fits, those that cannot be spoken to come first: one of them may be it.
    """
    wanted = tuple(serials) or tuple(filter(None, (os.environ.get("ANDROID_SERIAL", ""),)))
    every = phones()
    if not every:
        raise NotMeasured(
            f"{profile.device} needs {_wanted(profile)} on adb, and no phone is attached.",
            "plug it in with USB debugging on (Settings, Developer options); adb devices shows it",
        )
    allowed = [one for one in every if not wanted or one.serial in wanted]
    if not allowed:
        raise NotMeasured(
            f"no phone with serial {' or '.join(wanted)} is attached; attached: {_listed(every)}.",
            "give one of these: --serial SERIAL",
        )
    ready = [one for one in allowed if one.identity]
    silent = [one for one in allowed if not one.identity]
    if not ready:
        raise NotMeasured(f"{profile.device} cannot be reached: {_listed(silent)}.", _fixes(silent))
    fitting = [one for one in ready if one.identity and not misfit(one.identity, profile.expects)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NotMeasured(
            f"{len(fitting)} attached phones could be {profile.device}: {_listed(fitting)}.",
            f"say which: --serial {fitting[0].serial}",
        )
    if len(ready) == 1 and ready[0].identity:
        how = misfit(ready[0].identity, profile.expects)
        what = f"{profile.device} {how} ({ready[0].serial}, {ready[0].name})."
    else:
        what = f"no attached phone is {_wanted(profile)}. Attached: {_listed(ready)}."
    if silent:
        raise NotMeasured(
            f"{_listed(silent)} cannot be spoken to; as for the others, {what}", _fixes(silent)
        )
    raise NotMeasured(
        what,
        "mnv4bench devices shows which profiles fit; a profile of your own: --device ./mine.toml",
    )


def _wanted(profile: DeviceProfile) -> str:
    expects = profile.expects
    if expects is None:
        return "a phone"
    names = expects.models or expects.devices or expects.socs
    return f"a phone that calls itself {' or '.join(names)}" if names else "a phone"


def _fixes(silent: Sequence[Phone]) -> str:
    """What makes them ready; with the serial number where it is not the same for all."""
    fixes = dict.fromkeys(one.fix for one in silent)
    if len(fixes) == 1:
        return silent[0].fix
    return "; ".join(f"{one.serial}: {one.fix}" for one in silent)


def _listed(found: Sequence[Phone]) -> str:
    return ", ".join(f"{one.serial} ({one.name})" for one in found)

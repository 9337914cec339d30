"""Which attached iPhone or iPad a profile means, and what it still lacks to be measured.

Knows: devicectl's list, what a profile expects, and what mends each miss. Does not know: how a
device measures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mnv4bench.devices.apple import xcode
from mnv4bench.devices.apple.xcode import Device
from mnv4bench.errors import DeviceLost, NotMeasured
from mnv4bench.records import AppleTarget, Check, DeviceProfile

UNREACHABLE = "unavailable"
KINDS = {"iphone": "iPhone", "ipad": "iPad"}
TRUST = "unlock it, and tap Trust when it asks about this computer; then unplug and plug it in"
DEVELOPER_MODE = (
    "on it: Settings, Privacy & Security, Developer Mode, on; it starts anew and asks once more. "
    "(The entry appears when the device was once attached to a Mac with Xcode.)"
)
PREPARE = "open Xcode, Window, Devices and Simulators, and wait until it has prepared the device"
REACH = "attach it by cable and unlock it"


def choose(profile: DeviceProfile, target: AppleTarget, serials: Sequence[str]) -> Device:
    """The device that ``profile`` means; ``serials`` are the udids of those that may be taken.

    Raises NotMeasured with what was found when it is none, or several.
    """
    kind = KINDS[target.kind]
    known = [one for one in xcode.devices() if one.kind == target.kind]
    every = [one for one in known if one.tunnel != UNREACHABLE] or known
    allowed = [one for one in every if not serials or one.udid in serials]
    if not every:
        raise NotMeasured(
            f"{profile.device} needs {_wanted(profile, kind)}, and no {kind} is attached.",
            f"{REACH}; xcrun devicectl list devices shows it",
        )
    if not allowed:
        raise NotMeasured(
            f"no {kind} with the udid {' or '.join(serials)} is attached; attached: "
            f"{_listed(every)}.",
            f"give one of these: --serial {every[0].udid}",
        )
    fitting = [one for one in allowed if _fits(one, profile)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NotMeasured(
            f"{len(fitting)} attached devices could be {profile.device}: {_listed(fitting)}.",
            f"say which: --serial {fitting[0].udid}",
        )
    raise NotMeasured(
        f"{profile.device} needs {_wanted(profile, kind)}; attached: {_listed(allowed)}.",
        "take the profile of that device (mnv4bench devices), or one of your own: "
        "--device ./mine.toml",
    )


def condition(device: Device) -> tuple[Check, ...]:
    """Trusted, in developer mode, prepared, reachable: in the order in which they are had."""
    checks = [_yes("trust", device.paired, "trusts this Mac", "does not trust this Mac", TRUST)]
    if device.developer_mode is None:
        said = "does not say whether it is in developer mode"
        checks.append(Check(name="developer mode", status="unknown", found=said))
    else:
        on, off = "is in developer mode", "is not in developer mode"
        checks.append(_yes("developer mode", device.developer_mode, on, off, DEVELOPER_MODE))
    if device.prepared is not None:
        on, off = "is prepared for development", "is not yet prepared for development"
        checks.append(_yes("Xcode's support", device.prepared, on, off, PREPARE))
    reached = device.tunnel == "connected"
    on, off = "is reached", f"is not reached (devicectl: {device.tunnel or 'no word'})"
    checks.append(_yes("connection", reached, on, off, REACH))
    return tuple(checks)


def reached(device: Device) -> Device:
    """``device`` as it is once it was spoken to: a tunnel is made when it is needed."""
    if device.tunnel == "connected":
        return device
    try:
        xcode.ask("device", "info", "details", "--device", device.identifier)
    except NotMeasured:
        return device
    xcode.forget()
    again = [one for one in xcode.devices() if one.udid == device.udid]
    return again[0] if again else device


def lost(device: Device) -> DeviceLost | None:
    """The error that it is gone, where it is."""
    xcode.forget()
    try:
        now = [one for one in xcode.devices() if one.udid == device.udid]
    except NotMeasured:
        return None
    if now and reached(now[0]).tunnel == "connected":
        return None
    how = now[0].tunnel if now else "unknown"
    # Without its udid: the sentence becomes a note of the report, which people publish.
    return DeviceLost(
        f"{device.model} ({device.product}) went away: devicectl calls it {how}.",
        f"{REACH}, then: mnv4bench run --resume",
    )


def this_one(device: Device) -> str:
    """Which of several such devices, without telling its serial number."""
    return f"{device.product}-{digest(device)}"


def digest(device: Device) -> str:
    """Of its udid."""
    return hashlib.sha256(device.udid.encode()).hexdigest()[:12]


def _yes(name: str, holds: bool, on: str, off: str, fix: str) -> Check:
    if holds:
        return Check(name=name, status="ok", found=f"the device {on}")
    return Check(name=name, status="failed", found=f"the device {off}", fix=fix)


def _fits(device: Device, profile: DeviceProfile) -> bool:
    expects = profile.expects
    if expects is None:
        return True
    models = [name.lower() for name in expects.models]
    products = [name.lower() for name in expects.devices]
    return (not models or device.model.lower() in models) and (
        not products or device.product.lower() in products
    )


def _wanted(profile: DeviceProfile, kind: str) -> str:
    expects = profile.expects
    names = (expects.models or expects.devices) if expects else ()
    article = "an" if kind[0] in "iI" else "a"
    return " or ".join(names) or f"{article} {kind}"


def _listed(found: Sequence[Device]) -> str:
    return ", ".join(one.title for one in found)

"""Xcode's tools on this Mac: the one seam to xcode-select, xcodebuild, xcrun and devicectl.

Knows: what they are asked, and what of devicectl's JSON is read. Does not know: which device a
profile means. All that they print is untrusted: a device's name names it and never acts.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from mnv4bench.devices import process
from mnv4bench.errors import NotMeasured

LIMIT_S = 60.0  # devicectl wakes a service up the first time
# Listing several profiles asks for the same devices several times.
REMEMBER_S = 5.0
APP_STORE = "install Xcode from the App Store, open it once, then: sudo xcode-select -s {}"
XCODE = "/Applications/Xcode.app"
COMMAND_LINE_TOOLS = "/Library/Developer/CommandLineTools"
# Both become words of shell lines that coremltools writes.
_IDENTIFIER = re.compile(r"[0-9A-Fa-f-]{8,64}\Z")


@dataclass(frozen=True, slots=True)
class Device:
    """One iPhone or iPad that this Mac knows, as devicectl lists it."""

    identifier: str
    udid: str
    name: str  # its owner's
    model: str  # "iPhone 13"
    product: str  # "iPhone14,5"
    kind: str  # "iphone", "ipad"
    system: str  # "26.1 (23B85)"
    architecture: str
    paired: bool
    developer_mode: bool | None
    prepared: bool | None  # Xcode's support for its system is on it
    tunnel: str  # "connected", "disconnected" (none is needed just now), "unavailable"

    @property
    def title(self) -> str:
        """What it is called in sentences."""
        return f"{self.model} ({self.product}, {self.udid})"


class _Cpu(Struct):
    name: str | None = None


class _Hardware(Struct, rename="camel"):
    device_type: str | None = None
    udid: str | None = None
    marketing_name: str | None = None
    product_type: str | None = None
    reality: str | None = None  # "virtual": a simulator, which Xcode 27 lists as well
    cpu_type: _Cpu | None = None


class _Properties(Struct, rename="camel"):
    name: str | None = None
    os_version_number: str | None = None
    os_build_update: str | None = None
    developer_mode_status: str | None = None
    ddi_services_available: bool | None = None


class _Connection(Struct, rename="camel"):
    pairing_state: str | None = None
    tunnel_state: str | None = None


class _Listed(Struct, rename="camel"):
    """What is read of one device. devicectl leaves out what it does not know just now."""

    identifier: str | None = None
    hardware_properties: _Hardware = msgspec.field(default_factory=_Hardware)
    device_properties: _Properties = msgspec.field(default_factory=_Properties)
    connection_properties: _Connection = msgspec.field(default_factory=_Connection)


class _Result(Struct):
    devices: list[msgspec.Raw]


class _Answer(Struct):
    result: _Result


@lru_cache(maxsize=1)
def version() -> str:
    """ "Xcode 26.1 (17B55)". Raises NotMeasured without one that can be used."""
    # xcode-select first: where no tools are, xcodebuild would open a window that offers them.
    chosen = _said(("xcode-select", "-p"))
    if chosen is None or chosen.status:
        raise NotMeasured("Xcode is not installed on this Mac.", APP_STORE.format(XCODE))
    if chosen.stdout.strip().startswith(COMMAND_LINE_TOOLS.encode()):
        raise NotMeasured(
            "This Mac uses the Command Line Tools alone, and an iPhone needs Xcode.",
            APP_STORE.format(XCODE),
        )
    said = _said(("xcodebuild", "-version"))
    if said is None or said.status:
        words = _last(said) if said else "xcodebuild is not there"
        if "license" in words.lower():
            raise NotMeasured(
                "Xcode's licence has not been agreed to.", "sudo xcodebuild -license accept"
            )
        raise NotMeasured(f"Xcode cannot be used: {words}.", APP_STORE.format(XCODE))
    lines = said.stdout.decode(errors="replace").split("\n")
    build = lines[1].removeprefix("Build version ").strip() if len(lines) > 1 else ""
    return f"{lines[0].strip()} ({build})" if build else lines[0].strip()


@lru_cache(maxsize=1)
def devicectl() -> Path:
    """Where the program lies. Raises NotMeasured where this Xcode has none (before 15)."""
    found = _said(("xcrun", "--find", "devicectl"))
    if found is None or found.status:
        raise NotMeasured(
            "This Xcode has no devicectl, which came with Xcode 15.",
            "update Xcode in the App Store",
        )
    return Path(found.stdout.decode(errors="replace").strip())


def devices() -> tuple[Device, ...]:
    """Every physical iPhone and iPad that this Mac knows, attached or not. Raises NotMeasured."""
    global _seen
    if _seen and time.monotonic() - _seen[0] < REMEMBER_S:
        return _seen[1]
    try:
        answer = msgspec.json.decode(ask("list", "devices"), type=_Answer)
    except msgspec.DecodeError as error:
        raise NotMeasured(
            f"devicectl's list of devices cannot be read: {error}.",
            "see it: xcrun devicectl list devices",
        ) from None
    read = [_device(one) for one in answer.result.devices]
    found = tuple(one for one in read if one is not None)
    _seen = (time.monotonic(), found)
    return found


_seen: tuple[float, tuple[Device, ...]] | None = None


def forget() -> None:
    """Ask anew the next time."""
    global _seen
    _seen = None
    version.cache_clear()
    devicectl.cache_clear()


def ask(*words: str, stoppable: bool = True) -> bytes:
    """The JSON that devicectl answers. Raises NotMeasured with its words when it fails."""
    with tempfile.TemporaryDirectory(prefix="mnv4bench-") as folder:
        answer = Path(folder) / "answer.json"
        command = ("xcrun", "devicectl", *words, "-j", str(answer))
        said = _said(command, stoppable=stoppable)
        if said is None or said.status or not answer.is_file():
            words_of_it = _last(said) if said else "it did not answer"
            raise NotMeasured(
                f"devicectl {' '.join(words[:3])} failed: {words_of_it.rstrip('.')}.",
                f"see it: {line(*words)}",
            )
        return answer.read_bytes()


def line(*words: str) -> str:
    """What ``ask`` runs, ready to paste."""
    return f"xcrun devicectl {' '.join(words)}"


def _said(command: tuple[str, ...], *, stoppable: bool = True) -> process.Finished | None:
    try:
        return process.run(command, timeout_s=LIMIT_S, stoppable=stoppable)
    except (OSError, process.TimedOut):
        return None


def _last(said: process.Finished) -> str:
    """What a program said in the end, one line."""
    lines = [
        one.strip()
        for stream in (said.stderr, said.stdout.decode(errors="replace"))
        for one in stream.splitlines()
        if one.strip()
    ]
    error = next((one for one in lines if one.startswith("ERROR:")), None)
    words = error.removeprefix("ERROR:").strip() if error else lines[-1] if lines else ""
    return words[:300] or f"ended with status {said.status}"


def _device(listed: msgspec.Raw) -> Device | None:
    """None for what is no iPhone or iPad, and for one that cannot be read or spoken to."""
    try:
        read = msgspec.json.decode(listed, type=_Listed)
    except msgspec.ValidationError:  # one odd device does not hide the others
        return None
    hardware, properties = read.hardware_properties, read.device_properties
    identifier, udid = read.identifier or "", hardware.udid or ""
    kind = (hardware.device_type or "").lower()
    if kind not in ("iphone", "ipad") or hardware.reality not in ("physical", None):
        return None
    if not (_IDENTIFIER.match(identifier) and _IDENTIFIER.match(udid)):
        return None
    mode = properties.developer_mode_status
    build = f" ({properties.os_build_update})" if properties.os_build_update else ""
    return Device(
        identifier=identifier,
        udid=udid,
        name=properties.name or "",
        model=hardware.marketing_name or kind,
        product=hardware.product_type or "?",
        kind=kind,
        system=f"{properties.os_version_number or '?'}{build}",
        architecture=(hardware.cpu_type or _Cpu()).name or "",
        paired=read.connection_properties.pairing_state in ("paired", None),
        developer_mode=None if mode is None else mode == "enabled",
        prepared=properties.ddi_services_available,
        tunnel=(read.connection_properties.tunnel_state or "").lower(),
    )

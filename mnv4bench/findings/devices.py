"""Which devices there are, what is attached, and what a run on them lacks."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mnv4bench.findings.skipped import Skipped
from mnv4bench.records import Check, Format, Precision, RunnerName

Availability = Literal["ready", "absent", "unusable"]


class DeviceRow(Struct, frozen=True, kw_only=True):
    """One row of ``devices --json``."""

    device: str
    runner: RunnerName
    format: Format
    precision: Precision
    accelerator: str
    status: Availability
    detail: str


class Attached(Struct, frozen=True, kw_only=True):
    """One phone that adb lists now."""

    serial: str
    state: str  # in adb's words: "device" is ready, "unauthorized", "offline" ...
    model: str  # with its maker; "" where it cannot be asked
    fix: str  # what makes it ready; "" where it is
    profiles: tuple[str, ...] = ()  # those that mean such a phone


class Devices(Struct, frozen=True, kw_only=True):
    """What ``devices --json`` prints."""

    devices: tuple[DeviceRow, ...]
    attached: tuple[Attached, ...] = ()
    attached_unknown: str = ""  # why it cannot be said what is attached, e.g. that there is no adb
    skipped: tuple[Skipped, ...] = ()


class Examined(Struct, frozen=True, kw_only=True):
    """One device profile, with everything that a run on it needs looked at."""

    device: str
    unit: str | None  # which physical device it is; None: none that can be reached
    checks: tuple[Check, ...]


class Doctor(Struct, frozen=True, kw_only=True):
    """What ``doctor --json`` prints."""

    devices: tuple[Examined, ...]
    attached: tuple[Attached, ...] = ()
    attached_unknown: str = ""
    skipped: tuple[Skipped, ...] = ()

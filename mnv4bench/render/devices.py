"""Devices on a terminal: which there are, what is attached, and what a run on them lacks.

Knows: columns and colours. Does not know: how anything was found out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mnv4bench.findings import Attached, Devices, Doctor, Examined
from mnv4bench.records import Check
from mnv4bench.render.terminal import View, Write, left_out, plain_table
from mnv4bench.render.untrusted import visible

_DEVICE_STYLE = {"ready": "green", "absent": "dim", "unusable": "yellow"}
_CHECK_STYLE = {"ok": "green", "warning": "yellow", "failed": "bold red", "unknown": "dim"}
LACKS = "What a device lacks, and what helps: mnv4bench doctor --device ID"
READY = "device"  # adb's word
PLUG_IN = "Plug one in with USB debugging on (Settings, Developer options)."


def devices(found: Devices) -> View:
    """Every device profile and whether it can be measured here and now; then what is attached."""

    def build(write: Write) -> RenderableType:
        table = plain_table(
            write,
            ("Device", "left"),
            ("Runner", "left"),
            ("Format", "left"),
            ("Unit", "left"),
            ("Status", "left"),
            ("Detail", "left"),
            names=(row.device for row in found.devices),
        )
        for row in found.devices:
            table.add_row(
                write(row.device, "bold"),
                write(row.runner),
                write(f"{row.format} {row.precision}"),
                write(row.accelerator),
                write(row.status, _DEVICE_STYLE[row.status]),
                write(_first_sentence(row.detail)),
            )
        attached = _attached(found.attached, found.attached_unknown, write)
        missing = any(row.status != "ready" for row in found.devices)
        hint = [write(LACKS, "dim")] if missing else []
        return Group(table, *hint, write(""), *attached, *left_out(found.skipped, write))

    return View(build)


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    return f"{sentence}." if stop else text


def _attached(phones: Sequence[Attached], unknown: str, write: Write) -> list[RenderableType]:
    if unknown:
        return [write(f"Attached phones: {unknown}", "yellow")]
    if not phones:
        return [write(f"Attached phones: none. {PLUG_IN}", "dim")]
    table = plain_table(
        write,
        ("Attached", "left"),
        ("Phone", "left"),
        ("State", "left"),
        ("Profiles that mean it, or what to do", "left"),
        names=(one.serial for one in phones),
    )
    for one in phones:
        fitting = ", ".join(one.profiles) or "none: write one of your own (--device ./mine.toml)"
        ready = one.state == READY and not one.fix
        table.add_row(
            write(one.serial, "bold"),
            write(one.model or "unknown"),
            write(one.state, "green" if ready else "yellow"),
            write(fitting if ready else one.fix),
        )
    return [table]


# --- doctor -----------------------------------------------------------------------------------


def doctor(found: Doctor, *, alone: bool = False) -> View:
    """A table for each physical device; what several of its profiles have alike stands once.

    ``fixes`` goes beneath it. ``alone``: of the devices that were asked for, and nothing of what
    else is attached.
    """

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = []
        units: dict[str, list[Examined]] = {}
        for one in found.devices:
            units.setdefault(one.unit or one.device, []).append(one)
        for alike in units.values():
            parts += [_examined(alike, write), write("")]
        others = [one for one in found.attached if one.fix or not one.profiles]
        if not alone and (others or not found.attached):
            parts += [*_attached(others, found.attached_unknown, write), write("")]
        return Group(*parts, _verdict(found, write), *left_out(found.skipped, write))

    return View(build)


def _examined(alike: Sequence[Examined], write: Write) -> RenderableType:
    names = [one.device for one in alike]
    first: dict[tuple[str, ...], Check] = {}
    of: dict[tuple[str, ...], list[str]] = {}
    for one in alike:
        for check in one.checks:
            # Looked at twice, a reading is another one; which of them is shown does not matter.
            key = (check.name, check.status, re.sub(r"[\d.]+", "#", check.found), check.fix)
            first.setdefault(key, check)
            of.setdefault(key, []).append(one.device)
    order = list(dict.fromkeys(name for name, *_ in first))
    titled = ", ".join(names) + (f"  {alike[0].unit}" if alike[0].unit else "")
    table = plain_table(
        write,
        ("Check", "left"),
        ("Status", "left"),
        ("Found", "left"),
        names=order,
        title=write(titled, "bold"),
    )
    for kind, check in sorted(first.items(), key=lambda item: order.index(item[1].name)):
        only = "" if len(of[kind]) == len(names) else f" ({', '.join(of[kind])})"
        table.add_row(
            write(check.name),
            write(check.status, _CHECK_STYLE[check.status]),
            write(check.found) + write(only, "dim"),
        )
    return table


def fixes(found: Doctor) -> list[str]:
    """What mends each miss, in plain lines: a table would break commands that are to be pasted."""
    checks = [check for one in found.devices for check in one.checks if check.fix]
    # What stops a run comes first.
    checks.sort(key=lambda check: check.status != "failed")
    lines: dict[str, None] = {}
    for check in checks:
        lines[f"  {visible(check.name)} ({check.status}):\n    {visible(check.fix)}"] = None
    return ["", "What helps:", *lines] if lines else []


def _verdict(found: Doctor, write: Write) -> Text:
    failed: list[str] = []
    ready: list[str] = []
    for one in found.devices:
        lacking = any(check.status == "failed" for check in one.checks)
        (failed if lacking else ready).append(one.device)
    if not failed:
        return write(f"Ready to measure: {', '.join(ready) or 'nothing'}.", "green")
    also = f" Ready: {', '.join(ready)}." if ready else ""
    return write(f"Not ready: {', '.join(failed)}.{also}", "bold red")

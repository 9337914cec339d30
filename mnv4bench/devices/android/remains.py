"""What one process of the benchmark program left behind on the phone, read.

Knows: the sections of an invocation's answer, as text. Does not know: how they were asked for, or
what follows from them. Pure; nothing that a phone says is taken for granted.
"""

from __future__ import annotations

import base64
import binascii
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from mnv4bench.devices.android import readings, results

WHEN = ("before", "after")  # the program


@dataclass(frozen=True, slots=True)
class Ran:
    """One process of the program, as it ended."""

    status: int
    stdout: str
    stderr: str
    outcome: results.Outcome | None
    info: results.RuntimeInfo | None
    sections: Mapping[str, str]
    wall_s: float

    @property
    def log(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


def thermal_status(text: str) -> int | None:
    """The thermal status; None where somebody set it by hand: it then says nothing of the heat."""
    return None if readings.status_is_overridden(text) else readings.thermal_status(text)


def status(text: str) -> int:
    """The exit status; 255 where it is no number that one can be."""
    word = text.strip()
    return int(word) if word.isdecimal() and len(word) <= 3 else 255


def is_signal(number: int) -> bool:
    """Whether a process can be ended by a signal of this number."""
    return number in set(signal.Signals)


def signal_name(number: int) -> str:
    """``"SIGSEGV"``; for a number that is one."""
    return signal.Signals(number).name


def wall_s(parts: Mapping[str, str]) -> float:
    """Seconds between the two dates; 0 where the phone's date has no nanoseconds."""
    before, after = (parts.get(f"time-{when}", "").strip() for when in WHEN)
    if not all(stamp.isdecimal() and len(stamp) <= 20 for stamp in (before, after)):
        return 0.0
    return max(int(after) - int(before), 0) / 1e9


def counter(text: str) -> int | None:
    """The sum of the numbers in a counter's file; None where it cannot be read."""
    numbers = re.findall(r"\d{1,18}", text)
    return sum(map(int, numbers)) if numbers else None


def decoded(text: str) -> bytes:
    """The bytes of a base64 section; none where it is no such thing."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def last_words(log: str) -> str:
    """The line that says most about a failure: the last error, else the last line at all."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "FATAL", "Segmentation"))]
    # "Benchmarking failed." stands behind the line that says why.
    telling = [line for line in errors if "Benchmarking failed" not in line] or lines
    return telling[-1].removeprefix("ERROR: ")[:200].rstrip(".") if telling else ""

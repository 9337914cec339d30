"""What the driver says of a GPU, read through its own program; nothing is ever set.

Clocks, power limits and persistence are the owner's. Knows: nvidia-smi's query options and their
CSV (nvidia-smi --help-query-gpu; drivers since 418), and the bits of the clock reasons (nvml.h).
Does not know: torch, what a reading means for a measurement (taints).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from mnv4bench.devices import process
from mnv4bench.devices.process import Finished
from mnv4bench.records import GpuState

PROGRAM = "nvidia-smi"
LIMIT_S = 20.0  # a driver that hangs; it takes a tenth of a second, without persistence a few
MIB = 2**20
FIELDS = (
    "uuid",
    "name",
    "driver_version",
    "pstate",
    "clocks.sm",
    "clocks.max.sm",
    "clocks.mem",
    "temperature.gpu",
    "power.draw",
    "utilization.gpu",
    "memory.used",
    "memory.total",
)
# The second is what drivers before 535 call the first.
REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
# nvml.h, nvmlClocksEventReason*; an idle GPU (1) is not held back, and clocks that somebody chose
# (2, 100) are its owner's way to run it.
BITS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
HARMLESS = 0x1 | 0x2 | 0x100
# What stands where a card has no such reading.
NOTHING = ("", "n/a", "not supported", "unknown error", "insufficient permissions")
SAID = 200  # characters of its own words in a sentence


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: what it is, and what it does now."""

    uuid: str
    name: str
    driver: str
    state: GpuState


class NotRead(Exception):
    """There is nothing to read; the argument is a sentence without its full stop."""


def read(uuid: str | None = None, *, mine: int | None = None) -> Gpu:
    """The GPU called ``uuid``, or the first one. ``mine`` is the process that measures on it.

    Raises NotRead with what the program said: none, no driver, no such GPU, no answer.
    """
    reasons = REASONS[0]
    ended = _query((*FIELDS, reasons), uuid)
    if ended.status and reasons in _said(ended):  # "Field "..." is not a valid field to query."
        reasons = REASONS[1]
        ended = _query((*FIELDS, reasons), uuid)
    if ended.status:
        raise NotRead(f"{PROGRAM} says: {_said(ended)}")
    line = ended.stdout.decode(errors="replace").strip().partition("\n")[0]
    values = [one.strip() for one in line.split(",")]
    if len(values) != len(FIELDS) + 1:
        raise NotRead(f"{PROGRAM} says: {line[:SAID] or 'nothing'}")
    found = dict(zip((*FIELDS, "reasons"), values, strict=True))
    used, whole = (_number(found[key], MIB) for key in ("memory.used", "memory.total"))
    busy = _number(found["utilization.gpu"], 0.01)
    name, uuid = found["name"], found["uuid"]
    return Gpu(
        uuid=uuid,
        name=name,
        driver=found["driver_version"],
        state=GpuState(
            performance=_text(found["pstate"]),
            clock_hz=_number(found["clocks.sm"], 1e6),
            max_clock_hz=_number(found["clocks.max.sm"], 1e6),
            memory_clock_hz=_number(found["clocks.mem"], 1e6),
            temperature_c=_number(found["temperature.gpu"]),
            power_w=_number(found["power.draw"]),
            busy_fraction=None if busy is None else min(busy, 1.0),
            memory_used_bytes=None if used is None else int(used),
            memory_bytes=None if whole is None else int(whole),
            throttled=_reasons(found["reasons"]),
            others=_others(uuid, mine),
        ),
    )


def _query(fields: tuple[str, ...], uuid: str | None) -> Finished:
    return _run(f"--query-gpu={','.join(fields)}", uuid)


def _run(query: str, uuid: str | None) -> Finished:
    which = () if uuid is None else (f"--id={uuid}",)
    try:
        return process.run(
            (PROGRAM, query, "--format=csv,noheader,nounits", *which), timeout_s=LIMIT_S
        )
    except OSError as error:
        reason = "is not installed" if isinstance(error, FileNotFoundError) else error.strerror
        raise NotRead(f"{PROGRAM}, which comes with NVIDIA's driver, {reason}") from None
    except process.TimedOut:
        raise NotRead(f"{PROGRAM} did not end within {LIMIT_S:.0f} s and was stopped") from None


def _said(ended: Finished) -> str:
    """It complains on its standard output."""
    text = ended.stdout.decode(errors="replace") + "\n" + ended.stderr
    words = " ".join(text.split())[:SAID].rstrip(". ")
    return words or f"nothing, and ended with status {ended.status}"


def _text(value: str) -> str | None:
    return None if value.strip("[] ").lower() in NOTHING else value


def _number(value: str, unit: float = 1.0) -> float | None:
    try:
        return max(float(value) * unit, 0.0)
    except ValueError:  # "[N/A]", "[Not Supported]"
        return None


def _reasons(value: str) -> tuple[str, ...] | None:
    """``"0x0000000000000004"`` -> ("power cap",)"""
    try:
        bits = int(value, 16)
    except ValueError:
        return None
    known = [name for bit, name in BITS.items() if bits & bit]
    left = bits & ~(HARMLESS | sum(BITS))
    return (*known, *((f"reason {left:#x}",) if left else ()))


def _others(uuid: str, mine: int | None) -> tuple[str, ...] | None:
    """``"python3 (pid 4711)"`` of programs that hold a context on the GPU; None: not told.

    In a container the driver may say the process ids of its host. Where ``mine`` is not among
    them, one of the programs is the measuring process all the same, and the others are counted.
    """
    try:
        ended = _run("--query-compute-apps=pid,process_name", uuid)
    except NotRead:
        return None
    if ended.status:
        return None
    found = []
    for line in ended.stdout.decode(errors="replace").splitlines():
        pid, comma, name = line.partition(",")
        if comma and pid.strip().isdigit():
            found.append((int(pid), PurePath(name.strip()).name))
    if mine is None or mine in [pid for pid, _ in found]:
        return tuple(f"{name} (pid {pid})" for pid, name in found if pid != mine)
    if not found:  # it cannot see even the one that is there
        return None
    if len(found) == 1:
        return ()
    return (f"{len(found) - 1} of {', '.join(f'{name} (pid {pid})' for pid, name in found)}",)

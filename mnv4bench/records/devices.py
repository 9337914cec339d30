"""What a device is, what it is doing, and where a model ran on it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mnv4bench.records.words import (
    Accelerator,
    ActivationType,
    Count,
    Format,
    Fraction,
    Name,
    Precision,
    RunnerName,
    RuntimeName,
    Verdict,
)


class DeviceProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device-and-accelerator, as written in device_profiles/<device>.toml."""

    device: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    title: Name
    runner: RunnerName
    runtime: RuntimeName
    format: Format
    precision: Precision
    accelerator: Accelerator
    threads: Annotated[int, Meta(ge=1, le=256)] = 1
    activations: ActivationType | None = None  # ONNX int8: what the target's kernels take
    deployment_target: str | None = None  # Core ML: the oldest system that has to run it
    soc: str | None = None
    source: str | None = None  # where the facts of this file come from
    notes: str | None = None


class Signal(Struct, frozen=True, kw_only=True):
    """One piece of evidence about where a model ran."""

    name: str  # e.g. "session providers", "delegate nodes", "runtime log"
    evidence: str  # what was read, verbatim where short
    says: Verdict


class Placement(Struct, frozen=True, kw_only=True):
    """Which operators ran on which unit, and how that is known."""

    verdict: Verdict
    unit: str  # e.g. "cpu (XNNPACK)"
    operators: Count | None = None
    on_unit: Count | None = None  # of those, how many the asked-for unit took
    signals: tuple[Signal, ...] = ()


def _fact(meaning: str, *, must_match: bool = False) -> Any:
    return Meta(description=meaning, extra={"must_match": must_match})


class Environment(Struct, frozen=True, kw_only=True):
    """What a report's device and software were. This declaration is the table of keys.

    Keys marked ``must_match`` have to agree before two latencies may be compared.
    """

    machine: Annotated[str | None, _fact("computer, board or phone model")] = None
    cpu_model: Annotated[str | None, _fact("processor name", must_match=True)] = None
    cpu_count: Annotated[int | None, _fact("logical processors", must_match=True)] = None
    architecture: Annotated[str | None, _fact("instruction set", must_match=True)] = None
    memory_bytes: Annotated[int | None, _fact("physical memory")] = None
    virtualization: Annotated[str | None, _fact("hypervisor, if any", must_match=True)] = None
    os_name: Annotated[str | None, _fact("operating system", must_match=True)] = None
    os_version: Annotated[str | None, _fact("kernel or OS build")] = None
    runtime_name: Annotated[str | None, _fact("inference runtime", must_match=True)] = None
    runtime_version: Annotated[str | None, _fact("its version", must_match=True)] = None
    python_version: Annotated[str | None, _fact("Python that drove the runtime")] = None
    tool_version: Annotated[str | None, _fact("mnv4bench version")] = None
    commit: Annotated[str | None, _fact("git commit of the folder it was run in")] = None


def must_match_facts(environment: Environment) -> dict[str, str | int | None]:
    """The keys that have to agree before two latencies may be compared, with their values."""
    info = msgspec.inspect.type_info(Environment)
    assert isinstance(info, msgspec.inspect.StructType)
    return {
        field.name: getattr(environment, field.name)
        for field in info.fields
        if isinstance(field.type, msgspec.inspect.Metadata)
        and (field.type.extra or {}).get("must_match")
    }


class DeviceState(Struct, frozen=True, kw_only=True):
    """What changes while measuring; read before and after."""

    taken_at: str  # UTC, ISO 8601
    cpu_busy_fraction: Fraction | None = None  # of all processors, over a short interval
    load_1m: Annotated[float, Meta(ge=0)] | None = None
    memory_available_bytes: Count | None = None
    frequency_hz: Annotated[float, Meta(ge=0)] | None = None
    governor: str | None = None
    temperature_c: float | None = None
    on_battery: bool | None = None
    battery_fraction: Fraction | None = None

"""What a device is, what it is doing, and where a model ran on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mnv4bench.records.words import (
    Accelerator,
    ActivationType,
    Arithmetic,
    Count,
    CudaMode,
    Format,
    Fraction,
    Name,
    Precision,
    RunnerName,
    RuntimeName,
    Sha256,
    Verdict,
)

BenchmarkTool = Literal["classic", "litert"]
Delegate = Literal["xnnpack", "gpu", "nnapi", "hexagon", "external", "npu"]
# What times on a board: this program's own measuring process, or one of the benchmark programs.
BoardTool = Literal["python", "classic", "litert"]
Cores = Literal["fastest", "big", "little", "all"]
# A name of a file or folder on a device: nothing that a shell or a path could take another way.
PlainName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}\Z")]
# The same, with * for any characters.
NamePattern = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+*-]{0,126}\Z")]
HostPath = Annotated[str, Meta(min_length=1, max_length=4096)]
DelegateOption = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{1,64}:[^;\n]{0,200}\Z")]


class Expects(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device must say about itself to be the one of a profile; empty: anything will do.

    Each list holds alternatives. Compared without regard to case.
    """

    # Android: ro.product.model; Apple: "iPhone 13"; a board: the device tree's model
    models: tuple[Name, ...] = ()
    # Android: ro.product.device, the code name; Apple: "iPhone14,5"; a board: one of the device
    # tree's compatible
    devices: tuple[Name, ...] = ()
    # Android: ro.soc.model, before SDK 31 ro.board.platform; a board: the last of compatible
    socs: tuple[Name, ...] = ()
    min_sdk: Annotated[int, Meta(ge=1)] | None = None
    max_sdk: Annotated[int, Meta(ge=1)] | None = None


class AndroidTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a phone is made to run a model: the [android] table of a profile.

    Flags and their meaning: TensorFlow Lite's ``tools/benchmark`` and LiteRT's ``litert/tools``.
    """

    tool: BenchmarkTool  # which of the two benchmark programs; NNAPI and Hexagon: classic alone
    delegate: Delegate
    cores: Cores = "fastest"  # where the program's own threads are kept; read from cpufreq
    gpu_backend: Literal["cl", "gl", "opencl", "opengl", "webgpu"] | None = None
    gpu_precision_loss: bool = True  # fp16 arithmetic allowed
    nnapi_accelerator: PlainName | None = None
    # Files of the host that the delegate needs beside the program, by name; * is any characters.
    libraries: tuple[NamePattern, ...] = ()
    external_delegate: PlainName | None = None  # one of the libraries
    # As "key:value"; LIBRARIES in a value becomes the folder on the phone.
    external_options: tuple[DelegateOption, ...] = ()
    # A file whose numbers, summed, count the accelerator's inferences (mostly root's to read).
    counter: Annotated[str, Meta(pattern=r"^/sys/[A-Za-z0-9._:/@+-]+\Z")] | None = None
    remote_dir: Annotated[
        str, Meta(pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/mnv4bench[A-Za-z0-9._-]*\Z")
    ] = "/data/local/tmp/mnv4bench"
    benchmark_model: HostPath | None = (
        None  # the program's path on the host; else option, env, cache
    )
    benchmark_sha256: Sha256 | None = None  # refused when it is another
    library_dir: HostPath | None = None  # where the libraries lie on the host
    fixed_performance: bool = True  # Android 11's mode: steady clocks below the highest, no root


class EmulatedTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which processor qemu plays: the [emulated] table of a profile.

    ``cpu`` and ``cpuinfo`` have to agree: a runtime that picks its kernels by the one executes
    them on the other, and ends with SIGILL where the processor lacks what the text claims.
    """

    architecture: Literal["aarch64", "x86_64"]
    cpu: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._,=+-]{0,126}\Z")]  # qemu's -cpu
    # What /proc/cpuinfo says of each of ``processors``, without the line that numbers it.
    cpuinfo: Annotated[str, Meta(max_length=16384)]
    processors: Annotated[int, Meta(ge=1, le=256)] = 1
    khz: Annotated[int, Meta(ge=1, le=10_000_000)] = 1_000_000  # their highest clock, as sysfs says


class SshTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a board is reached over ssh and made to run a model: the [ssh] table of a profile."""

    # As ssh takes it ("pi@board", an alias of ~/.ssh/config, "ssh://pi@board:2222"): nothing that
    # a shell or ssh could take another way. None: --host, $MNV4BENCH_SSH_HOST.
    host: (
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\[][A-Za-z0-9._@:/%\[\]+-]{0,254}\Z")] | None
    ) = None
    tool: BoardTool = "python"  # what times on the board
    # The board's interpreter; None: ~/mnv4bench/bin/python where it is there, else python3.
    python: (
        Annotated[str, Meta(pattern=r"^(~/|/)?[A-Za-z0-9._+-][A-Za-z0-9._+/-]{0,254}\Z")] | None
    ) = None
    cores: Cores = "fastest"  # where the measuring process is kept; read from cpufreq
    remote_dir: Annotated[
        str, Meta(pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/mnv4bench[A-Za-z0-9._-]*\Z")
    ] = "/tmp/mnv4bench"  # noqa: S108 - on the board; refused there where it is somebody else's
    benchmark_model: HostPath | None = (
        None  # the program's path on the host; else option, env, cache
    )
    benchmark_sha256: Sha256 | None = None  # refused when it is another


class CudaTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How torch runs a program on an NVIDIA GPU: the [cuda] table of a profile."""

    mode: CudaMode
    arithmetic: Arithmetic = "fp32"  # of products and sums; the file holds fp32
    channels_last: bool = False  # images and weights as (N, H, W, C) in memory
    # Of mode "compile": torch.compile's own words.
    compile_mode: Literal["default", "reduce-overhead", "max-autotune"] = "default"


class AppleTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Core ML runs, and who signs the helper app: the [apple] table of a profile.

    coremltools builds its helper app with xcodebuild, in a shell line that these words become part
    of; so they hold nothing that a shell could take another way.
    """

    kind: Literal["mac", "iphone", "ipad"]  # mac: the one that this program runs on
    # Whose certificate signs the helper app; else $MNV4BENCH_APPLE_TEAM.
    development_team: Annotated[str, Meta(pattern=r"^[A-Z0-9]{10}\Z")] | None = None
    provisioning_profile: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f-]{36}\Z")] | None = None
    bundle_identifier: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{1,155}\Z")] | None = None


class DeviceProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device-and-accelerator, as written in device_profiles/<device>.toml."""

    device: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}\Z")]
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
    # Of a gate on this device, where the command says nothing: the slowdown not to be missed.
    max_slowdown: Annotated[float, Meta(ge=1.001, le=10)] | None = None
    expects: Expects | None = None  # refused on a device that says something else of itself
    android: AndroidTarget | None = None  # of the android runner
    emulated: EmulatedTarget | None = None  # of the emulated runner
    ssh: SshTarget | None = None  # of the ssh runner
    cuda: CudaTarget | None = None  # of the cuda runner
    apple: AppleTarget | None = None  # of the apple runner
    source: str | None = None  # where the facts of this file come from
    seen: str | None = None  # who has seen it run, on what and when; None: not said
    notes: str | None = None


class Check(Struct, frozen=True, kw_only=True):
    """One thing that a run needs, looked at: a line of ``doctor``."""

    name: str  # "adb", "phone", "battery"
    status: Literal["ok", "warning", "failed", "unknown"]  # a run is refused for "failed" alone
    found: str  # the reading
    fix: str = ""  # the command or change that helps; empty where nothing needs it


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
    cost_on_unit: Fraction | None = None  # of the cost that the runtime estimates for the file
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
    runtime_sha256: Annotated[str | None, _fact("digest of the benchmark program")] = None
    soc: Annotated[str | None, _fact("system on a chip", must_match=True)] = None
    build: Annotated[str | None, _fact("Android build fingerprint", must_match=True)] = None
    sdk: Annotated[int | None, _fact("Android API level", must_match=True)] = None
    unit: Annotated[
        str | None, _fact("which of several such devices, as a digest", must_match=True)
    ] = None
    cores: Annotated[
        str | None, _fact("processors that the program is kept on", must_match=True)
    ] = None
    fixed_performance: Annotated[
        bool | None, _fact("Android's fixed-performance mode", must_match=True)
    ] = None
    emulator: Annotated[
        str | None, _fact("emulator and the processor that it plays", must_match=True)
    ] = None
    gpu: Annotated[str | None, _fact("graphics processor, or what plays one", must_match=True)] = (
        None
    )
    gpu_driver: Annotated[str | None, _fact("its driver's version", must_match=True)] = None
    gpu_libraries: Annotated[
        str | None, _fact("CUDA and cuDNN that the runtime brings", must_match=True)
    ] = None
    gpu_kind: Annotated[str | None, _fact("as its interface calls the kind of it")] = None
    gpu_is_software: Annotated[
        bool | None, _fact("the processor plays the GPU", must_match=True)
    ] = None
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


class GpuState(Struct, frozen=True, kw_only=True):
    """What an NVIDIA GPU is doing, as nvidia-smi says it; None: it does not say."""

    performance: str | None = None  # "P0" is the fastest
    clock_hz: Annotated[float, Meta(ge=0)] | None = None  # of the multiprocessors
    max_clock_hz: Annotated[float, Meta(ge=0)] | None = None
    memory_clock_hz: Annotated[float, Meta(ge=0)] | None = None
    temperature_c: float | None = None
    power_w: Annotated[float, Meta(ge=0)] | None = None
    busy_fraction: Fraction | None = None  # of the time some kernel ran, over its last interval
    memory_used_bytes: Count | None = None
    memory_bytes: Count | None = None
    throttled: tuple[str, ...] | None = None  # why its clocks are lower than they could be
    others: tuple[str, ...] | None = None  # programs other than the measuring process


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
    # Of phones. Thermal status as Android's: 0 none, 1 light, 2 moderate, 3 severe ... 6 shutdown.
    # Of a Mac: 0, or 2 while macOS says that it holds the processor back.
    thermal_status: Annotated[int, Meta(ge=0, le=6)] | None = None
    temperatures_c: dict[str, float] = {}  # of every sensor that could be read, by its name
    battery_temperature_c: float | None = None
    charging: bool | None = None
    screen: str | None = None  # "Awake", "Asleep", "Dozing", "Dreaming"
    low_power_mode: bool | None = None
    storage_available_bytes: Count | None = None
    gpu: GpuState | None = None
    boot: str | None = None  # changes when the device is started anew
    # Of boards: what the firmware says holds the clocks down now ("throttled", "under-voltage");
    # None: it says nothing.
    throttled: tuple[str, ...] | None = None

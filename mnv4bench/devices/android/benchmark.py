"""The two benchmark programs that phones run: where one is found, and which flags say what.

Knows: TensorFlow Lite's benchmark_model ("classic", alone with NNAPI and the old Hexagon delegate)
and LiteRT's of the same name ("litert"). Flags as in their sources (tflite/tools/benchmark,
tflite/tools/delegates, litert/tools of google-ai-edge/LiteRT, 2026). Does not know: phones.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from mnv4bench import places
from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.records import (
    Accelerator,
    AndroidTarget,
    BenchmarkTool,
    Delegate,
    DeviceProfile,
    Timing,
)

PROGRAM = "benchmark_model"
TITLES: dict[BenchmarkTool, str] = {
    "classic": "TFLite benchmark_model",
    "litert": "LiteRT benchmark_model",
}
VARIABLE = "MNV4BENCH_BENCHMARK_MODEL"
LIBRARIES_VARIABLE = "MNV4BENCH_LIBRARIES"
# Builds of some years have another one, and write no such file.
OPERATORS_MODE = "op_profiling_output_mode"
PROFILED_EVENTS = 65_536  # of one inference; what does not fit is dropped (tflite/profiling)
# As upstream documents them; this program fetches neither.
DOWNLOADS: dict[BenchmarkTool, str] = {
    "classic": "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/"
    "lite/tools/nightly/latest/android_aarch64_benchmark_model",
    "litert": "https://storage.googleapis.com/litert/binaries/2.2.0/android_arm64/benchmark_model",
}
# What a delegate can be meant for: a number of the processor must not be called an EdgeTPU's.
_UNITS: dict[Delegate, tuple[Accelerator, ...]] = {
    "xnnpack": ("cpu",),
    "gpu": ("gpu",),
    "nnapi": ("edgetpu", "hexagon", "npu", "gpu"),
    "hexagon": ("hexagon",),
    "external": ("npu", "hexagon", "gpu", "edgetpu"),
    "npu": ("npu", "edgetpu"),
}
_BACKENDS: dict[BenchmarkTool, tuple[str, ...]] = {
    "classic": ("cl", "gl"),
    "litert": ("opencl", "opengl", "webgpu"),
}
# e_machine of an ELF file, and the ABI that Android calls it.
_MACHINES = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86"}
# How both programs list a flag of theirs in --help: "\t--num_runs=50\tint32\t..."; the base flags
# that neither could do without tell a list from any other text.
_FLAG = re.compile(r"^\s*--([a-z0-9_-]+)=", re.MULTILINE)
_EVERY_LIST_HAS = {"graph", "num_runs"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A benchmark program on this machine, with what its delegate needs beside it."""

    flavour: BenchmarkTool
    program: Path
    sha256: str
    libraries: tuple[Path, ...]
    digest: str  # over the program and the libraries, with their names

    @property
    def files(self) -> tuple[tuple[str, Path], ...]:
        """(name on the phone, file), the program first."""
        return ((PROGRAM, self.program), *((one.name, one) for one in self.libraries))


@dataclass(frozen=True, slots=True)
class Builds:
    """The programs for one kind of device: what they are called in the cache, and published."""

    folder: str  # under tools/ of the cache
    variable: str  # of the environment: one program's path
    downloads: dict[BenchmarkTool, str]


PHONES = Builds(folder="", variable=VARIABLE, downloads=DOWNLOADS)


def find(
    profile: DeviceProfile,
    option: Path | None,
    library_dir: Path | None,
    *,
    builds: Builds = PHONES,
) -> Tool:
    """The program and the libraries that ``profile`` needs.

    Looked for in this order: ``option``, the profile, the environment, the cache. Raises
    NotMeasured with the name to download where there is none, and where a digest is not the
    profile's.
    """
    target = target_of(profile)
    program = _program(target, option, builds)
    digest = _digest(program)
    if target.benchmark_sha256 not in (None, digest):
        raise NotMeasured(
            f"{program} has sha256 {digest[:12]}, and {profile.device} wants "
            f"{str(target.benchmark_sha256)[:12]}.",
            "get that one, or change benchmark_sha256 in the profile",
        )
    libraries = _libraries(profile, target, library_dir)
    whole = hashlib.sha256(digest.encode())
    for library in libraries:
        whole.update(f"{library.name} {_digest(library)}".encode())
    return Tool(target.tool, program, digest, libraries, whole.hexdigest())


def target_of(profile: DeviceProfile) -> AndroidTarget:
    """The [android] table. Raises UsageError without one, or where its parts do not go together."""
    target = profile.android
    if target is None:
        raise UsageError(
            f"{profile.device} has runner = 'android' and no [android] table.",
            "docs/devices.md has the fields",
        )
    missing = None
    units = _UNITS[target.delegate]
    backends = _BACKENDS[target.tool]
    if profile.accelerator not in units:
        missing = (
            f"the delegate {target.delegate} runs on {' or '.join(units)}, and the profile says "
            f"accelerator = '{profile.accelerator}'"
        )
    elif target.gpu_backend not in (None, *backends):
        missing = f"gpu_backend of the {target.tool} program is {' or '.join(backends)}"
    elif target.delegate in ("nnapi", "hexagon", "external") and target.tool != "classic":
        missing = f"only the classic benchmark_model has {target.delegate}: tool = 'classic'"
    elif target.delegate == "npu" and target.tool != "litert":
        missing = "only LiteRT's benchmark_model dispatches to NPUs: tool = 'litert'"
    elif target.delegate == "nnapi" and not target.nnapi_accelerator:
        missing = "NNAPI needs nnapi_accelerator, or it chooses a processor by itself"
    elif target.delegate == "external" and not target.external_delegate:
        missing = "the external delegate's file is missing: external_delegate"
    if missing:
        raise UsageError(f"{profile.device}: {missing}.", "docs/devices.md has the fields")
    return target


def require_abi(tool: Tool, abi: str | None) -> None:
    """Raises NotMeasured when the program is for other processors than ``abi``'s.

    A file that is no ELF is let through when it is a script, which a device of one's own may take.
    """
    for _, file in tool.files:
        head = _head(file)
        if head[:4] == b"\x7fELF" and len(head) == 20:
            machine = struct.unpack_from("<H", head, 18)[0]
            built_for = _MACHINES.get(machine, f"machine {machine}")
            # A skeleton runs on the DSP itself (Hexagon, 164), whatever the phone's own ABI.
            if abi and built_for != abi and machine != 164 and not _runs_on(built_for, abi):
                raise NotMeasured(
                    f"{file} is built for {built_for}, and the phone is {abi}.",
                    f"get the one for {abi}; for arm64-v8a: {DOWNLOADS[tool.flavour]}",
                )
        elif file == tool.program and head[:2] != b"#!":
            raise NotMeasured(
                f"{file} is no program for Android (neither ELF nor a script).",
                f"get it anew: {DOWNLOADS[tool.flavour]}",
            )


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(20)
    except OSError as error:
        raise NotMeasured(f"{file} cannot be read: {error.strerror}.") from None


def _runs_on(built_for: str, abi: str) -> bool:
    return (built_for, abi) in {("armeabi-v7a", "arm64-v8a"), ("x86", "x86_64")}


def listed_flags(help_text: str) -> frozenset[str]:
    """The flags that ``--help`` lists; empty where the text is no such list."""
    flags = frozenset(_FLAG.findall(help_text))
    return flags if flags >= _EVERY_LIST_HAS else frozenset()


def flavour(flags: frozenset[str]) -> BenchmarkTool | None:
    """Which program lists these flags; None where they name neither."""
    if "use_nnapi" in flags or "use_xnnpack" in flags:
        return "classic"
    return "litert" if "use_npu" in flags else None


@dataclass(frozen=True, slots=True)
class Call:
    """One run of the program: what to time on what, and where the results go on the phone."""

    graph: str
    folder: str  # of the program and its libraries
    threads: int
    result: str | None = None
    runtime_info: str | None = None
    operators: str | None = None  # where the times of single operators go; the classic program's


def arguments(
    profile: DeviceProfile, call: Call, timing: Timing, *, accelerated: bool = True
) -> tuple[str, ...]:
    """The program's arguments; without ``accelerated`` the same on the processor alone.

    The programs warm up for a time, not until steady, and tell one mean: a third of the protocol's
    cap is about where it stops too.
    """
    target = target_of(profile)
    words = [
        f"--graph={call.graph}",
        f"--num_threads={call.threads}",
        f"--warmup_runs={timing.warmup_window_count}",
        f"--warmup_min_secs={timing.warmup_cap_s / 3:g}",
        f"--num_runs={timing.min_count}",
        f"--min_secs={timing.min_duration_s:g}",
        f"--max_secs={timing.max_duration_s:g}",
    ]
    if call.result:
        words.append(f"--result_file_path={call.result}")
    if call.runtime_info:
        words.append(f"--model_runtime_info_output_file={call.runtime_info}")
    if call.operators:
        words += [
            "--enable_op_profiling=true",
            f"--{OPERATORS_MODE}=proto",
            f"--op_profiling_output_file={call.operators}",
            f"--max_profiling_buffer_entries={PROFILED_EVENTS}",
        ]
    if target.tool == "litert":
        return (*words, *_litert(target, call, accelerated))
    return (*words, *_classic(target, call, accelerated))


def _classic(target: AndroidTarget, call: Call, accelerated: bool) -> Sequence[str]:
    if not accelerated:
        return ("--use_xnnpack=true",)
    match target.delegate:
        case "xnnpack":
            return ("--use_xnnpack=true",)
        case "gpu":
            loss = str(target.gpu_precision_loss).lower()
            words = ("--use_gpu=true", f"--gpu_precision_loss_allowed={loss}")
            backend = (f"--gpu_backend={target.gpu_backend}",) if target.gpu_backend else ()
            return (*words, *backend, "--max_delegated_partitions=0")
        case "nnapi":
            return (
                "--use_nnapi=true",
                f"--nnapi_accelerator_name={target.nnapi_accelerator}",
                "--disable_nnapi_cpu=true",
                "--max_delegated_partitions=0",
            )
        case "hexagon":
            return ("--use_hexagon=true", f"--hexagon_lib_path={call.folder}")
        case "external":
            options = ";".join(target.external_options).replace("LIBRARIES", call.folder)
            given = (f"--external_delegate_options={options}",) if options else ()
            return (f"--external_delegate_path={call.folder}/{target.external_delegate}", *given)
        case "npu":
            raise AssertionError("target_of refuses it")
        case _:
            assert_never(target.delegate)


def _litert(target: AndroidTarget, call: Call, accelerated: bool) -> Sequence[str]:
    if not accelerated or target.delegate == "xnnpack":
        return ("--use_cpu=true",)
    if target.delegate == "gpu":
        backend = (f"--gpu_backend={target.gpu_backend}",) if target.gpu_backend else ()
        exact = () if target.gpu_precision_loss else ("--allow_fp16=false",)
        return ("--use_cpu=true", "--use_gpu=true", *backend, *exact)
    return (
        "--use_cpu=true",
        "--use_npu=true",
        f"--dispatch_library_path={call.folder}",
        f"--compiler_plugin_library_path={call.folder}",
    )


def _program(target: AndroidTarget, option: Path | None, builds: Builds) -> Path:
    cached = places.cache() / "tools" / builds.folder / target.tool / PROGRAM
    variable, download = os.environ.get(builds.variable), builds.downloads[target.tool]
    named = (
        ("--benchmark-model", option),
        ("benchmark_model of the profile", target.benchmark_model),
        (builds.variable, variable),
    )
    for where, path in named:
        if path:
            found = _home(Path(path))
            if not found.is_file():
                raise NotMeasured(
                    f"{where} says {found}, and there is no such file.",
                    f"give the path of the {TITLES[target.tool]}: {download}",
                )
            return found.absolute()
    if cached.is_file():
        return cached
    raise NotMeasured(
        f"the {TITLES[target.tool]} is not here (looked at --benchmark-model, the profile, "
        f"${builds.variable} and {cached}).",
        f"mkdir -p {cached.parent} && curl -Lo {cached} {download}",
    )


def _libraries(
    profile: DeviceProfile, target: AndroidTarget, option: Path | None
) -> tuple[Path, ...]:
    if not target.libraries:
        return ()
    cached = places.cache() / "tools" / "libraries"
    chosen = option or target.library_dir or os.environ.get(LIBRARIES_VARIABLE) or cached
    folder = _home(Path(chosen))
    names = _names(folder)
    found: dict[str, Path] = {}
    missing = []
    for pattern in target.libraries:
        hits = fnmatch.filter(names, pattern)
        found |= {name: (folder / name).absolute() for name in hits if (folder / name).is_file()}
        if not hits:
            missing.append(pattern)
    if missing:
        raise NotMeasured(
            f"{profile.device} needs {', '.join(missing)}, and {folder} does not have "
            f"{'it' if len(missing) == 1 else 'them'}.",
            f"put the vendor's files there, or name their folder: --libraries DIR, "
            f"${LIBRARIES_VARIABLE} (docs/devices.md says whose they are)",
        )
    return tuple(found.values())


def _home(path: Path) -> Path:
    """``path`` with ~ in its place; as it stands where there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _names(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir())
    except (OSError, ValueError):
        return []


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise NotMeasured(f"{file} cannot be read: {error.strerror}.") from None

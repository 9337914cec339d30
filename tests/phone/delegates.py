"""What the delegates of the phone's double say and do to a graph.

Knows: the verdict lines of both programs, and the modes in which an accelerator of a phone works,
lies or fails (`Phone.accelerator`). Does not know: timing, flags' syntax. Lines: LiteRT's
tflite/tools/benchmark/benchmark_tflite_model.cc, tools/delegates/*_provider.cc,
delegates/nnapi/nnapi_delegate.cc and litert/tools/benchmark_litert_model.cc; what is printed
when a delegate meets a graph it cannot take was seen on Pixel 6 and 8 by others.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tests.phone.benchmark_flags import Flags

NOT_DRIVERS = ("cpu", "gpu", "hexagon", "npu", "external")


class Failed(Exception):
    """Initialisation fails: the program prints what is in here as an error, and ends."""


class Log(Protocol):
    """Where a program writes its lines: stdout for info and warn, stderr for error, and what the
    runtime underneath prints (stderr, whatever the flavour)."""

    def info(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def error(self, text: str) -> None: ...
    def runtime(self, text: str) -> None: ...


@dataclass
class Graph:
    """A graph's operators, and whether it is a quantised one."""

    operators: list[str]
    quantised: bool


@dataclass
class Placed:
    """Where the graph went. ``factor`` divides the times; ``taken`` operators went to ``kernels``
    delegate nodes called ``delegate``; ``counted`` says that the accelerator's counter moves."""

    accelerator: str = "cpu"
    factor: float = 1.0
    mode: str = "works"
    delegate: str = ""
    taken: int = 0
    kernels: int = 0
    counted: bool = False


def seen(path: object) -> str:
    """A path as the phone shows it."""
    return str(path).replace(str(Path(os.environ["PHONE_FOLDER"]) / "root"), "")


def segfault() -> NoReturn:
    """Die as a program does whose library has no such symbol."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)
    raise AssertionError("still alive")


def _libraries(pattern: str, *folders: str) -> bool:
    searched = [*folders, *os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    return any(any(Path(folder).glob(pattern)) for folder in searched if folder)


def wanted(flags: Flags) -> str:
    """The accelerator that the flags ask for, by the name it has in `Phone.accelerator`."""
    if flags["use_nnapi"]:
        return str(flags["nnapi_accelerator_name"])
    for flag, key in (
        ("external_delegate_path", "external"),
        ("use_npu", "npu"),
        ("use_hexagon", "hexagon"),
        ("use_gpu", "gpu"),
    ):
        if flags[flag]:
            return key
    return "cpu"


def classic(flags: Flags, graph: Graph, phone: dict[str, Any], log: Log) -> list[Placed]:
    """The delegates that the classic program's flags ask for, applied in its order."""
    placed = []
    if flags["external_delegate_path"]:
        placed.append(_external(str(flags["external_delegate_path"]), graph, phone, log))
    if flags["use_gpu"] and (made := _classic_gpu(graph, phone, log)):
        placed.append(made)
    if flags["use_hexagon"] and (made := _hexagon(flags, graph, phone, log)):
        placed.append(made)
    if flags["use_nnapi"]:
        if made := _nnapi(str(flags["nnapi_accelerator_name"]), graph, phone, log):
            placed.append(made)
    elif name := flags["nnapi_accelerator_name"]:
        log.warn(
            f"`--use_nnapi=true` must be set for the provided NNAPI accelerator ({name}) to be "
            "used."
        )
    return placed


def _made(
    name: str,
    key: str,
    delegate: str,
    graph: Graph,
    phone: dict[str, Any],
    log: Log,
    *,
    takes: bool,
) -> Placed:
    """Apply the accelerator ``key``; ``takes`` says whether it can take this kind of graph."""
    accelerator = phone["accelerators"][key]
    mode, total = accelerator["mode"], len(graph.operators)
    log.info(f"{name} delegate created.")
    if mode == "segfault":
        segfault()
    if mode == "refuses":
        raise Failed(f"Failed to apply {name} delegate.")
    placed = Placed(key, accelerator["factor"], mode, delegate, total, 1, counted=True)
    if mode == "lies":
        placed.factor, placed.counted = 1.0, False
    elif mode == "untouched" or not takes:
        placed.factor, placed.counted, placed.kernels = 1.0, False, 0
        # The runtime's line may count every node even then (seen on a Pixel 8, float graph).
        placed.taken = total if not takes else 0
    elif mode == "partial":
        placed.taken, placed.kernels = max(1, total // 2), 2
    if placed.taken:
        log.runtime(
            f"VERBOSE: Replacing {placed.taken} out of {total} node(s) with delegate ({delegate}) "
            f"node, yielding {max(1, placed.kernels)} partitions for the whole graph."
        )
    return placed


def verdict(name: str, placed: Placed, total: int, *, full: bool, log: Log) -> None:
    """The classic program's verdict; raises `Failed` where ``full`` delegation was asked for."""
    complete = placed.kernels == 1 and placed.taken == total
    if full and not complete:
        raise Failed("Disallowed CPU fallback detected.")
    if complete:
        log.info(
            f"Explicitly applied {name} delegate, and the model graph will be completely executed "
            "by the delegate."
        )
    elif placed.kernels:
        log.info(
            f"Explicitly applied {name} delegate, and the model graph will be partially executed "
            f"by the delegate w/ {placed.kernels} delegate kernels."
        )
    else:
        log.info(
            f"Though {name} delegate is explicitly applied, the model graph will not be executed "
            "by the delegate."
        )


NAMES = {"gpu": "GPU", "hexagon": "Hexagon", "external": "EXTERNAL", "cpu": "XNNPACK"}


def name_of(placed: Placed) -> str:
    """The name of a delegate in the classic program's lines."""
    return NAMES.get(placed.accelerator, "NNAPI")


def _nnapi(name: str, graph: Graph, phone: dict[str, Any], log: Log) -> Placed | None:
    drivers = [key for key in phone["accelerators"] if key not in NOT_DRIVERS]
    if not phone["nnapi"]:
        log.warn("NNAPI acceleration is unsupported on this platform.")
        return None
    log.info("NNAPI accelerators available: [" + ",".join([*drivers, "nnapi-reference"]) + "]")
    key = name or (drivers[0] if drivers else "nnapi-reference")
    if key == "nnapi-reference":
        phone["accelerators"].setdefault(key, {"factor": 0.25, "mode": "works"})
    if key not in phone["accelerators"] or key in NOT_DRIVERS:
        log.info("NNAPI delegate created.")
        known = ",".join([*drivers, "nnapi-reference"])
        log.runtime(
            f"ERROR: Could not find the specified NNAPI accelerator: {key}. "
            f"Must be one of: {{{known}}}."
        )
        raise Failed("Failed to apply NNAPI delegate.")
    log.runtime(
        "WARNING: NNAPI SL driver did not implement SL_ANeuralNetworksDiagnostic_registerCallbacks!"
    )
    takes = graph.quantised or key == "nnapi-reference"
    return _made("NNAPI", key, "TfLiteNnapiDelegate", graph, phone, log, takes=takes)


def _classic_gpu(graph: Graph, phone: dict[str, Any], log: Log) -> Placed | None:
    if "gpu" not in phone["accelerators"]:
        log.warn("GPU acceleration is unsupported on this platform.")
        return None
    log.runtime("INFO: Created TensorFlow Lite delegate for GPU.")
    placed = _made("GPU", "gpu", "TfLiteGpuDelegateV2", graph, phone, log, takes=True)
    log.runtime("INFO: Initialized OpenCL-based API.")
    log.runtime(f"INFO: Created {placed.kernels} GPU delegate kernels.")
    return placed


def _hexagon(flags: Flags, graph: Graph, phone: dict[str, Any], log: Log) -> Placed | None:
    folder = str(flags["hexagon_lib_path"])
    skeleton = any(Path(folder).glob("libhexagon_nn_skel*.so"))
    if (
        not skeleton
        or not _libraries("libhexagon_interface.so")
        or "hexagon" not in phone["accelerators"]
    ):
        log.warn(
            "Could not create Hexagon delegate: platform may not support delegate or required "
            "libraries are missing"
        )
        return None
    return _made(
        "Hexagon", "hexagon", "TfLiteHexagonDelegate", graph, phone, log, takes=graph.quantised
    )


def _external(path: str, graph: Graph, phone: dict[str, Any], log: Log) -> Placed:
    if not Path(path).exists() or "external" not in phone["accelerators"]:
        log.runtime(
            f"INFO: Unable to load external delegate from : {seen(path)} "
            f'(dlopen failed: library "{seen(path)}" not found)'
        )
        log.info("EXTERNAL delegate created.")
        segfault()
    return _made("EXTERNAL", "external", "TfLiteQnnDelegate", graph, phone, log, takes=True)


def litert(flags: Flags, graph: Graph, phone: dict[str, Any], log: Log) -> Placed:
    """The accelerator that the LiteRT program's flags ask for; the CPU where it cannot be had and
    is allowed, which the program does without a word of its own."""
    allowed = bool(flags["use_cpu"]) or not flags["require_full_delegation"]
    asked = wanted(flags)
    accelerators = phone["accelerators"]
    if flags["use_npu"]:
        for name in ("dispatch_library_path", "compiler_plugin_library_path"):
            log.runtime(f"INFO: [benchmark_litert_model.cc:162] {name}: {seen(flags[name])}")
    found = {
        "cpu": True,
        "gpu": "gpu" in accelerators and _libraries("libLiteRtClGlAccelerator.so"),
        "npu": "npu" in accelerators
        and _libraries("libLiteRtDispatch_*.so", str(flags["dispatch_library_path"]))
        and _libraries("libLiteRtCompilerPlugin_*.so", str(flags["compiler_plugin_library_path"])),
    }
    if asked != "npu" or not found["npu"]:
        log.runtime(
            "WARNING: [auto_registration.cc:53] NPU accelerator could not be loaded and "
            "registered: kLiteRtStatusErrorInvalidArgument."
        )
    else:
        log.runtime("INFO: [auto_registration.cc:50] NPU accelerator registered.")
    if found["gpu"]:
        log.runtime(
            "INFO: [auto_registration.cc:98] Dynamically loaded GPU "
            "accelerator(libLiteRtClGlAccelerator.so) registered."
        )
    log.runtime("INFO: [auto_registration.cc:120] CPU accelerator registered.")
    if asked == "cpu":
        return Placed(mode=accelerators["cpu"]["mode"])
    if not found[asked]:
        if allowed:
            return Placed()
        raise Failed("[benchmark_litert_model.cc:215] Failed to compile model.")
    mode, factor = accelerators[asked]["mode"], accelerators[asked]["factor"]
    total = len(graph.operators)
    if mode == "segfault":
        segfault()
    if mode == "refuses":
        raise Failed("[benchmark_litert_model.cc:215] Failed to compile model.")
    delegate = {"opengl": "LITERT_OPENGL", "gl": "LITERT_OPENGL", "webgpu": "LITERT_WEBGPU"}.get(
        str(flags["gpu_backend"]), "LITERT_CL"
    )
    delegate = "DispatchDelegate" if asked == "npu" else delegate
    placed = Placed(asked, factor, mode, delegate, total, 1, counted=True)
    if mode == "lies":
        placed.factor, placed.counted = 1.0, False
    elif mode == "untouched":
        placed = Placed(asked, 1.0, mode)
    elif mode == "partial":
        placed.taken, placed.kernels = max(1, total // 2), 2
    if placed.taken:
        log.runtime(
            f"VERBOSE: Replacing {placed.taken} out of {total} node(s) with delegate ({delegate}) "
            f"node, yielding {placed.kernels} partitions for the whole graph."
        )
    if placed.taken < total and not allowed:
        raise Failed("[benchmark_litert_model.cc:215] Failed to compile model.")
    return placed

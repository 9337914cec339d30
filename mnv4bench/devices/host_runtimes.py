"""The runtimes that this machine is measured with, as Python packages.

Knows: their names, and which version an interpreter has. Does not know: the runtimes themselves,
which only the measuring process loads.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import assert_never

from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.records import Accelerator, DeviceProfile, Format, RuntimeName


@dataclass(frozen=True, slots=True)
class Runtime:
    """One inference runtime as a Python package."""

    title: str
    module: str
    distributions: tuple[str, ...]  # any one of these provides the module
    format: Format

    def version(self, python: Interpreter | None = None) -> str | None:
        """The version that ``python`` has, or this program's own; None: absent. Imports nothing."""
        if python is not None:
            return next(filter(None, map(python.packages.get, self.distributions)), None)
        if importlib.util.find_spec(self.module) is None:
            return None
        for name in self.distributions:
            try:
                return importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
        return "unknown"


LITERT = Runtime(
    title="LiteRT", module="ai_edge_litert", distributions=("ai-edge-litert",), format="tflite"
)
ONNXRUNTIME = Runtime(
    title="ONNX Runtime",
    module="onnxruntime",
    distributions=("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    format="onnx",
)
# Its version is the system's; coremltools is what hands it files. Driven by the apple runner alone.
COREML = Runtime(
    title="Core ML", module="coremltools", distributions=("coremltools",), format="coreml"
)
# On a GPU alone, which is the cuda runner's.
TORCH = Runtime(title="PyTorch", module="torch", distributions=("torch",), format="pt2")
# What a process of this machine measures a file with.
DRIVEN: tuple[tuple[RuntimeName, Accelerator], ...] = (
    ("litert", "cpu"),
    ("litert", "gpu"),
    ("onnxruntime", "cpu"),
)


def of(profile: DeviceProfile) -> Runtime:
    """The runtime of ``profile``; raises for one that the host runner does not drive."""
    runtime = by_name(profile.runtime)
    if (profile.runtime, profile.accelerator) not in DRIVEN:
        raise NotMeasured(
            f"{profile.device} asks for {profile.runtime} on {profile.accelerator}; the host "
            "runner drives LiteRT on cpu or gpu, and ONNX Runtime on cpu.",
            "mnv4bench devices",
        )
    if profile.format != runtime.format:
        raise UsageError(
            f"{profile.device} pairs {runtime.title} with .{profile.format} files, and "
            f"{runtime.title} runs .{runtime.format}.",
            f'set format = "{runtime.format}" in the profile',
        )
    return runtime


def by_name(name: RuntimeName) -> Runtime:
    """The runtime as a package, whether or not it runs on this machine."""
    match name:
        case "litert":
            return LITERT
        case "onnxruntime":
            return ONNXRUNTIME
        case "torch":
            return TORCH
        case "coreml":
            return COREML
        case _:
            assert_never(name)


def other_device(format: Format) -> str:
    """The next step with a file of another format."""
    match format:
        case "tflite":
            return "measure it with --device host-cpu"
        case "onnx":
            return "measure it with --device host-ort-cpu"
        case "coreml":
            return "Core ML files run on Apple devices; see: mnv4bench devices"
        case "pt2":
            return "measure it with --device cuda-graph, on a machine with an NVIDIA GPU"
        case _:
            assert_never(format)

"""A Core ML package opened on this Mac, or on a phone that it speaks for.

Knows: coremltools 9.0's MLModel, CompiledMLModel and MLComputePlan. Does not know: time, noise,
reports. Imported by the measuring process alone.

Times are Core ML's own (coremltools reads a clock directly around Core ML's prediction and load
calls): a prediction through coremltools also turns numpy arrays into Core ML's and back, which
takes as long as a small network does on the Neural Engine.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mnv4bench.devices.apple import plan
from mnv4bench.devices.inputs import InputSpec, fixed_shape
from mnv4bench.devices.timed_loop import NS_PER_S, RuntimeClock, Turn
from mnv4bench.records import Accelerator, Placement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mnv4bench.devices.worker_messages import Phone

    Given = dict[str, Any]

# Frameworks that coremltools imports where it finds them, each for a converter of its own; with
# them an import takes ten seconds, and the measuring process would hold what it does not need.
_CONVERTED_FROM = (
    "torch",
    "tensorflow",
    "torchvision",
    "torchao",
    "transformers",
    "sklearn",
    "xgboost",
    "libsvm",
)


class Place(Protocol):
    """Where a package is loaded."""

    load_s: float
    warm_load_s: float | None

    def predict(self, given: Given) -> int:
        """Run it once; nanoseconds, by Core ML's clock."""
        ...

    def plan(self) -> Any:
        """coremltools' MLComputePlan of it."""
        ...


class CoreMlModel:
    """One package, loaded for the processor and one more unit."""

    # One for all packages of the process: two that are timed side by side share it.
    clock = RuntimeClock()

    def __init__(
        self,
        file: Path,
        *,
        threads: int,
        shapes: Mapping[str, tuple[int, ...]],
        unit: Accelerator,
        phone: Phone | None = None,
    ) -> None:
        """``shapes`` are of inputs whose sizes the file leaves open, by name.

        Raises coremltools' own exceptions for a bad file, ValueError for what it takes no inputs
        of here.
        """
        del threads  # Core ML has no such setting
        tools = coremltools()
        self._unit = unit
        spec = tools.utils.load_spec(str(file))
        if spec.WhichOneof("Type") is None:  # what an empty file reads as
            raise ValueError("it holds no model")
        self._description = spec.description
        self._inputs = tuple(_input(declared, shapes) for declared in self._description.input)
        units = tools.ComputeUnit[plan.COMPUTE_UNITS[unit]]
        if phone is None:
            self._place: Place = OnThisMac(tools, file, units)
        else:
            from mnv4bench.devices.apple.remote import OnAPhone

            self._place = OnAPhone(tools, file, units, phone)
        self.load_s = self._place.load_s
        self.warm_load_s = self._place.warm_load_s

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order. An image is its pixels, (height, width, 3) or without
        the 3."""
        return self._inputs

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """(fill, infer) for each buffer; arrays are handed over within infer, outside its clock."""
        return tuple((_nothing, partial(self._infer, self._given(buffer))) for buffer in buffers)

    def placement(self) -> Placement:
        """What Core ML's compute plan says."""
        try:
            told = self._place.plan()
            planned = list(operators(told))
        except Exception as error:  # noqa: BLE001 - coremltools raises what it likes
            return plan.unread(self._unit, " ".join(str(error).split()) or type(error).__name__)
        return plan.placed(self._unit, planned, _cores(told))

    def _infer(self, given: Given) -> None:
        self.clock.said(self._place.predict(given))

    def _given(self, buffer: Sequence[NDArray[np.generic]]) -> Given:
        pairs = zip(self._description.input, buffer, strict=True)
        return {declared.name: _as_input(declared, value) for declared, value in pairs}


class OnThisMac:
    """A package in Core ML on the Mac that this process runs on.

    coremltools compiles a package into a new folder each time. Core ML makes a compiled model
    ready for its units when it is first loaded and keeps that for the model's path, so the first
    load here is a cold one, in every process, and loading the same compiled model again a warm one.
    """

    def __init__(self, tools: Any, file: Path, units: Any) -> None:
        with warnings.catch_warnings():
            # coremltools only warns when the system refuses a file, and fails when it is run.
            warnings.simplefilter("error", RuntimeWarning)
            try:
                self._model = tools.models.MLModel(str(file), compute_units=units)
            except RuntimeWarning as warning:
                raise ValueError(str(warning).rpartition("message was: ")[2]) from None
        if self._model.__proxy__ is None:
            version = self._model.get_spec().specificationVersion
            raise ValueError(f"this macOS is too old for version {version} of the format")
        self._units, self._tools = units, tools
        self.load_s = self._model.load_duration_in_nano_seconds / NS_PER_S
        compiled = self._model.get_compiled_model_path()
        again = tools.models.CompiledMLModel(compiled, compute_units=units)
        self.warm_load_s: float | None = again._proxy.get_load_duration_in_nano_seconds() / NS_PER_S

    def predict(self, given: Given) -> int:
        self._model.predict(given)
        return said(self._model.last_predict_duration_in_nano_seconds)

    def plan(self) -> Any:
        module = import_module("coremltools.models.compute_plan")
        return module.MLComputePlan.load_from_path(
            self._model.get_compiled_model_path(), self._units
        )


def said(duration_ns: int | None) -> int:
    """Core ML's own duration. Raises ValueError where it tells none."""
    if not duration_ns or duration_ns < 0:
        raise ValueError("Core ML did not say how long the inference took")
    return int(duration_ns)


def operators(told: Any) -> Iterator[plan.Planned]:
    """Every operator that a compute plan places; none of a pipeline of models."""
    structure = told.model_structure
    if structure.program is not None:
        for function in structure.program.functions.values():
            yield from _of_block(told, function.block)
    elif structure.neuralnetwork is not None:
        for layer in structure.neuralnetwork.layers:
            usage = told.get_compute_device_usage_for_neuralnetwork_layer(layer)
            if usage is not None:
                yield plan.Planned(layer.type, _unit(usage.preferred_compute_device), None)


def _of_block(told: Any, block: Any) -> Iterator[plan.Planned]:
    for operation in block.operations:
        usage = told.get_compute_device_usage_for_mlprogram_operation(operation)
        if usage is not None:  # constants have none
            cost = told.get_estimated_cost_for_mlprogram_operation(operation)
            weight = None if cost is None else float(cost.weight)
            unit = _unit(usage.preferred_compute_device)
            yield plan.Planned(operation.operator_name, unit, weight)
        for inner in operation.blocks:
            yield from _of_block(told, inner)


def _unit(device: Any) -> Accelerator:
    kinds: dict[str, Accelerator] = {
        "MLCPUComputeDevice": "cpu",
        "MLGPUComputeDevice": "gpu",
        "MLNeuralEngineComputeDevice": "ane",
    }
    return kinds[type(device).__name__]


def _cores(told: Any) -> int | None:
    """Of the Neural Engine, where the plan of a program names one."""
    program = told.model_structure.program
    for function in program.functions.values() if program else ():
        for operation in function.block.operations:
            usage = told.get_compute_device_usage_for_mlprogram_operation(operation)
            for device in usage.supported_compute_devices if usage else ():
                if _unit(device) == "ane":
                    # A phone's device has the count beside the call that asks this machine.
                    told_of = getattr(device.__proxy__, "total_core_count", None)
                    return int(device.total_core_count if told_of is None else told_of)
    return None


def _input(declared: Any, chosen: Mapping[str, tuple[int, ...]]) -> InputSpec:
    kind = declared.type.WhichOneof("Type")
    if kind == "imageType":
        picture = declared.type.imageType
        grey = "GRAY" in picture.ColorSpace.Name(picture.colorSpace)
        size = (int(picture.height), int(picture.width))
        return InputSpec(declared.name, size if grey else (*size, 3), "uint8")
    if kind != "multiArrayType":
        raise ValueError(f"the input {declared.name} is neither an array nor an image")
    array = declared.type.multiArrayType
    shape = tuple(int(size) for size in array.shape)
    if array.WhichOneof("ShapeFlexibility"):  # ``shape`` is the default
        shape = fixed_shape(declared.name, (), {declared.name: chosen.get(declared.name, shape)})
    name = str(array.ArrayDataType.Name(array.dataType)).lower()
    return InputSpec(declared.name, shape, {"double": "float64"}.get(name, name))


def _as_input(declared: Any, value: NDArray[np.generic]) -> Any:
    if declared.type.WhichOneof("Type") != "imageType":
        return value
    from PIL import Image

    return Image.fromarray(value)


def _nothing() -> None:
    """Arrays are handed over with the call itself."""


def coremltools() -> Any:
    """The package, without the frameworks that it converts from.

    Its notes on their versions, and on what is missing off a Mac, are left out.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    modules: dict[str, Any] = sys.modules
    absent = [name for name in _CONVERTED_FROM if name not in modules]
    modules.update(dict.fromkeys(absent))  # None: importing it fails at once
    try:
        return import_module("coremltools")
    finally:
        for name in absent:
            del modules[name]

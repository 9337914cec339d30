"""What coremltools' compiled part offers to its Python (coremlpython/CoreMLPython.mm, release 9.0).

It runs no network: a prediction takes as long as its operators would on their unit, and answers
zeros. What a test wants to be otherwise stands in the environment:

    CORE_ML_PLAN    all (the default), some, none, unread: what the plan puts on the asked unit
    CORE_ML_IDLE    anything: whatever the plan says, everything runs on the processor
    CORE_ML_REFUSES the words with which the system refuses a file
    CORE_ML_SILENT  anything: no durations
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

SPEC = "Data/com.apple.CoreML/model.mlmodel"
OPERATOR_S = {"CPU_ONLY": 400e-6, "CPU_AND_GPU": 150e-6, "CPU_AND_NE": 80e-6}
# The Neural Engine lowers its clock when nothing is asked of it.
REST_S, RESTED = 0.015, 2.0
COLD_LOAD_S, WARM_LOAD_S = 0.03, 0.003
CORES = 16

_made_ready: set[str] = set()  # paths of compiled models that were loaded once


class _MLCPUComputeDeviceProxy:
    pass


class _MLGPUComputeDeviceProxy:
    pass


class _MLNeuralEngineComputeDeviceProxy:
    def get_total_core_count(self) -> int:
        return CORES


class _MLComputePlanProxy:
    pass


class _MLModelProxy:
    def __init__(self, path, units, function, hints, asset) -> None:
        if words := os.environ.get("CORE_ML_REFUSES"):
            raise RuntimeError(words)
        self._compiled = path if path.endswith(".mlmodelc") else self.compileModel(path)
        self._spec = _spec(self._compiled)
        self._units = units
        self._asked_at = 0.0
        self._took_ns = None
        cold = self._compiled not in _made_ready
        _made_ready.add(self._compiled)
        self._load_ns = _spent(COLD_LOAD_S if cold else WARM_LOAD_S)

    @staticmethod
    def maximum_supported_specification_version() -> int:
        return int(os.environ.get("CORE_ML_NEWEST", "10"))

    @staticmethod
    def compileModel(path) -> str:
        compiled = Path(tempfile.mkdtemp()) / f"{Path(path).stem}.mlmodelc"
        shutil.copytree(path, compiled)
        return str(compiled)

    @staticmethod
    def get_model_structure(compiled):
        return _structure(_spec(compiled))

    @staticmethod
    def get_compute_plan(compiled, units):
        if os.environ.get("CORE_ML_PLAN") == "unread":
            raise RuntimeError("MLComputePlan is only available on macOS 14.4 or later.")
        from coremltools.models.compute_plan import MLComputePlan

        return MLComputePlan(_Plan(_structure(_spec(compiled)), units))

    def get_compiled_model_path(self) -> str:
        return self._compiled

    def get_load_duration_in_nano_seconds(self) -> int:
        return self._load_ns

    def get_last_predict_duration_in_nano_seconds(self) -> int | None:
        return None if os.environ.get("CORE_ML_SILENT") else self._took_ns

    def predict(self, given, state):
        assert state is None
        for declared in self._spec.description.input:
            value = given[declared.name]
            assert type(value) is np.ndarray
            assert value.dtype != np.float16  # CoreMLPythonUtils.mm takes no half
            assert value.shape == tuple(declared.type.multiArrayType.shape)
        units = "CPU_ONLY" if os.environ.get("CORE_ML_IDLE") else self._units
        seconds = OPERATOR_S[units] * len(_operators(_structure(self._spec)))
        if units == "CPU_AND_NE" and time.perf_counter() - self._asked_at > REST_S:
            seconds *= RESTED
        self._took_ns = _spent(seconds)
        time.sleep(50e-6)  # arrays are turned into Core ML's and back, outside its clock
        self._asked_at = time.perf_counter()
        return {
            one.name: np.zeros(tuple(one.type.multiArrayType.shape), np.float32)
            for one in self._spec.description.output
        }


class _Plan(_MLComputePlanProxy):
    def __init__(self, structure, units) -> None:
        self.model_structure = structure
        every = _operators(structure)
        wanted = {"all": len(every), "some": len(every) - 1, "none": 0}
        on_unit = wanted[os.environ.get("CORE_ML_PLAN", "all")]
        own = {"CPU_ONLY": "cpu", "CPU_AND_GPU": "gpu", "CPU_AND_NE": "ane"}[units]
        self._unit_of = {
            id(one): own if place < on_unit else "cpu" for place, one in enumerate(every)
        }

    def get_compute_device_usage_for_mlprogram_operation(self, operation):
        from coremltools.models.compute_plan import MLComputePlanDeviceUsage

        unit = self._unit_of.get(id(operation))
        if unit is None:
            return None
        preferred, cpu = _device(unit), _device("cpu")
        supported = [preferred] if unit == "cpu" else [preferred, cpu]
        return MLComputePlanDeviceUsage(preferred, supported)

    def get_estimated_cost_for_mlprogram_operation(self, operation):
        from coremltools.models.compute_plan import MLComputePlanCost

        if id(operation) not in self._unit_of:
            return None
        return MLComputePlanCost(weight=1 / len(self._unit_of))


def _device(unit):
    from coremltools.models import compute_device as devices

    match unit:
        case "cpu":
            return devices.MLCPUComputeDevice(_MLCPUComputeDeviceProxy())
        case "gpu":
            return devices.MLGPUComputeDevice(_MLGPUComputeDeviceProxy())
        case _:
            return devices.MLNeuralEngineComputeDevice(_MLNeuralEngineComputeDeviceProxy())


def _spec(compiled):
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    spec.ParseFromString((Path(compiled) / SPEC).read_bytes())
    return spec


def _structure(spec):
    from coremltools.models import compute_plan as plans

    functions = {}
    for name, function in spec.mlProgram.functions.items():
        block = function.block_specializations[function.opset]
        operations = [
            plans.MLModelStructureProgramOperation(
                inputs={},
                operator_name=one.type,
                outputs=[
                    plans.MLModelStructureProgramNamedValueType(
                        out.name, plans.MLModelStructureProgramValueType()
                    )
                    for out in one.outputs
                ],
                blocks=[],
                __proxy__=None,
            )
            for one in block.operations
        ]
        functions[name] = plans.MLModelStructureProgramFunction(
            [], plans.MLModelStructureProgramBlock([], operations, list(block.outputs))
        )
    program = plans.MLModelStructureProgram(functions)
    return plans.MLModelStructure(neuralnetwork=None, program=program, pipeline=None)


def _operators(structure):
    return [
        one
        for function in structure.program.functions.values()
        for one in function.block.operations
        if one.operator_name != "const"
    ]


def _spent(seconds: float) -> int:
    """By a clock that counts no waiting for a processor, so that ratios hold on a busy machine."""
    time.sleep(seconds)
    return round(seconds * 1e9)

"""What the measuring process reads of a package and of a plan, with coremltools' own messages."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnv4bench import runtimes
from mnv4bench.devices.apple import coreml
from mnv4bench.devices.apple.plan import Planned
from mnv4bench.devices.inputs import InputSpec, seeded


@pytest.fixture(scope="module")
def tools() -> Any:
    return runtimes.coremltools()


def declared(tools: Any, name: str = "image") -> Any:
    one = tools.proto.Model_pb2.FeatureDescription()
    one.name = name
    return one


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("FLOAT16", "float16"), ("FLOAT32", "float32"), ("DOUBLE", "float64"), ("INT32", "int32")],
)
def test_arrays_have_the_types_of_the_file(tools: Any, kind: str, dtype: str) -> None:
    one = declared(tools)
    array = one.type.multiArrayType
    array.shape.extend([1, 3, 8, 8])
    array.dataType = array.ArrayDataType.Value(kind)
    assert coreml._input(one, {}) == InputSpec("image", (1, 3, 8, 8), dtype)
    value = seeded(coreml._input(one, {}), seed=0, buffer=0)
    assert coreml._as_input(one, value) is value


def test_an_open_size_is_the_default_or_what_was_chosen(tools: Any) -> None:
    one = declared(tools)
    array = one.type.multiArrayType
    array.shape.extend([1, 3, 8, 8])
    array.dataType = array.ArrayDataType.Value("FLOAT32")
    array.enumeratedShapes.shapes.add().shape.extend([1, 3, 16, 16])
    assert coreml._input(one, {}).shape == (1, 3, 8, 8)
    assert coreml._input(one, {"image": (1, 3, 16, 16)}).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("space", "shape", "mode"), [("RGB", (4, 6, 3), "RGB"), ("GRAYSCALE", (4, 6), "L")]
)
def test_an_image_is_handed_over_as_one(tools: Any, space: str, shape: tuple, mode: str) -> None:
    one = declared(tools)
    picture = one.type.imageType
    picture.width, picture.height = 6, 4
    picture.colorSpace = picture.ColorSpace.Value(space)
    spec = coreml._input(one, {})
    assert spec == InputSpec("image", shape, "uint8")
    pixels = seeded(spec, seed=0, buffer=0)
    given = coreml._as_input(one, pixels)
    assert isinstance(given, Image.Image)
    assert (given.mode, given.size) == (mode, (6, 4))
    np.testing.assert_array_equal(np.asarray(given), pixels)


def test_what_is_neither_is_refused(tools: Any) -> None:
    one = declared(tools, "words")
    one.type.stringType.MergeFromString(b"")
    with pytest.raises(ValueError, match="the input words is neither an array nor an image"):
        coreml._input(one, {})


# --- plans ----------------------------------------------------------------------------------------


class MLCPUComputeDevice:
    pass


class MLNeuralEngineComputeDevice:
    total_core_count = 16
    __proxy__ = None


@dataclass(eq=False)
class Operation:
    operator_name: str
    unit: Any = None  # None: a constant
    weight: float | None = None
    blocks: list[Any] = field(default_factory=list)


class Plan:
    """As coremltools' MLComputePlan answers."""

    def __init__(self, **structure: Any) -> None:
        self.model_structure = SimpleNamespace(
            **{"program": None, "neuralnetwork": None, "pipeline": None, **structure}
        )

    @staticmethod
    def get_compute_device_usage_for_mlprogram_operation(operation: Operation) -> Any:
        if operation.unit is None:
            return None
        every = [operation.unit, MLCPUComputeDevice()]
        return SimpleNamespace(
            preferred_compute_device=operation.unit, supported_compute_devices=every
        )

    @staticmethod
    def get_estimated_cost_for_mlprogram_operation(operation: Operation) -> Any:
        return None if operation.weight is None else SimpleNamespace(weight=operation.weight)

    get_compute_device_usage_for_neuralnetwork_layer = staticmethod(
        lambda layer: SimpleNamespace(preferred_compute_device=layer.unit)
    )


def block(*operations: Operation) -> Any:
    return SimpleNamespace(operations=list(operations))


def test_operators_of_every_block_and_no_constants() -> None:
    inner = Operation("ios17.conv", MLNeuralEngineComputeDevice(), 0.7)
    outer = Operation("cond", MLCPUComputeDevice(), None, [block(inner)])
    main = SimpleNamespace(block=block(Operation("const"), outer))
    plan = Plan(program=SimpleNamespace(functions={"main": main}))
    assert list(coreml.operators(plan)) == [
        Planned("cond", "cpu", None),
        Planned("ios17.conv", "ane", 0.7),
    ]
    assert coreml._cores(plan) is None  # of the outermost alone; none of it is there


def test_cores_of_the_neural_engine() -> None:
    conv = Operation("conv", MLNeuralEngineComputeDevice())
    main = SimpleNamespace(block=block(conv))
    plan = Plan(program=SimpleNamespace(functions={"main": main}))
    assert coreml._cores(plan) == 16


def test_an_older_network_has_layers() -> None:
    layer = SimpleNamespace(type="convolution", unit=MLNeuralEngineComputeDevice())
    plan = Plan(neuralnetwork=SimpleNamespace(layers=[layer]))
    assert list(coreml.operators(plan)) == [Planned("convolution", "ane", None)]
    assert coreml._cores(plan) is None


def test_a_pipeline_has_neither() -> None:
    assert list(coreml.operators(Plan(pipeline=SimpleNamespace(sub_models=())))) == []


@pytest.mark.parametrize("duration", [None, 0, -1])
def test_a_duration_that_is_none(duration: int | None) -> None:
    with pytest.raises(ValueError, match="did not say how long"):
        coreml.said(duration)

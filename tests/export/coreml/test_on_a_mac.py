"""What happens where Core ML runs: the numeric check, through everything but Core ML itself.

coremltools' compiled part, which hands arrays to the system, exists on macOS only. In its place
stands what its source (coremlpython/CoreMLPython.mm and CoreMLPythonUtils.mm of coremltools 9)
says that it takes and gives; the outputs are worked out in torch.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mnv4bench import runtimes
from mnv4bench.errors import BadFile, ExportFailed, NotMeasured
from mnv4bench.export import ExportRequest, calibration, formats, worker
from mnv4bench.export.coreml import running
from mnv4bench.export.coreml.in_torch import UnknownOperatorError, work_out
from mnv4bench.export.coreml.package import open_package
from tests.export.coreml import coreml_nets


class Proxy:
    """The compiled part: float16 arrays come in and go out as float32, under their names."""

    newest = 9
    refuses = ""

    def __init__(self, path, units, function, hints, asset) -> None:
        if self.refuses:
            raise RuntimeError(self.refuses)
        assert units == "ALL"
        self.package = open_package(Path(path))

    @classmethod
    def maximum_supported_specification_version(cls) -> int:
        return cls.newest

    def predict(self, given, state):
        assert state is None
        ((name, image),) = given.items()
        assert name == self.package.inputs[0].name
        assert (type(image), image.dtype) == (np.ndarray, np.float32)
        output = work_out(self.package, torch.from_numpy(image))
        return {self.package.outputs[0].name: output.numpy().astype(np.float32)}


def compare(built, package: Path):
    recipe = formats.recipe("coreml", "fp16")
    return running.compare(built, package, recipe, calibration.synthetic(built))


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> type[Proxy]:
    tools = runtimes.coremltools()
    proxy = type("Proxy", (Proxy,), {})
    monkeypatch.setattr(tools.models.model, "_MLModelProxy", proxy)
    monkeypatch.setattr(runtimes, "can_run", lambda format: True)
    return proxy


@pytest.mark.parametrize(
    ("precision", "target"),
    [("fp16", "iOS15"), ("fp16", "iOS16"), ("int8-weights", "iOS16"), ("palette4", "iOS18")],
)
def test_the_numeric_check_runs(mac, precision, target: str, mobile_package) -> None:
    """As the worker runs it; palettes too, which leave too little of the network to compare."""
    built = coreml_nets.mobile()
    given = calibration.synthetic(built)
    request = ExportRequest("tiny", "coreml", "random", precision, deployment_target=target)
    parity, structure, shape = worker._evidence(
        built, mobile_package(precision, target), request, given
    )
    assert shape == (1, 3, 32, 32)
    assert parity.runtime.startswith("coremltools 9")
    assert parity.reference == "its own program, worked out in torch"
    assert parity.judged_by == "sqnr_db"
    assert parity.tolerance > 25
    assert parity.inputs == len(given.held_out)
    assert structure.not_run == ""


def test_outputs_that_are_off(mac, mobile_package, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(self, given, state):
        answer = Proxy.predict(self, given, state)
        return {name: values * 1.05 for name, values in answer.items()}

    monkeypatch.setattr(mac, "predict", shifted)
    built = coreml_nets.mobile()
    with pytest.raises(ExportFailed, match=r"differs from its own program, .* in fp32"):
        compare(built, mobile_package())


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_outputs_that_are_no_numbers(mac, mobile_package, monkeypatch, wrong: float) -> None:
    monkeypatch.setattr(
        mac, "predict", lambda *given: {"logits": np.full((1, 5), wrong, np.float32)}
    )
    with pytest.raises(ExportFailed, match="or what is no number"):
        compare(coreml_nets.mobile(), mobile_package())


def test_a_file_that_fails_while_it_runs(mac, mobile_package, monkeypatch) -> None:
    def fails(*given):
        raise RuntimeError("E5RT: out of memory")

    monkeypatch.setattr(mac, "predict", fails)
    with pytest.raises(ExportFailed, match=r"does not run: .*E5RT: out of memory"):
        compare(coreml_nets.mobile(), mobile_package())


def test_an_operator_that_is_not_known_is_compared_with_torchs_network(
    mac, mobile_package, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*given):
        raise UnknownOperatorError("erf")

    monkeypatch.setattr(running, "work_out", unknown)
    assert compare(coreml_nets.mobile(), mobile_package()).parity.reference == "torch"


def test_arrays_have_the_types_of_the_file(mac, mobile_package: Callable[..., Path]) -> None:
    loaded = runtimes.load(mobile_package(), "coreml")
    assert loaded.inputs == (runtimes.TensorSpec("input", (1, 3, 32, 32), "float16"),)
    image = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float16)
    before = image.copy()
    (output,) = loaded.run([image])
    assert (output.dtype, output.shape) == (np.float16, (1, 5))
    np.testing.assert_array_equal(image, before)
    (floats,) = loaded.floats([image.astype(np.float32)])
    assert floats.dtype == np.float32


def test_a_system_that_refuses_the_file(mac, mobile_package: Callable[..., Path]) -> None:
    """coremltools warns then, and fails only at the first prediction."""
    mac.refuses = "Error compiling model: it has a cycle"
    with pytest.raises(BadFile, match=r"cannot be loaded: .*it has a cycle"):
        runtimes.load(mobile_package(), "coreml")


def test_a_system_that_is_too_old(mac, mobile_package: Callable[..., Path]) -> None:
    mac.newest = 6
    with pytest.raises(BadFile, match="too old for version 7 of the format"):
        runtimes.load(mobile_package(), "coreml")


def test_an_input_that_is_a_picture(mac, mobile_package, monkeypatch) -> None:
    tools = runtimes.coremltools()
    real = tools.models.model._load_spec

    def with_picture(path):
        spec = real(path)
        spec.description.input[0].type.imageType.width = 32
        return spec

    monkeypatch.setattr(tools.models.model, "_load_spec", with_picture)
    with pytest.raises(BadFile, match="input is no array of numbers"):
        runtimes.load(mobile_package(), "coreml")


def test_elsewhere_it_says_so(mobile_package: Callable[..., Path]) -> None:
    if runtimes.can_run("coreml"):
        pytest.skip("this is a Mac, where Core ML runs")
    with pytest.raises(NotMeasured, match="Core ML runs on macOS only"):
        runtimes.load(mobile_package(), "coreml")

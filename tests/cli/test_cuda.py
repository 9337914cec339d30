"""The verbs on the double of an NVIDIA GPU, with programs of one's own."""

from pathlib import Path

import pytest

from mnv4bench import bench, profiles, store
from mnv4bench.cli import environments, sides
from mnv4bench.errors import ExitStatus
from tests.command_line import Terminal
from tests.cuda.double import Driver, cuda_double
from tests.devices.tiny_models import write_program

__all__ = ["cuda_double"]  # a fixture

QUICK = ("--quick", "--rounds", "1")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not matter here, so a busy machine may be measured at once."""
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)


def test_a_program_of_ones_own_is_exported_measured_and_shown(
    cuda_double: Driver, terminal: Terminal
) -> None:
    write_program(Path("net.pt2"))
    ran = terminal("run", "--device", "cuda-graph", *QUICK, "--model", "net.pt2")
    assert ran.status == ExitStatus.OK, ran
    [path] = Path("reports").glob("*.json")
    report = store.read(path)
    [one] = report.measurements
    assert (one.origin, one.artifact.format, one.artifact.precision) == ("measured", "pt2", "fp32")
    assert one.artifact.parity
    assert one.artifact.parity.runtime.startswith("torch ")
    assert one.placement
    assert one.placement.unit == "gpu (graph, fp32)"
    assert one.state_before
    assert one.state_before.gpu
    shown = terminal("show").out
    assert "GPU's part" in shown
    assert "NVIDIA H100 80GB HBM3, PyTorch" in shown
    assert "graph, fp32 arithmetic" in shown
    [row] = terminal("show", "--json").json["measurements"]
    assert 0 < row["device_s"] <= row["latency_s"]
    assert ",device_s," in terminal("show", "--format", "csv").out


@pytest.mark.parametrize("folders", [False, True])
def test_two_programs_of_ones_own_can_be_gated(terminal: Terminal, folders: bool) -> None:
    """Here up to the pair of files; the contract suite times two of them in turns."""
    for side, channels in (("base", 8), ("head", 16)):
        Path(side).mkdir()
        write_program(Path(side) / ("net.pt2" if folders else f"{side}.pt2"), channels=channels)
    words = ("base", "head") if folders else ("base/base.pt2", "head/head.pt2")
    profile = profiles.load("cuda-graph")
    found = environments.find(None, None, profile)
    [pair], alone = sides.pair_up(*words, profile, "cuda-graph", found)
    assert pair.model == ("net" if folders else "base")
    assert not pair.identical
    assert {pair.base.artifact.format, pair.head.artifact.format} == {"pt2"}
    assert alone == []


def test_without_a_gpu_nothing_is_measured(terminal: Terminal, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    write_program(Path("net.pt2"))
    ran = terminal("run", "--device", "cuda-graph", *QUICK, "--model", "net.pt2")
    assert ran.status == ExitStatus.NOT_MEASURED, ran
    assert "nvidia-smi, which comes with NVIDIA's driver, is not installed" in ran.err
    assert not list(Path("reports").glob("*.json"))


def test_a_file_for_another_runtime_is_refused(cuda_double: Driver, terminal: Terminal) -> None:
    from tests.devices.tiny_models import write_onnx

    write_onnx(Path("net.onnx"))
    ran = terminal("run", "--device", "cuda-graph", *QUICK, "--model", "net.onnx")
    assert ran.status == ExitStatus.USAGE, ran
    assert "net.onnx is a onnx file, and cuda-graph measures pt2" in ran.err


def test_arithmetic_is_the_profiles_and_no_precision(
    cuda_double: Driver, terminal: Terminal
) -> None:
    write_program(Path("net.pt2"))
    words = ("--device", "cuda-graph", *QUICK, "--model", "net.pt2", "--precision", "fp16")
    ran = terminal("run", *words)
    assert ran.status == ExitStatus.USAGE, ran
    assert "[cuda] table" in ran.err

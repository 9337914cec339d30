"""What each operator takes on a phone: the genuine adb, the double, LiteRT's own file."""

from pathlib import Path

import pytest

from mnv4bench.devices import Options
from mnv4bench.errors import NotMeasured, WorkerFailed
from mnv4bench.records import Artifact, Operators
from tests.devices.android.conftest import EDGETPU, MakeRunner
from tests.phone import programs
from tests.phone.android import Phone


def taken(runner, graph: Path, artifact: Artifact) -> Operators:
    with runner.held():
        return runner.install(graph, artifact).operators(5)


def test_operators_inside_xnnpack(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    found = taken(make_runner(), graph, int8)
    assert [one.operator for one in found.operators] == ["Convolution (NHWC, F32) IGEMM"] * 5
    assert {one.part for one in found.operators} == {0}
    assert [part.nodes for part in found.parts] == [(0, 1, 2, 3, 4)]
    assert found.statistic == "mean"
    assert found.inferences >= 5
    assert found.placement is not None
    assert found.placement.verdict == "full"
    # 200 µs an inference, dealt out over five operators
    assert sum(one.seconds for one in found.operators) == pytest.approx(200e-6, rel=0.05)
    assert (found.plain_s, found.profiled_s) == pytest.approx((200e-6, 200e-6), rel=0.05)


def test_a_driver_that_tells_nothing_is_one_whole(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    found = taken(make_runner(**EDGETPU), graph, int8)
    (only,) = found.operators
    assert only.whole
    assert only.part == 0
    assert found.parts[0].nodes == (0, 1, 2, 3, 4)
    assert found.placement is not None
    assert found.placement.verdict == "full"


@pytest.mark.parametrize("mode", ["no-op-profile", "garbled-op-profile"])
def test_a_profile_that_is_missing_or_garbage(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, mode: str
) -> None:
    phone.accelerator("cpu", mode=mode)
    with pytest.raises(WorkerFailed, match="wrote no profile of operators that can be read"):
        taken(make_runner(), graph, int8)


def test_litert_s_program_writes_none(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    with pytest.raises(NotMeasured, match="prints a summary and writes no file"):
        taken(make_runner("litert"), graph, int8)


def test_an_old_program_writes_none(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = programs.write_program(tmp_path / "old", "classic-old")
    with pytest.raises(NotMeasured, match="lists no --op_profiling_output_mode"):
        taken(make_runner(options=Options(benchmark_model=program)), graph, int8)

"""The ssh runner end to end on real Arm code: the board's Python and its LiteRT are aarch64's."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.devices import Options
from tests import arm_userland
from tests.board.double import Board
from tests.devices.conftest import TIMING, artifact_of, files
from tests.devices.ssh.conftest import MakeRunner

__all__ = ["files"]
# An emulator is some thirty times slower than what it emulates.
BRIEF = replace(TIMING, min_count=10, min_duration_s=0.0, max_duration_s=60.0)


@pytest.fixture
def arm_board(ssh_board: Board, emulated_system: Path) -> Board:
    ssh_board.python(arm_userland.python(ssh_board.folder))
    return ssh_board


def test_every_inference_of_an_arm_python(arm_board: Board, make_runner: MakeRunner, files) -> None:
    runner = make_runner()
    assert runner.availability()[0] == "ready"
    with runner.held():
        environment = runner.environment()
        assert environment.architecture == "aarch64"
        assert environment.runtime_version == "2.3.0"
        assert environment.python_version.startswith("3.")
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        samples, placement = session.invoke(BRIEF, round=0, position=0)
    assert len(samples.latencies_s) >= 10
    assert samples.first_inference_s
    machine = "import platform; print(platform.machine())"
    assert runner._ssh.shell(f'{runner._python.program} -c "{machine}"').stdout == "aarch64\n"
    # Arm's XNNPACK took the graph, and said so itself.
    assert placement.verdict == "full"
    assert any("XNNPACK" in signal.evidence for signal in placement.signals)
    arm_board.wait_until_idle()


def test_base_and_head_side_by_side_on_arm(
    arm_board: Board, make_runner: MakeRunner, files
) -> None:
    runner = make_runner()
    with runner.held():
        base, head = (
            runner.install(files[name], artifact_of(files[name]))
            for name in ("tflite", "wide.tflite")
        )
        paired = base.beside(head, BRIEF, base_first=True)
    assert len(paired.base_s) == len(paired.head_s) >= 1
    assert paired.head_placement.verdict == "full"


def test_a_benchmark_program_on_arm(
    ssh_board: Board, make_runner: MakeRunner, files, tmp_path: Path, emulated_system: Path
) -> None:
    program = arm_userland.write_program(tmp_path / "benchmark_model", "litert")
    runner = make_runner("litert", Options(benchmark_model=program))
    with runner.held():
        session = runner.install(files["tflite"], artifact_of(files["tflite"]))
        samples, placement = session.invoke(BRIEF, round=0, position=0)
    assert samples.inferences_per_value >= 10
    assert samples.spread
    assert placement.verdict == "full"

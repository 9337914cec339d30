"""The android runner end to end on real Arm code: the benchmark program is aarch64's LiteRT."""

from pathlib import Path

from msgspec.structs import replace

from mnv4bench.devices import Options
from mnv4bench.records import Artifact
from tests import arm_userland
from tests.devices.android.conftest import MakeRunner
from tests.devices.conftest import TIMING
from tests.phone.android import Phone

BRIEF = replace(TIMING, min_count=10, min_duration_s=0.0, max_duration_s=60.0)


def test_a_phone_measures_with_arm_kernels(
    phone: Phone,
    make_runner: MakeRunner,
    graph: Path,
    int8: Artifact,
    tmp_path: Path,
    emulated_system: Path,
) -> None:
    program = arm_userland.write_program(tmp_path / "benchmark_model", "classic")
    phone.set(steady_us=0.0)  # as long as it really takes
    runner = make_runner(options=Options(benchmark_model=program))
    with runner.held():
        samples, placement = runner.install(graph, int8).invoke(BRIEF, round=0, position=0)
    assert samples.inferences_per_value >= 10
    assert samples.latencies_s[0] > 0
    assert samples.spread
    assert placement.verdict == "full"
    # What XNNPACK took, as the Arm runtime itself wrote it down.
    assert placement.operators == placement.on_unit

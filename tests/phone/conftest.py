"""A phone that is plugged in, and one with programs and graphs pushed."""

from pathlib import Path

import pytest

from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions
from tests.phone.handsets import pixel8
from tests.phone.programs import write_program
from tests.phone.result_files import BenchmarkResult

HERE = "/data/local/tmp/mnv4bench"
TIMING = "--num_runs=30 --min_secs=0.01 --warmup_min_secs=0.01"


@pytest.fixture
def phone(tmp_path: Path, genuine_adb: GenuineAdb) -> Phone:
    """A Pixel 8, plugged in."""
    made = pixel8(tmp_path / "pixel8")
    genuine_adb.plug(made)
    return made


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    return {
        "int8": write_convolutions(folder / "int8.tflite", quantised=True),
        "fp32": write_convolutions(folder / "fp32.tflite", quantised=False),
    }


class Bench:
    """A phone with the programs and graphs pushed."""

    def __init__(self, adb: GenuineAdb, phone: Phone, folder: Path, graphs: dict[str, Path]):
        self.adb, self.phone = adb, phone
        for flavour in ("classic", "classic-old", "litert"):
            self.push(write_program(folder / flavour, flavour))
        for graph in graphs.values():
            self.push(graph)

    def push(self, file: Path) -> None:
        pushed = self.adb.run("-s", self.phone.serial, "push", str(file), f"{HERE}/{file.name}")
        assert pushed.returncode == 0, pushed.stdout + pushed.stderr

    def run(
        self, flavour: str, flags: str, *, graph: str = "int8", timing: str = TIMING
    ) -> tuple[int, str, str]:
        """The program as a runner starts it; its status, stdout and stderr."""
        self.phone.path(f"{HERE}/r.pb").unlink(missing_ok=True)
        done = self.adb.shell(
            self.phone,
            f"cd {HERE} && env LD_LIBRARY_PATH={HERE} taskset 1f0 ./{flavour} "
            f"--graph={HERE}/{graph}.tflite {timing} --num_threads=1 {flags}",
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def result(self):
        """What the result file says."""
        return BenchmarkResult.FromString(self.phone.path(f"{HERE}/r.pb").read_bytes())


@pytest.fixture
def bench(genuine_adb: GenuineAdb, phone: Phone, tmp_path: Path, graphs: dict[str, Path]) -> Bench:
    return Bench(genuine_adb, phone, tmp_path, graphs)

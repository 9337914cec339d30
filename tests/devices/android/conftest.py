"""A Pixel 8 on the genuine adb, and a runner on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnv4bench.devices import Options
from mnv4bench.devices.android import attached
from mnv4bench.devices.android.runner import AndroidRunner
from mnv4bench.records import Artifact, BenchmarkTool
from tests.devices.conftest import artifact_of, phone_profile
from tests.phone import handsets, programs
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions

MakeRunner = Callable[..., AndroidRunner]


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    """Phones are plugged in and out faster here than a runner forgets them."""
    attached.forget()
    yield
    attached.forget()


@pytest.fixture
def phone(genuine_adb: GenuineAdb, tmp_path: Path) -> Phone:
    made = handsets.pixel8(tmp_path / "phone")
    genuine_adb.plug(made)
    return made


@pytest.fixture
def make_runner(tmp_path: Path) -> MakeRunner:
    """A runner of the phone that is plugged in; ``changes`` are of the profile's android table."""

    def make(tool: BenchmarkTool = "classic", options: Options | None = None, **changes: object):
        program = programs.write_program(tmp_path / tool, tool)
        chosen = options or Options(benchmark_model=program)
        return AndroidRunner(phone_profile(tool, **changes), chosen)

    return make


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five int8 convolutions, some tens of microseconds."""
    return write_convolutions(tmp_path_factory.mktemp("graphs") / "int8.tflite", quantised=True)


@pytest.fixture
def int8(graph: Path) -> Artifact:
    return artifact_of(graph, precision="int8")


EDGETPU = {"delegate": "nnapi", "nnapi_accelerator": "google-edgetpu"}

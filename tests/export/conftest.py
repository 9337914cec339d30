"""Real exports, made once for the session, in the session's own cache (tests/conftest.py)."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mnv4bench.export import ExportRequest, Exports, ensure
from mnv4bench.records import Precision

# One of each kind: both formats, multi-query attention, squeeze-excite, re-parameterised with
# attention, linear attention. All of the catalog takes ten minutes.
REPRESENTATIVE = (
    ExportRequest("mnv4-conv-s", "onnx", "random"),
    ExportRequest("mnv4-conv-s", "tflite", "random"),
    ExportRequest("mnv4-hybrid-m", "tflite", "random"),
    ExportRequest("mobilenetv3-small", "tflite", "random"),
    ExportRequest("fastvit-sa12", "onnx", "random"),
    ExportRequest("efficientvit-b0", "onnx", "random"),
)
CONV_S_ONNX, CONV_S_TFLITE, HYBRID_M_TFLITE, MOBILENETV3_TFLITE, _, EFFICIENTVIT_ONNX = (
    REPRESENTATIVE
)
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def exports() -> Exports:
    return ensure(REPRESENTATIVE)


@pytest.fixture(scope="session")
def conv_s_onnx(exports: Exports) -> Path:
    return exports.files[CONV_S_ONNX].path


@pytest.fixture(scope="session")
def conv_s_tflite(exports: Exports) -> Path:
    return exports.files[CONV_S_TFLITE].path


@pytest.fixture(scope="session")
def mobile_package(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """(precision, target) -> the package of coreml_nets.mobile(), written once."""
    from mnv4bench.export.coreml import exporter as coreml
    from tests.export.coreml import coreml_nets

    folder, built = tmp_path_factory.mktemp("packages"), coreml_nets.mobile()

    def package(precision: Precision = "fp16", target: str = "iOS16") -> Path:
        file = folder / f"{precision}-{target}.mlpackage"
        if not file.exists():
            coreml.convert(built, file, precision, target)
        return file

    return package


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "cache"
    monkeypatch.setenv("MNV4BENCH_CACHE", str(root))
    return root


def entries(root: Path) -> list[Path]:
    """Finished entries of a cache."""
    return sorted(path for path in root.glob("artifacts/*") if not path.name.startswith("."))


needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux kills a process with its parent"
)

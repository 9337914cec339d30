"""Two real exports, from the session's own cache (tests/conftest.py)."""

from pathlib import Path

import pytest

from mnv4bench.export import ExportRequest, ensure


def exported(request: ExportRequest) -> Path:
    return ensure([request]).files[request].path


@pytest.fixture(scope="session")
def conv_s_onnx() -> Path:
    return exported(ExportRequest("mnv4-conv-s", "onnx", "random"))


@pytest.fixture(scope="session")
def conv_s_tflite() -> Path:
    return exported(ExportRequest("mnv4-conv-s", "tflite", "random"))

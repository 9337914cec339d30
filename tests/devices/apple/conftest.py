"""The desk's Mac and its phones, and packages that take Core ML's double some milliseconds."""

from pathlib import Path

import pytest

from tests.apple.desk import desk
from tests.apple.packages import write_package

__all__ = ["desk"]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("packages") / "tiny.mlpackage")

"""One small data set and one trained network for the session, with its files in all precisions."""

from pathlib import Path

import pytest

from mnv4bench.export import ExportedFile
from mnv4bench.models.build import BuiltModel
from mnv4bench.records import Format, Precision
from tests.accuracy import textures, trained

PRECISIONS: dict[Format, tuple[Precision, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "tflite": ("fp32", "fp16", "int8", "int8-dynamic"),
}
Files = dict[tuple[Format, Precision], ExportedFile]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``train/`` and ``val/``, 40 images a class each."""
    folder = tmp_path_factory.mktemp("textures")
    textures.write(folder / "train", per_class=40, seed=1)
    textures.write(folder / "val", per_class=40, seed=2)
    return folder


@pytest.fixture(scope="session")
def built(pictures: Path) -> BuiltModel:
    return trained.train(pictures / "train")


@pytest.fixture(scope="session")
def files(built: BuiltModel, pictures: Path) -> Files:
    """By format and precision; in the session's cache."""
    made: Files = {}
    for format, precisions in PRECISIONS.items():
        for precision in precisions:
            plain = made.get((format, "fp32"))
            made[format, precision] = trained.exported(
                built, format, precision, plain.path if plain else None, pictures / "train"
            )
    return made

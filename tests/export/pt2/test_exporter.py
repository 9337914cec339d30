"""Programs of torch.export: what is written computes the same, and the same bytes every time."""

from pathlib import Path

import numpy as np
import pytest

from mnv4bench import runtimes
from mnv4bench.errors import UsageError
from mnv4bench.export import ExportRequest, ensure
from mnv4bench.export.cache import digest
from mnv4bench.export.pt2 import exporter
from mnv4bench.exported_program import program as exported_program
from mnv4bench.models import build, weights
from tests.devices.tiny_models import write_program

REQUEST = ExportRequest("mnv4-conv-s", "pt2", "random")


def test_a_model_of_the_catalog_is_folded_compared_and_read_back() -> None:
    exported = ensure([REQUEST]).files[REQUEST]
    artifact = exported.artifact
    assert (artifact.format, artifact.precision) == ("pt2", "fp32")
    assert artifact.input_shape == (1, 3, 224, 224)
    assert artifact.parity
    assert artifact.parity.max_rel_error < 1e-5
    assert artifact.parity.runtime.startswith("torch ")
    assert exported.path.suffix == ".pt2"
    program = exported_program.read(exported.path)
    kinds = {type(layer).__name__ for layer in program.layers.values()}
    assert kinds == {"Conv2d", "Linear"}  # batch norms are in the convolutions
    assert program.params == pytest.approx(artifact.params, rel=0.01)
    loaded = runtimes.load(exported.path, "pt2")
    assert [one.shape for one in loaded.outputs] == [(1, 1000)]
    [scores] = loaded.floats([np.ones((1, 3, 224, 224), np.float32)])
    assert scores.shape == (1, 1000)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    built = build.build("mnv4-conv-s", weights.parse("random"))
    first, second = tmp_path / "a" / "net.pt2", tmp_path / "b" / "net.pt2"
    for file in (first, second):
        file.parent.mkdir()
        exporter.convert(built, file)
    assert digest(first) == digest(second)


def test_a_program_of_ones_own_becomes_one_of_ours(tmp_path: Path) -> None:
    request = ExportRequest(str(write_program(tmp_path / "net.pt2")), "pt2", "own")
    exported = ensure([request]).files[request]
    assert exported.artifact.weights.kind == "own"
    assert exported.artifact.parity


def test_what_the_profile_chooses_is_no_precision() -> None:
    with pytest.raises(UsageError, match=r"arithmetic of the profile's \[cuda\] table"):
        ensure([ExportRequest("mnv4-conv-s", "pt2", "random", "fp16")])

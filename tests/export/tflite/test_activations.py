"""Activations written out: the same function in float, of operators that XNNPACK takes in int8."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mnv4bench import runtimes
from mnv4bench.export import Exports
from mnv4bench.export.tflite import activations
from mnv4bench.export.tflite.graph import Graph
from tests.export.conftest import MOBILENETV3_TFLITE


@pytest.fixture(scope="module")
def source(exports: Exports) -> Path:
    return exports.files[MOBILENETV3_TFLITE].path


def counted(graph: Graph) -> Counter[str]:
    return Counter(graph.kind(one) for one in graph.operators)


def outputs(file: Path) -> list[np.ndarray]:
    image = np.random.default_rng(0).standard_normal((1, 224, 224, 3)).astype(np.float32)
    return runtimes.load(file, "tflite").floats([image])


def written_out(graph: Graph, tmp_path: Path) -> Path:
    file = tmp_path / "written.tflite"
    activations.write_out(graph)
    file.write_bytes(graph.content())
    return file


def test_each_becomes_an_addition_and_a_product(source: Path, tmp_path: Path) -> None:
    before = counted(Graph(source))
    assert (before["HARD_SWISH"], before["RELU"]) == (19, 0)
    after = counted(Graph(written_out(Graph(source), tmp_path)))
    changed = {kind: after[kind] - before[kind] for kind in before | after}
    assert {kind: count for kind, count in changed.items() if count} == {
        "HARD_SWISH": -19,
        "ADD": 19,
        "MUL": 19,
    }


def test_the_file_computes_the_same(source: Path, tmp_path: Path) -> None:
    (before,), (after,) = outputs(source), outputs(written_out(Graph(source), tmp_path))
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_a_result_that_is_wanted_as_it_is_keeps_its_size(source: Path, tmp_path: Path) -> None:
    """Its sixth cannot go into the next weights, so it is multiplied right there."""
    graph = Graph(source)
    wanted = next(int(one.outputs[0]) for one in graph.operators if graph.kind(one) == "HARD_SWISH")
    graph.outputs.append(wanted)
    plain = tmp_path / "plain.tflite"
    plain.write_bytes(graph.content())
    after = outputs(written_out(graph, tmp_path))
    for one, other in zip(outputs(plain), after, strict=True):
        assert np.abs(one - other).max() < 1e-5 * np.abs(one).max()

"""Scales and zero points that XNNPACK takes, in Hybrid-M, whose attention it would leave alone."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mnv4bench.devices.litert_cpu import LiteRtModel
from mnv4bench.export import Exports
from mnv4bench.export.tflite import precision as litert_precision
from mnv4bench.export.tflite import ranges as litert_ranges
from mnv4bench.export.tflite.graph import Graph
from tests.export.conftest import HYBRID_M_TFLITE


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 256, 256, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def quantised(exports: Exports, images: np.ndarray, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("ranges") / "net.tflite"
    litert_precision.convert(exports.files[HYBRID_M_TFLITE].path, file, "int8", images)
    return file


def quantisations(file: Path, kinds: tuple[str, ...]) -> list[list[schema.QuantizationParametersT]]:
    """Of each operator of these types: of its two inputs and its output."""
    graph = Graph(file)
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    tensors = model.subgraphs[0].tensors
    return [
        [tensors[tensor].quantization for tensor in (*one.inputs, *one.outputs)]
        for one in graph.operators
        if graph.kind(one) in kinds
    ]


def test_second_operands_of_products_have_zero_in_the_middle(quantised: Path) -> None:
    products = quantisations(quantised, ("BATCH_MATMUL",))
    assert len(products) == 16
    assert [int(second.zeroPoint[0]) for _, second, _ in products] == [0] * 16


def test_what_is_added_has_a_scale_that_is_not_lost_beside_the_sum(quantised: Path) -> None:
    sums = quantisations(quantised, ("ADD", "SUB"))
    assert len(sums) == 35
    for first, second, result in sums:
        for part in (first, second):
            assert 1 / 1024 <= part.scale[0] / result.scale[0] < 256


def test_nothing_but_the_softmax_is_left_to_the_interpreter(quantised: Path) -> None:
    placement = LiteRtModel(quantised, threads=1, shapes={}).placement()
    assert placement.operators is not None
    assert placement.on_unit == placement.operators - 8
    assert "left to the built-in kernels: SOFTMAX x8" in placement.signals[0].evidence


def test_ranges_hold_every_value_of_every_input(exports: Exports, images: np.ndarray) -> None:
    """Not a moving average, in which the first input weighs most."""
    content = exports.files[HYBRID_M_TFLITE].path.read_bytes()
    together = litert_ranges.observed(content, images)
    apart = [litert_ranges.observed(content, one[None]) for one in images]
    for name, seen in together.items():
        assert seen["min"] == min(one[name]["min"] for one in apart)
        assert seen["max"] == max(one[name]["max"] for one in apart)

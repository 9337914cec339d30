"""A linear attention in a full-integer TFLite file: 16 bits where it divides, and never by zero."""

import contextlib
import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mnv4bench import runtimes
from mnv4bench.export.tflite import division, precision, ranges
from mnv4bench.export.tflite.graph import Graph

SIDE, CHANNELS = 16, 8


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Convolution, linear attention, convolution; as EfficientViT has it, in one head."""

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Conv2d(3, 3 * CHANNELS, 1)
            self.proj = nn.Conv2d(CHANNELS, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.qkv(x).reshape(1, 3 * CHANNELS, -1).chunk(3, dim=1)  # (1, C, N)
            q, k = q.relu(), k.relu()
            products = torch.einsum("ben,bdn->bed", v, k)  # (1, C, C)
            weighted = torch.einsum("bed,bdn->ben", products, q)  # (1, C, N)
            divisor = (q * k.sum(dim=2, keepdim=True)).sum(dim=1, keepdim=True)  # (1, 1, N)
            out: torch.Tensor = self.proj((weighted / (divisor + 1e-15)).reshape(1, -1, SIDE, SIDE))
            return out

    return converted(Attention(), tmp_path_factory.mktemp("division"))


def converted(net: nn.Module, folder: Path) -> Path:
    import litert_torch

    torch.manual_seed(0)
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -0.6, 0.6)
    file = folder / "net.tflite"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        net = litert_torch.to_channel_last_io(net.eval(), args=[0]).eval()
        litert_torch.convert(net, (torch.zeros(1, SIDE, SIDE, 3),)).export(str(file))
    return file


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def quantised(source: Path, images: np.ndarray, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("division") / "int8.tflite"
    precision.convert(source, file, "int8", images)
    return file


def outputs(file: Path, images: np.ndarray) -> np.ndarray:
    loaded = runtimes.load(file, "tflite")
    return np.concatenate([loaded.floats([one[None]])[0] for one in images])


def test_the_sums_are_found_back_to_the_queries_keys_and_values(source, images) -> None:
    graph = Graph(source)
    seen = ranges.observed(graph.content(), images)
    division.divide_by_roots(graph, seen)
    found = Counter(graph.kind(one) for one in division.operators(graph))
    # Two products in place of the division, one between queries and the sum of keys.
    assert (found["RSQRT"], found["BATCH_MATMUL"], found["SUM"], found["MUL"]) == (1, 2, 2, 3)
    assert not {"DIV", "RELU", "CONV_2D"} & set(found)


def test_dividing_by_roots_is_dividing(source, images, tmp_path) -> None:
    graph = Graph(source)
    division.divide_by_roots(graph, ranges.observed(graph.content(), images))
    file = tmp_path / "roots.tflite"
    file.write_bytes(graph.content())
    expected = outputs(source, images)
    assert np.abs(outputs(file, images) - expected).max() < 1e-5 * np.abs(expected).max()


def test_squared_differences_written_out_are_the_same(tmp_path) -> None:
    """Of a layer norm, whose deviation differs from input to input."""
    source = converted(nn.Sequential(nn.Conv2d(3, 8, 1), nn.LayerNorm([8, SIDE, SIDE])), tmp_path)
    graph = Graph(source)
    kinds = Counter(graph.kind(one) for one in graph.operators)
    assert kinds["SQUARED_DIFFERENCE"] == kinds["RSQRT"] == 1
    division.write_squares_out(graph)
    assert "SQUARED_DIFFERENCE" not in {graph.kind(one) for one in graph.operators}
    file = tmp_path / "written.tflite"
    file.write_bytes(graph.content())
    images = np.random.default_rng(0).standard_normal((2, SIDE, SIDE, 3)).astype(np.float32)
    expected = outputs(source, images)
    assert np.abs(outputs(file, images) - expected).max() < 1e-5 * np.abs(expected).max()
    wide = Counter(graph.kind(one) for one in division.operators(graph))
    assert (wide["RSQRT"], wide["MEAN"]) == (1, 2)
    assert wide["MUL"] >= 2


def test_outputs_are_nearly_those_of_the_source(source, quantised, images) -> None:
    expected, actual = outputs(source, images), outputs(quantised, images)
    noise = actual - expected
    assert 10 * np.log10(expected.var() / (noise**2).mean()) > 15


def test_the_division_has_16_bits_and_no_operator_is_in_float(quantised) -> None:
    from ai_edge_litert import schema_py_generated as schema

    tensors = schema.ModelT.InitFromPackedBuf(quantised.read_bytes(), 0).subgraphs[0].tensors
    graph, kinds = Graph(quantised), schema.TensorType
    results = {(graph.kind(one), tensors[one.outputs[0]].type) for one in graph.operators}
    assert {("RSQRT", kinds.INT16), ("BATCH_MATMUL", kinds.INT16)} <= results
    assert "DIV" not in {name for name, _ in results}
    assert {kind for _, kind in results} == {kinds.INT8, kinds.INT16}


def test_a_position_without_any_query_is_not_divided_by_zero(source, images, tmp_path) -> None:
    """Queries that follow the first colour alone, and an image that has nothing of it."""
    graph = Graph(source)
    maker = next(one for one in graph.operators if graph.kind(one) == "CONV_2D")
    weights, bias = (graph.constant(int(maker.inputs[place])) for place in (1, 2))
    assert weights is not None
    assert bias is not None
    weights.reshape(3 * CHANNELS, 3)[:CHANNELS] = (1, 0, 0)
    bias[:CHANNELS] = 0
    plain, file = tmp_path / "plain.tflite", tmp_path / "int8.tflite"
    plain.write_bytes(graph.content())
    precision.convert(plain, file, "int8", images)
    dark = images[:1].copy()
    dark[..., 0] = images.min()
    assert np.abs(outputs(file, dark) - outputs(plain, dark)).max() < 0.05

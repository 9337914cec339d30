"""A linear attention in a full-integer TFLite file: 16 bits where it divides, and never by zero."""

import contextlib
import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mnv4bench import runtimes
from mnv4bench.export.tflite import division as litert_division
from mnv4bench.export.tflite import precision as litert_precision
from mnv4bench.export.tflite.graph import Graph

SIDE, CHANNELS = 16, 8


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Convolution, linear attention, convolution; as EfficientViT has it, in one head."""
    import litert_torch
    import torch
    from torch import nn

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

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("division") / "attention.tflite"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        net = litert_torch.to_channel_last_io(Attention().eval(), args=[0]).eval()
        litert_torch.convert(net, (torch.zeros(1, SIDE, SIDE, 3),)).export(str(file))
    return file


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def quantised(source: Path, images: np.ndarray, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("division") / "int8.tflite"
    litert_precision.convert(source, file, "int8", images)
    return file


def outputs(file: Path, images: np.ndarray) -> np.ndarray:
    loaded = runtimes.load(file, "tflite")
    return np.concatenate([loaded.floats([one[None]])[0] for one in images])


def test_what_is_divided_is_found_back_to_the_queries_keys_and_values(source: Path) -> None:
    graph = Graph(source)
    found = Counter(graph.kind(one) for one in litert_division.operators(graph))
    assert found["DIV"] == 1
    assert (found["BATCH_MATMUL"], found["SUM"], found["MUL"], found["ADD"]) == (2, 2, 1, 1)
    assert "CONV_2D" not in found


def test_outputs_are_nearly_those_of_the_source(source, quantised, images) -> None:
    expected, actual = outputs(source, images), outputs(quantised, images)
    noise = actual - expected
    assert 10 * np.log10(expected.var() / (noise**2).mean()) > 15


def test_the_division_has_16_bits_and_no_operator_is_in_float(quantised) -> None:
    from ai_edge_litert import schema_py_generated as schema

    tensors = schema.ModelT.InitFromPackedBuf(quantised.read_bytes(), 0).subgraphs[0].tensors
    graph, kinds = Graph(quantised), schema.TensorType
    results = {(graph.kind(one), tensors[one.outputs[0]].type) for one in graph.operators}
    assert ("DIV", kinds.INT16) in results
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
    litert_precision.convert(plain, file, "int8", images)
    dark = images[:1].copy()
    dark[..., 0] = images.min()
    assert np.abs(outputs(file, dark) - outputs(plain, dark)).max() < 0.05

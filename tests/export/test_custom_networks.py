"""Networks of one's own as files: each kind of attention lowers as its layout has it."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from mnv4bench.export import ExportRequest, ensure
from mnv4bench.export.coreml.neural_engine import channels_first
from mnv4bench.models import catalog, specs
from mnv4bench.models.inputs import sample_input
from mnv4bench.models.mnv4 import MobileNetV4, PlainMultiQueryAttention
from tests.export.test_exports import operators

ATTENTIVE = """
input_px = 32
classes = 4
head_width = 16
stem = { kernel = 3, out = 16, stride = 4 }
[[stage]]
rows = [
  { block = "MQA", heads = 2, key_dim = 8 },
  { block = "FFN", expanded = 16, out = 16 },
  { block = "PlainMQA", heads = 2, key_dim = 8 },
  { block = "FFN", expanded = 16, out = 16 },
  { block = "MHSA", heads = 2, key_dim = 8 },
]
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "attentive.toml"
    path.write_text(ATTENTIVE)
    return path


def test_heads_before_positions_are_transposed_and_ours_are_not(network: Path) -> None:
    """MQA nothing, the plain layout its queries and results, MHSA keys and values as well."""
    request = ExportRequest(str(network), "tflite", "random")
    exports = ensure([request])
    assert not exports.failures
    found = operators(exports.files[request].path)
    assert found["BATCH_MATMUL"] == 2 * 3
    assert found["TRANSPOSE"] == 0 + 2 + 4
    assert found["DELEGATE"] == 1
    artifact = exports.files[request].artifact
    assert (artifact.model, artifact.family) == ("attentive", "custom")
    assert artifact.spec_sha256 == catalog.spec_digest(str(network))
    assert artifact.macs == catalog.entry(str(network)).macs


def test_the_neural_engines_layout_computes_the_same_and_leaves_the_plain_one(
    network: Path,
) -> None:
    spec = catalog.definition(str(network)).network
    assert isinstance(spec, specs.Network)
    torch.manual_seed(0)
    net = MobileNetV4(spec).eval()
    rewritten = channels_first(deepcopy(net))
    images = sample_input(32, seed=0, count=2)
    torch.testing.assert_close(rewritten(images), net(images), rtol=1e-4, atol=1e-5)
    kinds = [type(module).__name__ for module in rewritten.modules()]
    assert kinds.count("SharedOrOwnKeys") == 2
    assert kinds.count(PlainMultiQueryAttention.__name__) == 1


def test_the_same_network_under_another_path_is_the_same_export(
    network: Path, tmp_path: Path
) -> None:
    from mnv4bench.export import identity

    copy = tmp_path / network.name
    copy.write_text("# the same\n" + ATTENTIVE)
    other = tmp_path / "other.toml"
    other.write_text(ATTENTIVE)
    keys = [identity.key(ExportRequest(str(p), "onnx", "random")) for p in (network, copy, other)]
    assert keys[0] == keys[1] != keys[2]

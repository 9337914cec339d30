"""The files themselves: what they hold, and that they compute what torch does."""

import getpass
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from mnv4bench.export import ExportRequest, Exports, calibration, formats, parity
from mnv4bench.models import catalog
from tests.export.conftest import CONV_S_ONNX, HYBRID_M_TFLITE, PROJECT, REPRESENTATIVE


def operators(file: Path) -> Counter[str]:
    """Operators by name, the delegate's partitions as DELEGATE."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    return Counter(op["op_name"] for op in interpreter._get_ops_details())


@pytest.mark.parametrize("request_", REPRESENTATIVE, ids=lambda r: f"{r.model}.{r.format}")
def test_the_artifact_says_what_the_file_is(request_: ExportRequest, exports: Exports) -> None:
    assert not exports.failures
    exported = exports.files[request_]
    artifact = exported.artifact
    entry = catalog.entry(request_.model)
    px = entry.input_px
    assert artifact.input_shape == ((1, 3, px, px) if request_.format == "onnx" else (1, px, px, 3))
    assert artifact.sha256 == hashlib.sha256(exported.path.read_bytes()).hexdigest()
    assert artifact.size_bytes == exported.path.stat().st_size
    assert (artifact.model, artifact.family) == (entry.model, entry.family)
    assert artifact.spec_sha256 == catalog.spec_digest(request_.model)
    assert artifact.exporter == formats.versions(formats.recipe(request_.format, "fp32"))
    assert artifact.parity is not None
    assert 0 < artifact.parity.max_rel_error < artifact.parity.tolerance / 2


def test_conv_s_lowers_to_convolutions_in_one_partition(conv_s_tflite: Path) -> None:
    assert operators(conv_s_tflite) == {
        "CONV_2D": 31, "DEPTHWISE_CONV_2D": 15, "ADD": 10, "PAD": 5, "MEAN": 1,
        "FULLY_CONNECTED": 1, "DELEGATE": 1,
    }  # fmt: skip


def test_attention_lowers_without_a_transpose_in_one_partition(exports: Exports) -> None:
    found = operators(exports.files[HYBRID_M_TFLITE].path)
    assert found["DELEGATE"] == 1
    assert found["TRANSPOSE"] == 0
    assert found["BATCH_MATMUL"] == 2 * 8  # eight attention blocks


def test_onnx_is_plain_and_tells_nothing_of_this_machine(conv_s_onnx: Path) -> None:
    import onnx

    model = onnx.load(conv_s_onnx)
    onnx.checker.check_model(model)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 20)]
    assert [each.name for each in model.graph.input] == ["input"]
    assert [each.name for each in model.graph.output] == ["logits"]
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    # Per-layer figures are joined by the module path.
    assert all(
        any(note.key == "namespace" for note in node.metadata_props) for node in model.graph.node
    )
    content = conv_s_onnx.read_bytes()
    for private in (str(PROJECT), "site-packages", f"/home/{getpass.getuser()}", ".py"):
        assert private.encode() not in content


def test_gelu_stays_one_operator(exports: Exports) -> None:
    """Written out as five, it costs FastViT a seventh of its speed in ONNX Runtime."""
    import onnx

    file = next(each.path for r, each in exports.files.items() if r.model == "fastvit-sa12")
    found = Counter(node.op_type for node in onnx.load(file).graph.node)
    assert found["Gelu"] == 19
    assert found["Erf"] == 0


def test_tflite_tells_nothing_of_this_machine(conv_s_tflite: Path) -> None:
    content = conv_s_tflite.read_bytes()
    for private in (str(PROJECT), "site-packages"):
        assert private.encode() not in content


def test_the_formats_agree_with_torch_seen_from_here(exports: Exports) -> None:
    """Parity is asserted by the worker; this repeats it outside, on a network built anew."""
    from mnv4bench.models import build, weights

    built = build.build("mnv4-conv-s", weights.parse("random"))
    for request, exported in exports.files.items():
        if request.model == "mnv4-conv-s":
            recipe = formats.recipe(request.format, request.precision)
            outcome = parity.compare(built, exported.path, recipe, calibration.synthetic(built))
            assert outcome.parity.max_rel_error < 5e-5
            assert outcome.parity.runtime.startswith(recipe.runtime)
    assert CONV_S_ONNX in exports.files

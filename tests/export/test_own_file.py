"""A user's own file: told apart by content, read without being run, refused in a sentence."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.export import Exports, cache, own_file
from mnv4bench.records import Artifact
from tests.export.conftest import CONV_S_ONNX, CONV_S_TFLITE


def onnx_file(path: Path, *, dtype=np.float32, side: int | str = 8, external: bool = False) -> Path:
    """A network of one matrix product whose weights are stored as ``dtype``."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones((64, 64), dtype), "w")
    nodes = [helper.make_node("Cast", ["w"], ["f"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("MatMul", ["x", "f"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, side, 64])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    onnx.save(model, path, save_as_external_data=external, size_threshold=0, location="w.bin")
    return path


@pytest.mark.parametrize("request_", [CONV_S_ONNX, CONV_S_TFLITE], ids=lambda r: r.format)
def test_it_is_described_as_it_is(request_, exports: Exports, tmp_path: Path) -> None:
    made = exports.files[request_]
    path = Path(shutil.copy(made.path, tmp_path / f"mine{made.path.suffix}"))
    own = own_file.open_file(path)
    expected = made.artifact
    assert own.path == path
    assert own.artifact.model == "mine"
    assert (own.artifact.family, own.artifact.weights.kind) == ("own file", "own")
    assert own.artifact.weights.detail == path.name
    assert own.artifact.parity is None
    for fact in ("format", "precision", "sha256", "size_bytes", "input_shape"):
        assert getattr(own.artifact, fact) == getattr(expected, fact), fact


def test_a_catalog_name_does_not_pass_for_the_catalog_model(conv_s_onnx: Path) -> None:
    assert own_file.open_file(conv_s_onnx).artifact.model == "mnv4-conv-s.onnx"


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [(np.float32, "fp32"), (np.float16, "fp16"), (np.int8, "int8"), (np.uint8, "int8")],
)
def test_onnx_precision_is_that_of_most_weights(dtype, precision: str, tmp_path: Path) -> None:
    own = own_file.open_file(onnx_file(tmp_path / "m.onnx", dtype=dtype)).artifact
    assert own.precision == precision
    assert own.input_shape == (1, 3, 8, 64)


def test_a_type_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="none of fp32, fp16 and int8"):
        own_file.open_file(onnx_file(tmp_path / "m.onnx", dtype=np.float64))


def test_an_open_side_leaves_the_shape_unknown(tmp_path: Path) -> None:
    own = own_file.open_file(onnx_file(tmp_path / "m.onnx", side="height")).artifact
    assert own.input_shape is None


def test_a_quantised_tflite_is_int8(conv_s_tflite: Path, tmp_path: Path) -> None:
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(conv_s_tflite), recipe.dynamic_wi8_afp32()).quantize()
    path = tmp_path / "m.tflite"
    made.export_model(str(path))
    own = own_file.open_file(path).artifact
    assert own.precision == "int8"
    assert own.input_shape == (1, 224, 224, 3)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="another file") as caught:
        own_file.open_file(onnx_file(tmp_path / "m.onnx", external=True))
    assert "save_as_external_data=False" in caught.value.next_step


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("kept", [0, 1, 8, 100, 5000, 0.3, 0.999])
def test_a_file_cut_short_is_refused(
    suffix: str, kept: float, conv_s_onnx: Path, conv_s_tflite: Path, tmp_path: Path
) -> None:
    content = (conv_s_onnx if suffix == ".onnx" else conv_s_tflite).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(BadFile, match=path.name):
        own_file.open_file(path)


@pytest.mark.parametrize(
    "content",
    [b"hello, world\n" * 50, b"\x00" * 500, b"\xff" * 500, b"PK\x03\x04" * 90, b"\x08\x08"],
)
@pytest.mark.parametrize("name", ["m.onnx", "m.tflite"])
def test_an_alien_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=name):
        own_file.open_file(tmp_path / name)


def test_noise_inside_is_refused_or_read_but_never_a_traceback(
    conv_s_tflite: Path, tmp_path: Path
) -> None:
    content = bytearray(conv_s_tflite.read_bytes()[-60_000:])
    random = np.random.default_rng(0)
    whole = onnx_file(tmp_path / "w.onnx").read_bytes()
    for trial in range(200):
        suffix, source = (".onnx", whole) if trial % 2 else (".tflite", b"\x1c\0\0\0TFL3" + content)
        noisy = bytearray(source)
        for at in random.integers(8, min(400, len(noisy)), 5):
            noisy[at] = random.integers(256)
        path = tmp_path / f"noisy{suffix}"
        path.write_bytes(noisy)
        try:
            found = own_file.open_file(path).artifact
        except BadFile:
            continue
        assert isinstance(found, Artifact)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("absent.onnx", "There is no file"),
        ("folder.onnx", "is not a file"),
        ("pipe.tflite", "is not a file"),
        ("m.mlpackage", "Core ML"),
        ("m.mlmodel", "Core ML"),
    ],
)
def test_what_cannot_be_measured_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(UsageError, match=says):
        own_file.open_file(tmp_path / name)


def test_a_format_under_the_others_name_is_refused(
    conv_s_onnx: Path, conv_s_tflite: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadFile, match="TFL3 is missing"):
        own_file.open_file(Path(shutil.copy(conv_s_onnx, tmp_path / "m.tflite")))
    with pytest.raises(BadFile, match="under an ONNX name"):
        own_file.open_file(Path(shutil.copy(conv_s_tflite, tmp_path / "m.onnx")))


@pytest.mark.parametrize(
    "stem", [b"[bold]x", b"\x1b]0;title\x07", b"a\nb", b"caf\xe9", "ü" * 100, b"-rf", b"..."]
)
def test_a_hostile_name_is_just_text(stem, tmp_path: Path) -> None:
    raw = stem.encode() if isinstance(stem, str) else stem
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw + b".onnx"))
    onnx_file(tmp_path / "m.onnx").rename(path)
    made = own_file.open_file(path)
    assert made.artifact.model.isprintable()
    assert 1 <= len(made.artifact.model.encode()) <= 600
    assert made.artifact.sha256 == cache.digest(path)


@pytest.mark.parametrize("word", ["m.onnx", "M.TFLITE", "a/b.mlpackage", "./x.onnx"])
def test_words_that_mean_a_file(word: str) -> None:
    assert own_file.is_own_file(word)


@pytest.mark.parametrize("word", ["mnv4-conv-s", "timm:resnet18", "no/such/thing"])
def test_words_that_mean_a_model(word: str) -> None:
    assert not own_file.is_own_file(word)

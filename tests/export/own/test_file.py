"""A user's own file: told apart by content, read without being run, refused in a sentence."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.export import Exports, cache
from mnv4bench.export.own import file as own_file
from mnv4bench.records import Artifact
from tests.devices.tiny_models import write_onnx_text, write_tflite_sum
from tests.export.conftest import CONV_S_ONNX, CONV_S_TFLITE


def onnx_file(
    path: Path, *, dtype=np.float32, side: int | str = 8, external: str = "", inside: bool = False
) -> Path:
    """A network of one matrix product whose weights are stored as ``dtype``, in the file
    ``external`` if it is named; ``inside`` hides a second such weight in the branch of an If."""
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
    if inside:
        other = numpy_helper.from_array(np.ones((64, 64), dtype), "v")
        value = helper.make_tensor_value_info("v", TensorProto.FLOAT, [64, 64])
        branch = helper.make_graph([], "branch", [], [value], [other])
        yes = numpy_helper.from_array(np.array(True), "yes")
        graph.initializer.append(yes)
        graph.node.append(
            helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch)
        )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if external:
        place_outside(model.graph.initializer[0], external, path)
        if inside:
            for attribute in model.graph.node[-1].attribute:
                place_outside(attribute.g.initializer[0], "inner.bin", path)
    path.write_bytes(model.SerializeToString())
    return path


def place_outside(tensor, location: str, path: Path) -> None:
    """Move a tensor's numbers to ``location``, which is written as it is; no check, unlike onnx."""
    from onnx import TensorProto

    (path.parent / location).write_bytes(tensor.raw_data)
    facts = {"location": location, "offset": "0", "length": str(len(tensor.raw_data))}
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in facts.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


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


def test_open_sizes_are_the_users(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "m.onnx", side="height")
    with pytest.raises(UsageError, match=r"input x open: 1 x 3 x height x 64") as caught:
        own_file.open_file(file)
    assert "--shape x=1x3xNx64" in caught.value.next_step
    for shapes in ({"": (1, 3, 9, 64)}, {"x": (1, 3, 9, 64)}):
        own = own_file.open_file(file, shapes).artifact
        assert own.input_shape == (1, 3, 9, 64)
        assert own.input_shapes == {"x": (1, 3, 9, 64)}
        assert own.chosen_shapes == "1x3x9x64"
        assert own.sha256 == cache.digest(file) == own_file.digest(file)


def test_a_file_that_leaves_nothing_open_has_no_chosen_shapes(tmp_path: Path) -> None:
    own = own_file.open_file(onnx_file(tmp_path / "m.onnx"), {"x": (1, 3, 8, 64)}).artifact
    assert (own.input_shapes, own.chosen_shapes) == ({}, "")


def test_a_shape_for_an_input_that_no_file_has(tmp_path: Path) -> None:
    one = onnx_file(tmp_path / "one.onnx", side="height")
    two = write_onnx_text(tmp_path / "two.onnx")
    shapes = {"ids": (1, 7), "x": (1, 3, 9, 64)}
    found = own_file.open_files([one, two], shapes)
    assert found[one].artifact.input_shapes == {"x": (1, 3, 9, 64)}
    assert found[two].artifact.chosen_shapes == "ids 1x7, segments 1x7, mask 1x7, scale 1"
    assert found[two].artifact.input_shape is None
    with pytest.raises(UsageError, match=r"an input idz .* there are: ids, mask, scale, segments"):
        own_file.open_files([two], {"idz": (1, 7)})


def test_a_tflite_with_open_sizes_is_not_taken_for_its_first_shape(tmp_path: Path) -> None:
    file = write_tflite_sum(tmp_path / "m.tflite")  # its shapes say 1 x 1 x 8
    with pytest.raises(UsageError, match="left open") as caught:
        own_file.open_file(file)
    assert "--shape left=1xNx8 --shape right=1xNx8" in caught.value.next_step
    own = own_file.open_file(file, {"left": (1, 5, 8), "right": (1, 5, 8)}).artifact
    assert own.chosen_shapes == "left 1x5x8, right 1x5x8"


def test_a_quantised_tflite_is_int8(conv_s_tflite: Path, tmp_path: Path) -> None:
    from ai_edge_quantizer import quantizer, recipe

    made = quantizer.Quantizer(str(conv_s_tflite), recipe.dynamic_wi8_afp32()).quantize()
    path = tmp_path / "m.tflite"
    made.export_model(str(path))
    own = own_file.open_file(path).artifact
    assert own.precision == "int8"
    assert own.input_shape == (1, 224, 224, 3)


def test_weights_in_other_files_belong_to_the_digest_and_the_size(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "m.onnx", external="w.bin", inside=True)
    data = [tmp_path / "inner.bin", tmp_path / "w.bin"]
    own = own_file.open_file(file).artifact
    assert own.data_files == ("inner.bin", "w.bin")
    assert own.size_bytes == sum(part.stat().st_size for part in (file, *data))
    names = " ".join(part.name for part in (file, *data))
    told = subprocess.run(
        f"sha256sum {names} | cut -c1-64 | sha256sum", shell=True, cwd=tmp_path, capture_output=True
    )
    assert told.stdout.split()[0].decode() == own.sha256
    data[0].write_bytes(bytes(data[0].stat().st_size))
    assert own_file.digest(file) != own.sha256


@pytest.mark.parametrize("name", ["w.bin", "inner.bin"])
def test_a_missing_or_short_data_file_is_named(name: str, tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "m.onnx", external="w.bin", inside=True)
    (tmp_path / name).write_bytes(b"short")
    with pytest.raises(BadFile, match=f"needs 16,384 bytes of {name}, which has 5"):
        own_file.open_file(file)
    (tmp_path / name).unlink()
    with pytest.raises(BadFile, match=f"weights in {name}, and there is no such file") as caught:
        own_file.open_file(file)
    assert f"put {name} there" in caught.value.next_step
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadFile, match=name):
        own_file.open_file(file)


@pytest.mark.parametrize("location", ["../w.bin", "a/../../w.bin", "{outside}/w.bin", "link.bin"])
def test_weights_outside_the_models_folder_are_not_read(location: str, tmp_path: Path) -> None:
    inside = tmp_path / "model"
    (inside / "a").mkdir(parents=True)
    (inside / "link.bin").symlink_to(tmp_path / "w.bin")
    location = location.format(outside=tmp_path)
    file = onnx_file(inside / "m.onnx", external=location)
    assert (tmp_path / "w.bin").exists()
    with pytest.raises(BadFile, match="outside its own folder"):
        own_file.open_file(file)


@pytest.mark.parametrize("location", ["", "w\0.bin", "*/_ORT_MEM_ADDR_/*", "circle", "x" * 3000])
def test_odd_places_for_weights_are_sentences(location: str, tmp_path: Path) -> None:
    import onnx

    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    file = onnx_file(tmp_path / "m.onnx", external="w.bin")
    model = onnx.load(file, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = location
    file.write_bytes(model.SerializeToString())
    with pytest.raises(BadFile, match=r"m\.onnx"):
        own_file.open_file(file)


def test_a_model_that_is_a_link_has_its_data_where_it_really_lies(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = onnx_file(tmp_path / "real" / "m.onnx", external="w.bin")
    (tmp_path / "m.onnx").symlink_to(real)
    assert own_file.digest(tmp_path / "m.onnx") == own_file.digest(real)


def test_graphs_within_graphs_without_end_are_refused(tmp_path: Path) -> None:
    """Bytes that no exporter writes: each graph holds one node whose attribute is a graph."""

    def field(number: int, content: bytes) -> bytes:
        length, head = len(content), bytearray()
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        return bytes([number << 3 | 2, *head, length]) + content

    graph = b""
    for _ in range(5000):
        graph = field(1, field(5, field(6, graph)))
    (tmp_path / "deep.onnx").write_bytes(b"\x08\x0a" + field(7, graph))
    with pytest.raises(BadFile, match="nests more than"):
        own_file.open_file(tmp_path / "deep.onnx")


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
        ("absent.mlpackage", "is not there"),
        ("file.mlpackage", "is not a folder"),
        ("m.mlmodel", "lie in a .mlpackage"),
    ],
)
def test_what_cannot_be_measured_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file.mlpackage").write_bytes(b"")
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

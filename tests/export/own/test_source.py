"""Models of the user's own that are converted: torch's .pt2, Keras files, SavedModels."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mnv4bench import export, runtimes
from mnv4bench.errors import BadFile, MissingExtra, UsageError
from mnv4bench.export import ExportRequest, formats
from mnv4bench.export.own import file as own_file
from mnv4bench.export.own import source as own_source
from mnv4bench.records import Precision

PX = 32


def asked(model: Path, format="tflite", precision: Precision = "fp32", **more) -> ExportRequest:
    return ExportRequest(str(model), format, "random", precision, **more)


def failure(request: ExportRequest) -> export.BenchError:
    return export.ensure([request]).failures[request]


# --- torch ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Saves a small network that was exported with the inputs given."""
    import torch
    from torch import nn

    folder = tmp_path_factory.mktemp("programs")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, 2, 1)
            self.norm = nn.BatchNorm2d(8)
            self.head = nn.Linear(8, 10)

        def forward(self, image, *others):
            return self.head(self.norm(self.conv(image)).relu().mean((2, 3)))

    def save(name: str, *shapes: tuple[int, ...], dynamic=None) -> Path:
        torch.manual_seed(0)
        inputs = tuple(torch.randn(shape) for shape in shapes)
        made = torch.export.export(Net().eval(), inputs, dynamic_shapes=dynamic)
        torch.export.save(made, folder / name)
        return folder / name

    return save


def test_a_program_is_exported_in_any_format_and_precision(program) -> None:
    source = program("net.pt2", (1, 3, PX, PX))
    requests = [asked(source), asked(source, precision="int8"), asked(source, "onnx", "fp16")]
    exports = export.ensure(requests)
    assert not exports.failures
    for request, made in exports.files.items():
        artifact = made.artifact
        assert (artifact.model, artifact.family) == ("net", "own file")
        assert (artifact.weights.kind, artifact.weights.detail) == ("own", "net.pt2")
        assert artifact.spec_sha256 == own_source.digest(source)
        assert artifact.input_px == PX
        assert artifact.params == 3 * 8 * 9 + 8 + 16 + 90
        assert artifact.macs == 216 * (PX // 2) ** 2 + 80
        assert artifact.parity is not None
        assert artifact.parity.reference == "torch"
        assert own_file.open_file(made.path).artifact.precision == request.precision
    again = export.ensure(requests)
    assert all(one.cached for one in again.files.values())


def test_a_core_ml_package_is_told_digested_and_inspected(program, tmp_path: Path) -> None:
    from mnv4bench import inspection
    from mnv4bench.export import cache

    request = asked(program("net.pt2", (1, 3, PX, PX)), "coreml", "fp16")
    made = export.ensure([request]).files[request]
    path = Path(shutil.copytree(made.path, tmp_path / "mine.mlpackage"))
    assert own_file.is_own_file(str(path))
    own = own_file.open_file(path).artifact
    assert (own.model, own.format, own.precision) == ("mine", "coreml", "fp16")
    assert own.sha256 == cache.digest(path) == made.artifact.sha256
    assert own.size_bytes == made.artifact.size_bytes
    assert own.input_shape == (1, 3, PX, PX)
    found = inspection.inspect(path)
    assert made.artifact.structure is not None
    kinds = {kind.operator: kind.count for kind in found.graph.kinds}
    assert kinds == made.artifact.structure.operators
    assert [one.shape for one in found.inputs] == [(1, 3, PX, PX)]
    for part in [*path.rglob("weight.bin"), *path.rglob("*.mlmodel")]:
        part.write_bytes(part.read_bytes()[:50])
        with pytest.raises(BadFile, match=r"mine\.mlpackage"):
            own_file.open_file(path)


def test_a_changed_program_is_another_export(program, tmp_path: Path) -> None:
    from mnv4bench.export import identity

    source = Path(shutil.copy(program("net.pt2", (1, 3, PX, PX)), tmp_path / "net.pt2"))
    before = identity.key(asked(source))
    shutil.copy(program("other.pt2", (1, 3, PX * 2, PX * 2)), source)
    assert identity.key(asked(source)) != before


def test_an_open_size_of_a_program_is_asked_for(program) -> None:
    import torch

    side = torch.export.Dim("side", min=8, max=512)
    source = program("open.pt2", (1, 3, PX, PX), dynamic=({2: side, 3: side},))
    found = failure(asked(source))
    assert isinstance(found, UsageError)
    assert "leaves sizes of its input image open: 1 x 3 x" in found.what
    assert "--shape image=1x3xNxN" in found.next_step
    request = asked(source, shapes=("1x3x48x48",))
    assert export.ensure([request]).files[request].artifact.input_shape == (1, 48, 48, 3)


@pytest.mark.parametrize("shapes", [[(1, 3, 32, 48)], [(1, 3, 32, 32), (1, 4)]])
def test_other_inputs_than_one_square_image_are_refused(shapes, program) -> None:
    found = failure(asked(program("odd.pt2", *shapes)))
    assert isinstance(found, UsageError)
    assert "takes one square image" in found.what
    assert "run --model FILE.onnx" in found.next_step


def test_no_code_of_a_program_is_run_on_the_way_to_a_file(program, tmp_path: Path) -> None:
    from tests.exported_program.test_program import poison, rewritten

    mark = tmp_path / "mark"
    source = program("net.pt2", (1, 3, PX, PX))
    bad = rewritten(source, tmp_path / "net.pt2", {"sample_inputs/model.pt": poison(mark)})
    request = asked(bad)
    assert export.ensure([request]).files[request].artifact.model == "net"
    assert not mark.exists()


# --- TensorFlow -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image network as .keras, .h5 and SavedModel; one of two inputs, of which one is open."""
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)
    image = keras.Input((PX, PX, 3), name="image")
    features = layers.BatchNormalization()(layers.Conv2D(64, 3, strides=2)(image))
    pooled = layers.GlobalAveragePooling2D()(layers.ReLU()(features))
    net = keras.Model(image, layers.Dense(32)(pooled))
    paths = {kind: folder / f"net.{kind}" for kind in ("keras", "h5", "folder")}
    net.save(paths["keras"])
    net.save(paths["h5"])
    net.export(paths["folder"], verbose=False)
    one, other = keras.Input((4,), name="zeta"), keras.Input((None, 6), name="alpha")
    joined = layers.Concatenate()([one, layers.GlobalAveragePooling1D()(other)])
    two = keras.Model([one, other], [layers.Dense(3)(joined), layers.Dense(2)(joined)])
    paths["two"] = folder / "two.keras"
    two.save(paths["two"])
    return paths


@pytest.mark.parametrize(
    ("kind", "precision"),
    [("keras", "int8"), ("h5", "fp32"), ("folder", "fp16"), ("keras", "int8-dynamic")],
)
def test_tensorflow_s_converter_writes_it_and_it_is_compared(kind, precision, keras_models) -> None:
    request = asked(keras_models[kind], precision=precision)
    exports = export.ensure([request])
    assert not exports.failures
    made = exports.files[request]
    artifact = made.artifact
    assert (artifact.model, artifact.weights.detail) == ("net", f"net.{kind}")
    assert (artifact.precision, artifact.input_shape) == (precision, (1, PX, PX, 3))
    assert artifact.parity is not None
    assert artifact.parity.reference.startswith("TensorFlow 2.")
    assert artifact.parity.cosine is not None
    assert artifact.parity.cosine > 0.99
    assert set(artifact.exporter) == {formats.tensorflow(), "keras"}
    assert artifact.params == 3 * 64 * 9 + 64 + 128 + 65 * 32
    loaded = runtimes.load(made.path, "tflite")
    kinds = {loaded.inputs[0].dtype, loaded.outputs[0].dtype}
    assert kinds == ({"int8"} if precision == "int8" else {"float32"})
    said = "synthetic calibration" if precision == "int8" else None
    assert (artifact.calibration and artifact.calibration.text) == said


def test_several_inputs_and_outputs_and_an_open_size(keras_models: dict[str, Path]) -> None:
    found = failure(asked(keras_models["two"]))
    assert isinstance(found, UsageError)
    assert "input alpha open: ? x ? x 6" in found.what
    assert "--shape alpha=1xNx6" in found.next_step
    request = asked(keras_models["two"], shapes=("alpha=1x5x6",))
    artifact = export.ensure([request]).files[request].artifact
    assert artifact.input_shape is None
    assert artifact.parity is not None


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (asked(Path("net.keras"), "onnx"), "writes TFLite alone"),
        (asked(Path("net.keras"), "coreml", "fp16"), "writes TFLite alone"),
        (asked(Path("net.keras"), precision="int8", calibration="images"), "is not known"),
        (ExportRequest("net.keras", "tflite", "timm"), "brings its own weights"),
        (ExportRequest("net.pt2", "tflite", "random:1"), "brings its own weights"),
        (asked(Path("absent.pt2")), "There is no file absent.pt2"),
        (asked(Path("absent.keras")), "There is no file absent.keras"),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_loaded(request_, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        export.ensure([request_])


def test_without_tensorflow_the_install_line_is_given(monkeypatch, keras_models) -> None:
    from importlib import metadata

    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MissingExtra) as caught:
        export.ensure([asked(keras_models["keras"])])
    assert "mnv4bench[tensorflow]" in caught.value.next_step


# --- hostile and damaged ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models whose code would make the file ``mark`` beside them."""
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("hostile")
    mark = str(folder / "mark")
    given = keras.Input((8,))
    made = keras.layers.Lambda(lambda x: (open(mark, "w").close(), x)[1])(given)  # noqa: PTH123
    for suffix in ("keras", "h5"):
        keras.Model(given, made).save(folder / f"lambda.{suffix}")

    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    keras.Sequential([given, Mine()]).save(folder / "mine.keras")

    def saved(name: str, body: Callable) -> None:
        module = tf.Module()
        module.run = tf.function(body, input_signature=[tf.TensorSpec([4, 4])])
        tf.saved_model.save(module, str(folder / name), signatures=module.run)

    def writes(x):
        tf.io.write_file(mark, "x")
        return {"y": x}

    saved("writes", writes)
    saved("python", lambda x: {"y": tf.numpy_function(lambda v: v, [x], tf.float32)})
    saved("lacking", lambda x: {"y": tf.linalg.det(x)})
    shutil.copytree(folder / "lacking", folder / "strange")
    graph = folder / "strange" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"MatrixDeterminant", b"MyStrangeOperator"))
    shutil.copytree(folder / "lacking", folder / "linked")
    (folder / "linked" / "assets" / "here").symlink_to("/etc/hostname")
    (folder / "mark").unlink(missing_ok=True)  # saving has run them
    return folder


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lambda.keras", "Lambda"),
        ("lambda.h5", "Lambda"),
        ("mine.keras", "'Mine'"),
        ("writes", "WriteFile, which reaches out"),
        ("python", "PyFunc, which reaches out"),
        ("strange", "not registered 'MyStrangeOperator'"),
        ("linked", "no plain file"),
    ],
)
def test_code_in_a_model_is_refused_and_not_run(name: str, says: str, hostile: Path) -> None:
    from mnv4bench.export.own import tensorflow_model

    with pytest.raises(BadFile, match=says) as caught:
        tensorflow_model.opened(hostile / name)
    assert "safe_mode" not in str(caught.value)  # no advice to trust it
    assert not (hostile / "mark").exists()


def test_an_operator_that_tflite_lacks_is_named(hostile: Path) -> None:
    found = failure(asked(hostile / "lacking"))
    assert "TFLite has no MatrixDeterminant" in found.what


@pytest.mark.parametrize("kept", [0, 100, 0.5])
@pytest.mark.parametrize("kind", ["keras", "h5", "folder"])
def test_a_model_cut_short_is_a_sentence(kind, kept, keras_models, tmp_path: Path) -> None:
    from mnv4bench.export.own import tensorflow_model

    path = tmp_path / f"cut.{kind}"
    cut = path / "saved_model.pb" if kind == "folder" else path
    if kind == "folder":
        shutil.copytree(keras_models[kind], path)
    else:
        shutil.copy(keras_models[kind], path)
    content = cut.read_bytes()
    cut.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(BadFile, match=f"cut.{kind}"):
        tensorflow_model.opened(path)


def test_a_saved_model_without_its_variables_is_a_sentence(keras_models, tmp_path: Path) -> None:
    from mnv4bench.export.own import tensorflow_model

    shutil.copytree(keras_models["folder"], tmp_path / "net")
    shutil.rmtree(tmp_path / "net" / "variables")
    with pytest.raises(BadFile, match="Failed to find any matching files"):
        tensorflow_model.opened(tmp_path / "net")


def test_a_keras_file_with_a_swollen_entry_is_refused(tmp_path: Path) -> None:
    from mnv4bench.export.own import tensorflow_model

    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("config.json", bytes(100_000_000))
    assert path.stat().st_size < 200_000
    with pytest.raises(BadFile, match="would unpack to 100,000,000 bytes"):
        tensorflow_model.opened(path)


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("net.pt2", "torch"),
        ("a/NET.PT2", "torch"),
        ("net.keras", "tensorflow"),
        ("net.h5", "tensorflow"),
        ("net.onnx", None),
        ("mnv4-conv-s", None),
        ("timm:resnet18", None),
        ("x" * 5000, None),
        ("nul\0", None),
    ],
)
def test_words_that_mean_a_source(word: str, kind: str | None) -> None:
    assert own_source.kind(word) == kind


def test_a_folder_is_a_source_when_it_holds_a_saved_model(tmp_path: Path) -> None:
    assert own_source.kind(str(tmp_path)) is None
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert own_source.kind(str(tmp_path)) == "tensorflow"
    assert not own_file.is_own_file(str(tmp_path))

"""Packages are read as they are, and a damaged or hostile one is a sentence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnv4bench import runtimes
from mnv4bench.errors import BadFile
from mnv4bench.export.coreml import messages as coreml_messages
from mnv4bench.export.coreml.constants import _unpacked
from mnv4bench.export.coreml.package import open_package, precision

MODEL = Path("Data/com.apple.CoreML/model.mlmodel")
WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")


@pytest.fixture
def copied(mobile_package: Callable[..., Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(mobile_package(), tmp_path / "copy.mlpackage"))


def rewrite(package: Path, change: Callable[..., None]) -> Path:
    """The package after ``change`` was made to its model, a message."""
    model = coreml_messages.messages().Model()
    model.ParseFromString((package / MODEL).read_bytes())
    change(model)
    (package / MODEL).write_bytes(model.SerializeToString())
    return package


def point_to(package: Path, place: object) -> None:
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = place
    (package / "Manifest.json").write_text(json.dumps(manifest))


def operations(model) -> list:
    (block,) = model.mlProgram.functions["main"].block_specializations.values()
    return block.operations


@pytest.mark.parametrize("word", ["fp16", "int8-weights", "palette4"])
@pytest.mark.parametrize("target", ["iOS16", "iOS18"])
def test_weights_are_read_as_coremltools_reads_them(
    word, target: str, mobile_package, tmp_path: Path
) -> None:
    """Apple's own code loads the package and works out each constant."""
    runtimes.coremltools()
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models import MLModel

    path = mobile_package(word, target)
    package = open_package(path)
    assert precision(package) == word
    model = MLModel(str(path), skip_model_load=True)
    program = load(model.get_spec(), package.specification, file_weights_dir=model.weights_dir)
    compared = 0
    for operator in program.functions["main"].operations:
        name = operator.outputs[0].name
        if name in package.constants and len(package.constants.shape(name)) >= 2:
            wanted = operator.outputs[0].val
            if wanted is None:
                wanted = operator.materialized_val_inference()
            found = package.constants.value(name)
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-6)
            compared += 1
    assert compared == 17


def test_operators_are_counted_with_their_types(mobile_package) -> None:
    package = open_package(mobile_package("fp16", "iOS15"))
    assert package.counts()["conv"] == 16
    assert package.dtypes()["conv"] == {"float16": 16}
    assert package.dtypes()["cast"] == {"float16": 1, "float32": 1}
    assert "const" not in package.counts()


def test_reading_loads_neither_coremltools_nor_torch_and_is_in_nobodys_way(mobile_package) -> None:
    script = (
        "import sys; from pathlib import Path; from mnv4bench import runtimes\n"
        "from mnv4bench.export.coreml import package as p, messages as m\n"
        "first = p.open_package(Path(sys.argv[1])); first.constants.numbers()\n"
        "print([name for name in ('torch', 'coremltools', 'tensorflow') if name in sys.modules])\n"
        "runtimes.coremltools()\n"
        "assert m.messages().__name__.startswith('coremltools.')\n"
        "assert p.open_package(Path(sys.argv[1])).counts() == first.counts()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(mobile_package())],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_packed_numbers_lie_lowest_bit_first() -> None:
    packed = np.array([0x21, 0x43], np.uint8)
    assert _unpacked(packed, 4, 3).tolist() == [1, 2, 3]
    assert _unpacked(np.array([0b11_100_010, 0b0], np.uint8), 3, 3).tolist() == [2, 4, 3]


# --- damaged and hostile ----------------------------------------------------------------------


def refuse(package: Path, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence) as caught:
        open_package(package)
    assert "Traceback" not in str(caught.value)


def test_no_package_at_all(tmp_path: Path) -> None:
    refuse(tmp_path / "absent.mlpackage", "is not a folder")
    (tmp_path / "file.mlpackage").write_bytes(b"x")
    refuse(tmp_path / "file.mlpackage", "is not a folder")
    (tmp_path / "empty.mlpackage").mkdir()
    refuse(tmp_path / "empty.mlpackage", "has no Manifest.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"itemInfoEntries": {}}', "[" * 100_000, "\ud800"]
)
def test_a_manifest_that_says_nothing(copied: Path, text: str) -> None:
    (copied / "Manifest.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    refuse(copied, "names no model")


@pytest.mark.parametrize("place", [3, None, ["com.apple.CoreML"], {}])
def test_a_manifest_with_another_type(copied: Path, place: object) -> None:
    point_to(copied, place)
    refuse(copied, "names no model")


@pytest.mark.parametrize("place", ["../../secret", "/etc/hostname", "com.apple.CoreML/../../../x"])
def test_a_manifest_that_leads_outside(copied: Path, place: str) -> None:
    (copied.parent / "secret").write_bytes(b"x")
    point_to(copied, place)
    refuse(copied, "looks for its model outside itself")


@pytest.mark.parametrize("place", ["nowhere", "com.apple.CoreML", "a\0b", "x" * 5000])
def test_a_manifest_that_leads_nowhere(copied: Path, place: str) -> None:
    point_to(copied, place)
    refuse(copied, "its model is missing")


def test_a_link_that_leads_outside(copied: Path) -> None:
    shutil.move(copied / MODEL, copied.parent / "elsewhere")
    (copied / MODEL).symlink_to(copied.parent / "elsewhere")
    refuse(copied, "outside itself")


def test_a_pipe_is_not_waited_for(copied: Path) -> None:
    (copied / MODEL).unlink()
    os.mkfifo(copied / MODEL)
    refuse(copied, "its model is missing")


def test_a_model_that_is_cut_short(copied: Path) -> None:
    whole = (copied / MODEL).read_bytes()
    (copied / MODEL).write_bytes(whole[: len(whole) // 2])
    refuse(copied, "cut short or damaged")
    (copied / MODEL).write_bytes(b"")
    refuse(copied, "holds no model")


def test_another_kind_of_model(copied: Path) -> None:
    rewrite(copied, lambda model: model.neuralNetwork.SetInParent())
    refuse(copied, "holds a neuralNetwork, not an ML program")


def test_a_program_without_a_function(copied: Path) -> None:
    rewrite(copied, lambda model: model.mlProgram.functions.clear())
    refuse(copied, "has no function that could run")


def test_weights_that_are_not_there(copied: Path) -> None:
    (copied / WEIGHTS).unlink()
    refuse(copied, "its file of weights is missing")


def test_weights_that_are_cut_short(copied: Path) -> None:
    whole = (copied / WEIGHTS).read_bytes()
    (copied / WEIGHTS).write_bytes(whole[:-200])
    refuse(copied, "cannot be read: no .* bytes begin at byte")


def test_weights_that_are_empty(copied: Path) -> None:
    (copied / WEIGHTS).write_bytes(b"")
    refuse(copied, "cannot be read: it is to begin at byte .* of 0")


@pytest.mark.parametrize("part", [MODEL, WEIGHTS])
def test_a_file_larger_than_memory(copied: Path, part: Path) -> None:
    """Sparse: it takes no room on the disk."""
    with (copied / part).open("r+b") as stream:
        stream.truncate(1 << 40)
    if part == MODEL:
        refuse(copied, "cut short or damaged")
    else:
        assert open_package(copied).counts()["conv"] == 16  # what lies behind is not read


@pytest.mark.parametrize("name", ["@model_path/../../../secret", "/etc/hostname"])
def test_weights_that_lie_outside(copied: Path, name: str) -> None:
    def change(model) -> None:
        for operation in operations(model):
            value = operation.attributes.get("val", None)
            if value is not None and value.WhichOneof("value") == "blobFileValue":
                value.blobFileValue.fileName = name

    (copied.parent / "secret").write_bytes(b"x")
    refuse(rewrite(copied, change), "looks for its file of weights outside itself")


@pytest.mark.parametrize("offset", [0, 65, 2**62])
def test_weights_that_begin_nowhere(copied: Path, offset: int) -> None:
    def change(model) -> None:
        for operation in operations(model):
            value = operation.attributes.get("val", None)
            if value is not None and value.WhichOneof("value") == "blobFileValue":
                value.blobFileValue.offset = offset

    refuse(rewrite(copied, change), "cannot be read")


def test_a_shape_larger_than_memory(copied: Path) -> None:
    def change(model) -> None:
        for operation in operations(model):
            for output in operation.outputs:
                for side in output.type.tensorType.dimensions:
                    side.constant.size = 2**60
            if operation.type == "const":
                for side in operation.attributes["val"].type.tensorType.dimensions:
                    side.constant.size = 2**60

    refuse(rewrite(copied, change), "cannot be read")


def test_weights_in_a_type_that_no_word_is_for(copied: Path) -> None:
    numbers = coreml_messages.messages().MIL__pb2.DataType

    def change(model) -> None:
        for operation in operations(model):
            if operation.type == "const":
                operation.outputs[0].type.tensorType.dataType = numbers.Value("BFLOAT16")

    package = open_package(rewrite(copied, change))
    with pytest.raises(BadFile, match="most of its weights as bfloat16"):
        precision(package)


def test_every_byte_of_the_model_may_be_wrong(copied: Path) -> None:
    """A few hundred of them: a sentence or a package, never another error."""
    whole = bytearray((copied / MODEL).read_bytes())
    draw = np.random.default_rng(0)
    for _ in range(300):
        changed = whole.copy()
        changed[draw.integers(len(whole))] = draw.integers(256)
        (copied / MODEL).write_bytes(changed)
        try:
            package = open_package(copied)
            package.counts(), package.dtypes(), package.constants.numbers()
            for name in list(package.constants.operators)[:20]:
                package.constants.value(name)
        except BadFile:
            pass

"""What --weights means, and the name that each choice has in a cache key."""

from pathlib import Path

import pytest

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.models import weights
from mnv4bench.models.weights import File, Random, Timm


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"not looked at by parse")
    return path


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("random", Random(0)),
        ("random:0", Random(0)),
        ("random:41", Random(41)),
        ("random:9223372036854775807", Random(2**63 - 1)),
        ("timm", Timm()),
        ("timm:e500_r224_in1k", Timm("e500_r224_in1k")),
    ],
)
def test_words(text: str, choice: weights.WeightsChoice) -> None:
    assert weights.parse(text) == choice


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".pth.tar"])
def test_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.touch()
    assert weights.parse(str(path)) == File(path)
    assert weights.parse(f"{path}:10") == File(path, classes=10)


def test_a_name_that_ends_like_a_number_of_classes_is_a_name_where_it_is_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "weights.pth:10"
    path.with_name("weights.pth").touch()
    assert weights.parse(str(path)) == File(tmp_path / "weights.pth", classes=10)
    path.with_name("epoch:10.pth").touch()
    assert weights.parse(str(path.with_name("epoch:10.pth"))) == File(tmp_path / "epoch:10.pth")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("random:", "whole number from 0"),
        ("random:-1", "whole number from 0"),
        ("random:1.5", "whole number from 0"),
        ("random:²", "whole number from 0"),
        ("random:9223372036854775808", "whole number from 0"),
        ("random:" + "9" * 5000, "whole number from 0"),
        ("rnadom", "neither a word nor a file"),
        ("timm:", "neither a word nor a file"),
        ("", "neither a word nor a file"),
        ("missing.safetensors", "is not there"),
        ("somewhere/else.pth", "is not there"),
        ("x" * 5000 + ".pth", "is out of reach"),
        ("a\0b.pth", "is out of reach"),
        ("missing.pth:10", "is not there"),
        ("missing.pth:0", "neither a word nor a file"),
        ("/dev/null", "neither a word nor a file"),
    ],
)
def test_anything_else_is_refused_with_what_would_do(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        weights.parse(text)
    assert "random" in caught.value.next_step


def test_a_directory_and_a_file_of_another_kind_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "net.onnx").touch()
    with pytest.raises(UsageError, match="a directory"):
        weights.parse(str(tmp_path / "folder.pth"))
    with pytest.raises(UsageError, match="a file of another kind"):
        weights.parse(str(tmp_path / "net.onnx"))


def test_the_default_tag_is_the_plain_training_at_the_models_size() -> None:
    assert weights.timm_tag(Timm(), "mnv4-hybrid-m") == "ix_e550_r256_in1k"
    assert weights.timm_tag(Timm(), "mobilenetv3-large") == "ra4_e3600_r224_in1k"
    assert weights.timm_tag(Timm("other"), "mnv4-hybrid-m") == "other"
    assert weights.timm_tag(Timm(), "timm:resnet18") is None


def test_different_weights_have_different_identities(file: Path) -> None:
    model = "mnv4-conv-s"
    texts = ("random", "random:1", "timm", "timm:e1200_r224_in1k", str(file), f"{file}:10")
    names = [weights.identity(weights.parse(text), model) for text in texts]
    assert len(set(names)) == len(names)
    assert names[2] == weights.identity(Timm("e2400_r224_in1k"), model)  # the default, by name


def test_a_file_is_known_by_its_bytes(file: Path) -> None:
    before = weights.identity(File(file), "mnv4-conv-s")
    copy = file.with_name("copy.safetensors")
    copy.write_bytes(file.read_bytes())
    assert weights.identity(File(copy), "mnv4-conv-s") == before
    file.write_bytes(b"other bytes")
    assert weights.identity(File(file), "mnv4-conv-s") != before


def test_a_file_that_went_away_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        weights.identity(File(tmp_path / "gone.pth"), "mnv4-conv-s")

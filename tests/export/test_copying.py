"""An artifact leaves the cache whole or not at all, and never over something precious."""

import os
from pathlib import Path

import pytest

from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.export import ExportedFile, copy_out
from tests.export.test_cache import artifact


@pytest.fixture
def exported(tmp_path: Path) -> ExportedFile:
    source = tmp_path / "cached.onnx"
    source.write_bytes(b"content")
    return ExportedFile(path=source, artifact=artifact(b"content"), cached=True)


def test_a_copy_is_the_file(exported: ExportedFile, tmp_path: Path) -> None:
    target = tmp_path / "out" / "m.onnx"
    target.parent.mkdir()
    assert copy_out(exported, target) == target
    assert target.read_bytes() == b"content"
    assert list(target.parent.iterdir()) == [target]
    target.write_bytes(b"older")
    copy_out(exported, target)
    assert target.read_bytes() == b"content"


def test_others_may_read_it_as_far_as_the_umask_lets_them(
    exported: ExportedFile, tmp_path: Path
) -> None:
    before = os.umask(0o022)
    try:
        target = copy_out(exported, tmp_path / "m.onnx")
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_link_is_followed_not_replaced(exported: ExportedFile, tmp_path: Path) -> None:
    link = tmp_path / "link.onnx"
    link.symlink_to("real.onnx")
    copy_out(exported, link)
    assert link.is_symlink()
    assert (tmp_path / "real.onnx").read_bytes() == b"content"


def test_a_folder_is_not_written_over(exported: ExportedFile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder") as caught:
        copy_out(exported, tmp_path)
    assert str(tmp_path / "cached.onnx") in caught.value.next_step


def test_a_pipe_is_not_replaced(exported: ExportedFile, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="neither a file nor free"):
        copy_out(exported, pipe)
    assert pipe.is_fifo()


def test_another_formats_name_is_refused(exported: ExportedFile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another format's name"):
        copy_out(exported, tmp_path / "m.tflite")
    assert not (tmp_path / "m.tflite").exists()


@pytest.mark.parametrize("place", ["absent/m.onnx", "cached.onnx/m.onnx", "x" * 300])
def test_a_place_that_cannot_be_written_is_a_sentence(
    exported: ExportedFile, place: str, tmp_path: Path
) -> None:
    with pytest.raises(NotMeasured, match="cannot be written"):
        copy_out(exported, tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["cached.onnx"]

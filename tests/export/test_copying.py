"""An artifact leaves the cache whole or not at all, and never over something precious."""

import errno
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.export import ExportedFile, cache, copy_out
from tests.export.test_cache import artifact, package


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


@pytest.fixture
def exported_package(tmp_path: Path) -> ExportedFile:
    source = package(tmp_path / "cached.mlpackage")
    made = replace(artifact(b""), format="coreml", sha256=cache.digest(source))
    return ExportedFile(path=source, artifact=made, cached=True)


def test_a_package_is_copied_whole_and_replaced(
    exported_package: ExportedFile, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "m.mlpackage"
    target.parent.mkdir()
    copy_out(exported_package, target)
    (target / "Data" / "of the older one").write_bytes(b"")
    copy_out(exported_package, target)
    assert cache.digest(target) == exported_package.artifact.sha256
    assert list(target.parent.iterdir()) == [target]


def test_a_package_keeps_its_suffix(exported_package: ExportedFile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program takes") as refused:
        copy_out(exported_package, tmp_path / "m")
    assert refused.value.next_step.endswith("m.mlpackage")
    assert not (tmp_path / "m").exists()


def test_a_package_replaces_no_other_folder(exported_package: ExportedFile, tmp_path: Path) -> None:
    for name in ("precious", "precious.mlpackage"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"precious")
        with pytest.raises(UsageError, match="is a folder"):
            copy_out(exported_package, tmp_path / name)
        assert (tmp_path / name / "file").read_bytes() == b"precious"


def test_a_package_that_cannot_be_put_in_place_leaves_the_old_one(
    exported_package: ExportedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = package(tmp_path / "m.mlpackage", b"older")

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NotMeasured, match="No space left"):
        copy_out(exported_package, target)
    assert (target / "Data" / "weight.bin").read_bytes() == b"older"
    assert sorted(tmp_path.iterdir()) == [exported_package.path, target]

"""Images are read as timm reads them, and one that cannot be read is named."""

import errno
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from mnv4bench import images
from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.records import Preprocessing


def prepared(
    px: int, crop_pct: float, interpolation: Literal["bilinear", "bicubic"] = "bicubic"
) -> Preprocessing:
    return Preprocessing(
        resize_px=int(px / crop_pct),
        crop_px=px,
        interpolation=interpolation,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        source="a test",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Upright, lying, square, tiny; grey, with alpha, with a palette; JPEG and PNG."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (90, 130, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((260, 180), Image.Resampling.BICUBIC)
    (tmp_path / "below").mkdir()
    picture.save(tmp_path / "lying.jpg")
    picture.rotate(90, expand=True).save(tmp_path / "upright.png")
    picture.crop((0, 0, 180, 180)).save(tmp_path / "below" / "square.PNG")
    picture.resize((23, 17)).save(tmp_path / "below" / "tiny.bmp")
    picture.convert("L").save(tmp_path / "grey.png")
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.quantize(16).save(tmp_path / "palette.png")
    (tmp_path / "labels.txt").write_text("no image")
    return tmp_path


def test_images_are_found_in_order(folder: Path) -> None:
    assert [path.relative_to(folder).as_posix() for path in images.find(folder)] == [
        "alpha.png", "below/square.PNG", "below/tiny.bmp", "grey.png", "lying.jpg", "palette.png",
        "upright.png",
    ]  # fmt: skip


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("px", "crop_pct"), [(224, 0.875), (224, 0.95), (256, 1.0), (97, 0.9)])
def test_an_image_is_prepared_as_timm_does(
    px: int, crop_pct: float, interpolation: Literal["bilinear", "bicubic"], folder: Path
) -> None:
    from mnv4bench.models import baselines

    baselines.timm_package()
    from timm.data import create_transform

    wanted = prepared(px, crop_pct, interpolation)
    theirs = create_transform(
        (3, px, px),
        interpolation=interpolation,
        crop_pct=crop_pct,
        mean=wanted.mean,
        std=wanted.std,
    )
    for path in images.find(folder):
        with Image.open(path) as image:
            expected = theirs(image.convert("RGB")).numpy()
        read = images.read(path, wanted)
        assert read.dtype == np.float32
        assert np.abs(read - expected).max() < 1e-5, path


@pytest.mark.parametrize("damage", [b"", b"GIF89a no", b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_image_is_named(damage: bytes, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(damage)
    with pytest.raises(images.Unreadable, match=r"bad\.jpg") as raised:
        images.read(bad, prepared(224, 0.875))
    assert raised.value.path == bad
    assert raised.value.reason


def test_an_image_that_is_cut_short_is_named(folder: Path) -> None:
    whole = (folder / "lying.jpg").read_bytes()
    (folder / "lying.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(images.Unreadable, match="lying"):
        images.read(folder / "lying.jpg", prepared(224, 0.875))


def test_an_image_that_would_fill_memory_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(images.Unreadable, match="bomb"):
        images.read(folder / "lying.jpg", prepared(224, 0.875))


def test_a_folder_without_images_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UsageError, match="no image among its 1 files"):
        images.find(tmp_path)
    with pytest.raises(UsageError, match="is not there"):
        images.find(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is not a folder"):
        images.find(tmp_path / "notes.txt")


def test_links_are_followed_once_and_hidden_files_passed_over(folder: Path) -> None:
    (folder / "below" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "linked").symlink_to(folder / "below", target_is_directory=True)
    (folder / "._lying.jpg").write_bytes(b"a resource fork of macOS")
    found = [path.relative_to(folder).as_posix() for path in images.find(folder)]
    assert len(found) == 7
    assert sum(name.endswith("tiny.bmp") for name in found) == 1
    assert not any("._" in name for name in found)


def test_no_format_is_opened_that_starts_another_program(tmp_path: Path) -> None:
    disguised = tmp_path / "photo.jpg"
    disguised.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(images.Unreadable, match="its content is none of"):
        images.read(disguised, prepared(224, 0.875))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM])
def test_trouble_of_the_machine_is_no_fault_of_the_image(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(number, "trouble", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    for read in (images.content, lambda path: images.read(path, prepared(224, 0.875))):
        with pytest.raises(NotMeasured, match=r"lying\.jpg could not be read.*trouble"):
            read(folder / "lying.jpg")


def test_memory_that_runs_out_is_no_fault_of_the_image(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "_cropped", fail)
    with pytest.raises(NotMeasured, match="out of memory"):
        images.read(folder / "lying.jpg", prepared(224, 0.875))


def test_a_file_that_is_gone_or_closed_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    for name in ("gone.jpg", "folder.jpg"):
        with pytest.raises(images.Unreadable, match=name):
            images.content(tmp_path / name)


def test_a_strip_that_grows_beyond_memory_is_refused(tmp_path: Path) -> None:
    """One pixel wide: resized to 256, its other side is as long as 256 times this one."""
    Image.new("L", (1, 60_000)).save(tmp_path / "strip.png")
    with pytest.raises(images.Unreadable, match="256 x 15360000 pixels, a decompression bomb"):
        images.read(tmp_path / "strip.png", prepared(224, 0.875))


def test_the_reason_reads_well(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("no image")
    with pytest.raises(images.Unreadable) as raised:
        images.read(tmp_path / "note.jpg", prepared(224, 0.875))
    assert raised.value.reason == "its content is none of BMP, JPEG, PNG, PPM, TIFF, WEBP"

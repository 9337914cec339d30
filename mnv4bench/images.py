"""A folder of images becomes arrays, prepared as a network's weights want them.

Knows: image files and the evaluation transform of timm and torchvision. Does not know: labels,
networks, runtimes.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench.errors import BadFile, NotMeasured, UsageError
from mnv4bench.records import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Those of torchvision's image folders. Pillow knows more, some of which start other programs.
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# What a file itself can be at fault for; all else (too many open files, a failing disk) is the
# machine's, and says nothing about the image.
FAULTS_OF_A_FILE = (errno.ENOENT, errno.EACCES, errno.EISDIR)


class Unreadable(BadFile):
    """An image that cannot be decoded."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no image that can be read: {reason}.", "replace or remove it")
        self.path = path
        self.reason = reason


def find(folder: Path) -> tuple[Path, ...]:
    """The image files below ``folder``, sorted by their path. Raises UsageError for none.

    Links to folders are followed, each folder once; hidden files are passed over.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "is not there"
        raise UsageError(f"{folder} {what}.", "give a folder that holds images")
    found, others, seen = [], 0, set[str]()
    for parent, subfolders, names in os.walk(folder, followlinks=True):
        if (here := os.path.realpath(parent)) in seen:  # a link that leads back up
            subfolders.clear()
            continue
        seen.add(here)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        visible = [Path(parent, name) for name in names if not name.startswith(".")]
        files = [path for path in visible if path.is_file()]
        chosen = [path for path in files if path.suffix.lower() in SUFFIXES]
        found += chosen
        others += len(files) - len(chosen)
    if not found:
        raise UsageError(
            f"{folder} holds no image among its {others} files.",
            f"give a folder with files ending in {', '.join(SUFFIXES)}",
        )
    return tuple(sorted(found))


@contextmanager
def without_warnings() -> Iterator[None]:
    """Within the block Pillow does not warn of odd metadata.

    The filter is the whole process's, so this goes around threads that read, not inside them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decoder() -> str:
    """What decodes images, ``"pillow 12.0.0"``: versions differ in single values of pixels."""
    import PIL

    return f"pillow {PIL.__version__}"


def content(path: Path) -> bytes:
    """The bytes of an image file. Raises Unreadable; NotMeasured where the machine is at fault."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in FAULTS_OF_A_FILE:
            raise Unreadable(path, reason) from None
        raise _trouble(path, reason) from None
    except MemoryError:
        raise _trouble(path, "out of memory") from None


def _trouble(path: Path, reason: str) -> NotMeasured:
    return NotMeasured(
        f"{path} could not be read, which may be no fault of the image: {reason}.",
        "when the machine is well again, give the same command",
    )


def read(path: Path, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """The image (3, H, W), RGB, normalised. Raises as ``content`` does.

    Equal to torchvision's Resize, CenterCrop, ToTensor and Normalize, which timm evaluates with:
    the shorter side is resized (and the other rounded down), no EXIF rotation is applied.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    whole = content(path)  # first, so that what fails below is the fault of these bytes
    try:
        with Image.open(BytesIO(whole), formats=FORMATS) as opened:
            _require_sane(opened.size)
            _require_sane(_resized(opened.size, preprocessing.resize_px))
            image = _cropped(opened.convert("RGB"), preprocessing)
    except UnidentifiedImageError:
        raise Unreadable(path, f"its content is none of {', '.join(FORMATS)}") from None
    except MemoryError:
        raise _trouble(path, "out of memory") from None
    except Exception as error:  # noqa: BLE001 - a damaged file can fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unreadable(path, reason) from None
    pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255  # (3, H, W)
    mean = np.array(preprocessing.mean, dtype=np.float32)[:, None, None]
    std = np.array(preprocessing.std, dtype=np.float32)[:, None, None]
    return np.ascontiguousarray((pixels - mean) / std)


def _require_sane(size: tuple[int, int]) -> None:
    """Pillow itself only warns of this size, and refuses at twice as much."""
    from PIL import Image

    if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or float("inf")):
        raise ValueError(f"{size[0]} x {size[1]} pixels, a decompression bomb")


def _resized(size: tuple[int, int], short: int) -> tuple[int, int]:
    width, height = size
    if width <= height:
        return short, int(short * height / width)
    return int(short * width / height), short


def _cropped(image: Any, preprocessing: Preprocessing) -> Any:
    from PIL import Image

    kinds = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    px = preprocessing.crop_px
    size = _resized(image.size, preprocessing.resize_px)
    if size != image.size:
        image = image.resize(size, kinds[preprocessing.interpolation])
    left, top = round((size[0] - px) / 2), round((size[1] - px) / 2)
    return image.crop((left, top, left + px, top + px))  # beyond its edges black

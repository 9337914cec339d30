"""A classifier's file in its runtime: prepared images in, a score for each class out.

Knows: where a file wants channels and batches. Does not know: image files, labels, how many of
these run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench import runtimes
from mnv4bench.errors import BadFile, UsageError
from mnv4bench.records import Format, Preprocessing
from mnv4bench.runtimes import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.float32]  # (3, H, W)

CHANNELS = 3
NOT_A_CLASSIFIER = "eval takes a file with one image input and one output of class scores"
# Of the shorter side that is kept: what torchvision's and the paper's evaluation resize to.
USUAL_CROP = 0.875
USUAL_MEAN, USUAL_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Classifier:
    """One loaded file; for one thread at a time."""

    loaded: runtimes.Loaded
    channels_last: bool
    batch: int  # images it takes at once; 1 where the file leaves it open
    input_px: int | None  # None: left open
    classes: int

    def scores(self, images: Sequence[Image]) -> Image:
        """(N, classes) float32 for up to ``batch`` images. Raises BadFile in the runtime's words.

        A batch that is not full is filled up with its last image.
        """
        import numpy as np

        full = [*images, *[images[-1]] * (self.batch - len(images))]
        return _run(self.loaded, np.stack(full), self.channels_last, self.classes)[: len(images)]


def load(file: Path, format: Format, px: int | None = None) -> Classifier:
    """``file`` on one thread. ``px``: the input's sides where the file leaves them open.

    Raises BadFile when it is no classifier of images, and as runtimes.load does. A file whose
    number of classes is open is asked about one black image.
    """
    import numpy as np

    loaded = runtimes.load(file, format, threads=1)
    if len(loaded.inputs) != 1 or len(loaded.outputs) != 1:
        raise BadFile(
            f"{file.name} has {len(loaded.inputs)} inputs and {len(loaded.outputs)} outputs.",
            NOT_A_CLASSIFIER,
        )
    given = loaded.inputs[0]
    channels_last, batch, input_px = _image_input(file, given, format)
    declared = loaded.outputs[0].shape
    if not all(side > 0 for side in declared):
        side = input_px or px
        if side is None:
            raise open_size(file.name)
        black = np.zeros((batch, CHANNELS, side, side), dtype=np.float32)
        declared = _run(loaded, black, channels_last, None).shape
    of_an_image = declared[1:] if declared[:1] == (batch,) else declared
    if sum(side != 1 for side in of_an_image) > 1:
        text = " x ".join(map(str, declared))
        raise BadFile(
            f"{file.name} gives {text} numbers, not one score for each class.", NOT_A_CLASSIFIER
        )
    classes = prod(declared) // batch
    if classes < 2:
        raise BadFile(f"{file.name} gives one number for an image.", NOT_A_CLASSIFIER)
    return Classifier(loaded, channels_last, batch, input_px, classes)


def _image_input(file: Path, given: TensorSpec, format: Format) -> tuple[bool, int, int | None]:
    """(channels last, batch, pixels of a side or None for an open size)."""
    shape = given.shape
    first, last = len(shape) == 4 and shape[1] == CHANNELS, len(shape) == 4 and shape[3] == CHANNELS
    sides = shape[1:3] if last and (not first or format == "tflite") else shape[2:4]
    if not (first or last) or sides[0] != sides[1]:
        text = " x ".join("?" if side < 0 else str(side) for side in shape)
        raise BadFile(f"{file.name} takes {text}, which is no square RGB image.", NOT_A_CLASSIFIER)
    if not given.scale and not given.dtype.startswith("float"):
        raise BadFile(
            f"{file.name} takes {given.dtype} without a scale, so what its numbers mean is not "
            "known.",
            "convert it with a quantised or a float input",
        )
    channels_last = sides == shape[1:3] and last
    return channels_last, max(shape[0], 1), sides[0] if sides[0] > 0 else None


def open_size(name: str) -> UsageError:
    return UsageError(f"{name} leaves the size of its input open.", "--shape 1x3xPXxPX")


def _run(loaded: runtimes.Loaded, images: Image, channels_last: bool, classes: int | None) -> Image:
    """(N, classes) for images (N, 3, H, W); as the file gives it where ``classes`` is None."""
    import numpy as np

    values = images.transpose(0, 2, 3, 1) if channels_last else images
    try:
        output = loaded.floats([np.ascontiguousarray(values)])[0]
        return output if classes is None else output.reshape(len(images), classes)
    except Exception as error:  # noqa: BLE001 - a runtime raises what it likes
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BadFile(
            f"{loaded.runtime} cannot run the file on an image of {images.shape[2]} pixels: "
            f"{reason}.",
            "mnv4bench export --inspect FILE says what it takes",
        ) from None


def usual_preprocessing(px: int) -> Preprocessing:
    """ImageNet's usual evaluation at ``px``, for a file that does not say what it wants."""
    return Preprocessing(
        resize_px=int(px / USUAL_CROP),
        crop_px=px,
        interpolation="bilinear",
        mean=USUAL_MEAN,
        std=USUAL_STD,
        source="ImageNet's usual",
    )


def require_size(classifier: Classifier, preprocessing: Preprocessing) -> None:
    """Raises UsageError when the images would not come out at the file's size."""
    if classifier.input_px not in (None, preprocessing.crop_px):
        raise UsageError(
            f"the file takes images of {classifier.input_px} pixels, and the preprocessing "
            f"({preprocessing.source}) ends at {preprocessing.crop_px}.",
            f"--crop {classifier.input_px}",
        )

"""How images are prepared for a file: what its weights want, unless the command line says more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.accuracy.classifier import Classifier
    from mnv4bench.records import Artifact, Preprocessing


class InterpolationWord(StrEnum):
    """How pixels between pixels are found."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


Channels = tuple[float, float, float]
ResizeOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=8192,
        metavar="PX",
        help="Resize the shorter side to this. This and the four below default to what the "
        "weights were trained with, and for a file of your own to ImageNet's usual.",
        show_default=False,
    ),
]
CropOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=8192, metavar="PX", help="Then cut out the centre square.", show_default=False
    ),
]
InterpolationOption = Annotated[
    InterpolationWord | None, typer.Option(help="Of the resizing.", show_default=False)
]
MeanOption = Annotated[
    Channels | None,
    typer.Option(metavar="R G B", help="Subtracted from pixels in 0..1.", show_default=False),
]
StdOption = Annotated[
    Channels | None,
    typer.Option(metavar="R G B", help="Then divided by.", show_default=False),
]


@dataclass(frozen=True)
class Preparing:
    """What the command line says of it; None: nothing."""

    resize_px: int | None
    crop_px: int | None
    interpolation: InterpolationWord | None
    mean: Channels | None
    std: Channels | None

    def settle(self, artifact: Artifact, classifier: Classifier) -> Preprocessing:
        """The file's preprocessing, changed by what was said.

        Raises UsageError when it is not known, or does not end at the file's input size.
        """
        from msgspec.structs import replace

        from mnv4bench.accuracy.classifier import open_size, require_size, usual_preprocessing

        changes = {
            "resize_px": self.resize_px,
            "crop_px": self.crop_px,
            "interpolation": self.interpolation.value if self.interpolation else None,
            "mean": self.mean,
            "std": self.std,
        }
        said = {name: value for name, value in changes.items() if value is not None}
        known = artifact.preprocessing
        if known is None:
            own = artifact.weights.kind == "own"
            px = self.crop_px or classifier.input_px or artifact.input_px
            if not own and not {"resize_px", "crop_px"} <= said.keys():
                raise UsageError(
                    f"{artifact.model} was evaluated by timm on squashed or bordered images, "
                    "which are not made here.",
                    "--resize PX --crop PX, for images cropped at their centre",
                )
            if px is None:
                raise open_size(artifact.model)
            known = usual_preprocessing(px)
        if said:
            said["source"] = f"{known.source}, with options"
        settled = replace(known, **said)
        if not all(map(isfinite, settled.mean)):
            raise UsageError(
                "--mean takes three finite numbers.", "--mean R G B, of pixels in 0..1"
            )
        if not all(isfinite(part) and part > 0 for part in settled.std):
            raise UsageError(
                "--std takes three finite numbers above zero: pixels are divided by them.",
                "--std R G B, of pixels in 0..1",
            )
        if settled.crop_px > settled.resize_px:
            raise UsageError(
                f"--crop {settled.crop_px} is larger than the resized image, "
                f"{settled.resize_px} pixels.",
                f"--resize {settled.crop_px} or more",
            )
        require_size(classifier, settled)
        return settled

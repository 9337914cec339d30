"""The inputs that a file is calibrated and compared on: a folder of images, or seeded ones.

Knows: how many, which of a folder's, and what tells two choices apart. Does not know: quantisers,
image files (images), networks.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench import images
from mnv4bench.errors import UsageError
from mnv4bench.records import Calibration

if TYPE_CHECKING:
    import torch

    from mnv4bench.models.build import BuiltModel

# Ranges settle within some dozens of inputs; more cost time and gain nothing (MinMax widens).
INPUTS = 64
# Compared on others than those calibrated on: as many as parity takes, kept out of the folder.
HELD_OUT = 4
CALIBRATION_SEED, HELD_OUT_SEED = 2, 1


@dataclass(frozen=True)
class Inputs:
    """What a quantiser and the comparison are given: images (N, 3, H, W), normalised, float32."""

    calibration: "torch.Tensor"
    held_out: "torch.Tensor"
    said: Calibration
    held_out_kind: str  # for the record of the comparison


def identity(folder: str | None) -> str:
    """What tells two calibrations apart, for a cache key. Loads no torch; reads files once.

    Raises UsageError for a folder without enough images.
    """
    if folder is None:
        return f"synthetic {INPUTS} seed {CALIBRATION_SEED}"
    sha256 = hashlib.sha256()
    for file in _chosen(Path(folder)):
        sha256.update(hashlib.sha256(images.content(file)).digest())
    return f"images {sha256.hexdigest()}"


def inputs(folder: str | None, built: "BuiltModel") -> Inputs:
    """The inputs for ``built``: of a folder through the weights' own preprocessing.

    Raises UsageError for a folder without enough images, BadFile for one that cannot be read.
    """
    if folder is None:
        return synthetic(built)
    import torch

    if built.preprocessing is None:
        raise UsageError(
            f"{built.entry.model} is given images in another way than by a centre crop, which "
            "calibrating on a folder does not know.",
            "leave --calibration out: seeded images are used then",
        )
    chosen = _chosen(Path(folder))
    read = [torch.from_numpy(images.read(file, built.preprocessing)) for file in chosen]
    calibration, held_out = torch.stack(read[HELD_OUT:]), torch.stack(read[:HELD_OUT])
    name = Path(folder).resolve().name
    said = Calibration(
        kind="images", detail=name, count=len(calibration), sha256=_digest(calibration)
    )
    return Inputs(calibration, held_out, said, f"images of {name}, not calibrated on")


def synthetic(built: "BuiltModel") -> Inputs:
    """Seeded inputs with the statistics of photographs."""
    calibration = _seeded(built, CALIBRATION_SEED, INPUTS)
    said = Calibration(
        kind="synthetic",
        detail=f"seed {CALIBRATION_SEED}",
        count=INPUTS,
        sha256=_digest(calibration),
    )
    held_out = _seeded(built, HELD_OUT_SEED, HELD_OUT)
    return Inputs(calibration, held_out, said, "seeded, with the statistics of photographs")


def _seeded(built: "BuiltModel", seed: int, count: int) -> "torch.Tensor":
    from mnv4bench.models.build import sample_input

    if built.preprocessing is None:
        return sample_input(built.input_px, seed, count)
    given = built.preprocessing
    return sample_input(built.input_px, seed, count, given.mean, given.std)


def _chosen(folder: Path) -> list[Path]:
    """Up to INPUTS + HELD_OUT files, evenly over the sorted folder: every class has a say."""
    found = images.find(folder)
    wanted = INPUTS + HELD_OUT
    if len(found) <= HELD_OUT:
        raise UsageError(
            f"{folder} holds {len(found)} images; calibrating takes at least {HELD_OUT + 1}: "
            f"{HELD_OUT} of them are kept to compare on.",
            f"give a folder with some {wanted} images, or leave --calibration out for seeded ones",
        )
    if len(found) <= wanted:
        return list(found)
    return [found[index * len(found) // wanted] for index in range(wanted)]


def _digest(inputs: "torch.Tensor") -> str:
    return hashlib.sha256(inputs.numpy().tobytes()).hexdigest()

"""How images are prepared for a network's weights: size, crop, interpolation, normalisation.

A checkpoint is built, exported and drawn at the size that it was trained at: timm's ``input_size``
with its ``crop_pct``. timm also evaluates many at a larger "test size" with another crop; those
figures stay in ``accuracies.csv`` under their own size. The checkpoints of the catalog's models
stand in ``checkpoints.csv`` as timm 1.0.31 has them (a test compares), so that the size, which
names an export in the cache, is known without timm.

Knows: published settings. Does not know: images, tensors, torch. Asking for a ``timm:NAME``, or a
tag that the file lacks, is the exception that has to import timm.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from mnv4bench.models import catalog
from mnv4bench.models.weights import File, Timm, WeightsChoice, timm_tag
from mnv4bench.records import Preprocessing

USUAL = "ImageNet's usual"  # of a network that no checkpoint exists of


class _Settings(Struct, frozen=True, kw_only=True):
    """What a checkpoint's images were like, in timm's words."""

    checkpoint: str  # "arch.tag"; "": nobody has trained it
    input_px: int
    crop_pct: float
    crop_mode: str = "center"
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def input_px(model: str, choice: WeightsChoice) -> int:
    """Height and width of ``model``'s input with these weights. Raises as ``of`` does."""
    return _settings(model, choice).input_px


def of(model: str, choice: WeightsChoice) -> Preprocessing | None:
    """What is done to an image for ``model``; ``crop_px`` is the network's input.

    Random weights and a file, which do not say, get what the model's default checkpoint was
    trained with; ``source`` says whose it is. None where timm squashes or borders images instead
    of cropping their centre (some of ``timm:NAME``).
    Raises UsageError for a model or tag that does not exist or is for other classes.
    """
    found = _settings(model, choice)
    if found.crop_mode != "center":
        return None
    assumed = f", assumed for {choice.path.name}" if isinstance(choice, File) else ""
    return Preprocessing(
        resize_px=math.floor(found.input_px / found.crop_pct),  # as timm.data rounds
        crop_px=found.input_px,
        interpolation=found.interpolation,
        mean=found.mean,
        std=found.std,
        source=f"timm {found.checkpoint}{assumed}" if found.checkpoint else USUAL,
    )


def _settings(model: str, choice: WeightsChoice) -> _Settings:
    given = choice if isinstance(choice, Timm) else None
    if given is None and not catalog.has_checkpoints(model):
        return _Settings(
            checkpoint="",
            input_px=catalog.definition(model).input_px,
            crop_pct=0.875,
            interpolation="bilinear",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
        )
    arch = catalog.arch(model)
    tag = timm_tag(given or Timm(), model)
    if known := _published().get(f"{arch}.{tag}"):
        return known
    from mnv4bench.models import baselines

    config = baselines.published(arch, tag) if given else baselines.config(arch)
    return _Settings(
        checkpoint=f"{arch}.{config.tag}" if config.tag else arch,
        input_px=config.input_size[1],
        crop_pct=config.crop_pct,
        crop_mode=config.crop_mode,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
    )


@cache
def _published() -> dict[str, _Settings]:
    """ "arch.tag" -> what timm publishes about it."""
    lines = Path(__file__).with_name("checkpoints.csv").read_text("utf-8").splitlines()
    return {
        row["checkpoint"]: msgspec.convert(
            row | {"mean": row["mean"].split(), "std": row["std"].split()}, _Settings, strict=False
        )
        for row in csv.DictReader(lines)
    }

"""Seeded inputs in the range that an image model expects.

Knows: shapes, element types, layouts. Does not know: runtimes or files.
Zeros are never used: they make multiplications, and on some chips whole layers, cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

# Per-channel mean and deviation of ImageNet's training images in 0..1, the normalisation that the
# reference models were trained with (timm's IMAGENET_DEFAULT_MEAN and _STD).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# 32 and 64-bit integers. As an image they are pixel values; else they are indices or masks more
# often than not, and a value past the end of a table would end the inference. Any table has two
# rows (a language model's of segments has no more), and reading others takes no longer.
WIDE_PIXEL_MAX, INDEX_MAX = 255, 1


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input as the file declares it."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # numpy's name: "float32", "uint8", ...


def fixed_shape(
    name: str, declared: tuple[int | None, ...], chosen: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    """The shape to measure the input ``name`` with: ``chosen``, or declared with an open batch 1.

    Raises ValueError for a chosen shape that contradicts the file, and for an open size other
    than the batch where nothing is chosen. A declaration without sizes takes any.
    """
    shape = chosen.get(name)
    if shape is None:
        rest = declared[1:]
        shape = tuple(size or 0 for size in ((1, *rest) if declared[:1] == (None,) else declared))
    fits = not declared or (
        len(shape) == len(declared)
        and all(size in (None, side) for size, side in zip(declared, shape, strict=True))
    )
    if not fits or 0 in shape:
        shown = " x ".join("?" if size is None else str(size) for size in declared)
        why = f"not {' x '.join(map(str, shape))}" if not fits else "with nothing chosen for it"
        raise ValueError(f"the input {name} is {shown}, {why}")
    return shape


def seeded(spec: InputSpec, *, seed: int, buffer: int) -> NDArray[np.generic]:
    """One buffer for ``spec``; the same for the same seed, another for every ``buffer``.

    Floats: uniform 0..1, normalised per channel like an ImageNet image in the layout of the file
    (three channels, last or second). 8 and 16-bit integers: uniform over their whole range; wider
    ones up to WIDE_PIXEL_MAX in an image's shape, INDEX_MAX in any other. Raises ValueError for a
    type that is no number.
    """
    import numpy as np

    generator = np.random.default_rng([seed, buffer, *spec.name.encode()])
    try:
        kind = np.dtype(spec.dtype)
    except TypeError:
        raise ValueError(f"the input {spec.name} is of type {spec.dtype}, unknown here") from None
    if kind.kind == "f":
        pixels = generator.random(spec.shape, dtype=np.float32)
        return (
            (pixels - _per_channel(spec.shape, IMAGENET_MEAN))
            / _per_channel(spec.shape, IMAGENET_STD)
        ).astype(kind)
    if kind.kind == "b":
        return generator.integers(0, 2, spec.shape).astype(kind)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        wide = (0, WIDE_PIXEL_MAX if len(spec.shape) == 4 else INDEX_MAX)
        low, high = (limits.min, limits.max) if kind.itemsize <= 2 else wide
        return generator.integers(low, high, spec.shape, dtype=kind, endpoint=True)
    raise ValueError(f"the input {spec.name} is of type {spec.dtype}, which is no number")


def _per_channel(shape: tuple[int, ...], values: tuple[float, float, float]) -> NDArray[np.float32]:
    """``values`` shaped to broadcast over an image of ``shape``; their mean for anything else."""
    import numpy as np

    each = np.asarray(values, dtype=np.float32)
    if len(shape) == 4 and shape[3] == 3:  # (N, H, W, C)
        return each
    if len(shape) == 4 and shape[1] == 3:  # (N, C, H, W)
        return each.reshape(3, 1, 1)
    return np.full(1, each.mean(), dtype=np.float32)

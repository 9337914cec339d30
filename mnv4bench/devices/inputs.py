"""Seeded inputs in the range that an image model expects.

Knows: shapes, element types, layouts. Does not know: runtimes or files.
Zeros are never used: they make multiplications, and on some chips whole layers, cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Per-channel mean and deviation of ImageNet's training images in 0..1, the normalisation that the
# reference models were trained with (timm's IMAGENET_DEFAULT_MEAN and _STD).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Wide integers are indices or counts more often than pixels: a full 32-bit range would point
# outside any table. Pixel values are inside every range that an image model takes.
WIDE_INTEGER_MAX = 255


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input as the file declares it."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # numpy's name: "float32", "uint8", ...


def fixed_shape(declared: tuple[int | None, ...], known: tuple[int, ...] | None) -> tuple[int, ...]:
    """``declared`` with its open sizes filled: from ``known`` where it fits, else batch 1.

    Raises ValueError for an open size other than the batch that nothing fills.
    """
    filled = list(declared)
    if known is not None and len(known) == len(declared):
        filled = [k if size is None else size for size, k in zip(declared, known, strict=True)]
    elif filled and filled[0] is None:
        filled[0] = 1
    fixed = tuple(size for size in filled if size is not None and size > 0)
    if len(fixed) != len(declared):
        shown = " x ".join("?" if size is None else str(size) for size in declared)
        raise ValueError(f"an input of open size {shown}: export it with a fixed input size")
    return fixed


def seeded(spec: InputSpec, *, seed: int, buffer: int) -> NDArray[np.generic]:
    """One buffer for ``spec``; the same for the same seed, another for every ``buffer``.

    Floats: uniform 0..1, normalised per channel like an ImageNet image in the layout of the file
    (three channels, last or second). 8 and 16-bit integers: uniform over their whole range.
    """
    import numpy as np

    generator = np.random.default_rng([seed, buffer, *spec.name.encode()])
    kind = np.dtype(spec.dtype)
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
        low, high = (limits.min, limits.max) if kind.itemsize <= 2 else (0, WIDE_INTEGER_MAX)
        return generator.integers(low, high, spec.shape, dtype=kind, endpoint=True)
    raise ValueError(f"an input of type {spec.dtype}, which is neither a number nor a pixel")


def _per_channel(shape: tuple[int, ...], values: tuple[float, float, float]) -> NDArray[np.float32]:
    """``values`` shaped to broadcast over an image of ``shape``; their mean for anything else."""
    import numpy as np

    each = np.asarray(values, dtype=np.float32)
    if len(shape) == 4 and shape[3] == 3:  # (N, H, W, C)
        return each
    if len(shape) == 4 and shape[1] == 3:  # (N, C, H, W)
        return each.reshape(3, 1, 1)
    return np.full(1, each.mean(), dtype=np.float32)

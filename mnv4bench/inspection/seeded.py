"""Values for an input of any type, to see a file run; the same ones every time.

Knows: numpy's types. Does not know: what an input means. (Inputs that outputs or times are judged
by are images: models.inputs, devices.inputs.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 0
# Deviation of floats, and of one-byte integers over their range. Noise excites a network more than
# a picture of the same contrast does: with a deviation of 1 the softmax of Hybrid-M is nearly a
# step, and multiplies rounding by fifty.
DEVIATION = 0.5
BYTE_DEVIATION = 1 / 8


def values(shape: Sequence[int], dtype: str) -> NDArray[Any]:
    """Open sides (-1) become 1. Wide integers are indices more often than numbers: 0 and 1 are
    safe. Raises TypeError for a type that numpy has no name for."""
    import numpy as np

    random, kind = np.random.default_rng(SEED), np.dtype(dtype)
    sides = [max(1, side) for side in shape]
    made: NDArray[Any] = random.integers(0, 1, sides, endpoint=True)
    if kind.kind == "f":
        made = DEVIATION * random.standard_normal(sides)
    elif kind.kind in "iu" and kind.itemsize == 1:
        limits = np.iinfo(kind)
        spread = BYTE_DEVIATION * (int(limits.max) - int(limits.min))
        middle = (int(limits.max) + int(limits.min)) / 2
        made = random.normal(middle, spread, sides).clip(limits.min, limits.max)
    return made.astype(kind)

"""How much room words take in the figures' typeface.

Knows: matplotlib's own font (DejaVu Sans, shipped with it), so layout is the same on every machine.
Does not know: what the words say. Widths are points; text is never read as mathematics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

FAMILY = "DejaVu Sans"
# Fractions of the size: height of "H", and depth of "g" below the baseline.
CAP_HEIGHT = 0.73
DESCENT = 0.24
BOLD = 1.16  # bold letters are wider
_ELLIPSIS = "…"
_MEASURED_AT = 100.0  # points; large, so that hinting does not bend the widths


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    # At 72 dots an inch a pixel is a point. matplotlib types this class only in part.
    return RendererAgg(8, 8, 72)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=8192)
def width(text: str, size: float) -> float:
    """Advance of ``text`` in points."""
    font = FontProperties(family=FAMILY, size=_MEASURED_AT)
    extent = _renderer().get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(extent[0]) * size / _MEASURED_AT


def shortened(text: str, size: float, room: float) -> str:
    """``text``, or its beginning and an ellipsis where it is wider than ``room``."""
    return _longest(text, size, room, lambda keep: text[:keep] + _ELLIPSIS)


def shortened_within(text: str, size: float, room: float) -> str:
    """``text``, or both its ends around an ellipsis: variants of a model differ at the end."""
    return _longest(
        text,
        size,
        room,
        lambda keep: text[: keep - keep // 2] + _ELLIPSIS + text[len(text) - keep // 2 :],
    )


def _longest(text: str, size: float, room: float, cut: Callable[[int], str]) -> str:
    """``text``, or ``cut`` to as many characters as have room; names may be very long."""
    if width(text, size) <= room:
        return text
    keeps = range(1, len(text))
    return cut(bisect_left(keeps, True, key=lambda keep: width(cut(keep), size) > room))


def wrapped(text: str, size: float, room: float, most: int | None = None) -> list[str]:
    """Lines no wider than ``room``, broken between words; a word that is wider is shortened.

    Of more than ``most`` lines the last one that is kept ends in an ellipsis.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(shortened(word, size, room))
    if most is not None and len(lines) > most:
        lines[most - 1 :] = [shortened(" ".join(lines[most - 1 : most + 1]), size, room)]
    return lines

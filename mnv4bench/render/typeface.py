"""How much room words take in the figures' typeface.

Knows: matplotlib's own font (DejaVu Sans, shipped with it), so layout is the same on every machine.
Does not know: what the words say. Widths are points; text is never read as mathematics.
"""

from __future__ import annotations

from functools import lru_cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

FAMILY = "DejaVu Sans"
# Fractions of the size: height of "H", and depth of "g" below the baseline.
CAP_HEIGHT = 0.73
DESCENT = 0.24
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
    if width(text, size) <= room:
        return text
    fits = len(text)
    while fits and width(text[:fits] + _ELLIPSIS, size) > room:
        fits -= 1
    return text[:fits] + _ELLIPSIS


def shortened_within(text: str, size: float, room: float) -> str:
    """``text``, or both its ends around an ellipsis: variants of a model differ at the end."""
    if width(text, size) <= room:
        return text
    keep = len(text) - 1
    while keep > 1 and width(_ends(text, keep), size) > room:
        keep -= 1
    return _ends(text, keep)


def _ends(text: str, keep: int) -> str:
    return text[: keep - keep // 2] + _ELLIPSIS + text[len(text) - keep // 2 :]


def wrapped(text: str, size: float, room: float) -> list[str]:
    """Lines no wider than ``room``, broken between words; a word that is wider is shortened."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(shortened(word, size, room))
    return lines

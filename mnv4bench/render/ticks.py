"""Where an axis has ticks: plain numbers, and no two of them touch.

Knows: linear and logarithmic axes, and how wide a number is. Does not know: what is on the axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from mnv4bench import units
from mnv4bench.render import typeface
from mnv4bench.render.words import TEXT_SIZE

# Tick mantissas from coarse to fine; the first set that puts MIN_TICKS on the axis is taken.
MANTISSAS = (
    (1.0,),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0),
    (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0),
)
MIN_TICKS = 4
OVERHANG = 4.0  # points by which a number may stand out at either side of the axis


def plain(low: float, high: float) -> tuple[float, ...]:
    """Plain numbers on a logarithmic axis: 1, 2, 5, 10 where they are enough."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for mantissas in MANTISSAS:
        found = tuple(m * 10.0**d for d in decades for m in mantissas if low <= m * 10.0**d <= high)
        if len(found) >= MIN_TICKS:
            break
    return found


def spaced(low: float, high: float, wide: float) -> list[float]:
    """Of ``plain``, on an axis ``wide`` points long: those whose numbers have room.

    All of them, but for ends that stand out too far, else the decades, else some.
    """
    start, length = log10(low), log10(high) - log10(low)
    places = [(tick, (log10(tick) - start) / length * wide) for tick in plain(low, high)]
    every = [place for place in places if _apart([place], wide)]
    decades = [(tick, at) for tick, at in every if log10(tick) == round(log10(tick))]
    for some in (every, decades):
        if len(some) > 1 and len(kept := _apart(some, wide)) == len(some):
            return kept
    return _apart(every, wide)


def _apart(places: Sequence[tuple[float, float]], wide: float) -> list[float]:
    """Of (tick, where it lies), those whose numbers touch no other and nothing beside the axes."""
    kept: list[float] = []
    free = -OVERHANG
    for tick, at in places:
        half = typeface.width(units.plain(tick), TEXT_SIZE) / 2
        if at - half >= free and at + half <= wide + OVERHANG:
            kept.append(tick)
            free = at + half + 4
    return kept


def even(axes: Axes, steps: Sequence[float]) -> None:
    """Ticks of a linear axis, within its limits, with room for their numbers."""
    low, high = axes.get_xlim()
    wide = axes.bbox.width
    every = MaxNLocator(nbins=max(2, int(wide / 30)), steps=list(steps)).tick_values(low, high)
    inside = [float(tick) for tick in every if low <= tick <= high]
    kept = _apart([(tick, (tick - low) / (high - low) * wide) for tick in inside], wide)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FixedFormatter([units.plain(tick) for tick in kept]))

"""One process in which base and head were measured in alternation becomes one number.

Knows: turns, blocks, and the ratio of two sides that share a process. Does not know: how turns are
measured, other processes, or what the number means.

The unit of replication is the fresh process: turns of one process share its layout in memory and
agree more than processes do. A process times base and head in alternating turns: of ten to twenty
inferences where one takes a millisecond (in shorter turns they cool each other's caches), of a
single one where it takes ten or more. A turn's time is its lower decile (`block_time`). Every turn
is divided by its neighbours on both sides, and the median of the logarithms of these ratios, signed
as head over base, is the process's number. Drift within the process enters with both signs and
cancels, and a turn that something ran into spoils two ratios of many. Turns of ten scatter by 1.2 %
from process to process where sessions one after the other scatter by 5.4 %.

The lower decile is nearly as sharp as the median on a quiet machine. Where other programs interrupt
half of all inferences processes scatter by 1.7 % with it, by 4 % with the median, and by 13 % with
the mean, which measures those other programs (`benchmarks/gate_calibration.py`). Where turns are
single inferences it takes several of them to find one that nothing ran into, so several turns may
make one block, in each process as many as make its ratios agree best. That choice sees how far
ratios scatter and not which side is which, so it favours neither. (Conv-L, 50 ms, between four
other programs on two processors, eight processes: 7.2 % with single turns, 0.5 % with this; Conv-M
on the same machine 0.4 % with single inferences and 1.1 % with turns of ten.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log, sqrt
from typing import Literal, NamedTuple

from mnv4bench.analysis.stats import median

Order = Literal["base first", "head first"]

# Turns that may make one block, where there are at least so many of them: from fewer it cannot be
# told which length agrees best. At least four blocks must be left on either side.
_WINDOWS = (1, 3, 5, 10, 15)
_MANY_TURNS = 40
_FEWEST_BLOCKS = 4


class Paired(NamedTuple):
    """One process, or one process of each side on a device that cannot hold both at once.

    Times of turns (`block_time`) in measured order, alternating from the side that ``order`` names,
    which is also loaded first; as many on either side, or one more of that which comes first. Where
    a program prints one figure for a process, that is its one turn. The unit is seconds, or any
    that both share.
    """

    base_s: tuple[float, ...]
    head_s: tuple[float, ...]
    order: Order
    tainted: tuple[str, ...] = ()


class Observation(NamedTuple):
    """What a gate keeps of a ``Paired``."""

    log_ratio: float  # of head over base
    order: Order
    blocks: int  # turns on either side
    base_s: float  # median
    head_s: float
    tainted: tuple[str, ...] = ()


def block_time(latencies_s: Sequence[float]) -> float:
    """What stands for a turn: its lower decile, of up to ten the fastest. ValueError on none."""
    if not latencies_s:
        raise ValueError("a turn without inferences has no time")
    return sorted(latencies_s)[(len(latencies_s) - 1) // 10]


def observe(paired: Paired) -> Observation:
    """The number of one process. Raises ValueError on times that are none, or do not alternate."""
    base, head = paired.base_s, paired.head_s
    for seconds in (*base, *head):
        if not (isfinite(seconds) and seconds > 0):
            raise ValueError(f"a turn takes a time above 0, and one is said to take {seconds}")
    first, second = (base, head) if paired.order == "base first" else (head, base)
    if not second or len(first) - len(second) not in (0, 1):
        raise ValueError(
            f"turns must alternate, {paired.order}, and there are {len(base)} of base and "
            f"{len(head)} of head"
        )
    windows = [1] + [
        size for size in _WINDOWS[1:] if len(second) >= max(_MANY_TURNS, _FEWEST_BLOCKS * size)
    ]
    # Of windows that agree equally well, as with a coarse clock, the shortest.
    steps = min((_steps(first, second, size) for size in windows), key=_disagreement)
    ratio = median(steps)
    return Observation(
        log_ratio=ratio if paired.order == "base first" else -ratio,
        order=paired.order,
        blocks=len(second),
        base_s=median(base),
        head_s=median(head),
        tainted=paired.tainted,
    )


def _steps(first: Sequence[float], second: Sequence[float], size: int) -> list[float]:
    """Logarithms of second over first, of neighbouring blocks of ``size`` turns each."""
    logs = [0.0] * (2 * (len(second) // size) + (size == 1 and len(first) > len(second)))
    for place, side in enumerate((first, second)):
        if size > 1:
            starts = range(0, len(second) - size + 1, size)
            side = [block_time(side[start : start + size]) for start in starts]
        logs[place::2] = map(log, side)
    return [b - a if n % 2 == 0 else a - b for n, (a, b) in enumerate(pairwise(logs))]


def _disagreement(steps: Sequence[float]) -> float:
    """How far their median is to be believed: the median distance from it, over sqrt(count)."""
    middle = median(steps)
    return median([abs(step - middle) for step in steps]) / sqrt(len(steps))

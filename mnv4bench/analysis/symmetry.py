"""What a few values say of their middle, at every look, if they scatter as far up as down.

Knows: bets on signs, and the estimate and the interval that go with them. Does not know:
latencies, models, gates.

**The bet.** If the middle is m, a value above it and a value as far below are equally likely,
whatever the spread, the tails and the modes. So for an odd function g between -1 and 1 the factor
1 + g(value - m) is 1 on average, and the product over all values so far is a bet whose expected
worth stays 1. By Ville's inequality (1939) it *ever* reaches 1/a with a probability of at most a.
So a look after each value is free: no number of looks is planned and no level is spent on them,
and the interval of all m that the bet has not refuted holds at whatever moment one stops. Tests of
symmetry that hold at all times are products of this form (Ramdas, Ruf, Larsson and Koolen 2020,
arXiv 2009.03167); intervals from them: Howard, Ramdas, McAuliffe and Sekhon 2021, Ann. Stat. 49,
1055; bets and their worth: Shafer 2021, J. R. Stat. Soc. A 184, 407.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import copysign, fsum, inf, isfinite, log, log1p, prod, sqrt, tanh
from typing import NamedTuple

from mnv4bench.analysis.stats import median

# Above this many values the worth of a bet could pass what a float holds.
MAX_VALUES = 1000
# Where tanh is 1 to the last bit, and so evidence no longer changes.
_SATURATED = 20.0
# Of the ends of an interval, relative to the scale.
_RESOLUTION = 1e-3
# Of the normal distribution, at 0.98.
_QUANTILE = 2.05
# What is put on each kind of bet; they sum to 1. Any shares are valid, poor ones need more values:
# these were chosen of six over ten kinds of noise. A stake is what a value on the wrong side
# takes away: at 0.95 a twentieth is left, and six values on one side suffice for 1/40.
_SIGN, _SIGN_STAKE = 0.3, 0.95  # the side alone: quick where the noise is small
_STEEP, _STEEP_STAKE = 0.5, 0.95  # full from half a scale on
_GENTLE, _GENTLE_STAKE = 0.1, 0.9  # full from one scale on: where noise is as large as that
_WARY, _WARY_STAKE = 0.1, 0.6  # the side alone, for a little: lives through wild values


class _Bet(NamedTuple):
    share: float
    stake: float
    turns: list[float]  # of each value, -1..1


def _bets(offs: Sequence[float], scale: float) -> tuple[_Bet, ...]:
    """The four kinds, for values that lie ``offs`` above the middle in question."""
    sides = [copysign(1.0, off) if off else 0.0 for off in offs]
    gentle = [tanh(off / scale) for off in offs]
    # tanh(2x) from tanh(x), for half the time.
    steep = [2 * turn / (1 + turn * turn) for turn in gentle]
    return (
        _Bet(_SIGN, _SIGN_STAKE, sides),
        _Bet(_STEEP, _STEEP_STAKE, steep),
        _Bet(_GENTLE, _GENTLE_STAKE, gentle),
        _Bet(_WARY, _WARY_STAKE, sides),
    )


def evidence(values: Sequence[float], middle: float, scale: float) -> tuple[float, float]:
    """(above, below): what bets that the middle is above, and below, ``middle`` are worth by now.

    1 says nothing; 40 is ever reached by chance with a probability of at most 1/40. ``scale`` > 0
    is the distance that matters, in the unit of the values, fixed before they were seen.
    """
    bets = _bets([value - middle for value in values], scale)
    above = sum(share * prod([1 + stake * turn for turn in turns]) for share, stake, turns in bets)
    below = sum(share * prod([1 - stake * turn for turn in turns]) for share, stake, turns in bets)
    return above, below


def needed(values: Sequence[float], middle: float, scale: float, worth: float) -> float:
    """About how many values like these, in all, refute that the middle is ``middle`` or below.

    Of the kinds of bets the one that does it first: its logarithm grows in proportion to the
    values. inf: none grows. For "or above", negate values and middle.
    """
    found = inf
    for share, stake, turns in _bets([value - middle for value in values], scale):
        growth = fsum(log1p(stake * turn) for turn in turns) / len(turns)
        if growth > 0:
            found = min(found, (log(worth) - log(share)) / growth)
    return found


def centre(values: Sequence[float]) -> float:
    """Hodges and Lehmann's estimate (1963): the median of the means of all pairs, selves included.

    As good as the mean within 5 % for normal noise, and unmoved by a quarter of wild values. Raises
    ValueError on no values.
    """
    ordered = sorted(values)
    return median([(a + b) / 2 for n, a in enumerate(ordered) for b in ordered[n:]])


class Interval(NamedTuple):
    low: float  # -inf, and inf: the values are too few to say
    high: float


def interval(values: Sequence[float], worth: float, scale: float) -> Interval:
    """The middles that no bet has refuted, where a worth of ``worth`` is a refutation.

    It covers the true middle at all looks together with a probability of at least 1 - 2 / worth,
    and always holds ``centre(values)``.
    """
    estimate = centre(values)

    def below(middle: float) -> bool:
        return evidence(values, middle, scale)[0] >= worth

    def above(mirrored: float) -> bool:
        return evidence(values, -mirrored, scale)[1] >= worth

    low, high = inf, inf
    for reach in (scale, _SATURATED * scale):  # nearly always the first, for half the time
        low = low if isfinite(low) else _edge(below, min(values) - reach, estimate, scale)
        high = high if isfinite(high) else -_edge(above, -max(values) - reach, -estimate, scale)
    return Interval(low, high)


def _edge(refuted: Callable[[float], bool], far: float, estimate: float, scale: float) -> float:
    """The largest refuted middle from ``far`` up to the estimate; -inf if ``far`` is not refuted.

    Evidence only falls on the way, so everything up to an edge is refuted.
    """
    if not refuted(far):
        return -inf
    near = estimate  # not refuted but in contrived cases, where the interval then ends
    while near - far > _RESOLUTION * scale:
        middle = (far + near) / 2
        far, near = (middle, near) if refuted(middle) else (far, middle)
    return far


def detectable(
    values: Sequence[float], worth: float, scale: float, count: int, at_least: float
) -> float:
    """The smallest shift of the middle that ``count`` values like these would show; inf if none.

    Shown is: the bet against no shift reaches ``worth``, and the centre comes out at ``at_least``
    or above, each with a probability of about 0.98. The scatter is taken from the values, two at
    least, so from few of them it is a rough figure.
    """
    estimate = centre(values)
    # Residuals of n values are smaller than their errors by sqrt((n - 1) / n).
    widen = sqrt(len(values) / (len(values) - 1))
    errors = [(value - estimate) * widen for value in values]
    doubt = _QUANTILE * sqrt(sum(error * error for error in errors) / len(errors) / count)

    def shown(shift: float) -> bool:
        return shift - doubt >= at_least and any(
            _growth(bet, count) >= log(worth) for bet in _bets([e + shift for e in errors], scale)
        )

    far = 2 * max(map(abs, errors)) + at_least + doubt + _SATURATED * scale
    return -_edge(lambda shift: shown(-shift), -far, 0.0, scale)


def _growth(bet: _Bet, count: int) -> float:
    """The logarithm of the worth that a bet passes after ``count`` values, 98 times of 100."""
    logs = [log1p(bet.stake * turn) for turn in bet.turns]
    mean = fsum(logs) / len(logs)
    spread = sqrt(fsum((one - mean) ** 2 for one in logs) / len(logs))
    return log(bet.share) + count * mean - _QUANTILE * sqrt(count) * spread

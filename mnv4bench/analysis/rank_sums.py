"""Two groups of values compared by rank: how surely one is larger, and by what factor.

Knows: Wilcoxon's rank sum, exact where groups are small, and the interval that belongs to it. Does
not know: what the values are, nor in which order they came. Nothing is assumed of a distribution
but that values are independent, and for the factor that it is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, comb, erfc, floor, sqrt
from statistics import NormalDist
from typing import NamedTuple

# Orderings are counted up to this Mann-Whitney count where one group is SMALL, and where both are
# larger up to MAX_EXTREME; of more than MAX_VALUES values none. There the normal curve serves,
# which errs on the safe side in its far tail.
SMALL, MAX_COUNTED = 10, 400
MAX_EXTREME, MAX_VALUES = 60, 300
# Values of each group that a factor is taken from: 40,000 pairs, and the nearest in time.
MAX_PAIRED = 200
_NORMAL = NormalDist()
# The p-value of no float: past this many deviations it is 0.
_FURTHEST = 38.0


class Ratio(NamedTuple):
    """By what factor the second group is larger; ``low``..``high`` holds it with ``confidence``."""

    value: float
    low: float
    high: float
    confidence: float


def two_sided(smaller: float, first: int, second: int, spread: float | None = None) -> float:
    """The chance of a rank sum as uneven, were both groups alike.

    ``smaller`` is the smaller of the two Mann-Whitney counts (pairs in which the one group is
    larger, ties half), at most ``first * second / 2``. ``spread`` is its standard deviation where
    ties have made it smaller.
    """
    counted = ceil(smaller)
    if _is_counted(first, second, counted):
        return min(1.0, 2 * _orderings_up_to(first, second, counted) / comb(first + second, first))
    if spread is None:
        spread = sqrt(first * second * (first + second + 1) / 12)
    if spread <= 0:
        return 1.0
    # Half a pair less: the count is whole and the curve is not.
    return erfc(max(0.0, first * second / 2 - smaller - 0.5) / spread / sqrt(2))


def _is_counted(first: int, second: int, most: int) -> bool:
    if min(first, second) <= SMALL:
        return most <= MAX_COUNTED
    return most <= MAX_EXTREME and first + second <= MAX_VALUES


@lru_cache(maxsize=4096)
def _orderings_up_to(first: int, second: int, most: int) -> int:
    """Orderings of both groups with a Mann-Whitney count of at most ``most``.

    Coefficients of the Gaussian binomial, of which the product over i of (1 - q^(second + i)) /
    (1 - q^i) is cut off after ``most``. Mann and Whitney 1947, Ann. Math. Stat. 18, 50.
    """
    first, second = min(first, second), max(first, second)
    counts = [1] + [0] * most
    for i in range(1, first + 1):
        for j in range(most, second + i - 1, -1):
            counts[j] -= counts[j - second - i]
        for j in range(i, most + 1):
            counts[j] += counts[j - i]
    return sum(counts)


def deviations(p: float) -> float:
    """How many standard deviations of a normal curve leave ``p`` outside on both sides."""
    if p >= 1:
        return 0.0
    return min(_FURTHEST, -_NORMAL.inv_cdf(p / 2)) if p > 0 else _FURTHEST


def outside(deviations: float) -> float:
    """The other way round."""
    return erfc(deviations / sqrt(2))


def ratio(before: Sequence[float], after: Sequence[float], confidence: float = 0.95) -> Ratio:
    """The factor from ``before`` to ``after``, both positive and in the order of time.

    The median of all quotients, with the order statistics of the quotients that belong to the rank
    test: Hodges and Lehmann 1963 (Ann. Math. Stat. 34, 598) and Moses (in Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 3rd ed., 4.3), for logarithms. Where so few values
    reach no ``confidence``, the range of the quotients, with the confidence that it does reach.
    """
    before, after = before[-MAX_PAIRED:], after[:MAX_PAIRED]
    first, second = len(before), len(after)
    quotients = sorted(late / early for late in after for early in before)
    count = len(quotients)
    half = count // 2
    middle = quotients[half] if count % 2 else (quotients[half - 1] + quotients[half]) / 2
    rank, reached = _interval_rank(first, second, confidence)
    return Ratio(middle, quotients[rank - 1], quotients[count - rank], reached)


@lru_cache(maxsize=1024)
def _interval_rank(first: int, second: int, confidence: float) -> tuple[int, float]:
    """(k, coverage): the k-th smallest and k-th largest quotient; 1 - 2 P(count < k)."""
    pairs = first * second
    if min(first, second) <= SMALL:

        def beyond(rank: int) -> float:
            return two_sided(rank - 1, first, second)

        low, high = 1, min(pairs // 2, MAX_COUNTED) + 1
        while high - low > 1:
            middle = (low + high) // 2
            if 1 - beyond(middle) >= confidence:
                low = middle
            else:
                high = middle
        return low, 1 - beyond(low)
    spread = sqrt(pairs * (first + second + 1) / 12)
    reach = -_NORMAL.inv_cdf((1 - confidence) / 2) * spread
    return max(1, floor(pairs / 2 - reach)), confidence

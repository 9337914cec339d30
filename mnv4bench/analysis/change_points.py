"""Where a series of values changes its level, and how sure that is.

Knows: ranks. A value that is far out counts as one value, however far it is. Does not know: what
the values are, nor when they were measured.

The method, from well-known parts: the split at which the two sides differ most by Wilcoxon's rank
sum ("maximally selected rank statistics", Lausen and Schumacher 1992, Biometrics 48, 73), and in
each side again. A rise that is taken back hides from that, since the sides of no split differ
much, so a stretch is held against what lies before and behind it as well (circular binary
segmentation, Olshen, Venkatraman, Lucito and Wigler 2004, Biostatistics 5, 557). At the end each
change is placed and judged anew between its neighbours.

Two corrections keep it quiet. Every p-value is multiplied by the number of places where chance
could have had its way. And values of sessions close in time are alike on a machine that is slow
for some days, so they count as fewer (Bartlett 1935, J. R. Stat. Soc. 98, 536).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import log, sqrt
from operator import sub
from typing import NamedTuple

from mnv4bench.analysis.rank_sums import deviations, outside, two_sided

# A change is none while fewer values than this speak for it, however far out they are.
MIN_SEGMENT = 3
# A series without a change shows one with at most this probability.
FALSE_ALARMS = 0.001
# Smaller ones may be true, and nobody would do anything about them: a session's own interval is
# as wide (run stops at 1 %).
LEAST_CHANGE = 1.01
# With fewer values than this, how alike neighbours are cannot be told.
MIN_FOR_LIKENESS = 30
MOST_LIKENESS = 0.9
# Stretches are looked for among so many values at once, or steps of a long series.
MOST_AT_ONCE = 256
_STEPS = 128
# In shorter parts hardly any order of the values would be surprising enough.
_SHORTEST_WINDOW = 24
_STRETCHED = 192
# Of longer series there are too many short parts for one of them to be surprising.
_DENSE = 1000
_FOR_SPLITS = 0.8  # of the false alarms
# Rounds of placing changes anew; each moves a few by a few values, and two may move for ever.
_MOST_TURNS = 20


class Change(NamedTuple):
    """The first value of the new level, and the chance of such a change where there is none."""

    at: int
    p_value: float


class _Stretch(NamedTuple):
    """``values[start:end]`` differs from what lies around it."""

    p_value: float
    start: int
    end: int


def detect(
    values: Sequence[float],
    *,
    false_alarms: float = FALSE_ALARMS,
    least: float = LEAST_CHANGE,
    shortest: int = MIN_SEGMENT,
) -> list[Change]:
    """The changes in ``values`` (positive, in the order of time), in order.

    ``false_alarms``: how often a series without any change may show one. ``least``: changes by a
    smaller factor are none. No level is shorter than ``shortest`` values.
    """
    series = _Series(values, shortest)
    found: list[int] = []
    ranges = [(0, len(values))]
    while ranges:
        low, high = ranges.pop()
        new = _search(series, low, high, false_alarms)
        found += new
        if new:
            ranges += pairwise([low, *new, high])
    return _settle(series, sorted(found), false_alarms, least)


class _Series:
    """The values, with the surest split and the surest stretch of any part of them."""

    def __init__(self, values: Sequence[float], shortest: int) -> None:
        self.values = values
        self._shortest = shortest
        alike = likeness(values)
        self._counts_as = sqrt((1 - alike) / (1 + alike))  # of a distance in standard deviations

    def split(self, low: int, high: int) -> Change | None:
        """The surest of ``values[low:high]``; None where it is too short."""
        count, shortest = high - low, self._shortest
        if count < 2 * shortest:
            return None
        sums, spread = _rank_sums(self.values[low:high])
        surest = min(
            (_p_value(off, first, count, spread), -off / sqrt(first * (count - first)), first)
            for first in range(shortest, count - shortest + 1)
            for off in [abs(sums[first] - first * (count + 1) / 2)]
        )
        p, far = self._thinned(surest[0])
        # Neighbouring splits are much alike: Lausen and Schumacher's formula, over the p-value of
        # one split. Where there are few, their number is less.
        share = shortest / count
        alike = 2 + max(0.0, far * far - 1) * log((1 - share) / share)
        splits = count - 2 * shortest + 1
        return Change(low + surest[2], min(1.0, p * min(splits, alike)))

    def stretch(self, low: int, high: int) -> _Stretch | None:
        """The surest inside ``values[low:high]``, with values before and behind it.

        Of a long part, only stretches that begin and end at one of 128 steps.
        """
        count, shortest = high - low, self._shortest
        step = 1 if count <= MOST_AT_ONCE else -(-count // _STEPS)
        sums, spread = _rank_sums(self.values[low:high])
        edges = sums[shortest : count - shortest + 1 : step]
        surest: _Stretch | None = None
        places = 0
        for apart in range(-(-shortest // step), len(edges)):
            inside = apart * step
            expected = inside * (count + 1) / 2
            here = list(map(sub, edges[apart:], edges))
            places += len(here)
            most, least = max(here), min(here)
            off, which = max((most - expected, most), (expected - least, least))
            p = _p_value(off, inside, count, spread)
            if surest is None or p < surest.p_value:
                start = low + shortest + here.index(which) * step
                surest = _Stretch(p, start, start + inside)
        if surest is None:
            return None
        p, _ = self._thinned(surest.p_value)
        return surest._replace(p_value=min(1.0, p * places))

    def _thinned(self, p: float) -> tuple[float, float]:
        """(p, its distance in standard deviations) when neighbours are alike."""
        far = deviations(p)
        if self._counts_as == 1:
            return p, far
        return outside(far * self._counts_as), far * self._counts_as


def likeness(values: Sequence[float]) -> float:
    """How much neighbours are alike beyond chance: an autocorrelation, 0..MOST_LIKENESS.

    Neighbours with an autocorrelation of r are apart by 1 - r, and values two apart by 1 - r * r,
    so their squared steps are as 1 to 1 + r. Steps that are far out are left out: changes of level
    and spikes say nothing of this. What so few values cannot tell from 0 is taken off.
    """
    count = len(values)
    if count < MIN_FOR_LIKENESS:
        return 0.0
    logarithms = [log(value) for value in values]
    one = _typical_square(list(map(sub, logarithms[1:], logarithms)))
    two = _typical_square(list(map(sub, logarithms[2:], logarithms)))
    if one <= 0:
        return 0.0
    return min(MOST_LIKENESS, max(0.0, two / one - 1 - 1 / sqrt(count)))


def _typical_square(steps: Sequence[float]) -> float:
    """The mean square of those steps that are at most four times as large as the middle one."""
    sizes = sorted(map(abs, steps))
    limit = 4 * _median(sizes)
    near = [size for size in sizes if size <= limit]
    return sum(size * size for size in near) / len(near)


def _rank_sums(values: Sequence[float]) -> tuple[list[float], float]:
    """(sum of the ranks of the first 0, 1, ... values; the standard deviation of a rank).

    Ranks count from 1; equal values share theirs.
    """
    count = len(values)
    order = sorted(range(count), key=values.__getitem__)
    ranks = [0.0] * count
    tied = 0
    at = 0
    while at < count:
        end = at + 1
        value = values[order[at]]
        while end < count and values[order[end]] == value:
            end += 1
        for place in order[at:end]:
            ranks[place] = (at + 1 + end) / 2
        tied += (end - at) ** 3 - (end - at)
        at = end
    squared = (count + 1 - tied / (count * (count - 1))) / 12
    return list(accumulate(ranks, initial=0.0)), sqrt(max(0.0, squared))


def _p_value(off: float, inside: int, count: int, spread: float) -> float:
    """That the rank sum of ``inside`` of ``count`` values is off by so much, were all alike."""
    outside = count - inside
    smaller = inside * outside / 2 - off
    return two_sided(smaller, inside, outside, spread * sqrt(inside * outside))


def _search(series: _Series, low: int, high: int, false_alarms: float) -> list[int]:
    """The surest change in a range, if it is sure enough; of a stretch, where it starts and ends.

    Splits of the whole, which most changes are, have most of the false alarms; everything else that
    is tried shares the rest.
    """
    split = series.split(low, high)
    if split is None:
        return []
    if split.p_value <= false_alarms * _FOR_SPLITS:
        return [split.at]
    splits = [series.split(start, end) for start, end in _windows(low, high)]
    wide = [(low, high)]
    if high - low > MOST_AT_ONCE:
        wide += [(start, end) for start, end in _windows(low, high) if end - start == _STRETCHED]
    stretches = [series.stretch(start, end) for start, end in wide]
    tried = [
        *((one.p_value, [one.start, one.end]) for one in stretches if one),
        *((one.p_value, [one.at]) for one in splits if one),
    ]
    p, found = min(tried, default=(1.0, []))
    return found if p * len(tried) <= false_alarms * (1 - _FOR_SPLITS) else []


def _windows(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Parts of a range, each overlapping the next, of lengths that double.

    They show changes that others around them hide (seeded binary segmentation, Kovacs, Buhlmann, Li
    and Munk 2023, Biometrika 110, 249).
    """
    count = high - low
    length = _SHORTEST_WINDOW if count <= _DENSE else 2 * _SHORTEST_WINDOW
    while length < count:
        step = length // 4 if count <= _DENSE and length < _STRETCHED else length // 2
        for start in range(low, high - length, step):
            yield start, start + length
        yield high - length, high
        length *= 2


def _settle(series: _Series, found: list[int], false_alarms: float, least: float) -> list[Change]:
    """Each change placed anew between its neighbours; the doubtful and the small go one by one."""
    turns = _MOST_TURNS
    while found:
        placed: list[Change] = []
        for at, after in zip(found, [*found[1:], len(series.values)], strict=True):
            before = placed[-1].at if placed else 0
            placed.append(series.split(before, after) or Change(at, 1.0))
        doubtful = max(range(len(placed)), key=lambda one: placed[one].p_value)
        if placed[doubtful].p_value > false_alarms:
            del found[doubtful]
            continue
        moved = [change.at for change in placed]
        levels = [_median(series.values[a:b]) for a, b in pairwise([0, *moved, len(series.values)])]
        sizes = [max(b / a, a / b) for a, b in pairwise(levels)]
        smallest = min(range(len(sizes)), key=sizes.__getitem__)
        if sizes[smallest] < least:
            del found[smallest]
            continue
        turns -= 1
        if moved == found or not turns:
            return placed
        found = moved
    return []


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

"""Resampled fronts: what could have been measured, many times over, and who is on the front then.

Knows: the bootstrap over invocations, top-1 of counted images, dominance in columns of numbers.
Does not know: models, groups, what a share is called. The one module here that computes with numpy,
since it looks at tens of millions of numbers; it is loaded when a front is judged.

Each model's invocations are drawn with replacement as many times as there are (Efron 1979, Ann.
Stat. 7, 1) and their median is taken; a measured top-1 is drawn from what so many images allow.
Files that were asked about the same images are drawn on the same ones, so that images that are hard
for all are no difference between them. Invocations are drawn for each model by itself: what hurt
all models of a round alike counts as noise of each, which errs on the side of less certainty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, exp, inf, lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

# Numbers held at once for each of several arrays: 8 MB.
CHUNK = 1_000_000
# What a file said of an image, in a sheet of answers: one byte an image, in the data set's order.
WRONG, RIGHT, UNREAD = 0, 1, 2
# Up to so many values every possible median of a point is computed beforehand.
FEW = 16
# Two measured accuracies whose intervals of so many standard errors lie apart never change places:
# by the normal curve one resample in 10**10 would see it.
SURE = 4.5


class Drawn(NamedTuple):
    """Some resamples: a row each, a column for each point, most accurate first as measured."""

    cost: Floats  # (rows, points)
    top1: Floats  # (rows, points), or (points,) where no accuracy was measured


@dataclass(frozen=True)
class Cloud:
    """Points of one basis that were compared, most accurate first, then cheapest."""

    values: tuple[tuple[float, ...], ...]  # of each point's invocations; one where it is exact
    top1: Floats  # (points,), percent
    images: NDArray[np.int64]  # (points,), that top-1 was measured on; 0: taken as it is
    # Of each point its answers to the images of one data set; empty: only their number is known.
    sheets: tuple[bytes, ...] = ()

    @classmethod
    def of(
        cls,
        values: Sequence[tuple[float, ...]],
        top1: Sequence[float],
        images: Sequence[int],
        sheets: Sequence[bytes] = (),
    ) -> Cloud:
        """Of points in the order above."""
        return cls(tuple(values), np.array(top1, float), np.array(images, np.int64), tuple(sheets))

    def only(self, columns: Indices) -> Cloud:
        """These points alone, in the same order."""
        values = tuple(self.values[column] for column in columns)
        sheets = tuple(self.sheets[column] for column in columns) if self.sheets else ()
        return Cloud(values, self.top1[columns], self.images[columns], sheets)

    def paired(self) -> Indices:
        """Columns of the points that are drawn on the same images as another one."""
        found = np.flatnonzero([bool(sheet) for sheet in self.sheets])
        lengths = {len(self.sheets[column]) for column in found}
        return found if len(found) > 1 and len(lengths) == 1 else found[:0]

    def contenders(self) -> Indices:
        """Columns of the points that no other point dominates in every resample.

        A measured top-1 counts as what it would be with SURE standard errors more or less.
        """
        lows, highs = (np.array([end(one) for one in self.values]) for end in (min, max))
        counted = np.maximum(self.images, 1)
        share = self.top1 / 100
        reach = 100 * SURE * np.sqrt(share * (1 - share) / counted + 1 / counted**2)
        reach[self.images == 0] = 0.0
        surely, at_most = self.top1 - reach, self.top1 + reach
        order = np.argsort(-surely, kind="stable")
        cheapest = np.r_[inf, np.minimum.accumulate(highs[order])]
        ahead = np.searchsorted(-surely[order], -at_most, side="right")
        return np.flatnonzero(lows <= cheapest[ahead])

    def resampled(self, resamples: int, seed: Sequence[int]) -> Iterator[Drawn]:
        """``resamples`` rows in parts; the same whatever the size of a part."""
        costs, accuracies, together = (np.random.default_rng([*seed, which]) for which in range(3))
        by_count: dict[int, list[int]] = {}
        for column, values in enumerate(self.values):
            by_count.setdefault(len(values), []).append(column)
        tables = [
            (_Medians.of(count), np.array(columns), np.sort([self.values[c] for c in columns]))
            for count, columns in by_count.items()
        ]
        paired = self.paired()
        crowd = _Images.of([self.sheets[column] for column in paired]) if len(paired) else None
        counted = np.setdiff1d(np.flatnonzero(self.images), paired)
        right = self.top1[counted] / 100 * self.images[counted]
        wrong = self.images[counted] - right
        rows = max(1, CHUNK // max(len(self.values), len(crowd.counts) if crowd else 0))
        for start in range(0, resamples, rows):
            shape = (min(rows, resamples - start), len(self.values))
            uniform = costs.random(shape)
            if len(tables) == 1:
                cost = tables[0][0].drawn(uniform, tables[0][2])
            else:
                cost = np.empty(shape)
                for medians, columns, ordered in tables:
                    cost[:, columns] = medians.drawn(uniform[:, columns], ordered)
            top1 = self.top1
            if len(counted) or crowd:
                top1 = np.broadcast_to(self.top1, shape).copy()
                # Jeffreys' posterior: near 0 and 1 it does not collapse, as a resampled share does.
                top1[:, counted] = 100 * accuracies.beta(
                    right + 0.5, wrong + 0.5, (shape[0], len(counted))
                )
            if crowd:
                top1[:, paired] = 100 * crowd.drawn(shape[0], together)
            yield Drawn(cost, top1)


@dataclass(frozen=True)
class _Images:
    """Images of one data set, those alike in what every file said of them counted together.

    Each resample gives every image a weight of its own, the same for all files (the Bayesian
    bootstrap, Rubin 1981, Ann. Stat. 9, 130). Half an image is added to what each file got right
    and to what it got wrong, weighted anew for each file: so its top-1 has Jeffreys' posterior, as
    that of a file alone, and two files that never differed on these images may differ on others.
    """

    counts: NDArray[np.int64]  # (kinds,), images of each kind
    right: NDArray[np.float32]  # (kinds, files), 1 where the file was right
    unread: NDArray[np.float32] | None  # likewise; None: every file could read every image

    @staticmethod
    def of(sheets: Sequence[bytes]) -> _Images:
        """Of sheets of the same length."""
        every = np.frombuffer(b"".join(sheets), np.uint8).reshape(len(sheets), -1)
        # As one value an image: rows of several would be compared field by field.
        whole = np.ascontiguousarray(every.T).view(f"V{len(sheets)}").ravel()
        alike, counts = np.unique(whole, return_counts=True)
        kinds = alike.view(np.uint8).reshape(len(counts), -1)
        right, unread = (kinds == RIGHT).astype(np.float32), kinds == UNREAD
        return _Images(
            counts.astype(np.int64), right, unread.astype(np.float32) if unread.any() else None
        )

    def drawn(self, rows: int, random: np.random.Generator) -> Floats:
        """(rows, files): the share of right answers in so many resamples."""
        # In one call a row after the other, so that parts of any size are the same resamples.
        files = self.right.shape[1]
        shapes = np.concatenate([self.counts, np.full(2 * files, 0.5)])
        drawn = random.standard_gamma(shapes, (rows, len(shapes)))
        weights = drawn[:, : len(self.counts)].astype(np.float32)
        # Not by BLAS, whose threads wait for each other ten times as long on a busy machine.
        right = np.einsum("rk,kf->rf", weights, self.right)
        read = weights.sum(axis=1, keepdims=True)
        if self.unread is not None:
            read = read - np.einsum("rk,kf->rf", weights, self.unread)
        wrong = np.maximum(read - right, 0.0)  # rounding may leave a hair below
        right = right + drawn[:, len(self.counts) : -files]
        wrong = wrong + drawn[:, -files:]
        return np.asarray(right / (right + wrong), np.float64)


@dataclass(frozen=True)
class _Medians:
    """The bootstrap distribution of the median of ``count`` values, exactly.

    The median of a resample is the mean of two order statistics of what was measured (of the same
    one twice for odd counts), so one uniform number draws it.
    """

    upto: Floats  # cumulated probabilities of the pairs
    lower: Indices
    upper: Indices

    @staticmethod
    @lru_cache(maxsize=256)
    def of(count: int) -> _Medians:
        """For ``count`` values."""
        if count % 2:
            middle = (count + 1) // 2
            least = [_at_least(count, rank / count, middle) for rank in range(count + 1)]
            ranks = np.arange(count)
            return _Medians(np.diff(least).cumsum(), ranks, ranks)
        half = count // 2
        shares, lower, upper = list[float](), list[int](), list[int]()
        least = [_at_least(count, rank / count, half) for rank in range(count + 1)]
        for i in range(count):
            apart = []
            for j in range(i + 1, count):  # half of the draws up to i, the others from j on
                below = ((i + 1) / count) ** half - (i / count) ** half
                above = ((count - j) / count) ** half - ((count - j - 1) / count) ** half
                apart.append(comb(count, half) * below * above)
            same = max(0.0, least[i + 1] - least[i] - sum(apart))
            shares += [same, *apart]
            lower += [i] * (count - i)
            upper += range(i, count)
        return _Medians(np.cumsum(shares), np.array(lower), np.array(upper))

    def drawn(self, uniform: Floats, ordered: Floats) -> Floats:
        """A median for each of ``uniform`` (rows, points) from ``ordered`` (points, count)."""
        count = ordered.shape[1]
        if count == 1:
            return np.broadcast_to(ordered[:, 0], uniform.shape).copy()
        pair = np.searchsorted(self.upto, uniform.ravel(), side="right").reshape(uniform.shape)
        np.minimum(pair, len(self.upto) - 1, out=pair)
        if count <= FEW:
            means = (ordered[:, self.lower] + ordered[:, self.upper]) / 2
            pair += np.arange(len(ordered)) * means.shape[1]
            return means.ravel().take(pair)
        first = np.arange(len(ordered)) * count
        flat = ordered.ravel()
        low, high = flat.take(self.lower[pair] + first), flat.take(self.upper[pair] + first)
        return np.asarray((low + high) / 2)


def _at_least(count: int, chance: float, least: int) -> float:
    """P(Binomial(count, chance) >= least)."""
    if chance <= 0.0 or chance >= 1.0:
        return float(chance >= 1.0)
    whole = lgamma(count + 1)
    return sum(
        exp(
            whole
            - lgamma(k + 1)
            - lgamma(count - k + 1)
            + k * log(chance)
            + (count - k) * log(1 - chance)
        )
        for k in range(least, count + 1)
    )


# --- dominance in columns ---------------------------------------------------------------------


class Judged(NamedTuple):
    """For each resample (row) and point (column, as drawn)."""

    member: Bools  # on the front
    ratio: Floats  # cost over the front's at this accuracy: 1 or more


def judged(drawn: Drawn) -> Judged:
    """Who is on the front in each resample: no other is as cheap and as accurate, and better."""
    if drawn.top1.ndim == 1:
        lowest = np.minimum.accumulate(drawn.cost, axis=1)
        first, last = _ties(drawn.top1)
        alike = lowest[:, last]  # of all that are as accurate or more
        above = np.full(drawn.cost.shape, inf)  # of all that are more accurate
        better = first > 0
        above[:, better] = lowest[:, first[better] - 1]
        return Judged((drawn.cost < above) & (drawn.cost <= alike), drawn.cost / alike)
    order = np.argsort(-drawn.top1, axis=1, kind="stable")
    cost = np.take_along_axis(drawn.cost, order, axis=1)
    lowest = np.minimum.accumulate(cost, axis=1)
    member = np.ones(cost.shape, bool)
    member[:, 1:] = cost[:, 1:] < lowest[:, :-1]
    found = Judged(np.empty_like(member), np.empty_like(cost))
    np.put_along_axis(found.member, order, member, axis=1)
    np.put_along_axis(found.ratio, order, cost / lowest, axis=1)
    return found


def _ties(top1: Floats) -> tuple[Indices, Indices]:
    """(first, last) column of those that are exactly as accurate, for each column."""
    starts = np.flatnonzero(np.r_[True, np.diff(top1) != 0])
    which = np.cumsum(np.r_[True, np.diff(top1) != 0]) - 1
    ends = np.r_[starts[1:], len(top1)] - 1
    return starts[which], ends[which]


def areas(drawn: Drawn, reference_x: float, reference_top1: float) -> Floats:
    """The hypervolume of each resample (rows,), in points of top-1 times doublings of cost."""
    cost, top1 = drawn
    if top1.ndim == 2:
        order = np.argsort(-top1, axis=1, kind="stable")
        cost = np.take_along_axis(cost, order, axis=1)
        top1 = np.take_along_axis(top1, order, axis=1)
    else:  # of those that are as accurate, the last sees the cheapest
        last = np.flatnonzero(np.r_[np.diff(top1) != 0, True])
        cost, top1 = np.minimum.accumulate(cost, axis=1)[:, last], top1[last]
    lowest = np.minimum.accumulate(np.minimum(cost, reference_x), axis=1)
    above = np.maximum(top1, reference_top1)
    floor = np.full((*above.shape[:-1], 1), reference_top1)
    steps = above - np.concatenate([above[..., 1:], floor], axis=-1)
    return np.asarray((np.log2(reference_x / lowest) * steps).sum(axis=1))


def relations(drawn: Drawn, first: Indices, second: Indices) -> NDArray[np.int8]:
    """(rows, pairs): 1 where the first dominates, -1 where the second does, else 0."""
    cost, top1 = drawn
    dearer = np.sign(cost[:, first] - cost[:, second])
    if top1.ndim == 1:
        better = np.sign(top1[first] - top1[second])[None, :]
    else:
        better = np.sign(top1[:, first] - top1[:, second])
    ahead = better - dearer  # each counts 1; together they decide unless they disagree
    apart = better * dearer > 0
    return np.where(apart, 0, np.sign(ahead)).astype(np.int8)


def winners(drawn: Drawn, max_x: float, min_top1: float, cheapest: bool) -> Indices:
    """The column of the best point within limits in each resample (rows,); -1: none is.

    The most accurate and of equals the cheapest, or with ``cheapest`` the other way round.
    """
    cost = drawn.cost
    top1 = np.broadcast_to(drawn.top1, cost.shape)
    keeps = (cost <= max_x) & (top1 >= min_top1)
    one, other = (cost, -top1) if cheapest else (-top1, cost)
    least = np.where(keeps, one, inf).min(axis=1, keepdims=True)
    best = np.where(keeps & (one == least), other, inf).argmin(axis=1)
    return np.where(keeps.any(axis=1), best, -1)


def kept(drawn: Drawn, max_x: float, min_top1: float) -> Bools:
    """(rows, points): whether a point is within the limits."""
    return np.asarray((drawn.cost <= max_x) & (drawn.top1 >= min_top1))

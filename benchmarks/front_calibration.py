"""What a share of resamples is worth: of pairs said to be so sure, how many were so in truth.

Two models, the first more accurate; the true ratio of their latencies is anything within the noise
and beyond, as likely as anything else. Then a share may be read as a probability: of all second
models that are on the front in 80 % of resamples, about 80 of 100 must be faster in truth.
"""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench.analysis.resampling import Cloud, Drawn, areas, judged

PAIRS, RESAMPLES, REACH = 2000, 400, 0.06
FRONTS, MODELS = 400, 12
BINS = (0.0, 0.0025, 0.05, 0.2, 0.5, 0.8, 0.95, 0.9975, 1.0001)

# Logarithms of an invocation's median over the model's own; spreads as seen on shared guests.
NOISES: dict[str, Callable[[Generator, int], NDArray[np.float64]]] = {
    "normal": lambda rng, count: rng.normal(0, 0.02, count),
    "skewed": lambda rng, count: rng.exponential(0.02, count),
    "two modes": lambda rng, count: (
        np.where(rng.random(count) < 0.3, 0.05, 0) + rng.normal(0, 0.008, count)
    ),
    "outliers": lambda rng, count: (
        rng.normal(0, 0.01, count) + np.where(rng.random(count) < 0.1, 0.2, 0)
    ),
}


def shares(noise: str, invocations: int, pairs: int, seed: int) -> NDArray[np.float64]:
    """(pairs, 2): the second model's share of resamples on the front, and whether it belongs."""
    rng = np.random.default_rng(seed)
    found = np.empty((pairs, 2))
    for pair in range(pairs):
        apart = rng.uniform(-REACH, REACH)
        first = np.exp(NOISES[noise](rng, invocations))
        second = np.exp(apart + NOISES[noise](rng, invocations))
        cloud = Cloud.of([tuple(first), tuple(second)], [70.0, 69.0], [0, 0])
        parts = [judged(part).member[:, 1] for part in cloud.resampled(RESAMPLES, (seed, pair))]
        found[pair] = np.concatenate(parts).mean(), apart < 0
    return found


class Asked(NamedTuple):
    """Of pairs of files that were asked about the same images: (pairs, 2), as ``shares``."""

    together: NDArray[np.float64]  # drawn on the same images
    apart: NDArray[np.float64]  # as if each had been asked about images of its own


def asked(images: int, alike: float, pairs: int, seed: int) -> Asked:
    """Two files: the second is slower and on the front where it is more accurate.

    An answer hangs on how hard the image is for both with the chance ``alike``. The true difference
    of their top-1 is anything within three standard errors of two files that are asked apart.
    """
    rng = np.random.default_rng(seed)
    reach = 3 * np.sqrt(2 * 0.75 * 0.25 / images)
    found = Asked(np.empty((pairs, 2)), np.empty((pairs, 2)))
    for pair in range(pairs):
        ahead = rng.uniform(-reach, reach)
        hard = rng.random(images)
        answers = []
        for chance in (0.75, 0.75 + ahead):
            difficulty = np.where(rng.random(images) < alike, hard, rng.random(images))
            answers.append((difficulty < chance).astype(np.uint8))
        order = sorted((0, 1), key=lambda which: -int(answers[which].sum()))
        for sheets, into in zip(
            ([answers[which].tobytes() for which in order], ()), found, strict=True
        ):
            cloud = Cloud.of(
                [(1.0 + which,) for which in order],
                [100 * float(answers[which].mean()) for which in order],
                [images, images],
                sheets,
            )
            parts = [judged(part).member for part in cloud.resampled(RESAMPLES, (seed, pair))]
            into[pair] = np.concatenate(parts).mean(axis=0)[order.index(1)], ahead > 0
    return found


class Crowd(NamedTuple):
    """Of several fronts: per model (share, belongs), and per front whether the interval holds."""

    shares: NDArray[np.float64]  # (fronts * models, 2)
    held: NDArray[np.bool_]  # (fronts,)


def crowds(invocations: int, spread: float, fronts: int, seed: int) -> Crowd:
    """Fronts of MODELS along a line of 8 points a doubling, 3 % about it; normal noise."""
    rng = np.random.default_rng(seed)
    shares, held = [], []
    for front in range(fronts):
        top1 = np.sort(rng.uniform(65, 85, MODELS))[::-1]
        true = np.exp2((top1 - 75) / 8) * np.exp(rng.normal(0, 0.03, MODELS))
        values = [tuple(one * np.exp(rng.normal(0, spread, invocations))) for one in true]
        corner = (2 * true.max(), top1.min() - 1)
        truth = Drawn(true[None, :], top1)
        cloud = Cloud.of(values, list(top1), [0] * MODELS)
        parts = list(cloud.resampled(RESAMPLES, (seed, front)))
        share = np.concatenate([judged(part).member for part in parts]).mean(axis=0)
        shares.append(np.column_stack([share, judged(truth).member[0]]))
        area = np.concatenate([areas(part, *corner) for part in parts])
        low, high = np.percentile(area, (2.5, 97.5))
        held.append(low <= areas(truth, *corner)[0] <= high)
    return Crowd(np.concatenate(shares), np.array(held))


def cells(share: NDArray[np.float64], belongs: NDArray[np.float64]) -> str:
    """Percent that belong in each of BINS, and how many there are."""
    found = []
    for low, high in pairwise(BINS):
        within = belongs[(share >= low) & (share < high)]
        found.append(f"{100 * within.mean():.1f} ({len(within)})" if len(within) else "")
    return " | ".join(found)


def main() -> None:
    edges = [f"{100 * low:g}..{100 * min(1, high):g}" for low, high in pairwise(BINS)]
    print("Percent that belong on the front, by the share of resamples (%) in which they are\n")
    print(f"| two models, noise | invocations | {' | '.join(edges)} |")
    print("|---" * (2 + len(edges)) + "|")
    for noise in NOISES:
        for invocations in (2, 3, 6, 12):
            share, belongs = shares(noise, invocations, PAIRS, 1).T
            print(f"| {noise} | {invocations} | {cells(share, belongs)} |", flush=True)
    print(f"\n| two files on so many images, alike | drawn | {' | '.join(edges)} |")
    print("|---" * (2 + len(edges)) + "|")
    for images, alike in ((200, 0.8), (1000, 0.8), (1000, 0.0)):
        found = asked(images, alike, PAIRS, 3)
        for how, pairs in zip(found._fields, found, strict=True):
            print(f"| {images:,}, {alike:.0%} | {how} | {cells(*pairs.T)} |", flush=True)
    print(f"\n| twelve, spread | invocations | {' | '.join(edges)} | area held |")
    print("|---" * (3 + len(edges)) + "|")
    for spread in (0.01, 0.03):
        for invocations in (3, 6, 12):
            crowd = crowds(invocations, spread, FRONTS, 2)
            held = f"{100 * crowd.held.mean():.1f} %"
            row = cells(crowd.shares[:, 0], crowd.shares[:, 1])
            print(f"| {spread:.0%} | {invocations} | {row} | {held} |", flush=True)


if __name__ == "__main__":
    main()

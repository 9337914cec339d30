"""What a share of resamples is worth: of pairs said to be so sure, how many were so in truth.

Two models, the first more accurate; the true ratio of their latencies is anything within the noise
and beyond, as likely as anything else. Then a share may be read as a probability: of all second
models that are on the front in 80 % of resamples, about 80 of 100 must be faster in truth.
"""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench.analysis.resampling import Cloud, judged

PAIRS, RESAMPLES, REACH = 2000, 400, 0.06
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


def main() -> None:
    edges = [f"{100 * low:g}..{100 * min(1, high):g}" for low, high in pairwise(BINS)]
    print(
        "Percent of pairs in which the model belongs on the front, by its share of resamples, %\n"
    )
    print(f"| noise | invocations | {' | '.join(edges)} |")
    print("|---" * (2 + len(edges)) + "|")
    for noise in NOISES:
        for invocations in (2, 3, 6, 12):
            share, belongs = shares(noise, invocations, PAIRS, 1).T
            cells = []
            for low, high in pairwise(BINS):
                within = belongs[(share >= low) & (share < high)]
                cells.append(f"{100 * within.mean():.1f} ({len(within)})" if len(within) else "")
            print(f"| {noise} | {invocations} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""Change points of `mnv4bench history` beside those of Apache Otava and ruptures, same series.

Otava pins another numpy than the exporters take, so this wants an environment of its own:
`pip install apache-otava ruptures`, then this file with that Python from the repository root.
"""

import random
import sys
from collections.abc import Callable
from math import exp, log
from pathlib import Path

import numpy as np
import ruptures
from otava.analysis import compute_change_points

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.history_alarms import sessions
from mnv4bench.analysis.change_points import LEAST_CHANGE, detect

COUNT = 60
BEFORE = 30


def ours(values: list[float]) -> list[int]:
    return [change.at for change in detect(values)]


def otava(values: list[float]) -> list[int]:
    """Its own defaults, with the least change that ours reports."""
    found, _ = compute_change_points(values, max_pvalue=0.001, min_magnitude=LEAST_CHANGE - 1)
    return [change.index for change in found]


def pelt_rank(values: list[float]) -> list[int]:
    """With a penalty of 2 log n, after the BIC: the method itself comes with no certainty."""
    found = ruptures.Pelt(model="rank", min_size=3, jump=1).fit(np.array(values))
    return found.predict(pen=2 * log(len(values)))[:-1]


def pelt_mean(values: list[float]) -> list[int]:
    """As ``pelt_rank``, times the variance of the noise, which it has to be told."""
    signal = np.array(values)
    variance = (1.4826 * np.median(np.abs(np.diff(signal)))) ** 2 / 2
    found = ruptures.Pelt(model="l2", min_size=3, jump=1).fit(signal)
    return found.predict(pen=2 * log(len(values)) * variance)[:-1]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    methods: dict[str, Callable[[list[float]], list[int]]] = {
        "ours": ours, "otava": otava, "pelt rank": pelt_rank, "pelt mean": pelt_mean,
    }  # fmt: skip
    noises = ("normal", "spikes", "modes", "alike 0.5")
    print(f"of {rounds} series of {COUNT} without a change, those with one; then changes found")
    columns = [*noises, "one spike", "5 % in 8", "10 % in 6", "10 % in 20"]
    print(f"{'':>10}" + "".join(f"{column:>11}" for column in columns))
    for name, method in methods.items():
        cells = []
        for noise in noises:
            every = (sessions(random.Random(seed), COUNT, noise) for seed in range(rounds))
            cells.append(sum(bool(method([exp(one) for one in values])) for values in every))
        quiet = (sessions(random.Random(seed), COUNT, "normal") for seed in range(rounds))
        spiked = ([exp(one) * (1.5 if at == 25 else 1) for at, one in enumerate(v)] for v in quiet)
        cells.append(sum(bool(method(values)) for values in spiked))
        for change, after in ((1.05, 8), (1.10, 6), (1.10, 20)):
            hits = 0
            for seed in range(rounds):
                values = sessions(random.Random(seed), BEFORE + after, "normal")
                steps = [exp(v) * (change if at >= BEFORE else 1) for at, v in enumerate(values)]
                hits += any(abs(at - BEFORE) <= 2 for at in method(steps))
            cells.append(hits)
        print(f"{name:>10}" + "".join(f"{cell:>11}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

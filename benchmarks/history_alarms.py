"""How often `mnv4bench history` finds a change where there is none, and how soon one that is there.

Series of simulated sessions, one a night, at the stated rate of 1 in 1,000. ``alike`` is the
autocorrelation of sessions that follow each other: a machine that is slow for some days.
"""

import random
import sys
from math import exp
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench.analysis.change_points import detect

NOISES = ("normal", "spikes", "modes", "alike 0.3", "alike 0.5", "alike 0.8")
COUNTS = (15, 30, 60, 120, 300)
SESSIONS_BEFORE = 30


def sessions(rng: random.Random, count: int, noise: str, sd: float = 0.02) -> list[float]:
    """Logarithms of latencies."""
    alike = float(noise.split()[1]) if noise.startswith("alike") else 0.0
    state, values = rng.gauss(0, sd), []
    for _ in range(count):
        state = alike * state + rng.gauss(0, sd * (1 - alike**2) ** 0.5)
        spike = rng.expovariate(3) if noise == "spikes" and rng.random() < 0.1 else 0.0
        mode = 0.05 if noise == "modes" and rng.random() < 0.3 else 0.0
        values.append(state + spike + mode)
    return values


def false_alarms(noise: str, count: int, rounds: int) -> int:
    return sum(
        bool(detect([exp(one) for one in sessions(random.Random(seed), count, noise)]))
        for seed in range(rounds)
    )


def found(change: float, after: int, rounds: int) -> float:
    """The share of changes that are found within two sessions of where they are."""
    hits = 0
    for seed in range(rounds):
        values = sessions(random.Random(seed), SESSIONS_BEFORE + after, "normal")
        latencies = [
            exp(one) * (change if place >= SESSIONS_BEFORE else 1)
            for place, one in enumerate(values)
        ]
        hits += any(abs(one.at - SESSIONS_BEFORE) <= 2 for one in detect(latencies))
    return hits / rounds


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print(
        f"false alarms in series of so many sessions, of {rounds:,} each ({rounds // 4:,} of 300)"
    )
    print(f"{'noise':>10} " + " ".join(f"{count:>6}" for count in COUNTS))
    for noise in NOISES:
        row = [false_alarms(noise, n, rounds if n < 300 else rounds // 4) for n in COUNTS]
        print(f"{noise:>10} " + " ".join(f"{alarms:>6}" for alarms in row), flush=True)
    print(f"found, after {SESSIONS_BEFORE} sessions that differ by 2 %, with so many after it")
    after = (3, 4, 5, 6, 8, 12, 20, 40)
    print(f"{'change':>10} " + " ".join(f"{count:>6}" for count in after))
    for change in (1.03, 1.05, 1.10, 1.30):
        shares = [found(change, count, 200) for count in after]
        print(f"{change:>10} " + " ".join(f"{share:>6.2f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()

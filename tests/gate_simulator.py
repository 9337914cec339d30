"""Whole gates on a machine whose noise is known: what they decide, and how many processes it takes.

Blocks are drawn, for all gates at once; every decision is the product's own (`gating.judge`,
`verdicts.confirm`). Times are relative to base's, which is 1.

A block is fifteen inferences, each with a jitter of its own and some hit by other programs, and its
time is their lower decile. The block as a whole is the product of that with: its process's speed
(both sides; it wanders from process to process), the layout of its side in that process, a slow
mode of that layout, the place of the side that was loaded first, a slope and a random walk within
the process, and ticks of the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import exp, lgamma, log, log1p, sqrt

import numpy as np

from mnv4bench.analysis import verdicts
from mnv4bench.analysis.gating import FEWEST, Look, Rules, judge
from mnv4bench.analysis.pairing import Observation, Order

Asking = Callable[[dict[str, list[Observation]], Rules], dict[str, Look]]
CHUNK = 500  # gates drawn together: 30 processes of 40 blocks are 5 MB an array


@dataclass(frozen=True)
class Machine:
    """Standard deviations are of logarithms, so about fractions of the time."""

    between: float = 0.006  # layout of a side in a process
    within: float = 0.015  # a block as a whole
    jitter: float = 0.04  # one inference
    hits: tuple[float, float] = (0.0, 0.0)  # (chance, mean size over base's time) for an inference
    speed: float = 0.02  # a process as a whole
    wander: float = 0.01  # from one process to the next, adding up
    slope: float = 0.01  # over a process
    walk: float = 0.002  # from block to block, adding up
    first: float = 0.003  # the side loaded first is always this much slower
    modes: tuple[float, float] = (0.0, 0.0)  # (chance, size) of a slow layout, for a side
    outliers: tuple[float, float] = (0.0, 0.0)  # (chance, size), one side for a whole process
    copy: float = 0.0  # where a side's file lies in memory, while it is the same copy
    renewed: bool = True  # a new copy of both files for the second measurement
    tick: float = 0.0  # of the clock, over base's time
    blocks: int = 20  # on either side; 1: one process of each side, one after the other


# Named after what they are taken from: noise that was measured on a two-processor guest.
MACHINES = {
    # Sessions of one model in alternating blocks of ten: 1.2 % from process to process.
    "usual": Machine(),
    # The paired ratios of five processes span 1 % for some models.
    "quiet": Machine(between=0.002, within=0.01, speed=0.01, wander=0.003),
    # Conditions measured one after another drifted by 15 %; sessions one after the other by 5.4 %.
    "drifting": Machine(speed=0.05, wander=0.03, slope=0.05, walk=0.005),
    # Two threads: medians of processes scatter by 2.3 to 3.1 %.
    "two threads": Machine(between=0.018, within=0.03),
    # One busy loop: medians scatter by 2.6 %, mean 1.9 where the median is 1.1 on two threads.
    "one busy loop": Machine(between=0.008, within=0.03, hits=(0.15, 2.0)),
    # Two busy loops: mean 1.4 times the median, p90 3 times.
    "two busy loops": Machine(between=0.008, within=0.03, hits=(0.3, 2.0)),
    # More programs than that: every second inference is hit, in some blocks all.
    "swamped": Machine(between=0.008, within=0.03, hits=(0.5, 2.0)),
    # Process medians have modes: here every fifth layout is 4 % slower.
    "modes": Machine(modes=(0.2, 0.04)),
    "outliers": Machine(outliers=(0.1, 0.15)),
    # A program that prints hundredths of a millisecond, for a model of half a millisecond.
    "coarse clock": Machine(tick=0.02),
    # Phones: one process of each side, whose medians scatter by 1.6 to 2 % and drift.
    "not interleaved": Machine(
        between=0.016, within=0.01, jitter=0.01, speed=0.0, first=0.0, blocks=1
    ),
}
INFERENCES = 15  # in a block


def block_pool(
    machine: Machine, rng: np.random.Generator, rank: int = (INFERENCES - 1) // 10
) -> np.ndarray:
    """Logarithms of times of 20,000 blocks of fifteen inferences, by order statistic.

    Other programs come and go: the chance of a hit is a block's own, from 0 to twice the mean.
    """
    count = 20_000
    times = np.exp(machine.jitter * rng.standard_normal((count, INFERENCES)))
    chance, size = machine.hits
    hit = rng.random((count, INFERENCES)) < 2 * chance * rng.random((count, 1))
    times += hit * size * rng.standard_exponential((count, INFERENCES))
    return np.log(np.sort(times, 1)[:, rank])


@dataclass(frozen=True)
class Blocks:
    """Shapes: gates, processes, blocks; ``base_first``: gates, processes."""

    base: np.ndarray
    head: np.ndarray
    base_first: np.ndarray


def draw(
    machine: Machine,
    slowdown: float,
    gates: int,
    processes: int,
    rng: np.random.Generator,
    copies: np.ndarray | None = None,
) -> Blocks:
    """``slowdown`` is head's true ratio to base; ``copies`` what head's file adds in a gate."""
    shape, count = (gates, processes), machine.blocks
    normal = rng.standard_normal
    # Which side comes first is drawn by lot in every pair of processes.
    lot = rng.random((gates, (processes + 1) // 2)) < 0.5
    base_first = np.stack([lot, ~lot], -1).reshape(gates, -1)[:, :processes]
    process = machine.speed * normal(shape) + np.cumsum(machine.wander * normal(shape), 1)
    # Time within the process, in measured order: even places are those of the side that is first.
    places = np.linspace(-0.5, 0.5, 2 * count) if count > 1 else np.zeros(2)
    logs = process[..., None] + machine.slope * normal(shape)[..., None] * places
    if count > 1:
        logs += np.cumsum(machine.walk * normal((*shape, 2 * count)), -1)
    logs += machine.within * normal((*shape, 2 * count))
    logs += block_pool(machine, rng)[rng.integers(0, 20_000, logs.shape)]
    of_first, of_second = logs[..., ::2] + machine.first, logs[..., 1::2]
    base = np.where(base_first[..., None], of_first, of_second)
    head = np.where(base_first[..., None], of_second, of_first) + log(slowdown)
    if copies is not None:
        head += copies[:, None, None]
    for side in (base, head):
        side += (machine.between * normal(shape))[..., None]
        chance, size = machine.modes
        side += (size * (rng.random(shape) < chance))[..., None]
        chance, size = machine.outliers
        side += (size * (rng.random(shape) < chance / 2))[..., None]
    base, head = np.exp(base), np.exp(head)
    if machine.tick:
        base, head = (
            np.maximum(np.round(side / machine.tick), 1) * machine.tick for side in (base, head)
        )
    return Blocks(base, head, base_first)


def log_ratios(blocks: Blocks) -> np.ndarray:
    """What `pairing.observe` makes of each process, for all at once: gates, processes."""
    assert blocks.base.shape[2] < 40, "so many turns would be taken together, and here they are not"
    first = np.where(blocks.base_first[..., None], blocks.base, blocks.head)
    second = np.where(blocks.base_first[..., None], blocks.head, blocks.base)
    logs = np.empty((*first.shape[:2], 2 * first.shape[2]))
    logs[..., ::2], logs[..., 1::2] = np.log(first), np.log(second)
    steps = np.diff(logs)
    steps[..., 1::2] *= -1
    return np.median(steps, axis=-1) * np.where(blocks.base_first, 1, -1)


# --- gates ------------------------------------------------------------------------------------


@dataclass
class Outcomes:
    """Counts over models of gates."""

    models: int = 0
    gates: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    suspected: int = 0  # slower in the first measurement
    alarmed_gates: int = 0  # with an alarm for any model
    processes: list[int] = field(default_factory=list)  # a model's, confirmation included

    def share(self, verdict: str) -> float:
        return self.verdicts[verdict] / self.models


def play(
    machine: Machine,
    slowdown: float = 1.0,
    gates: int = 1000,
    *,
    models: int = 1,
    rules: Rules | None = None,
    seed: int = 0,
) -> Outcomes:
    """Whole gates: looks after every pair of processes, and a confirmation of every alarm."""
    rules = rules or Rules()
    rng = np.random.default_rng(seed)
    outcomes = Outcomes()
    for lot in _chunks(gates * models, max(models, CHUNK - CHUNK % models)):
        # What two copies of one file differ by, in all processes of a measurement.
        copies = sqrt(2) * machine.copy * rng.standard_normal((2, lot))
        first = _observations(machine, slowdown, rules, rng, copies[0])
        every = range(0, lot, models)
        decided = [one for at in every for one in _decide(first[at : at + models], rules, judge)]
        suspects = [n for n, (decision, _) in enumerate(decided) if decision == "slower"]
        again = copies[1 if machine.renewed else 0, suspects]
        second = dict(
            zip(suspects, _observations(machine, slowdown, rules, rng, again), strict=True)
        )
        alarms = 0
        for at in every:
            of_gate = [n for n in range(at, at + models) if n in second]
            confirmed = _decide([second[n] for n in of_gate], rules, verdicts.confirm)
            for n, (decision, count) in zip(of_gate, confirmed, strict=True):
                decided[n] = (decision, decided[n][1] + count)
            alarms += any(decision == "slower" for decision, _ in confirmed)
        outcomes.verdicts.update(decision for decision, _ in decided)
        outcomes.processes += [count for _, count in decided]
        outcomes.suspected += len(suspects)
        outcomes.alarmed_gates += alarms
        outcomes.models += lot
        outcomes.gates += lot // models
    return outcomes


def _chunks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)


def _observations(
    machine: Machine,
    slowdown: float,
    rules: Rules,
    rng: np.random.Generator,
    copies: np.ndarray,
) -> list[list[Observation]]:
    if not len(copies):
        return []
    blocks = draw(machine, slowdown, len(copies), rules.max_processes, rng, copies)
    orders: dict[bool, Order] = {True: "base first", False: "head first"}
    return [
        [
            Observation(ratio, orders[first], machine.blocks, 1.0, 1.0)
            for ratio, first in zip(*row, strict=True)
        ]
        for row in zip(log_ratios(blocks).tolist(), blocks.base_first.tolist(), strict=True)
    ]


def _decide(models: list[list[Observation]], rules: Rules, ask: Asking) -> list[tuple[str, int]]:
    """(decision, processes) of one measurement of a gate's models, in rounds of two processes."""
    taken = dict.fromkeys(range(len(models)), FEWEST)
    going = list(taken)
    while going:
        # The decided ones too: they count in the correction.
        looks = ask({str(n): models[n][:count] for n, count in taken.items()}, rules)
        going = [n for n in taken if looks[str(n)].decision == "go on"]
        taken.update({n: taken[n] + 2 for n in going})
    return [(looks[str(n)].decision, count) for n, count in taken.items()]


# --- bounds -----------------------------------------------------------------------------------


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a proportion (Clopper and Pearson 1934, Biometrika 26)."""
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: 1 - _at_most(hits - 1, trials, p) - tail)
    high = 1.0 if hits == trials else _solve(lambda p: tail - _at_most(hits, trials, p))
    return low, high


def _at_most(hits: int, trials: int, chance: float) -> float:
    """P(Binomial(trials, chance) <= hits), over the smaller number of terms."""
    if chance in (0.0, 1.0):
        return 1.0 - chance if hits < trials else 1.0

    def term(k: int) -> float:
        ways = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        return exp(ways + k * log(chance) + (trials - k) * log1p(-chance))

    if hits < trials - hits:
        return sum(map(term, range(hits + 1)))
    return 1 - sum(map(term, range(hits + 1, trials + 1)))


def _solve(rising) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2

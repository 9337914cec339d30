"""A gate's measuring: process after process, until every model is judged, and alarms confirmed.

Knows: whose turn it is, which order is owed, when to look and when to confirm. Does not know: what
a look concludes (analysis.gating, analysis.budgets), how two files are timed side by side
(devices), or where they come from. ``measure`` reads like DESIGN.md, "Gates".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from mnv4bench.analysis import budgets, gating, pairing, verdicts
from mnv4bench.analysis.budgets import Reading
from mnv4bench.analysis.gating import Look, Rules
from mnv4bench.analysis.pairing import Observation
from mnv4bench.bench import TIMING, counting, heat
from mnv4bench.devices import Runner, Session
from mnv4bench.devices.counting import INFERENCES
from mnv4bench.errors import BenchError, MeasuringStopped
from mnv4bench.records import Artifact, Counted, DeviceState, Noise, Paired, Placement, Verdict

# In each process and of each side. A process's number is the median of some twenty ratios of
# neighbouring blocks, of single inferences from ten milliseconds on; more of the same process says
# little, as processes differ.
GATE_TIMING = replace(
    TIMING,
    warmup_cap_s=1.5,
    min_count=60,
    min_duration_s=0.25,
    max_duration_s=10.0,
)
_WORST_FIRST: tuple[Verdict, ...] = ("none", "unproven", "partial", "full")


class Listener(heat.Listener, Protocol):
    """What a display may want to know meanwhile."""

    def looked(self, looks: Mapping[str, Look], *, confirming: bool) -> None:
        """After each round of processes: where every model stands."""

    def held(self, looks: Mapping[str, budgets.Look], *, confirming: bool) -> None:
        """The same of every model that has a budget."""

    def failed(self, model: str, error: BenchError) -> None:
        """One side of it does not run; the other models go on."""


@dataclass
class Contest:
    """One model's two sides, and what is known of them so far."""

    model: str
    base: Session
    head: Session
    base_artifact: Artifact
    head_artifact: Artifact
    first: list[Observation] = field(default_factory=list)
    second: list[Observation] = field(default_factory=list)  # of the confirmation alone
    noises: list[Noise] = field(default_factory=list)
    base_placement: Placement | None = None  # the worst of all processes
    head_placement: Placement | None = None
    base_counts: list[Counted] = field(default_factory=list)  # where that is the metric
    head_counts: list[Counted] = field(default_factory=list)
    error: BenchError | None = None

    def process(self, look: Look, confirming: bool, chance: random.Random) -> None:
        """One more process, into the first or second measurement; its order is owed, or drawn."""
        base_first = look.owed == "base first" if look.owed else chance.random() < 0.5
        paired = self.base.beside(self.head, GATE_TIMING, base_first=base_first)
        self._placed(paired.base_placement, paired.head_placement)
        self.noises.append(paired.noise)
        (self.second if confirming else self.first).append(_observation(paired))

    def count(self) -> None:
        """Processes of each side, counted; those of one side have to agree."""
        for round in range(counting.PROCESSES):
            base, base_placement = self.base.count(INFERENCES, round=round, position=0)
            head, head_placement = self.head.count(INFERENCES, round=round, position=1)
            self._placed(base_placement, head_placement)
            self.base_counts.append(base)
            self.head_counts.append(head)

    def _placed(self, base: Placement, head: Placement) -> None:
        self.base_placement = _worse(self.base_placement, base)
        self.head_placement = _worse(self.head_placement, head)


@dataclass
class Hold:
    """One model that is held to a budget, and what is known of it so far."""

    model: str
    session: Session
    artifact: Artifact
    budget_s: float
    first: list[Reading] = field(default_factory=list)
    second: list[Reading] = field(default_factory=list)
    placement: Placement | None = None
    error: BenchError | None = None

    def process(self, _look: budgets.Look, confirming: bool, _chance: random.Random) -> None:
        """One more process, as ``run`` times it, into the first or the second measurement."""
        kept = self.second if confirming else self.first
        samples, placement = self.session.invoke(GATE_TIMING, round=len(kept), position=0)
        self.placement = _worse(self.placement, placement)
        kept.append(Reading(median(samples.latencies_s), samples.tainted))


class _Standing(Protocol):
    """What a look says of one model, as far as measuring goes."""

    @property
    def decision(self) -> str: ...


class _Trial(Protocol):
    """What is measured process by process."""

    model: str
    error: BenchError | None

    def process(self, look: Any, confirming: bool, chance: random.Random, /) -> None: ...


T = TypeVar("T", bound=_Trial)
L = TypeVar("L", bound=_Standing)


def measure(
    contests: Sequence[Contest], runner: Runner, rules: Rules, seed: int, listener: Listener
) -> None:
    """Measure every contest until it is judged, and confirm what came out slower.

    What is known stands in the contests at every moment, so Ctrl-C loses the process in flight.
    Raises MeasuringStopped when the device goes away or never cools. ``seed`` draws the order of
    models and of sides.
    """

    def stand(alive: Sequence[Contest], confirming: bool) -> dict[str, Look]:
        if confirming:
            return verdicts.confirm({one.model: one.second for one in alive}, rules)
        return looks(contests, rules)

    _until_judged(contests, stand, "slower", listener.looked, runner, random.Random(seed), listener)


def hold(
    holds: Sequence[Hold], runner: Runner, rules: Rules, seed: int, listener: Listener
) -> None:
    """The same of models that are held to a budget."""

    def stand(alive: Sequence[Hold], confirming: bool) -> dict[str, budgets.Look]:
        if confirming:
            return budgets.confirm(*_budgets(alive, confirming=True), rules)
        return held(holds, rules)

    _until_judged(holds, stand, "over", listener.held, runner, random.Random(seed), listener)


def count(contests: Sequence[Contest], listener: Listener) -> None:
    """Count every contest's two sides: counts do not scatter, so there is no order and no lot.

    Raises MeasuringStopped as ``measure`` does.
    """
    for contest in contests:
        listener.waiting(f"counting {contest.model}")
        _guarded(contest, contest.count, listener)


def looks(contests: Sequence[Contest], rules: Rules) -> dict[str, Look]:
    """Where the first measurement of every contest that runs stands."""
    return gating.judge({one.model: one.first for one in contests if one.error is None}, rules)


def held(holds: Sequence[Hold], rules: Rules) -> dict[str, budgets.Look]:
    """Where the first measurement of every budget that can be measured stands."""
    alive = [one for one in holds if one.error is None]
    return budgets.judge(*_budgets(alive, confirming=False), rules)


def _budgets(
    holds: Sequence[Hold], *, confirming: bool
) -> tuple[dict[str, float], dict[str, list[Reading]]]:
    return (
        {one.model: one.budget_s for one in holds},
        {one.model: one.second if confirming else one.first for one in holds},
    )


def _until_judged(
    trials: Sequence[T],
    stand: Callable[[Sequence[T], bool], Mapping[str, L]],
    alarm: str,
    looked: Callable[..., None],
    runner: Runner,
    chance: random.Random,
    listener: Listener,
) -> None:
    """Round after round, until ``stand`` says "go on" of no model; then alarms a second time."""
    start = runner.state()
    for confirming in (False, True):
        suspects = list(trials)
        if confirming:
            first = stand(trials, False)
            suspects = [
                one for one in trials if one.error is None and first[one.model].decision == alarm
            ]
        while alive := [one for one in suspects if one.error is None]:
            now = stand(alive, confirming)
            waiting = [one for one in alive if now[one.model].decision == "go on"]
            if not waiting:
                break
            _round(waiting, now, confirming, runner, start, chance, listener)
            alive = [one for one in suspects if one.error is None]
            looked(stand(alive, confirming), confirming=confirming)


def _round(
    trials: Sequence[_Trial],
    now: Mapping[str, _Standing],
    confirming: bool,
    runner: Runner,
    start: DeviceState,
    chance: random.Random,
    listener: Listener,
) -> None:
    """One process of each, in random order."""
    heat.cool_down(start, runner, listener, device=runner.unit())
    order = list(trials)
    chance.shuffle(order)
    for trial in order:
        process = partial(trial.process, now[trial.model], confirming, chance)
        _guarded(trial, process, listener)


def _guarded(trial: _Trial, measured: Callable[[], None], listener: Listener) -> None:
    """A side that does not run ends its own contest, a device that is lost ends the gate."""
    try:
        measured()
    except MeasuringStopped:
        raise
    except BenchError as error:
        trial.error = error
        listener.failed(trial.model, error)


def _observation(paired: Paired) -> Observation:
    return pairing.observe(
        pairing.Paired(
            base_s=paired.base_s,
            head_s=paired.head_s,
            order="base first" if paired.base_first else "head first",
            tainted=paired.tainted,
        )
    )


def _worse(known: Placement | None, seen: Placement) -> Placement:
    both = [seen] if known is None else [known, seen]
    return min(both, key=lambda one: _WORST_FIRST.index(one.verdict))

"""A gate's measuring: base and head side by side, process after process, until all are judged.

Knows: whose turn it is, which order is owed, when to look and when to confirm. Does not know: what
a look concludes (analysis.gating), how two files are timed side by side (devices), or where they
come from. ``measure`` reads like DESIGN.md, "Gates".
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec.structs import replace

from mnv4bench.analysis import gating, pairing, verdicts
from mnv4bench.analysis.gating import Look, Rules
from mnv4bench.analysis.pairing import Observation
from mnv4bench.bench import TIMING, heat
from mnv4bench.devices import Runner, Session
from mnv4bench.errors import BenchError, MeasuringStopped
from mnv4bench.records import Artifact, DeviceState, Paired, Placement, Verdict

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
    base_placement: Placement | None = None  # the worst of all processes
    head_placement: Placement | None = None
    error: BenchError | None = None

    def keep(self, paired: Paired, kept: list[Observation]) -> None:
        """One more process, into the first or the second measurement."""
        self.base_placement = _worse(self.base_placement, paired.base_placement)
        self.head_placement = _worse(self.head_placement, paired.head_placement)
        kept.append(
            pairing.observe(
                pairing.Paired(
                    base_s=paired.base_s,
                    head_s=paired.head_s,
                    order="base first" if paired.base_first else "head first",
                    tainted=paired.tainted,
                )
            )
        )


def measure(
    contests: Sequence[Contest], runner: Runner, rules: Rules, seed: int, listener: Listener
) -> None:
    """Measure every contest until it is judged, and confirm what came out slower.

    What is known stands in the contests at every moment, so Ctrl-C loses the process in flight.
    Raises MeasuringStopped when the device goes away or never cools. ``seed`` draws the order of
    models and of sides.
    """
    chance = random.Random(seed)
    start = runner.state()
    while alive := [one for one in contests if one.error is None]:
        now = looks(contests, rules)
        waiting = [one for one in alive if now[one.model].decision == "go on"]
        if not waiting:
            break
        _round(waiting, now, False, runner, start, chance, listener)
    first = looks(contests, rules)
    suspects = [
        one for one in contests if one.error is None and first[one.model].decision == "slower"
    ]
    while alive := [one for one in suspects if one.error is None]:
        second = verdicts.confirm({one.model: one.second for one in alive}, rules)
        waiting = [one for one in alive if second[one.model].decision == "go on"]
        if not waiting:
            break
        _round(waiting, second, True, runner, start, chance, listener)


def looks(contests: Sequence[Contest], rules: Rules) -> dict[str, Look]:
    """Where the first measurement of every contest that runs stands."""
    return gating.judge({one.model: one.first for one in contests if one.error is None}, rules)


def _round(
    contests: Sequence[Contest],
    looks: Mapping[str, Look],
    confirming: bool,
    runner: Runner,
    start: DeviceState,
    chance: random.Random,
    listener: Listener,
) -> None:
    """One process of each contest, in random order; which side is first is owed, or drawn."""
    heat.cool_down(start, runner, listener, device=runner.unit())
    order = list(contests)
    chance.shuffle(order)
    for contest in order:
        owed = looks[contest.model].owed
        base_first = owed == "base first" if owed else chance.random() < 0.5
        try:
            paired = contest.base.beside(contest.head, GATE_TIMING, base_first=base_first)
        except MeasuringStopped:
            raise
        except BenchError as error:
            contest.error = error
            listener.failed(contest.model, error)
            continue
        contest.keep(paired, contest.second if confirming else contest.first)
    listener.looked(looks, confirming=confirming)


def _worse(known: Placement | None, seen: Placement) -> Placement:
    both = [seen] if known is None else [known, seen]
    return min(both, key=lambda one: _WORST_FIRST.index(one.verdict))

"""Whether head is slower than base, from processes in which both were measured in alternation.

Knows: the decision at every look, the corrections, and what a session could have seen. Does not
know: how processes are measured, files, or how a verdict is shown.

**One process, one number**: `pairing` says how and why.

**Across processes.** If base and head are the same, exchanging their names changes nothing, and as
which of the two comes first is drawn by lot and balanced, a number x is as likely as -x: symmetry
about 0 is no assumption on noise here but follows from the design, for heavy tails, modes, ticks
and outliers alike. `symmetry` tests exactly that, at every look, with no plan of looks: a gate
stops as soon as the answer is clear, goes on while it is not, and what it says is covered either
way. For any other true ratio (the interval, and "same") the assumption is that the numbers scatter
about it as they would about 0. A t-test assumes normal numbers and one look: asked after every pair
of processes it errs four times as often as it says. Signed ranks assume the same symmetry, and a
plan: with their level spread over the looks at 6, 8, ... 40 they could not decide before ten.

**Three answers from one interval** that holds at all looks at 95 %, each side at 97.5 %:

* *slower*: it lies above 1 (**significant**), the estimate is nearer to ``max_slowdown`` than to 1
  (on a scale of logarithms), and ``max_slowdown`` is not excluded (**relevant**);
* *faster*: the same with base and head exchanged;
* *same*: it lies within 1/``max_slowdown``..``max_slowdown``, so a difference of that size is
  excluded.

So ``max_slowdown`` is the slowdown that must not be missed, not the largest that is let pass: at
exactly that one the gate says "same" with a probability of at most 5 % over both measurements.
Between it and 1 lies a zone in which either answer is right (to tell 1.029 from 1.031 no gate has
the time): at two thirds of it six gates of ten on a usual machine alarm, at a half one of seven, at
a third one of 170 (`benchmarks/gate_calibration.py --only curve`). If none of the three holds at
the limit of processes, the gate is *inconclusive*, and says about how many more would do.

**Confirmed.** Models that come out slower are measured anew, and only those that come out slower in
that measurement too, by itself and by the same rule, raise an alarm. With nothing changed each of
the two errs with a probability of at most 2.5 %, both with at most 0.0625 %, `FALSE_ALARM_RATE`,
provided that nothing which both share favours one side. A file's place in memory may: so whoever
measures copies both files anew for every process (`--only copies`). If the second says "same" the
verdict is "same", if it stays undecided or contradicts, "inconclusive".

**Many models.** Holm's correction (1979) bounds the probability that any of the first measurements
errs, and again, over the models that were slower, that any of the second ones does. So the rate
above is that of the whole gate, however many models it has.

**Tainted processes** are set aside. While fewer than six clean ones are there nothing can be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, exp, inf, isfinite, log
from typing import Literal, NamedTuple

from mnv4bench.analysis import symmetry
from mnv4bench.analysis.pairing import Observation, Order
from mnv4bench.analysis.stats import median

Decision = Literal["go on", "same", "slower", "faster", "inconclusive"]

# Of one measurement, in one direction.
ERROR = 0.025
CONFIDENCE = 1 - 2 * ERROR
# That a gate raises an alarm, over all its models, when nothing changed: two measurements must err.
FALSE_ALARM_RATE = ERROR**2
# Six numbers on one side of a ratio are the fewest that refute it at ERROR.
FEWEST = 6
# Of processes that scatter by 3 %, two and a half times the usual, forty still find 3 %.
MAX_PROCESSES = 40
MAX_SLOWDOWN = 1.03
# A bet that has become worth this refutes what it was against.
_REFUTED = 1 / ERROR


class Rules(NamedTuple):
    """What a gate is asked. ``max_slowdown`` > 1; ``max_processes`` in each measurement."""

    max_slowdown: float = MAX_SLOWDOWN
    max_processes: int = MAX_PROCESSES


class Look(NamedTuple):
    """Where a measurement of one model stands.

    ``owed`` is the order that the next process must have; None: draw it by lot.
    """

    decision: Decision
    reason: str
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    significant: bool
    relevant: bool
    processes: int
    set_aside: int
    blocks: int
    base_s: float | None
    head_s: float | None
    owed: Order | None
    needs_more: int | None = None


# --- one look ---------------------------------------------------------------------------------


class _Weighed(NamedTuple):
    """The clean processes of one model, weighed against the three ratios that matter."""

    values: tuple[float, ...]
    above_one: float  # worths of bets: that the ratio is above 1, and so on
    below_one: float
    below_limit: float
    above_inverse: float

    @property
    def p(self) -> float:
        """Two-sided, and right at every look: a worth of w is ever reached with 1/w at most."""
        return min(1.0, 2 / max(self.above_one, self.below_one))


def _weigh(observed: Sequence[Observation], scale: float) -> _Weighed:
    values = tuple(one.log_ratio for one in observed if not one.tainted)
    if len(values) > symmetry.MAX_VALUES:
        raise ValueError(f"a gate takes at most {symmetry.MAX_VALUES} processes of a model")
    above, below = symmetry.evidence(values, 0.0, scale)
    return _Weighed(
        values=values,
        above_one=above,
        below_one=below,
        below_limit=symmetry.evidence(values, scale, scale)[1],
        above_inverse=symmetry.evidence(values, -scale, scale)[0],
    )


def judge(
    models: Mapping[str, Sequence[Observation]], rules: Rules | None = None
) -> dict[str, Look]:
    """Where each model stands, from all its processes so far; ask after every one, or every round.

    A model that is decided need not be measured on; keep handing it in, since how many models there
    are enters the correction. That one may undo a decision when another model's p grows: such a
    model is measured on, or ends inconclusive.
    """
    rules = _checked(rules)
    scale = log(rules.max_slowdown)
    weighed = {model: _weigh(observed, scale) for model, observed in models.items()}
    corrected = holm({model: one.p for model, one in weighed.items()})
    return {
        model: _look(observed, weighed[model], corrected[model], rules)
        for model, observed in models.items()
    }


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected for their number: the smallest times all, the next times all but one..."""
    corrected: dict[str, float] = {}
    highest = 0.0
    for n, model in enumerate(sorted(values, key=values.__getitem__)):
        highest = max(highest, min(1.0, values[model] * (len(values) - n)))
        corrected[model] = highest
    return corrected


def _checked(rules: Rules | None) -> Rules:
    rules = rules or Rules()
    if not (isfinite(rules.max_slowdown) and rules.max_slowdown > 1):
        raise ValueError(f"max_slowdown must be above 1, and is {rules.max_slowdown}")
    if not FEWEST <= rules.max_processes <= symmetry.MAX_VALUES:
        raise ValueError(
            f"max_processes must be {FEWEST}..{symmetry.MAX_VALUES}, and is {rules.max_processes}"
        )
    return rules


def _look(observed: Sequence[Observation], weighed: _Weighed, p: float, rules: Rules) -> Look:
    clean = [one for one in observed if not one.tainted]
    scale = log(rules.max_slowdown)
    first = sum(one.order == "base first" for one in clean)
    ahead = 2 * first - len(clean)
    owed: Order | None = None if ahead == 0 else "head first" if ahead > 0 else "base first"
    if not clean:
        return _nothing(*_undecided(observed, clean, ahead, rules), len(observed))
    centre = symmetry.centre(weighed.values)
    not_slower = weighed.below_limit >= _REFUTED
    not_faster = weighed.above_inverse >= _REFUTED
    significant = p <= 2 * ERROR
    excluded = not_slower if centre > 0 else not_faster
    relevant = abs(centre) >= scale / 2 and not excluded
    decision: Decision
    if len(clean) >= FEWEST and abs(ahead) <= 1 and significant and relevant:
        decision = "slower" if centre > 0 else "faster"
        reason = f"{decision} than base by more than this session's noise explains"
    elif len(clean) >= FEWEST and abs(ahead) <= 1 and not_slower and not_faster:
        decision = "same"
        reason = (
            "a difference is there, and it is smaller than what matters"
            if significant
            else "a difference of the size that matters is excluded"
        )
    else:
        decision, reason = _undecided(observed, clean, ahead, rules)
    low, high = symmetry.interval(weighed.values, _REFUTED, scale)
    return Look(
        decision=decision,
        reason=reason,
        ratio=exp(centre),
        low=exp(low) if isfinite(low) else None,
        high=exp(high) if isfinite(high) else None,
        p=p,
        significant=significant,
        relevant=relevant,
        processes=len(clean),
        set_aside=len(observed) - len(clean),
        blocks=sum(one.blocks for one in clean),
        base_s=median([one.base_s for one in clean]),
        head_s=median([one.head_s for one in clean]),
        owed=owed,
        needs_more=_needs_more(weighed.values, centre, scale)
        if decision == "inconclusive"
        else None,
    )


def _nothing(decision: Decision, reason: str, set_aside: int) -> Look:
    return Look(
        decision=decision,
        reason=reason,
        ratio=None,
        low=None,
        high=None,
        p=None,
        significant=False,
        relevant=False,
        processes=0,
        set_aside=set_aside,
        blocks=0,
        base_s=None,
        head_s=None,
        owed=None,
    )


def _undecided(
    observed: Sequence[Observation], clean: Sequence[Observation], ahead: int, rules: Rules
) -> tuple[Decision, str]:
    if len(observed) < rules.max_processes:
        return "go on", "the answer is not clear yet"
    if len(clean) < FEWEST:
        kinds = dict.fromkeys(reason for one in observed for reason in one.tainted)
        return "inconclusive", (
            f"{len(observed) - len(clean)} of {len(observed)} processes were disturbed, and "
            f"{FEWEST} undisturbed ones are needed: {'; '.join(list(kinds)[:3]) or 'none ran'}"
        )
    if abs(ahead) > 1:
        return "inconclusive", (
            f"base came first in {(len(clean) + ahead) // 2} of {len(clean)} undisturbed processes"
            ", so what the order does cannot be told from what the files do"
        )
    return "inconclusive", (
        f"{len(clean)} processes scatter too much for a difference of the size that matters"
    )


def _needs_more(values: Sequence[float], centre: float, scale: float) -> int | None:
    """About how many more processes would decide, were they like these; None: nobody can say."""
    mirrored = [-value for value in values]
    same = max(
        symmetry.needed(mirrored, -scale, scale, _REFUTED),
        symmetry.needed(values, -scale, scale, _REFUTED),
    )
    differs = symmetry.needed(values if centre > 0 else mirrored, 0.0, scale, _REFUTED)
    total = min(same, differs if abs(centre) >= scale / 2 else inf)
    if total > symmetry.MAX_VALUES:
        return None
    more = max(2, ceil(total) - len(values))
    return more + more % 2  # as many of either order


def detectable(observed: Sequence[Observation], rules: Rules | None = None) -> float | None:
    """The smallest slowdown that processes like these would have shown about 95 times of 100.

    In both measurements together, at their limit of processes. Never below ``max_slowdown``: a gate
    that may say "same" once that is excluded does so for some smaller ones too. None for under two
    clean processes, and where even a hundredfold slowdown might have been missed.
    """
    rules = _checked(rules)
    values = [one.log_ratio for one in observed if not one.tainted]
    if len(values) < 2:
        return None
    scale = log(rules.max_slowdown)
    count = max(rules.max_processes, len(values))
    shift = symmetry.detectable(values, _REFUTED, scale, count, scale / 2)
    return max(rules.max_slowdown, exp(shift)) if shift < log(100) else None

"""A gate's session becomes its findings and its exit status.

Knows: which contest answers for which pair, and what a session that was ended early still says.
Does not know: measuring, printing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from mnv4bench import units
from mnv4bench.analysis import budgets, gating, losses, verdicts
from mnv4bench.analysis.counts import disagreement
from mnv4bench.analysis.gating import Rules
from mnv4bench.analysis.losses import Evaluations
from mnv4bench.analysis.pairing import Observation
from mnv4bench.bench import gating as measuring
from mnv4bench.bench.gating import Contest
from mnv4bench.cli.contesting import GateSession
from mnv4bench.cli.gathering import evaluations
from mnv4bench.cli.sides import Sides
from mnv4bench.devices.noise import MAX_WAITING
from mnv4bench.errors import ExitStatus
from mnv4bench.findings import Budget, Gate, Observed, Pair, Skipped
from mnv4bench.records import Noise, Placement


def accuracies(pairs: Sequence[Sides], reports: Path) -> Evaluations:
    """What was measured of the accuracy of these files; nothing where there are no reports."""
    files = [file.artifact.sha256 for one in pairs for file in (one.base, one.head)]
    return evaluations([reports], [], frozenset(files)) if reports.is_dir() else {}


def findings(
    pairs: Sequence[Sides],
    session: GateSession,
    rules: Rules,
    known: Evaluations,
    *,
    device: str,
    alone: Sequence[str],
) -> Gate:
    """Every pair's finding, every budget's, and the verdict that they make together."""
    contests = {one.model: one for one in session.contests}
    found: list[Pair] = []
    for pair in pairs:
        contest = contests.get(pair.model)
        if contest is None:
            found.append(verdicts.identical(pair.model, pair.base.artifact.sha256))
    found += _compared(session, rules, known)
    order = [pair.model for pair in pairs]
    found.sort(key=lambda one: order.index(one.model))
    nowhere = {one.model for one in session.contests if _unproven(one.head_placement)}
    found = [replace(one, unproven=one.model in nowhere) for one in found]
    failed = [(one.model, one.error) for one in session.contests]
    failed += [(one.model, one.error) for one in session.holds]
    skipped = [Skipped(path=model, reason=error.what) for model, error in failed if error]
    return verdicts.gate(
        found,
        rules,
        budgets=_held(session, rules),
        device=device,
        unit=session.unit,
        environment=session.environment,
        measured_at=session.measured_at,
        metric=session.metric,
        skipped=tuple(dict.fromkeys(skipped)),
        notes=(*_ended(session), *alone),
    )


def _ended(session: GateSession) -> Iterator[str]:
    if session.interrupted:
        yield "interrupted before every answer was clear; what was measured until then is shown"
    if session.stopped is not None:
        yield f"the device could not go on: {session.stopped.what}"
    if session.left_behind is not None:
        yield f"{session.left_behind.what} {session.left_behind.next_step}".strip()


def _compared(session: GateSession, rules: Rules, known: Evaluations) -> Iterator[Pair]:
    alive = [one for one in session.contests if one.error is None]
    if session.metric == "instructions":
        for one in alive:
            yield _counted(one, rules, known)
        return
    looks = measuring.looks(session.contests, rules)
    suspects = [one for one in alive if looks[one.model].decision == "slower"]
    confirmed = verdicts.confirm({one.model: one.second for one in suspects}, rules)
    for one in alive:
        lost, notes = _beside_the_ratio(one, known)
        yield verdicts.pair(
            one.model,
            looks[one.model],
            confirmed[one.model] if one.second else None,
            one.second or one.first,
            rules=rules,
            base_artifact_sha256=one.base_artifact.sha256,
            head_artifact_sha256=one.head_artifact.sha256,
            lost=lost,
            notes=(*notes, *_disturbed(one.noises)),
            every=(*_observed(one.first, False), *_observed(one.second, True)),
        )


def _counted(contest: Contest, rules: Rules, known: Evaluations) -> Pair:
    """Counts that are exact on both sides; others are told apart by their reasons."""
    lost, notes = _beside_the_ratio(contest, known)
    digests = contest.base_artifact.sha256, contest.head_artifact.sha256
    if not contest.head_counts:
        nothing = gating.judge({contest.model: ()}, rules)[contest.model]
        return verdicts.pair(
            contest.model,
            nothing,
            rules=rules,
            base_artifact_sha256=digests[0],
            head_artifact_sha256=digests[1],
        )
    reasons = [
        f"{name}: {reason}"
        for name, side in (("base", contest.base_counts), ("head", contest.head_counts))
        for reason in (*disagreement(side), *(one for process in side for one in process.tainted))
    ]
    return verdicts.exact(
        contest.model,
        contest.base_counts[0].instructions,
        contest.head_counts[0].instructions,
        rules,
        processes=len(contest.head_counts),
        tainted=tuple(dict.fromkeys(reasons)),
        lost=lost,
        base_artifact_sha256=digests[0],
        head_artifact_sha256=digests[1],
        notes=notes,
    )


def _beside_the_ratio(
    contest: Contest, known: Evaluations
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what head has lost by its speed, all that a reader must know beside the ratio)."""
    base, head = contest.base_placement, contest.head_placement
    if base is None or head is None:
        return (), ()
    digests = contest.base_artifact.sha256, contest.head_artifact.sha256
    judged = losses.on_same_images(*digests, known)
    places = base.verdict, head.verdict
    said = list(losses.remarks("head", places, judged.comparison, say_unknown=False))
    notes = [text for text, _ in said]
    if base.verdict == head.verdict != "full":
        notes.append(f"placement on both sides: {head.verdict} ({head.unit})")
    return tuple(text for text, lost in said if lost), tuple(notes)


def _disturbed(noises: Sequence[Noise]) -> Iterator[str]:
    """What else was going on, where it was a lot: a gate bears it, and takes longer for it."""
    waited = [
        1 - one.cpu_s / one.wall_s for one in noises if one.cpu_s is not None and one.wall_s > 0
    ]
    if waited and median(waited) > MAX_WAITING:
        yield (
            f"the machine was disturbed: in the middle process {units.percent(median(waited))} of "
            "the time was spent waiting for a processor"
        )


def _observed(processes: Sequence[Observation], confirming: bool) -> Iterator[Observed]:
    from math import exp

    for one in processes:
        yield Observed(
            base=one.base_s,
            head=one.head_s,
            ratio=exp(one.log_ratio),
            base_first=one.order == "base first",
            confirming=confirming,
            tainted=one.tainted,
        )


def _held(session: GateSession, rules: Rules) -> tuple[Budget, ...]:
    alive = [one for one in session.holds if one.error is None]
    looks = measuring.held(alive, rules)
    suspects = [one for one in alive if looks[one.model].decision == "over"]
    confirmed = budgets.confirm(
        {one.model: one.budget_s for one in suspects},
        {one.model: one.second for one in suspects},
        rules,
    )
    return tuple(
        replace(
            budgets.finding(
                one.model,
                one.budget_s,
                looks[one.model],
                confirmed[one.model] if one.second else None,
                one.artifact.sha256,
            ),
            unproven=_unproven(one.placement),
        )
        for one in alive
    )


def _unproven(placement: Placement | None) -> bool:
    return placement is not None and placement.verdict in ("none", "unproven")


def status(found: Gate, session: GateSession) -> int:
    """Slower, could not measure and unproven are told apart; what measured nothing is not green."""
    if session.interrupted:
        return ExitStatus.INTERRUPTED
    if found.verdict == "slower":
        return ExitStatus.SLOWER
    if found.skipped or session.stopped is not None or session.left_behind is not None:
        return ExitStatus.NOT_MEASURED
    unproven = [one.unproven for one in found.pairs] + [one.unproven for one in found.budgets]
    if any(unproven):
        return ExitStatus.UNPROVEN
    if found.verdict == "inconclusive":
        return ExitStatus.NOT_MEASURED
    return ExitStatus.OK

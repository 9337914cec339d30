"""The counting policy: two fresh processes a model, which have to agree to the digit.

Knows: how many, in which order, and when a count is proven. Does not know: how an emulator counts
(devices), where a report lies (store), or how anything is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from mnv4bench.analysis.counts import disagreement
from mnv4bench.bench import in_its_environment, order_of, put, seal, worst
from mnv4bench.devices import Runner, Session
from mnv4bench.devices.counting import INFERENCES
from mnv4bench.errors import BenchError, MeasuringStopped
from mnv4bench.records import Ended, Measurement, Plan, Report

# A second process shows that the first was no accident. More would show the same.
PROCESSES = 2


class Listener(Protocol):
    """What a display may want to know while counting; as bench.Listener's."""

    def round_started(self, round: int, plan: Plan) -> None: ...

    def invoked(self, measurement: Measurement) -> None: ...

    def failed(self, measurement: Measurement, error: BenchError) -> None: ...

    def round_ended(self, report: Report) -> None: ...


def plan_of(plan: Plan) -> Plan:
    """``plan`` of a run as it is for a device that counts."""
    return replace(plan, min_rounds=PROCESSES, max_rounds=PROCESSES, target=0.0, sustained_s=None)


def count(
    report: Report,
    sessions: list[Session],
    runner: Runner,
    save: Callable[[Report], None],
    listener: Listener,
) -> Report:
    """Count what ``report`` plans, from the round where it stands, and seal it.

    As ``bench.measure``, without what only time needs: no warm-up until steady, no waiting for a
    quiet or a cool machine, since a count does not depend on either.
    """
    report = replace(in_its_environment(report, runner), ended=None)
    save(report)
    try:
        state = runner.state()
        report = replace(
            report,
            measurements=tuple(
                one if one.state_before else replace(one, state_before=state)
                for one in report.measurements
            ),
        )
        while (ended := _ended(report)) is None:
            round = rounds_done(report)
            listener.round_started(round, report.plan)
            for position, index in enumerate(order_of(report, round)):
                one = report.measurements[index]
                if one.failure is None and len(one.counts) <= round:
                    one = _counted(one, sessions[index], round, position, listener)
                    report = put(report, index, one)
            save(report)
            listener.round_ended(report)
        return seal(report, runner.state(), ended, save)
    except KeyboardInterrupt:
        save(replace(report, ended="interrupted"))
        raise
    except MeasuringStopped as stopped:
        notes = dict.fromkeys((*report.notes, f"stopped: {stopped.what}"))
        save(replace(report, ended="interrupted", notes=tuple(notes)))
        raise


def rounds_done(report: Report) -> int:
    """Rounds in which every model that has not failed was counted."""
    alive = [one for one in report.measurements if one.failure is None]
    return min((len(one.counts) for one in alive), default=report.plan.max_rounds)


def _counted(
    before: Measurement, session: Session, round: int, position: int, listener: Listener
) -> Measurement:
    """One more process of one model; a failure is kept and the other models go on."""
    try:
        found, placement = session.count(INFERENCES, round=round, position=position)
        after = replace(
            before,
            counts=(*before.counts, found),
            placement=worst(before.placement, placement),
        )
    except MeasuringStopped:
        raise
    except BenchError as error:
        after = replace(before, failure=error.what)
        listener.failed(after, error)
    listener.invoked(after)
    return after


def _ended(report: Report) -> Ended | None:
    """Why counting is over, or None while it should go on."""
    alive = [one for one in report.measurements if one.failure is None]
    if not alive:
        return "failed"
    if rounds_done(report) < report.plan.max_rounds:
        return None
    return "round limit" if any(disagreement(one.counts) for one in alive) else "precise"

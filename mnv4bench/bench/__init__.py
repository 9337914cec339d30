"""The measuring policy: preflight, rounds of fresh processes, stop when it is known, judge.

Knows: how many, how long, in which order, and when enough is enough. Does not know: how a device
runs a file (devices), where a report lies (store), or how anything is shown.

``measure`` reads top-down like DESIGN.md, "The measuring protocol".
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from mnv4bench.analysis import stats
from mnv4bench.bench import heat
from mnv4bench.devices import Runner, Session
from mnv4bench.devices.stopping import pause
from mnv4bench.errors import BenchError, MeasuringStopped, NotMeasured
from mnv4bench.records import (
    Artifact,
    DeviceProfile,
    DeviceState,
    Ended,
    Environment,
    Measurement,
    Origin,
    Placement,
    Plan,
    Report,
    Samples,
    Timing,
    must_match_facts,
)

# Six is where the order-statistic interval of a median first reaches 95 % (1 - 2 * 0.5^6).
MIN_ROUNDS = 6
# Fresh processes differ by about 2 % on a shared machine; past a dozen the interval narrows only
# with the square root, and a person is waiting.
MAX_ROUNDS = 12
# A front is readable when its latencies are known to a percent.
TARGET = 0.01
# --quick: enough to see that everything runs, and a range instead of a 95 % interval.
QUICK_ROUNDS = 3

TIMING = Timing(
    warmup_window_s=0.1,  # long enough that a scheduler tick is a small part of it
    warmup_window_count=5,  # of a slow model, so that a window's median means something
    warmup_agreement=0.02,  # two windows within 2 %: steady (the process noise is of this size)
    warmup_cap_s=3.0,  # a model that is not steady by then is recorded as such
    min_count=30,  # with six rounds 180 samples: p90 and p95 by the order-statistic rule
    min_duration_s=0.5,  # many scheduler ticks for a model of under a millisecond
    max_duration_s=20.0,  # a cap that bites is reported
    input_seed=0,
    input_buffers=4,  # more than one, so that no input stays in the nearest cache for ever
)
QUICK_TIMING = replace(TIMING, min_count=10, min_duration_s=0.2, warmup_cap_s=1.0)

# Other programs may use this much of all processors before a measurement starts.
QUIET_FRACTION = 0.10
# How long to wait for quiet; after that it is measured, and each disturbed invocation is tainted.
QUIET_WAIT_S = 30.0
POLL_S = 1.0

# Back to back means long invocations: starting a process is a pause in which a chip cools.
SUSTAINED_WINDOW_S = 10.0

_WORST_FIRST = ("none", "unproven", "partial", "full")


class Listener(heat.Listener, Protocol):
    """What a display may want to know while measuring."""

    def round_started(self, round: int, plan: Plan) -> None:
        """``round`` counts from 0."""

    def invoked(self, measurement: Measurement) -> None:
        """One more invocation of it is known, or it failed."""

    def failed(self, measurement: Measurement, error: BenchError) -> None:
        """It is given up; ``error`` has the next step. ``invoked`` follows."""

    def round_ended(self, report: Report) -> None:
        """The report on disk holds the round."""

    def sustaining(self, measurement: Measurement, elapsed_s: float, whole_s: float) -> None:
        """It runs back to back, since ``elapsed_s``; ``measurement`` holds what is known."""


def new_report(
    profile: DeviceProfile, runner: Runner | None, artifacts: list[Artifact], plan: Plan
) -> Report:
    """A report in which nothing is measured yet. Raises NotMeasured without the device.

    With no runner it is of a device that cannot be reached yet, and its environment is unknown.
    """
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%SZ}-{profile.device}-{random.SystemRandom().randrange(16**4):04x}"
    environment = runner.environment() if runner else Environment()
    origin = origin_of(profile, environment)
    return Report(
        report=name,
        profile=profile,
        environment=environment,
        plan=plan,
        measurements=tuple(Measurement(artifact=artifact, origin=origin) for artifact in artifacts),
        started_at=now.isoformat(timespec="seconds"),
    )


def origin_of(profile: DeviceProfile, environment: Environment) -> Origin:
    """An emulator's figures, and those of a GPU that the processor plays, share no series with a
    device's."""
    return "emulated" if profile.runner == "emulated" or environment.gpu_is_software else "measured"


def measure(
    report: Report,
    sessions: list[Session],
    runner: Runner,
    save: Callable[[Report], None],
    listener: Listener,
) -> Report:
    """Measure what ``report`` plans, from the round where it stands, and seal it.

    ``sessions`` stand in the order of ``report.measurements``. ``save`` puts the report on disk
    whole; it is called before the first round and after each. Ctrl-C, and a device that goes away
    or never cools (MeasuringStopped), save the invocations that are whole, unsealed, and go on up.
    Nothing that was measured is lost.
    """
    report = replace(in_its_environment(report, runner), ended=None)
    save(report)
    try:
        report = _preflight(report, runner, listener)
        start, first_probe = runner.state(), heat.first_probe(report)
        while (ended := _ended(report)) is None:
            round = rounds_done(report)
            _cool_down(report, start, runner, listener)
            listener.round_started(round, report.plan)
            before = heat.look(runner, round)
            first_probe = first_probe or before.probe_before_s
            for position, index in enumerate(order_of(report, round)):
                if _lacks(report.measurements[index], round):
                    report = _invoke(report, index, sessions[index], round, position, listener)
            report = heat.judge(report, heat.look_again(runner, before), first_probe)
            save(report)
            listener.round_ended(report)
        for index in range(len(report.measurements)):
            if _lacks_sustained(report, index):
                _cool_down(report, start, runner, listener)
                for report in _sustain(report, index, sessions[index], listener):  # noqa: B020
                    save(report)
        return seal(report, runner.state(), ended, save)
    except KeyboardInterrupt:
        save(replace(report, ended="interrupted"))
        raise
    except MeasuringStopped as stopped:
        notes = dict.fromkeys((*report.notes, f"stopped: {stopped.what}"))
        save(replace(report, ended="interrupted", notes=tuple(notes)))
        raise


def _cool_down(report: Report, start: DeviceState, runner: Runner, listener: heat.Listener) -> None:
    device, wait_s = report.profile.device, report.plan.cool_wait_s
    heat.cool_down(start, runner, listener, device=device, wait_s=wait_s)


def rounds_done(report: Report) -> int:
    """Rounds in which every model that has not failed was measured."""
    alive = [m for m in report.measurements if m.failure is None]
    return min((len(m.invocations) for m in alive), default=report.plan.max_rounds)


def in_its_environment(report: Report, runner: Runner) -> Report:
    """``report`` with the environment of its figures; while there are none, with that of now."""
    environment = runner.environment()
    if not any(one.has_figures for one in report.measurements):
        origin = origin_of(report.profile, environment)
        measurements = tuple(replace(one, origin=origin) for one in report.measurements)
        return replace(report, environment=environment, measurements=measurements)
    then, now = must_match_facts(report.environment), must_match_facts(environment)
    changed = [f"{key}: {then[key]} then, {now[key]} now" for key in then if then[key] != now[key]]
    if changed:
        raise NotMeasured(
            f"{report.report} was begun in another environment ({'; '.join(changed)}); "
            "its rounds could not be compared.",
            "start a new run without --resume",
        )
    return report


def _preflight(report: Report, runner: Runner, listener: Listener) -> Report:
    """Wait for a quiet machine; keep the state that measuring starts from, with what is odd."""
    state = runner.state()
    deadline = time.monotonic() + QUIET_WAIT_S
    while (busy := state.cpu_busy_fraction or 0.0) > QUIET_FRACTION:
        if time.monotonic() > deadline:
            break
        listener.waiting(
            f"other programs use {busy:.0%} of the processors (limit {QUIET_FRACTION:.0%})"
        )
        pause(POLL_S)
        state = runner.state()
    notes = list(report.notes)
    if busy > QUIET_FRACTION:
        notes.append(
            f"measured although other programs used {busy:.0%} of the processors after "
            f"{QUIET_WAIT_S:.0f} s of waiting"
        )
    notes += _oddities(state)
    measurements = tuple(
        m if m.state_before else replace(m, state_before=state) for m in report.measurements
    )
    return replace(report, measurements=measurements, notes=tuple(dict.fromkeys(notes)))


def _oddities(state: DeviceState) -> list[str]:
    """What a reader must know of the state that measuring started from."""
    odd = []
    if state.throttled:
        odd.append(f"measured while firmware held the clock down ({', '.join(state.throttled)})")
    if state.charging is None:  # a computer
        if state.on_battery:
            odd.append("measured on battery power, where many machines lower their clocks")
        return odd
    if state.charging:
        odd.append("measured while charging, which warms the phone")
    if state.screen not in (None, "Awake"):
        odd.append(
            f"measured with the screen off ({state.screen}), when many phones keep programs on "
            "their slow cores"
        )
    if state.low_power_mode:
        odd.append("measured in battery saver, which lowers the clocks")
    return odd


def _lacks_sustained(report: Report, index: int) -> bool:
    one = report.measurements[index]
    done = one.sustained and not one.sustained_cut
    return report.plan.sustained_s is not None and one.failure is None and not done


def sustained_timing(plan: Plan) -> Timing:
    """How one window of running back to back is timed; ``plan`` must ask for it."""
    assert plan.sustained_s is not None
    window_s = min(SUSTAINED_WINDOW_S, plan.sustained_s)
    return replace(
        plan.timing,
        min_count=1,
        min_duration_s=window_s,
        max_duration_s=max(plan.timing.max_duration_s, 2 * window_s),
    )


def _sustain(report: Report, index: int, session: Session, listener: Listener) -> Iterator[Report]:
    """One model back to back for as long as planned: the report after each window.

    What an earlier, cut run of it kept is measured anew: half of it was cool. A window's placement
    counts like any other's: one fall-back is a fall-back. A failure is a note.
    """
    plan = report.plan
    assert plan.sustained_s is not None
    timing = sustained_timing(plan)
    one = replace(report.measurements[index], sustained=(), sustained_cut=True)
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < plan.sustained_s:
        listener.sustaining(one, elapsed, plan.sustained_s)
        try:
            samples, placement = session.invoke(timing, round=0, position=len(one.sustained))
        except MeasuringStopped:
            raise
        except BenchError as error:
            note = (
                f"{one.artifact.model} did not run to the end of its sustained time: {error.what}"
            )
            report = replace(report, notes=(*report.notes, note))
            break
        one = replace(
            one,
            sustained=(*one.sustained, samples),
            placement=worst(one.placement, placement),
        )
        report = put(report, index, one)
        yield report
    else:
        one = replace(one, sustained_cut=False)
    yield put(report, index, one)


def put(report: Report, index: int, measurement: Measurement) -> Report:
    before, after = report.measurements[:index], report.measurements[index + 1 :]
    return replace(report, measurements=(*before, measurement, *after))


def order_of(report: Report, round: int) -> list[int]:
    """Each round its own random order, so drift and heat hurt all alike; the same on a resume."""
    order = list(range(len(report.measurements)))
    random.Random(f"{report.plan.seed}/{round}").shuffle(order)
    return order


def _lacks(measurement: Measurement, round: int) -> bool:
    return measurement.failure is None and len(measurement.invocations) <= round


def _invoke(
    report: Report, index: int, session: Session, round: int, position: int, listener: Listener
) -> Report:
    """One more invocation of one model; a failure is kept and the other models go on."""
    before = report.measurements[index]
    try:
        samples, placement = session.invoke(report.plan.timing, round=round, position=position)
        after = _with(before, samples, placement)
    except MeasuringStopped:
        raise
    except BenchError as error:
        after = replace(before, failure=error.what)
        listener.failed(after, error)
    listener.invoked(after)
    return put(report, index, after)


def _with(measurement: Measurement, samples: Samples, placement: Placement) -> Measurement:
    return replace(
        measurement,
        invocations=(*measurement.invocations, samples),
        placement=worst(measurement.placement, placement),
    )


def worst(known: Placement | None, seen: Placement) -> Placement:
    """The placement that is kept is the worst of all processes: one fall-back is a fall-back."""
    candidates = [seen, *([known] if known else [])]
    return min(candidates, key=lambda one: _WORST_FIRST.index(one.verdict))


def _ended(report: Report) -> Ended | None:
    """Why measuring is over, or None while it should go on."""
    alive = [m for m in report.measurements if m.failure is None]
    done = rounds_done(report)
    if not alive:
        return "failed"
    if done >= report.plan.min_rounds and all(
        stats.is_precise(m, report.plan.target) for m in alive
    ):
        return "precise"
    return "round limit" if done >= report.plan.max_rounds else None


def seal(
    report: Report, state: DeviceState, ended: Ended, save: Callable[[Report], None]
) -> Report:
    sealed = replace(
        report,
        measurements=tuple(replace(m, state_after=state) for m in report.measurements),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        ended=ended,
    )
    save(sealed)
    return sealed

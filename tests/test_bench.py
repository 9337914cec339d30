"""The measuring policy, with a scripted runner: what is measured, in which order, and when it ends.

The runner here returns chosen latencies; that real ones keep the same contract is proven by
tests/contract/test_runner_contract.py.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import bench
from mnv4bench.devices import Session
from mnv4bench.errors import BenchError, NotMeasured, WorkerFailed
from mnv4bench.records import (
    Artifact,
    Check,
    DeviceState,
    Environment,
    Measurement,
    Placement,
    Plan,
    Report,
    Samples,
    Timing,
)
from tests.sample_reports import ENVIRONMENT, FULL, PLAN, PROFILE, artifact, samples

Script = Callable[[str, int], float | Exception]  # (model, round) -> median latency, or a failure


class ScriptedRunner:
    def __init__(
        self,
        script: Script,
        states: Iterator[DeviceState] | None = None,
        probes: Iterator[float] | None = None,
    ) -> None:
        self.script = script
        self.probes = probes
        self.states = states
        self.calls: list[tuple[str, int, int]] = []

    def availability(self) -> tuple[str, str]:
        return "ready", "scripted"

    def checks(self) -> tuple[Check, ...]:
        return ()

    def unit(self) -> str:
        return "scripted"

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def probe(self) -> float | None:
        return next(self.probes, None) if self.probes else None

    def commands(self, file: Path, artifact: Artifact, timing: Timing) -> tuple[str, ...]:
        return ()

    def environment(self) -> Environment:
        return ENVIRONMENT

    def state(self) -> DeviceState:
        quiet = DeviceState(taken_at="2026-11-22T15:00:00+00:00", cpu_busy_fraction=0.0)
        return next(self.states, quiet) if self.states else quiet

    def install(self, file: Path, artifact: Artifact) -> Session:
        return ScriptedSession(self, artifact.model)


class ScriptedSession:
    def __init__(self, runner: ScriptedRunner, model: str) -> None:
        self.runner, self.model = runner, model
        self.placement = FULL

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        self.runner.calls.append((self.model, round, position))
        value = self.runner.script(self.model, round)
        if isinstance(value, BaseException):
            raise value
        return samples(round, value, value, value, position=position), self.placement

    def remove(self) -> None:
        pass


class Ear:
    def __init__(self) -> None:
        self.waits: list[str] = []
        self.rounds: list[int] = []
        self.sustained: list[str] = []

    def waiting(self, why: str) -> None:
        self.waits.append(why)

    def round_started(self, round: int, plan: Plan) -> None:
        self.rounds.append(round)

    def invoked(self, measurement: Measurement) -> None:
        pass

    def failed(self, measurement: Measurement, error: BenchError) -> None:
        pass

    def round_ended(self, report: Report) -> None:
        pass

    def sustaining(self, measurement: Measurement, elapsed_s: float, whole_s: float) -> None:
        self.sustained.append(measurement.artifact.model)


def measured(
    script: Script, models: tuple[str, ...] = ("a", "b", "c"), plan: Plan = PLAN, **options
) -> tuple[Report, list[Report], ScriptedRunner, Ear]:
    runner = ScriptedRunner(script, options.get("states"))
    report = bench.new_report(PROFILE, runner, [artifact(m) for m in models], plan)
    report = options.get("report") or report
    sessions = [runner.install(Path(), m.artifact) for m in report.measurements]
    saved: list[Report] = options.setdefault("saved", [])
    ear = Ear()
    return bench.measure(report, sessions, runner, saved.append, ear), saved, runner, ear


def steady(model: str, round: int) -> float:
    return 0.002


def test_every_model_is_measured_once_a_round_in_random_recorded_order() -> None:
    plan = replace(PLAN, min_rounds=6, max_rounds=6)
    report, _, runner, _ = measured(steady, tuple("abcdefgh"), plan)
    rounds = [[m for m, r, _ in runner.calls if r == round] for round in range(6)]
    assert all(sorted(order) == list("abcdefgh") for order in rounds)
    assert len({tuple(order) for order in rounds}) > 1
    for one in report.measurements:
        for invocation in one.invocations:
            assert rounds[invocation.round][invocation.position] == one.artifact.model


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    plan = replace(PLAN, min_rounds=6, max_rounds=6)
    orders = [
        measured(steady, tuple("abcdefgh"), replace(plan, seed=seed))[2].calls for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_it_stops_when_it_is_known() -> None:
    plan = replace(PLAN, min_rounds=6, max_rounds=30)
    report, _, _, ear = measured(steady, plan=plan)
    assert (report.ended, len(ear.rounds)) == ("precise", 6)


def test_it_goes_on_while_one_model_is_not_known_and_says_when_the_limit_came_first() -> None:
    plan = replace(PLAN, min_rounds=6, max_rounds=9)
    report, _, _, ear = measured(
        lambda model, round: 0.002 * (1.2 if model == "b" and round % 2 else 1.0), plan=plan
    )
    assert (report.ended, len(ear.rounds)) == ("round limit", 9)
    assert report.finished_at is not None


def test_the_report_is_saved_before_the_first_round_and_after_each() -> None:
    plan = replace(PLAN, min_rounds=3, max_rounds=3)
    _, saved, _, _ = measured(steady, plan=plan)
    assert [bench.rounds_done(report) for report in saved] == [0, 1, 2, 3, 3]
    assert [report.finished_at is None for report in saved] == [True] * 4 + [False]


def test_a_failing_model_is_kept_with_its_reason_and_the_others_go_on() -> None:
    gone = WorkerFailed("the worker died", command=("worker",), status=-11)
    plan = replace(PLAN, min_rounds=3, max_rounds=3)
    report, _, runner, _ = measured(
        lambda model, round: gone if (model, round) == ("b", 1) else 0.002, plan=plan
    )
    by_model = {m.artifact.model: m for m in report.measurements}
    assert by_model["b"].failure == "the worker died"
    assert len(by_model["b"].invocations) == 1  # what was measured before stays
    assert len(by_model["a"].invocations) == 3
    assert [c for c in runner.calls if c[0] == "b"] == [c for c in runner.calls if c[0] == "b"][:2]


def test_when_every_model_fails_the_run_has_failed() -> None:
    gone = WorkerFailed("gone", command=("worker",), status=1)
    report, _, _, _ = measured(lambda model, round: gone)
    assert report.ended == "failed"


def test_ctrl_c_keeps_whole_invocations_unsealed_and_a_resume_measures_only_the_rest() -> None:
    plan = replace(PLAN, min_rounds=3, max_rounds=3)
    counted = 0

    def interrupted(model: str, round: int) -> float | BaseException:
        nonlocal counted
        counted += 1
        return KeyboardInterrupt() if counted == 5 else 0.002

    saved: list[Report] = []
    with pytest.raises(KeyboardInterrupt):
        measured(interrupted, plan=plan, saved=saved)
    stopped = saved[-1]
    assert (stopped.ended, stopped.finished_at) == ("interrupted", None)
    assert sum(len(m.invocations) for m in stopped.measurements) == 4
    report, _, runner, _ = measured(steady, plan=plan, report=stopped)
    assert report.ended == "round limit"
    assert len(runner.calls) == 9 - 4
    for one in report.measurements:
        assert [i.round for i in one.invocations] == [0, 1, 2]


def test_a_resume_in_another_environment_is_refused() -> None:
    other = replace(ENVIRONMENT, runtime_version="9.9")
    runner = ScriptedRunner(steady)
    report = replace(bench.new_report(PROFILE, runner, [artifact("a")], PLAN), environment=other)
    with pytest.raises(NotMeasured, match=r"runtime_version: 9\.9 then, 2\.3\.0 now"):
        measured(steady, ("a",), report=report)


def test_one_fall_back_in_any_invocation_marks_the_measurement() -> None:
    runner = ScriptedRunner(steady)
    report = bench.new_report(PROFILE, runner, [artifact("a")], PLAN)
    session = ScriptedSession(runner, "a")

    class FallsBackOnce(ScriptedSession):
        def invoke(self, timing: Timing, *, round: int, position: int):
            verdict = "none" if round == 1 else "full"
            return session.invoke(timing, round=round, position=position)[0], replace(
                FULL, verdict=verdict
            )

    report = bench.measure(report, [FallsBackOnce(runner, "a")], runner, lambda report: None, Ear())
    assert report.measurements[0].placement is not None
    assert report.measurements[0].placement.verdict == "none"


def busy(fraction: float) -> DeviceState:
    return DeviceState(taken_at="2026-11-22T15:00:00+00:00", cpu_busy_fraction=fraction)


def test_a_busy_machine_is_waited_for_with_its_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.heat, "POLL_S", 0.0)
    monkeypatch.setattr(bench, "POLL_S", 0.0)
    states = iter([busy(0.9), busy(0.8), busy(0.01)])
    report, _, _, ear = measured(steady, states=states)
    assert [wait.split(" (")[0] for wait in ear.waits] == [
        "other programs use 90% of the processors",
        "other programs use 80% of the processors",
    ]
    assert report.notes == ()
    state = report.measurements[0].state_before
    assert state is not None
    assert state.cpu_busy_fraction == 0.01


def test_a_machine_that_stays_busy_is_measured_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.heat, "POLL_S", 0.0)
    monkeypatch.setattr(bench, "POLL_S", 0.0)
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    report, _, _, _ = measured(steady, states=iter([busy(0.9)] * 5))
    assert "measured although other programs used 90%" in report.notes[0]


def test_battery_power_is_noted() -> None:
    state = DeviceState(taken_at="2026-11-22T15:00:00+00:00", on_battery=True)
    report, _, _, _ = measured(steady, states=iter([state]))
    assert "battery" in report.notes[0]


def test_a_hot_chip_is_left_to_cool_before_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.heat, "POLL_S", 0.0)
    monkeypatch.setattr(bench, "POLL_S", 0.0)

    def at(celsius: float) -> DeviceState:
        return DeviceState(taken_at="2026-11-22T15:00:00+00:00", temperature_c=celsius)

    states = iter([at(40), at(40), at(70), at(60), at(49), at(45), at(44)])
    _, _, _, ear = measured(steady, states=states)
    assert ear.waits == [
        "cooling down: 70 °C (limit 50 °C)",
        "cooling down: 60 °C (limit 50 °C)",
    ]

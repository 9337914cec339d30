"""The measuring policy, with a scripted runner: what is measured, in which order, and when it ends.

The runner here returns chosen latencies; that real ones keep the same contract is proven by
tests/contract/test_runner_contract.py.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from mnv4bench import bench
from mnv4bench.errors import BenchError, DeviceHot, DeviceLost, NotMeasured, WorkerFailed
from mnv4bench.records import (
    DeviceState,
    Environment,
    Measurement,
    Placement,
    Plan,
    Report,
    Samples,
    Timing,
)
from tests.sample_reports import ENVIRONMENT, FULL, PLAN, PROFILE, artifact
from tests.scripted import Script, ScriptedRunner, ScriptedSession


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
    runner = ScriptedRunner(script, options.get("states"), options.get("probes"))
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
    report, _, _, _ = measured(steady, ("a",), replace(PLAN, min_rounds=1, max_rounds=1))
    report = replace(report, environment=other, plan=PLAN, finished_at=None)
    with pytest.raises(NotMeasured, match=r"runtime_version: 9\.9 then, 2\.3\.0 now"):
        measured(steady, ("a",), report=report)


@pytest.mark.parametrize("played", [True, False, None])
def test_what_a_played_gpu_takes_is_emulated(played: bool | None) -> None:
    environment = replace(ENVIRONMENT, gpu="some adapter", gpu_is_software=played)
    runner = ScriptedRunner(steady)
    runner.environment = lambda: environment
    for begun in (
        bench.new_report(PROFILE, runner, [artifact("a")], PLAN),
        # One that could not be reached when the run began.
        bench.in_its_environment(bench.new_report(PROFILE, None, [artifact("a")], PLAN), runner),
    ):
        assert begun.environment == environment
        assert begun.measurements[0].origin == ("emulated" if played else "measured")


def test_a_report_without_figures_takes_the_environment_that_it_finds() -> None:
    waiting = bench.new_report(PROFILE, None, [artifact("a")], PLAN)
    assert waiting.environment == Environment()
    report, saved, _, _ = measured(steady, ("a",), report=waiting)
    assert {one.environment for one in (*saved, report)} == {ENVIRONMENT}


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


# --- phones: heat, probes, a device that goes away, sustained runs ----------------------------


def phone(status: int = 0, **changes: object) -> DeviceState:
    made = DeviceState(
        taken_at="2026-11-22T15:00:00+00:00", thermal_status=status, battery_temperature_c=30.0
    )
    return replace(made, **changes)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.heat, "POLL_S", 0.0)
    monkeypatch.setattr(bench, "POLL_S", 0.0)


ONE_ROUND = replace(PLAN, min_rounds=1, max_rounds=1)


@pytest.mark.usefixtures("_at_once")
def test_a_phone_that_throttles_is_waited_for_with_its_status() -> None:
    states = iter([phone(), phone(), phone(3), phone(1), phone(0)])
    report, _, _, ear = measured(steady, plan=ONE_ROUND, states=states)
    assert ear.waits == [
        "cooling down: thermal status 3 (limit 0)",
        "cooling down: thermal status 1 (limit 0)",
    ]
    assert report.ended == "round limit"


@pytest.mark.usefixtures("_at_once")
def test_a_warm_battery_is_waited_for() -> None:
    warm = phone(battery_temperature_c=39.2)
    _, _, _, ear = measured(steady, plan=ONE_ROUND, states=iter([phone(), phone(), warm, phone()]))
    assert ear.waits == ["cooling down: battery 39.2 °C (limit 37 °C)"]


def test_a_phone_that_never_cools_stops_the_run_and_keeps_what_was_measured() -> None:
    plan = replace(PLAN, min_rounds=3, max_rounds=3, cool_wait_s=0)
    states = iter([phone(), phone(), phone(), phone(3)])
    saved: list[Report] = []
    with pytest.raises(DeviceHot, match="did not cool within 0 s: thermal status 3") as caught:
        measured(steady, plan=plan, states=states, saved=saved)
    assert "--cool-wait" in caught.value.next_step
    kept = saved[-1]
    assert (kept.ended, kept.finished_at) == ("interrupted", None)
    assert bench.rounds_done(kept) == 1
    assert kept.notes[-1] == f"stopped: {caught.value.what}"
    report, _, runner, _ = measured(steady, plan=plan, report=kept)
    assert report.ended == "round limit"
    assert len(runner.calls) == 6  # the first round was not measured again


def test_one_that_is_merely_warm_is_measured_when_the_time_is_over() -> None:
    plan = replace(ONE_ROUND, cool_wait_s=0)
    report, _, _, _ = measured(steady, plan=plan, states=iter([phone(), phone(), phone(1)]))
    assert report.ended == "round limit"


def test_a_phone_that_became_slower_taints_the_round() -> None:
    plan = replace(PLAN, min_rounds=3, max_rounds=3)
    probes = iter([1.0, 1.05, 1.0, 1.2, 1.0, 1.0])
    report, _, _, _ = measured(steady, plan=plan, probes=probes)
    for one in report.measurements:
        assert [bool(samples.tainted) for samples in one.invocations] == [False, True, False]
        assert one.invocations[1].tainted == (
            "the same work took the device 1.20 times as long as at the start (limit 1.10)",
        )
    assert [(r.round, r.probe_before_s, r.probe_after_s) for r in report.rounds] == [
        (0, 1.0, 1.05), (1, 1.0, 1.2), (2, 1.0, 1.0),
    ]  # fmt: skip


def test_a_resumed_run_is_held_against_the_first_probe() -> None:
    plan = replace(PLAN, min_rounds=2, max_rounds=2)
    saved: list[Report] = []
    script = script_that_raises(at=4, error=DeviceLost("the cable was pulled."))
    with pytest.raises(DeviceLost):
        measured(script, plan=plan, probes=iter([1.0, 1.0, 1.0]), saved=saved)
    report, _, _, _ = measured(steady, plan=plan, report=saved[-1], probes=iter([1.3, 1.3]))
    assert all(one.invocations[1].tainted for one in report.measurements)


def test_a_rise_of_the_thermal_status_taints_the_round() -> None:
    states = iter([phone(), phone(), phone(), phone(0), phone(2)])
    report, _, _, _ = measured(steady, plan=ONE_ROUND, states=states, probes=iter([1.0, 1.0]))
    for one in report.measurements:
        assert one.invocations[0].tainted == (
            "the thermal status rose from 0 to 2 during the round",
        )
    assert report.rounds[0].thermal_status_after == 2


def script_that_raises(at: int, error: BaseException) -> Script:
    """Steady until the invocation number ``at``, from 0."""
    counted = 0

    def script(model: str, round: int) -> float | BaseException:
        nonlocal counted
        counted += 1
        return error if counted == at + 1 else 0.002

    return script


def test_a_device_that_goes_away_is_no_failed_model() -> None:
    plan = replace(PLAN, min_rounds=3, max_rounds=3)
    saved: list[Report] = []
    lost = DeviceLost("the cable was pulled.", "plug it in, then: mnv4bench run --resume")
    with pytest.raises(DeviceLost):
        measured(script_that_raises(4, lost), plan=plan, saved=saved)
    kept = saved[-1]
    assert (kept.ended, kept.finished_at) == ("interrupted", None)
    assert kept.notes == ("stopped: the cable was pulled.",)
    assert all(one.failure is None for one in kept.measurements)
    assert sum(len(one.invocations) for one in kept.measurements) == 4


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a test moves on; bench looks at no other clock."""
    now = [0.0]
    monkeypatch.setattr(bench, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_each_model_then_runs_back_to_back(clock: list[float]) -> None:
    plan = replace(ONE_ROUND, sustained_s=35)

    def slower(model: str, round: int) -> float:
        clock[0] += 10
        return 0.002 + clock[0] / 1e6

    report, saved, _, ear = measured(slower, ("a", "b"), plan)
    for one in report.measurements:
        assert len(one.invocations) == 1
        assert [window.position for window in one.sustained] == [0, 1, 2, 3]
        medians = [window.latencies_s[0] for window in one.sustained]
        assert medians == sorted(medians)
    assert set(ear.sustained) == {"a", "b"}
    assert report.finished_at is not None
    # The report on disk holds each window as soon as it ended.
    kept = [sum(len(m.sustained) for m in r.measurements) for r in saved]
    assert set(kept) == set(range(9))
    assert kept == sorted(kept)
    assert not any(one.sustained_cut for one in report.measurements)


def test_sustained_windows_that_are_whole_are_not_run_again(clock: list[float]) -> None:
    plan = replace(ONE_ROUND, sustained_s=15)
    saved: list[Report] = []
    stop = script_that_raises(5, KeyboardInterrupt())  # in the second model's second window

    def ten_seconds(script: Script) -> Script:
        def slow(model: str, round: int) -> float | Exception:
            clock[0] += 10
            return script(model, round)

        return slow

    with pytest.raises(KeyboardInterrupt):
        measured(ten_seconds(stop), ("a", "b"), plan, saved=saved)
    assert [len(one.sustained) for one in saved[-1].measurements] == [2, 1]
    assert [one.sustained_cut for one in saved[-1].measurements] == [False, True]
    report, _, runner, _ = measured(ten_seconds(steady), ("a", "b"), plan, report=saved[-1])
    assert [model for model, _, _ in runner.calls] == ["b", "b"]
    assert [len(one.sustained) for one in report.measurements] == [2, 2]


def test_a_fall_back_while_running_back_to_back_is_a_fall_back(clock: list[float]) -> None:
    plan = replace(ONE_ROUND, sustained_s=15)

    def slow(model: str, round: int) -> float:
        clock[0] += 10
        return 0.002

    runner = ScriptedRunner(slow)
    session = ScriptedSession(runner, "a")
    calls = iter((FULL, FULL, replace(FULL, verdict="none")))
    session_invoke = session.invoke

    def invoke(timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        session.placement = next(calls)
        return session_invoke(timing, round=round, position=position)

    session.invoke = invoke  # type: ignore[method-assign]
    fresh = bench.new_report(PROFILE, runner, [artifact("a")], plan)
    report = bench.measure(fresh, [session], runner, lambda _: None, Ear())
    assert report.measurements[0].placement == replace(FULL, verdict="none")


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"screen": "Asleep"}, "screen went off"),
        ({"low_power_mode": True}, "battery saver came on"),
    ],
)
def test_what_the_owner_does_to_a_phone_taints_the_round(
    after: dict[str, object], words: str
) -> None:
    awake = DeviceState(taken_at="2026-11-24T10:00:00+00:00", screen="Awake", low_power_mode=False)
    changed = replace(awake, **after)
    # Preflight, the start, before the round; after it, and at the seal.
    states = iter((awake, awake, awake, changed, changed))
    report, _, _, _ = measured(steady, ("a",), ONE_ROUND, states=states, probes=iter([0.05] * 9))
    [samples] = report.measurements[0].invocations
    assert any(words in reason for reason in samples.tainted)


def test_a_model_that_fails_back_to_back_keeps_its_burst_and_says_so(clock: list[float]) -> None:
    plan = replace(ONE_ROUND, sustained_s=15)
    died = WorkerFailed("the worker died", command=("worker",), status=-9)
    report, _, _, _ = measured(script_that_raises(1, died), ("a",), plan)
    [one] = report.measurements
    assert (one.failure, one.sustained, len(one.invocations)) == (None, (), 1)
    assert report.notes == ("a did not run to the end of its sustained time: the worker died",)
    assert report.ended == "round limit"

"""A gate's session on a device: what was asked for becomes contests, measured as far as it went.

Knows: runners, installing, who is told meanwhile, and what ends a session early. Does not know:
what is concluded (judging), nor where files come from (sides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mnv4bench import units
from mnv4bench.analysis import budgets as budgeting
from mnv4bench.analysis.gating import Look, Rules
from mnv4bench.bench import gating
from mnv4bench.bench.gating import Contest, Hold
from mnv4bench.cli.sides import Sides
from mnv4bench.devices import Runner, Session
from mnv4bench.errors import BenchError, MeasuringStopped, NotMeasured, UsageError, nearest
from mnv4bench.findings import GateMetric
from mnv4bench.records import DeviceProfile, Environment
from mnv4bench.render import gates
from mnv4bench.render.progress import Board


@dataclass
class GateSession:
    """What was measured in one session on one unit, however it ended."""

    metric: GateMetric = "seconds"
    contests: list[Contest] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    unit: str = ""
    environment: Environment | None = None
    measured_at: str = ""
    interrupted: bool = False
    stopped: MeasuringStopped | None = None  # the device could not go on
    left_behind: BenchError | None = None  # what could not be put back on the device


def metric(profile: DeviceProfile, asked: GateMetric | None) -> GateMetric:
    """What ``profile`` gives. Raises UsageError where another was asked for."""
    given: GateMetric = "instructions" if profile.runner == "emulated" else "seconds"
    if asked in (None, given):
        return given
    if given == "instructions":
        raise UsageError(
            f"{profile.device} is emulated: its instructions are counted, and its seconds mean "
            "nothing.",
            "leave --metric out, or time it on this machine: --device host-cpu",
        )
    raise UsageError(
        f"{profile.device} is timed; instructions are counted on emulated devices.",
        "--device host-instructions, or another that `mnv4bench devices` calls emulated",
    )


def budgets(asked: Sequence[str], models: Sequence[str], *, counts: bool) -> dict[str, float]:
    """``"mnv4-conv-s=2.5ms"`` -> seconds by model. Raises UsageError, also for an unknown one."""
    found: dict[str, float] = {}
    for words in asked:
        model, equals, text = words.rpartition("=")
        seconds = units.duration(text)
        if not equals or not model or seconds is None:
            raise UsageError(
                f"--budget {words}: a model, =, and a time with its unit (s, ms, us) above 0.",
                "--budget mnv4-conv-s=2.5ms",
            )
        if model not in models:
            raise UsageError(
                f"--budget {words}: head has no model {model}.", nearest(model, list(models))
            )
        if found.setdefault(model, seconds) != seconds:
            raise UsageError(f"--budget: {model} has two of them.", "name one budget a model")
    if found and counts:
        raise UsageError(
            "a budget is a time, and an emulated device gives counts of instructions alone.",
            "hold it to its budget on a real device: --device host-cpu",
        )
    return found


def measure(
    pairs: Sequence[Sides],
    budgets_s: Mapping[str, float],
    runners: tuple[Runner, Runner],
    rules: Rules,
    seed: int,
    *,
    counts: bool,
) -> GateSession:
    """Everything that must be measured; a session that was ended early holds what there is.

    ``runners`` are base's and head's: of one unit, and one and the same but where the sides have
    Python environments of their own; the environment that is kept is head's. Ctrl-C before
    anything was measured goes up.
    """
    session = GateSession(metric="instructions" if counts else "seconds")
    contested = [one for one in pairs if not one.identical]
    held = [one for one in pairs if one.model in budgets_s]
    if not contested and not held:
        return session
    of_base, runner = runners
    status, detail = runner.availability()
    if status != "ready":
        raise NotMeasured(f"the device is {status}: {detail}", "mnv4bench doctor")
    over = False
    try:
        with _GateBoard() as board, runner.held():
            session.unit, session.environment = runner.unit(), runner.environment()
            _require_hardware(session.environment)
            session.contests = [_contest(one, of_base, runner) for one in contested]
            session.holds = [_hold(one, budgets_s[one.model], runner) for one in held]
            session.measured_at = datetime.now(UTC).isoformat(timespec="seconds")
            _as_far_as_it_goes(session, runner, rules, seed, board)
            over = True
    except BenchError as error:
        if not over:
            raise
        session.left_behind = error  # giving the device back takes nothing from what was measured
    return session


def _require_hardware(environment: Environment) -> None:
    """A verdict on a GPU that the processor plays would be one on that player."""
    if environment.gpu_is_software:
        raise NotMeasured(
            f"the processor plays the GPU here ({environment.gpu}): how long that takes says "
            "nothing of a GPU, so nothing is judged by it.",
            "gate on the processor itself, --device host-cpu, or on a machine with a GPU",
        )


def _as_far_as_it_goes(
    session: GateSession, runner: Runner, rules: Rules, seed: int, board: _GateBoard
) -> None:
    try:
        if session.metric == "instructions":
            gating.count(session.contests, board)
        else:
            gating.measure(session.contests, runner, rules, seed, board)
            gating.hold(session.holds, runner, rules, seed, board)
    except KeyboardInterrupt:
        session.interrupted = True
    except MeasuringStopped as stop:
        session.stopped = stop
    finally:
        for one in session.contests:
            _take_off(one.base, board)
            _take_off(one.head, board)
        for hold in session.holds:
            _take_off(hold.session, board)


def _contest(pair: Sides, of_base: Runner, of_head: Runner) -> Contest:
    return Contest(
        model=pair.model,
        base=of_base.install(pair.base.path, pair.base.artifact),
        head=of_head.install(pair.head.path, pair.head.artifact),
        base_artifact=pair.base.artifact,
        head_artifact=pair.head.artifact,
    )


def _hold(pair: Sides, budget_s: float, runner: Runner) -> Hold:
    return Hold(
        model=pair.model,
        session=runner.install(pair.head.path, pair.head.artifact),
        artifact=pair.head.artifact,
        budget_s=budget_s,
    )


def _take_off(session: Session, board: _GateBoard) -> None:
    try:
        session.remove()
    except BenchError as error:
        board.waiting(f"not everything could be taken off the device: {error}")


class _GateBoard:
    """Says on stderr how far the gate is: a table on a terminal, elsewhere a line a round."""

    def __init__(self) -> None:
        self._board = Board("gate", ("model", "ratio or latency", "interval", "proc.", "so far"))
        self._rounds = 0

    def __enter__(self) -> _GateBoard:
        self._board.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._board.__exit__(None, None, None)

    def waiting(self, why: str) -> None:
        self._board.now(f"waiting: {why}")

    def failed(self, model: str, error: BenchError) -> None:
        self._board.line(f"{model} could not be measured: {error}")

    def looked(self, looks: Mapping[str, Look], *, confirming: bool) -> None:
        rows = [
            (
                model,
                units.quotient(look.ratio),
                gates.interval(look.low, look.high),
                str(look.processes),
                look.decision,
            )
            for model, look in looks.items()
        ]
        self._round(rows, "confirming what came out slower" if confirming else "comparing")

    def held(self, looks: Mapping[str, budgeting.Look], *, confirming: bool) -> None:
        rows = [
            (
                model,
                units.seconds(look.latency_s),
                gates.seconds_interval(look.low_s, look.high_s),
                str(look.processes),
                look.decision,
            )
            for model, look in looks.items()
        ]
        self._round(rows, "confirming what came out over" if confirming else "holding to budgets")

    def _round(self, rows: Sequence[tuple[str, ...]], doing: str) -> None:
        self._rounds += 1
        self._board.now(doing)
        self._board.rows(rows)
        if self._rounds == 1 or self._rounds % _A_LINE_EVERY == 0:
            done = sum(row[-1] != "go on" for row in rows)
            self._board.line_elsewhere(
                f"{doing}: round {self._rounds}, {done} of {units.plural(len(rows), 'model')} clear"
            )


# Away from a terminal: often enough to see that it lives, and no log of its own.
_A_LINE_EVERY = 6

"""A device that does as it is told: chosen latencies, readings and failures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mnv4bench.devices import Session
from mnv4bench.devices.holding import hold
from mnv4bench.records import Artifact, Check, DeviceState, Environment, Placement, Samples, Timing
from tests.sample_reports import ENVIRONMENT, FULL, samples

Script = Callable[[str, int], float | Exception]  # (model, round) -> median latency, or a failure


class ScriptedRunner:
    """``script`` gives each invocation's latency, or raises; ``states`` and ``probes`` in turn."""

    def __init__(
        self,
        script: Script,
        states: Iterator[DeviceState] | None = None,
        probes: Iterator[float] | None = None,
        unit: str = "scripted",
    ) -> None:
        self.script = script
        self.name = unit
        self.probes = probes
        self.states = states
        self.calls: list[tuple[str, int, int]] = []
        self.removed: list[str] = []

    def availability(self) -> tuple[str, str]:
        return "ready", "scripted"

    def checks(self) -> tuple[Check, ...]:
        return ()

    def unit(self) -> str:
        return self.name

    def held(self) -> AbstractContextManager[None]:
        return hold(self.name)

    def probe(self) -> float | None:
        return next(self.probes, None) if self.probes else None

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        pushes = [f"push {file.name}" for file, _ in measured]
        timed = [
            f"time {artifact.model} for {one.min_duration_s} s"
            for one in (timing, sustained)
            if one is not None
            for _, artifact in measured
        ]
        return (*pushes, *timed)

    def environment(self) -> Environment:
        return ENVIRONMENT

    def state(self) -> DeviceState:
        quiet = DeviceState(taken_at="2026-11-22T15:00:00+00:00", cpu_busy_fraction=0.0)
        return next(self.states, quiet) if self.states else quiet

    def install(self, file: Path, artifact: Artifact) -> Session:
        return ScriptedSession(self, artifact.model)


class ScriptedSession:
    """Takes no time at all."""

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
        self.runner.removed.append(self.model)

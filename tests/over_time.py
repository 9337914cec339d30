"""Reports of many nights for tests: chosen levels, no noise that is not asked for."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import exp

from msgspec.structs import replace

from mnv4bench.records import Environment, Measurement, Report
from tests.sample_reports import ENVIRONMENT, artifact, measurement, report, samples

BEGUN = datetime(2026, 3, 1, 2, tzinfo=UTC)


def night(number: int) -> str:
    return (BEGUN + timedelta(days=number)).isoformat()


def commit(number: int) -> str:
    return f"{(number + 1) * 0x9E3779B9 % 2**32:08x}" + "0" * 32


def session(
    model: str, latency_s: float, at: str, seed: int, rounds: int = 6, **changes: object
) -> Measurement:
    """Invocations that differ by half a percent."""
    rng = random.Random(seed)
    made = measurement(
        artifact=artifact(model),
        invocations=tuple(
            samples(place, latency_s * exp(rng.gauss(0, 0.005)), started_at=at)
            for place in range(rounds)
        ),
    )
    return replace(made, **changes)


def nights(
    levels: Sequence[float],
    models: Sequence[str] = ("mnv4-conv-s",),
    *,
    first: int = 0,
    sd: float = 0.01,
    environment: Environment = ENVIRONMENT,
    **changes: object,
) -> list[Report]:
    """A report a night; sessions of a model differ by ``sd`` around the night's level (seconds)."""
    made = []
    for place, level in enumerate(levels):
        number = first + place
        rng = random.Random(number)
        made.append(
            report(
                *(
                    session(
                        model, level * (1 + index) * exp(rng.gauss(0, sd)), night(number), number
                    )
                    for index, model in enumerate(models)
                ),
                name=f"night-{number:04d}",
                environment=replace(environment, commit=commit(number)),
                started_at=night(number),
                **changes,
            )
        )
    return made


def with_measurements(one: Report, **changes: object) -> Report:
    """The report with every measurement changed."""
    return replace(one, measurements=tuple(replace(m, **changes) for m in one.measurements))


def taint(one: Report, reason: str = "steal 0.12") -> Report:
    """Every invocation tainted."""
    return replace(
        one,
        measurements=tuple(
            replace(m, invocations=tuple(replace(s, tainted=(reason,)) for s in m.invocations))
            for m in one.measurements
        ),
    )

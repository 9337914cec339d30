"""Invented shapes for the figures of distributions and of sustained speed."""

import random

from msgspec.structs import replace

from mnv4bench.analysis.shapes import LatestShapes
from mnv4bench.findings import Shapes
from mnv4bench.records import Measurement, Noise, Samples, Spread
from tests.render.fixed import HOSTILE
from tests.sample_reports import PROFILE, measurement, report, samples

BUSY = ("steal time 12.3 %",)


def timed(
    median_s: float, *, rounds: int = 6, count: int = 80, tainted: frozenset[int] = frozenset()
) -> tuple[Samples, ...]:
    """Invocations that scatter by a percent, and some samples far above."""
    draw = random.Random(round(median_s * 1e9) + rounds)

    def one(turn: int) -> Samples:
        level = median_s * (1 + draw.gauss(0, 0.01) + 0.08 * (turn in tainted))
        values = (
            level * (1 + abs(draw.gauss(0, 0.008)) + 2 * (draw.random() < 0.01))
            for _ in range(count)
        )
        return samples(turn, *values, tainted=BUSY if turn in tainted else ())

    return tuple(one(turn) for turn in range(rounds))


def means(median_s: float, rounds: int = 6) -> tuple[Samples, ...]:
    spread = Spread(p5_s=median_s * 0.97, p95_s=median_s * 1.09)
    draw = random.Random(7)
    return tuple(
        samples(turn, median_s * (1 + draw.gauss(0, 0.01)), inferences_per_value=400, spread=spread)
        for turn in range(rounds)
    )


def warm(median_s: float, loss: float, count: int = 9, hot: int = -1) -> tuple[Samples, ...]:
    """Windows of ten seconds in which the latency grows by ``loss``."""
    made = []
    for turn in range(count):
        value = median_s * (1 + loss * turn / count)
        at = f"2026-11-22T16:{turn // 6:02}:{turn % 6}0+00:00"
        one = samples(turn, value, value, started_at=at, tainted=("hot",) if turn == hot else ())
        made.append(replace(one, noise=Noise(wall_s=10.0)))
    return tuple(made)


def shapes(*measurements: Measurement, device: str = "host-cpu") -> Shapes:
    made = LatestShapes()
    made.add(report(*measurements, profile=replace(PROFILE, device=device)))
    return made.shapes()


def several() -> Shapes:
    """Models that differ by decades, one with tainted invocations, one tainted as a whole."""
    return shapes(
        measurement("mnv4-conv-s", invocations=timed(0.002), sustained=warm(0.002, 0.3)),
        measurement(
            "mnv4-conv-m",
            invocations=timed(0.0116, tainted=frozenset({1, 4})),
            sustained=warm(0.0116, 0.05, hot=2),
        ),
        measurement(
            "mobilenetv3-large",
            invocations=timed(0.2, tainted=frozenset(range(6))),
            sustained=warm(0.2, 0.2),
            sustained_cut=True,
        ),
    )


def nasty() -> Shapes:
    """One sample, one invocation, equal samples, names that would act or are too long."""
    return shapes(
        measurement("one-sample", invocations=(samples(0, 0.004),), sustained=warm(0.004, 9.0, 1)),
        measurement("one-invocation", invocations=timed(0.0041, rounds=1)),
        measurement("equal", invocations=tuple(samples(n, *[0.005] * 60) for n in range(3))),
        measurement(HOSTILE, invocations=timed(0.005), sustained=warm(0.005, 0.1)),
        measurement("x" * 200, invocations=timed(0.006), sustained=warm(0.006, -0.2)),
        measurement(r"$\frac{1}{0}$", invocations=timed(0.007, rounds=3, count=3)),
        device="x" * 120,
    )


def phone() -> Shapes:
    return shapes(
        measurement("mnv4-conv-s", invocations=means(0.0007)),
        measurement("mnv4-conv-m", invocations=means(0.0011, rounds=2)),
        device="pixel8-edgetpu",
    )


def forty() -> Shapes:
    return shapes(
        *(
            measurement(
                f"model-{number:02}",
                invocations=timed(0.001 * 1.1**number, rounds=3, count=60),
                sustained=warm(0.001 * 1.1**number, 0.01 * number),
            )
            for number in range(40)
        )
    )


def several_of(median_s: float, model: str = "mnv4-conv-s", count: int = 80) -> Measurement:
    return measurement(model, invocations=timed(median_s, rounds=3, count=count))

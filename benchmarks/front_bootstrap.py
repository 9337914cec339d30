"""Seconds of resampling fronts over 20,000 measurements, in three shapes, and how it grows.

Processor time of this process as well as wall time: on a shared machine the wall says more of the
neighbours. `pareto` as a whole, reading and drawing included, is reading_scale.py's.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench.analysis.certainty import RESAMPLES, with_certainty
from mnv4bench.analysis.pareto import front_of
from mnv4bench.analysis.universality import across
from mnv4bench.findings import Front, Group, Limits, Point
from mnv4bench.render import figure, heat_map

MEASUREMENTS, INVOCATIONS, IMAGES = 20_000, 6, 5000


def group(models: int, device: str, *, evaluated: bool = False) -> Group:
    """Models along a front with a spread of 2 % between invocations."""
    rng = np.random.default_rng(len(device) * 1000 + models)
    points = []
    for number in range(models):
        latency = 0.001 * float(np.exp(rng.normal(0, 1)))
        top1 = float(np.clip(75 + 5 * np.log2(latency / 0.001) + rng.normal(0, 4), 10, 90))
        values = tuple(float(v) for v in latency * np.exp(rng.normal(0, 0.02, INVOCATIONS)))
        points.append(
            Point(
                model=f"model-{number}",
                family=f"family {number % 8}",
                latency_s=float(np.median(values)),
                low_s=min(values),
                high_s=max(values),
                top1=round(top1, 1),
                accuracy_source="measured" if evaluated else "timm",
                accuracy_images=IMAGES if evaluated else None,
                artifact_sha256=f"{number:064x}",
                accuracy_data="val" if evaluated else "",
                top1_low=top1 - 1 if evaluated else None,
                top1_high=top1 + 1 if evaluated else None,
                status="front",
                values=values,
            )
        )
    return Group(
        device=device,
        precision="fp32",
        origin="measured",
        machine="simulated",
        environment="0",
        points=front_of(points),
    )


def sheets(one: Group) -> dict[str, bytes]:
    """What each model said of the images, of which some are hard for all of them."""
    rng = np.random.default_rng(5)
    hard = rng.random(IMAGES)
    found = {}
    for point in one.points:
        own = np.where(rng.random(IMAGES) < 0.8, hard, rng.random(IMAGES))
        found[point.artifact_sha256] = (own < (point.top1 or 0) / 100).astype(np.uint8).tobytes()
    return found


def timed(
    name: str,
    groups: list[Group],
    *,
    universality: bool = False,
    answers: dict[str, bytes] | None = None,
) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    limits = Limits(max_latency_s=0.002)
    judged = [with_certainty(one, limits=limits, sheets=answers) for one in groups]
    if universality:
        across(judged)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{name:<58} {wall:>7.2f} {processor:>10.2f}", flush=True)


def drawn(name: str, front: Front, draw: object) -> None:
    assert callable(draw)
    wall, processor = time.perf_counter(), time.process_time()
    draw(front)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{name:<58} {wall:>7.2f} {processor:>10.2f}", flush=True)


def main() -> None:
    print(f"{RESAMPLES:,} resamples{'':<43} {'wall s':>10} {'process s':>10}")
    for models in (5_000, 10_000, MEASUREMENTS):
        timed(f"one group of {models:,} models", [group(models, "d")])
    evaluated = group(MEASUREMENTS, "d", evaluated=True)
    timed("one group of 20,000 models, top-1 measured", [evaluated])
    answers = sheets(evaluated)
    timed("the same, on the same 5,000 images", [evaluated], answers=answers)
    for count in (250, 500, 1000):
        timed(f"{count:,} groups of 20 models", [group(20, f"d{i}") for i in range(count)])
    nine = [group(30, f"device-{i}") for i in range(9)]
    timed("9 devices, 30 models, with universality", nine, universality=True)
    judged = tuple(with_certainty(one) for one in nine)
    drawn("figure: 9 panels of 30 models", Front(groups=judged), figure.draw)
    drawn("figure: 1 panel of 30 models", Front(groups=judged[:1]), figure.draw)
    spanned = Front(groups=judged, universality=across(judged))
    drawn("figure: heat map of 30 models and 9 devices", spanned, heat_map.draw)


if __name__ == "__main__":
    main()

"""Seconds that each figure takes to draw as SVG, PNG and PDF together, and the sizes of its files.

Processor time beside wall time: on a shared machine the wall says more of the neighbours.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from msgspec.structs import replace

from mnv4bench.analysis.shapes import sustained_only
from mnv4bench.findings import Front
from mnv4bench.render import clouds, figure, heat_map, timelines, warmth
from tests.render import fixed, shapes
from tests.render.test_over_time import history


def timed(name: str, draw: Callable[[], dict[str, bytes]]) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    files = draw()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    sizes = ", ".join(f"{suffix} {len(data) / 1000:.0f} kB" for suffix, data in files.items())
    print(f"{name:32} {processor:5.2f} s of processor, {wall:5.2f} s wall; {sizes}")


def main() -> None:
    paper, forty = Front(groups=fixed.published()), shapes.forty()
    many = shapes.shapes(
        *(shapes.several_of(0.001 * 2**n, f"model-{n}", count=10_000) for n in range(8))
    )
    figure.draw(fixed.front())  # fonts are loaded once
    timed("the paper's seven panels", lambda: figure.draw(paper))
    timed("the same, as wide as a column", lambda: figure.draw(paper, "column"))
    twenty = Front(
        groups=tuple(replace(paper.groups[0], device=f"device-{place}") for place in range(20))
    )
    timed("twenty devices, 420 models", lambda: figure.draw(twenty))
    timed("heat map", lambda: heat_map.draw(fixed.spanned()))
    timed("distributions, 40 models", lambda: clouds.draw(forty))
    timed("distributions, 240,000 samples", lambda: clouds.draw(many))
    timed("sustained, 40 models", lambda: warmth.draw(sustained_only(forty)))
    nights = history()
    series = tuple(replace(nights.series[0], model=f"model-{place}") for place in range(24))
    timed("history, 24 models of 60 nights", lambda: timelines.draw(replace(nights, series=series)))


if __name__ == "__main__":
    main()

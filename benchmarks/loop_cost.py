"""What this program's timed loop costs: its figure over a bare loop of the same runtime call.

    python benchmarks/loop_cost.py MODEL.tflite MODEL.onnx [--blocks 200] [--per-block 10]

In one process, blocks of the bare loop (call, call, call ... one clock around the block) alternate
with blocks of ``timed_loop.timed`` (a clock around every call, inputs in rotation), so that drift
hurts both alike. Prints the median ratio of neighbouring blocks with its interval, the ratio of
the median of single samples (what is reported) to the median of bare blocks, the ratio among the
fastest blocks, and the cost of the loop per inference. Goal: within 1.001 apart from noise, and a
cost under 1 µs.
"""

import argparse
import gc
import random
import sys
import time
from pathlib import Path
from statistics import fmean, median

from mnv4bench.devices.host_worker import _runtime
from mnv4bench.devices.inputs import seeded
from mnv4bench.devices.timed_loop import loop_overhead_s, timed

WARM_UP_S = 1.0
RESAMPLES = 2000
BUFFERS = 4  # as bench.py's default timing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--per-block", type=int, default=10)
    options = parser.parse_args()
    print(f"loop cost per inference: {loop_overhead_s() * 1e9:.0f} ns (goal: under 1000)")
    for file in options.files:
        compare(file, options.blocks, options.per_block)


def compare(file: Path, blocks: int, per_block: int) -> None:
    runtime = "litert" if file.suffix == ".tflite" else "onnxruntime"
    model = _runtime(runtime)(file, threads=1, input_shape=None)
    turns = model.turns(
        [[seeded(spec, seed=0, buffer=n) for spec in model.inputs()] for n in range(BUFFERS)]
    )
    timed(turns, min_count=3, min_duration_s=WARM_UP_S, max_duration_s=60.0)
    gc.disable()
    ours: list[float] = []
    bare: list[float] = []
    singles: list[int] = []
    for block in range(blocks):
        order = ("ours", "bare") if block % 2 else ("bare", "ours")
        for kind in order:
            if kind == "ours":
                samples, _ = timed(
                    turns, min_count=per_block, min_duration_s=0.0, max_duration_s=60.0
                )
                singles += samples
                ours.append(fmean(samples))
            else:
                bare.append(bare_block(turns, per_block))
    gc.enable()
    ratios = [timed_ns / bare_ns for timed_ns, bare_ns in zip(ours, bare, strict=True)]
    low, high = interval(ratios)
    print(
        f"{file.name} ({runtime}): bare {median(bare) / 1e6:.4f} ms, "
        f"timed {median(ours) / 1e6:.4f} ms; timed/bare {median(ratios):.4f} "
        f"[{low:.4f}, {high:.4f}] over {blocks} pairs of blocks of {per_block}; "
        f"median of single samples/bare {median(singles) / median(bare):.4f}; "
        f"fastest fifth of blocks {fast(ours) / fast(bare):.4f}"
    )


def fast(blocks: list[float]) -> float:
    """The upper end of the fastest fifth: the blocks that nothing disturbed on a busy machine."""
    return sorted(blocks)[len(blocks) // 5]


def bare_block(turns, count: int) -> float:
    """Nanoseconds per call of the runtime's own call, over ``count`` calls in a row."""
    fill, infer = turns[0]
    fill()
    calls = range(count)
    start = time.perf_counter_ns()
    for _ in calls:
        infer()
    return (time.perf_counter_ns() - start) / count


def interval(ratios: list[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the median ratio."""
    draw = random.Random(0)
    medians = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


if __name__ == "__main__":
    sys.exit(main())

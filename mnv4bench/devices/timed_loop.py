"""The clock around an inference: warm up until steady, then time until there is enough.

Knows: the protocol's loops and what they cost. Does not know: runtimes, files, noise.
A turn is one input buffer: (fill, infer). Filling stays outside the timed interval. The clock is
this machine's, or a runtime's own (``RuntimeClock``) where one is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from statistics import median

from mnv4bench.records import Timing

Turn = tuple[Callable[[], object], Callable[[], object]]
Clock = Callable[[], int]  # nanoseconds

NS_PER_S = 1_000_000_000
# The cost of the loop is the median of batches; a batch is long enough for the clock, and many
# batches let the median step over the disturbed ones. About 10 ms in all.
OVERHEAD_BATCHES = 101
OVERHEAD_BATCH_COUNT = 500
CLOCK_TICK_READS = 2_000


class RuntimeClock:
    """A clock for a runtime that says itself how long an inference took, where no other reaches.

    This machine's, but for the read that follows an inference: that one is later than the read
    before it by what the runtime said. So differences are the runtime's, and caps this machine's.
    """

    def __init__(self) -> None:
        self._read = 0
        self._said: int | None = None

    def said(self, duration_ns: int) -> None:
        """The inference that just ended took so long."""
        self._said = duration_ns

    def __call__(self) -> int:
        if self._said is None:
            self._read = time.perf_counter_ns()
            return self._read
        end, self._said = self._read + self._said, None
        return end


def warm_up(
    turns: Sequence[Turn], timing: Timing, *, clock: Clock | None = None
) -> tuple[list[int], bool]:
    """Infer until the medians of two consecutive windows agree, or until the cap.

    Returns all durations in nanoseconds, the first inference first, and whether it became steady.
    The first inference, which may still be allocating, belongs to no window.
    """
    clock = clock or time.perf_counter_ns
    window_ns = timing.warmup_window_s * NS_PER_S
    durations: list[int] = []
    window: list[int] = []
    window_length_ns = 0
    previous: float | None = None
    cap = clock() + timing.warmup_cap_s * NS_PER_S
    for fill, infer in cycle(turns):
        fill()
        start = clock()
        infer()
        stop = clock()
        durations.append(stop - start)
        if len(durations) > 1:
            window.append(stop - start)
            window_length_ns += stop - start
        if len(window) >= timing.warmup_window_count and window_length_ns >= window_ns:
            current = median(window)
            if (
                previous is not None
                and abs(current - previous) <= timing.warmup_agreement * previous
            ):
                return durations, True
            previous, window, window_length_ns = current, [], 0
        if stop >= cap:
            return durations, False
    raise AssertionError("cycle() over at least one turn does not end")


def timed(
    turns: Sequence[Turn],
    *,
    min_count: int,
    min_duration_s: float,
    max_duration_s: float,
    clock: Clock | None = None,
) -> tuple[list[int], bool]:
    """Time single inferences until there are ``min_count`` and ``min_duration_s`` of them.

    Returns nanoseconds in measured order, and whether ``max_duration_s`` of wall time came first.
    The duration counts the timed intervals alone.
    """
    clock = clock or time.perf_counter_ns
    samples: list[int] = []
    keep = samples.append
    missing_ns = int(min_duration_s * NS_PER_S)
    missing_count = min_count
    cap = clock() + int(max_duration_s * NS_PER_S)
    for fill, infer in cycle(turns):
        fill()
        start = clock()
        infer()
        stop = clock()
        keep(stop - start)
        missing_ns -= stop - start
        missing_count -= 1
        if missing_count <= 0 and missing_ns <= 0:
            return samples, False
        if stop >= cap:
            return samples, True
    raise AssertionError("cycle() over at least one turn does not end")


def alternating(
    first: Sequence[Turn],
    second: Sequence[Turn],
    *,
    block: int,
    min_count: int,
    min_duration_s: float,
    max_duration_s: float,
    clock: Clock | None = None,
) -> tuple[list[list[int]], list[list[int]], bool]:
    """Blocks of ``block`` inferences, first, second, first, second, ... in turn.

    Returns nanoseconds block by block in measured order, as many blocks of each, and whether
    ``max_duration_s`` of wall time came before each had ``min_count`` and ``min_duration_s``.
    """
    clock = clock or time.perf_counter_ns
    sides = (cycle(first), cycle(second))
    blocks: tuple[list[list[int]], list[list[int]]] = ([], [])
    cap = clock() + int(max_duration_s * NS_PER_S)
    while True:
        for mine, turns in zip(blocks, sides, strict=True):
            samples = []
            for _ in range(block):
                fill, infer = next(turns)
                fill()
                start = clock()
                infer()
                stop = clock()
                samples.append(stop - start)
            mine.append(samples)
        enough = all(
            len(mine) * block >= min_count and sum(map(sum, mine)) >= min_duration_s * NS_PER_S
            for mine in blocks
        )
        if enough or clock() >= cap:
            return *blocks, not enough


def paced(
    turns: Sequence[Turn], *, count: int, period_s: float, clock: Clock | None = None
) -> list[int]:
    """``count`` inferences that begin at a beat, each after what is left of the one before.

    Returns nanoseconds in measured order. A beat that an inference is too long for is left out.
    """
    clock = clock or time.perf_counter_ns
    samples = []
    period_ns = round(period_s * NS_PER_S)
    beat = time.perf_counter_ns()
    for (fill, infer), _ in zip(cycle(turns), range(count), strict=False):
        fill()
        while (left := beat - time.perf_counter_ns()) > 0:
            time.sleep(left / NS_PER_S)
        start = clock()
        infer()
        samples.append(clock() - start)
        beat += period_ns * (1 + max(0, time.perf_counter_ns() - beat) // period_ns)
    return samples


def lower_decile(samples_ns: Sequence[int]) -> int:
    """What stands for a block of two alternating ones: other programs only ever add time."""
    return sorted(samples_ns)[(len(samples_ns) - 1) // 10]


def loop_overhead_s() -> float:
    """What the loop itself costs per inference: ``timed`` over an inference that does nothing.

    An upper bound of what a sample holds too much: only part of it lies between the clock reads.
    """
    nothing: Turn = (_nothing, _nothing)
    batches = []
    for _ in range(OVERHEAD_BATCHES):
        start = time.perf_counter_ns()
        timed([nothing], min_count=OVERHEAD_BATCH_COUNT, min_duration_s=0.0, max_duration_s=1.0)
        batches.append(time.perf_counter_ns() - start)
    return median(batches) / OVERHEAD_BATCH_COUNT / NS_PER_S


def clock_tick_s() -> float:
    """The step of this machine's clock, 0 where it moves between any two reads.

    A clock that two reads in a row can find unmoved is coarser than a read (about 50 ns), and its
    smallest move is its step.
    """
    clock = time.perf_counter_ns
    reads = [clock() for _ in range(CLOCK_TICK_READS)]
    moves = [after - before for before, after in pairwise(reads)]
    return 0.0 if min(moves) > 0 else min(filter(None, moves), default=NS_PER_S) / NS_PER_S


def _nothing() -> None:
    """An inference that costs nothing but its call."""

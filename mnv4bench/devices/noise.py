"""What disturbed a timed interval, and when that makes it unfit to compare.

Knows: two readings become evidence, evidence becomes reasons. Does not know: how long to measure
or what is done with a tainted invocation. Unknown evidence never taints and is never read as fine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from mnv4bench.devices import readings
from mnv4bench.records import Accelerator, Noise

# The limits were set on a 2-processor KVM guest (AMD EPYC) with MobileNetV4-Conv-S, one thread, one
# second per invocation: 35 invocations while nothing else ran, 30 while other programs kept both
# processors busy. "Quiet" and "crowded" below are the ranges seen in the two.

# The median stands while clearly fewer than half of the samples are hit; a tenth of the time hits
# at most a tenth of the short ones. Quiet 0 to 5 %, crowded 22 to 70 %.
MAX_WAITING = 0.10
# Each one costs caches as well as time. Quiet 1 to 8 a second, crowded 70 to 190.
MAX_SWITCHES_PER_S = 50.0
# Busy neighbours on the physical machine; they slow the rest of the interval too. Quiet mostly 0 to
# 4 %, and in the few intervals above 5 % the medians were the highest of all.
MAX_STEAL = 0.05
# /proc/stat counts in ticks of 10 ms: one or two of them mean nothing in a short interval.
STEAL_TICKS_S = 0.020
# Of the whole machine, not of this process alone. Quiet 0 to 0.5 %, crowded 26 to 100 %.
MAX_PRESSURE = 0.10
# Where cpufreq is readable. Steps of a governor are about 5 %; throttling takes more.
MAX_FREQUENCY_DROP = 0.10
# Processors lower their clocks between 95 and 105 °C (Intel's and AMD's limits for most chips).
MAX_TEMPERATURE_C = 95.0
# A tenth of the +-1 % to which a median is wanted.
MAX_CLOCK_TICK = 0.001
# Of each of two files in alternation: the median of fewer ratios is one ratio's whim.
MIN_BLOCKS = 5

Count = TypeVar("Count", int | None, float | None)


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one instant; None where they cannot be read."""

    wall_s: float
    cpu_s: float
    involuntary_switches: int | None
    steal_s: float | None
    pressure_s: float | None
    frequency_hz: float | None
    temperature_c: float | None


def read() -> Reading:
    """All counters now; the two clocks side by side, because one is divided by the other."""
    frequency_hz, temperature_c = readings.frequency_hz(), readings.temperature_c()
    steal_s, pressure_s = readings.steal_s(), readings.pressure_s()
    return Reading(
        involuntary_switches=readings.involuntary_switches(),
        steal_s=steal_s,
        pressure_s=pressure_s,
        frequency_hz=frequency_hz,
        temperature_c=temperature_c,
        cpu_s=readings.cpu_s(),
        wall_s=time.perf_counter(),
    )


def between(before: Reading, after: Reading) -> Noise:
    """The evidence about the interval from ``before`` to ``after``."""
    return Noise(
        wall_s=after.wall_s - before.wall_s,
        cpu_s=after.cpu_s - before.cpu_s,
        involuntary_switches=_grown(before.involuntary_switches, after.involuntary_switches),
        steal_s=_grown(before.steal_s, after.steal_s),
        pressure_s=_grown(before.pressure_s, after.pressure_s),
        frequency_before_hz=before.frequency_hz,
        frequency_after_hz=after.frequency_hz,
        temperature_before_c=before.temperature_c,
        temperature_after_c=after.temperature_c,
    )


def _grown(before: Count, after: Count) -> Count:
    return None if before is None or after is None else max(after - before, 0)


def taints(
    noise: Noise,
    *,
    latencies_s: tuple[float, ...],
    warmup_steady: bool | None,
    capped: bool,
    clock_tick_s: float | None,
    threads: int | None = 1,
    accelerator: Accelerator = "cpu",
) -> tuple[str, ...]:
    """Why the invocation is unfit to compare: a sentence per reason, reading and limit in it.

    ``threads`` of the runtime; None: not known, or they rest while another unit works.
    """
    # Several threads rest between operators of their own accord, so their sum tells nothing; a
    # process that waits for an accelerator rests as well.
    alone = noise.cpu_s is not None and threads == 1 and accelerator == "cpu"
    waited_s = noise.wall_s - (noise.cpu_s or 0.0) if alone else None
    stolen_s = noise.steal_s if (noise.steal_s or 0) > STEAL_TICKS_S else None
    before_hz, after_hz = noise.frequency_before_hz, noise.frequency_after_hz
    lost_hz = None if before_hz is None or after_hz is None else before_hz - after_hz
    switches = _share(noise.involuntary_switches, noise.wall_s)
    found = (
        _above(
            MAX_WAITING,
            _share(waited_s, noise.wall_s),
            "waited for a processor {} of the time",
        ),
        _above(
            MAX_STEAL,
            _share(stolen_s, noise.wall_s),
            "the hypervisor took {} of a processor's time",
        ),
        _above(
            MAX_PRESSURE,
            _share(noise.pressure_s, noise.wall_s),
            "some program waited for a processor {} of the time",
        ),
        _above(
            MAX_FREQUENCY_DROP,
            _share(lost_hz, before_hz),
            "the processor's frequency fell by {}",
        ),
        _above(
            MAX_CLOCK_TICK,
            _share(clock_tick_s, median(latencies_s)),
            "the clock's step is {} of an inference",
        ),
    )
    reasons = [reason for reason in found if reason]
    if switches is not None and switches > MAX_SWITCHES_PER_S:
        reasons.append(
            f"was taken off its processor {switches:.0f} times a second "
            f"(limit {MAX_SWITCHES_PER_S:.0f})"
        )
    if noise.temperature_after_c is not None and noise.temperature_after_c > MAX_TEMPERATURE_C:
        reasons.append(
            f"the processor was at {noise.temperature_after_c:.0f} °C "
            f"(limit {MAX_TEMPERATURE_C:.0f} °C)"
        )
    if warmup_steady is False:
        reasons.append("the warm-up did not become steady before its time limit")
    if capped:
        reasons.append(
            f"stopped at its time limit after {len(latencies_s)} inferences in {noise.wall_s:.3g} s"
        )
    return tuple(reasons)


def pair_taints(
    *, blocks_s: tuple[float, ...], block: int, capped: bool, clock_tick_s: float | None
) -> tuple[str, ...]:
    """Why two files timed in alternating blocks are unfit to compare.

    Other programs, heat and a hypervisor hurt neighbouring blocks alike, and the median of their
    ratios steps over what hits one of them: while other programs kept both processors busy (16 to
    63 % of the time waited for a processor), ratios of a file to itself scattered by 0.8 %. So the
    limits of ``taints`` are evidence here and no reason; what is left is too little to judge by.
    """
    reasons = []
    tick = _above(
        MAX_CLOCK_TICK,
        _share(clock_tick_s, median(blocks_s) * block),
        "the clock's step is {} of a block",
    )
    if tick:
        reasons.append(tick)
    if capped and len(blocks_s) < 2 * MIN_BLOCKS:
        reasons.append(
            f"stopped at its time limit after {len(blocks_s) // 2} blocks of each file "
            f"(at least {MIN_BLOCKS})"
        )
    return tuple(reasons)


def _share(part: float | None, whole: float | None) -> float | None:
    """``part`` over ``whole``; None where either is unknown or the whole is nothing."""
    return None if part is None or not whole else part / whole


def _above(limit: float, reading: float | None, sentence: str) -> str | None:
    if reading is None or reading <= limit:
        return None
    return f"{sentence.format(_percent(reading))} (limit {_percent(limit)})"


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.3g} %"

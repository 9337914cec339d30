"""The speeds beside a model's median: when warm, at a beat, and the GPU's part of it.

Knows: their columns and what a reader must be told of them. Does not know: tables or colours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mnv4bench import units
from mnv4bench.findings import Summary

SUSTAINED = (
    "Sustained: back to back, the median of the last third of that time; × is over the median of "
    "the short invocations."
)
GPUS_PART = (
    "GPU's part: by the GPU's own clock, median; the rest of a latency is the host's, which "
    "launches the kernels and waits for them."
)


def columns(alike: Sequence[Summary]) -> list[tuple[str, Callable[[Summary], str]]]:
    """(heading, what stands there; empty: nothing) of those that any of ``alike`` has."""
    known = (("GPU's part", _gpus_part), ("Sustained", _sustained), ("Paced", _paced))
    return [(title, told) for title, told in known if any(map(told, alike))]


def notes(alike: Sequence[Summary]) -> list[str]:
    """What the columns mean, and where a latency is not one of inferences back to back."""
    found = [SUSTAINED] if any(map(_sustained, alike)) else []
    beats = sorted({one.paced_period_s for one in alike if one.paced_period_s is not None})
    if beats:
        every = " or ".join(map(units.seconds, beats))
        found.append(
            f"Paced: inferences that begin every {every}, with rest between; the median is of "
            "inferences back to back."
        )
    if any(map(_gpus_part, alike)):
        found.append(GPUS_PART)
    trips = [one.apart_s for one in alike if one.apart_s is not None]
    if trips:
        found.append(
            f"Not back to back: the device rested before each inference (they began up to "
            f"{units.seconds(max(trips))} apart, a mean), when its clocks may be low."
        )
    return found


def _gpus_part(one: Summary) -> str:
    return "" if one.device_s is None else units.seconds(one.device_s)


def _sustained(one: Summary) -> str:
    if one.sustained_s is None:
        return ""
    return f"{units.seconds(one.sustained_s)} ({units.ratio(one.sustained_ratio)})"


def _paced(one: Summary) -> str:
    if one.paced_s is None:
        return ""
    return f"{units.seconds(one.paced_s)} ({units.ratio(one.paced_s / one.latency_s)})"

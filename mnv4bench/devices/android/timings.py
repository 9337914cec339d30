"""How long a program on a phone may take, and what makes its mean unfit to compare.

Knows: the timing of an invocation. Does not know: how a program is run.
"""

from __future__ import annotations

from mnv4bench.devices.android import results
from mnv4bench.records import Noise, Timing

# Loading and compiling: an EdgeTPU takes 1 to 2 s, a GPU's first program up to a minute.
START_ALLOWANCE_S = 120.0
# Of a profile: what is counted are inferences; a slow phone's may take long.
PROFILED_MAX_S = 120.0


def limit_s(timing: Timing) -> float:
    """When a program that obeys ``timing`` must long have ended."""
    return START_ALLOWANCE_S + 2 * (timing.warmup_cap_s + timing.max_duration_s)


def taints(noise: Noise, outcome: results.Outcome, *, capped: bool) -> tuple[str, ...]:
    """Reasons."""
    before, after = noise.thermal_status_before, noise.thermal_status_after
    reasons = []
    if after:
        reasons.append(f"the phone's thermal status was {after} at the end (limit 0)")
    if before is not None and after is not None and after > before:
        reasons.append(f"the thermal status rose from {before} to {after} meanwhile")
    if capped:
        reasons.append(
            f"stopped at its time limit after {outcome.inferences} inferences in "
            f"{noise.wall_s:.3g} s"
        )
    return tuple(reasons)


def profiled(inferences: int) -> Timing:
    """So many inferences, after half a second of them that nobody counts."""
    return Timing(
        warmup_window_s=0.1,
        warmup_window_count=3,
        warmup_agreement=0.02,
        warmup_cap_s=1.5,
        min_count=inferences,
        min_duration_s=0.0,
        max_duration_s=PROFILED_MAX_S,
        input_seed=0,
        input_buffers=1,
    )

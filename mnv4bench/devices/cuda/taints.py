"""What of the driver's readings makes times on an NVIDIA GPU unfit to compare.

Knows: two readings of one invocation become sentences. Does not know: how they are read, what is
done with a tainted invocation. What a card does not tell is unknown: it never taints, and is never
read as fine.
"""

from __future__ import annotations

from mnv4bench.records import GpuState

# As noise.MAX_FREQUENCY_DROP: steps of a clock are smaller, throttling takes more.
MAX_CLOCK_DROP = 0.10


def reasons(before: GpuState | None, after: GpuState | None) -> tuple[str, ...]:
    """A sentence for each; ``before`` was read warm, ``after`` at the end of the timed interval."""
    found = []
    held_back = dict.fromkeys(
        reason for one in (before, after) if one and one.throttled for reason in one.throttled
    )
    if held_back:
        found.append(f"the GPU's clocks were held back: {', '.join(held_back)}")
    others = dict.fromkeys(name for one in (before, after) if one for name in one.others or ())
    if others:
        found.append(f"other programs were on the GPU: {', '.join(others)}")
    first = before.clock_hz if before else None
    last = after.clock_hz if after else None
    if first and last is not None and (first - last) / first > MAX_CLOCK_DROP:
        found.append(
            f"the GPU's clock fell from {first / 1e6:.0f} to {last / 1e6:.0f} MHz "
            f"(limit {MAX_CLOCK_DROP:.0%})"
        )
    return tuple(found)

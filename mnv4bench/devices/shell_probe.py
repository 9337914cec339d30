"""A fixed piece of work for a device's shell: how fast is its processor just now?

Knows: a loop of the shell between two dates. Does not know: what a slow one means (bench.heat).
"""

from __future__ import annotations

import re
import shlex

# Some tens of milliseconds on a fast core.
PROBE_COUNT = 40_000
PROBE_REPEATS = 3
PROBE_ENDED = "looped"
# A date without %N has ten digits of seconds, or letters behind them: nothing to go by.
_PROBED = re.compile(rf"(?<!\S)([0-9]{{11,19}})\s+{PROBE_ENDED}\s+([0-9]{{11,19}})(?!\S)")
MAX_PROBE_S = 60.0  # longer ones are a clock that was set meanwhile


def line(pin: str) -> str:
    """A few runs of it under ``pin``, "taskset 100 " or nothing."""
    loop = f"i=0; while [ $i -lt {PROBE_COUNT} ]; do i=$((i+1)); done"
    # Subtracted here: the arithmetic of Android's shell (mksh) has 32 bits.
    once = f"date +%s%N; {pin}sh -c {shlex.quote(loop)} && echo {PROBE_ENDED}; date +%s%N"
    return "; ".join([once] * PROBE_REPEATS)


def fastest_s(said: str) -> float | None:
    """Seconds of the fastest run in what ``line`` printed; None where there is none to believe."""
    # Only of a loop that came to its end: a taskset that fails is quick too.
    took = [(int(end) - int(begin)) / 1e9 for begin, end in _PROBED.findall(said)]
    fastest = min((seconds for seconds in took if seconds > 0), default=None)
    return fastest if fastest and fastest < MAX_PROBE_S else None

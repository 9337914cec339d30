"""Which processors of a device a program is kept on.

Knows: cpufreq's groups of processors that share a clock, taskset's masks. Does not know: devices.
"""

from __future__ import annotations

from mnv4bench.devices.kernel_text import Policy
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Cores


def processors(policies: tuple[Policy, ...], cores: Cores, threads: int) -> tuple[int, ...]:
    """Which processors ``cores`` means on this device; empty where cpufreq cannot be read.

    "fastest" and "big" take the next slower ones too while there are fewer than ``threads``.
    Raises NotMeasured for more threads than processors.
    """
    if not policies:
        return ()
    everyone = sorted(cpu for policy in policies for cpu in policy.cpus)
    if threads > len(everyone):
        raise NotMeasured(
            f"the device has {len(everyone)} processors, and {threads} threads were asked for.",
            f"--threads {len(everyone)}",
        )
    slowest = policies[0].max_hz
    match cores:
        case "all":
            return tuple(everyone)
        case "little":
            chosen = [p for p in policies if p.max_hz == slowest]
        case "big":
            chosen = [p for p in policies if p.max_hz > slowest] or list(policies)
        case "fastest":
            chosen = [policies[-1]]
    for policy in reversed(policies):
        if sum(len(p.cpus) for p in chosen) >= threads:
            break
        if policy not in chosen:
            chosen.append(policy)
    return tuple(sorted(cpu for policy in chosen for cpu in policy.cpus))


def mask(cpus: tuple[int, ...]) -> str:
    """For taskset: hexadecimal, without 0x, which Android's takes alone; (8,) gives ``"100"``."""
    return f"{sum(1 << cpu for cpu in cpus):x}"

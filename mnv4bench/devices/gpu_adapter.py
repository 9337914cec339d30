"""Which GPU, or what plays one, LiteRT takes on this machine.

Knows: that the accelerator itself is asked, once for each interpreter, since which of several
adapters it takes is its own affair. Does not know: how it is asked (gpu_probe), what is measured.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from mnv4bench import gpu_delegate
from mnv4bench.devices import process, worker_process
from mnv4bench.gpu_delegate import Adapter

LIMIT_S = 30.0  # a driver that hangs; it takes 0.4 s on SwiftShader
NO_DRIVER = "no Vulkan driver was found, so LiteRT has no GPU"
DRIVER_FIX = (
    "install the GPU's Vulkan driver and libvulkan1; without a GPU "
    "`sudo apt install libvulkan1 chromium-common` lets the processor play one"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The adapter, or without one why there is none and what helps."""

    adapter: Adapter | None
    why: str = ""  # a sentence without its full stop
    fix: str = ""


def ask(command: tuple[str, ...], environment: dict[str, str]) -> Asked:
    """What the accelerator says in ``command``, which starts a worker; asked once, then known."""
    return _ask(command, tuple(sorted(environment.items())))


def why(log: str) -> str:
    """Why a file was not compiled, in one line of what was printed meanwhile; empty: not said."""
    if gpu_delegate.has_no_adapter(log):
        return NO_DRIVER
    if refused := gpu_delegate.refusals(log):
        return "; ".join(one.rstrip(".") for one in refused)
    return next(iter(gpu_delegate.errors(log)), "")


@lru_cache(maxsize=16)
def _ask(command: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> Asked:
    by_hand = f"see what it prints: {' '.join(command)} gpu_probe"
    try:
        finished = process.run(
            (*command, "gpu_probe"), timeout_s=LIMIT_S, environment=dict(environment)
        )
    except OSError as error:
        return Asked(None, f"{command[0]} could not be started: {error.strerror}", by_hand)
    except process.TimedOut:
        why = f"LiteRT's GPU accelerator did not answer within {LIMIT_S:.0f} s and was stopped"
        return Asked(None, why, by_hand)
    log = finished.stderr + os.linesep + finished.stdout.decode(errors="replace")
    if adapter := gpu_delegate.adapter(log):
        return Asked(adapter)
    if gpu_delegate.has_no_adapter(log):
        return Asked(None, NO_DRIVER, DRIVER_FIX)
    how = worker_process.ending(finished)
    return Asked(None, f"LiteRT's GPU accelerator named no adapter: its process {how}", by_hand)

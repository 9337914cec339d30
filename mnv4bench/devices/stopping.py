"""How measurements in other threads are asked to stop.

Ctrl-C reaches the main thread alone. Where devices are measured in threads of their own, the main
one asks here, and everything that waits (for a process, for a phone to cool) looks.
Knows: one event. Does not know: who waits or why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

POLL_S = 0.2

_asked = threading.Event()
_thread = threading.local()


def ask() -> None:
    """Every thread that measures is to end as on Ctrl-C."""
    _asked.set()


def forget() -> None:
    """Nothing is to stop any more; before a new run in the same process."""
    _asked.clear()


def in_main_thread() -> bool:
    """Whether Ctrl-C arrives here by itself, so that nobody needs to look."""
    return threading.current_thread() is threading.main_thread()


def heed() -> None:
    """Raises KeyboardInterrupt when stopping was asked for and this thread would not hear it."""
    if _asked.is_set() and not _deaf():
        raise KeyboardInterrupt


def _deaf() -> bool:
    return in_main_thread() or getattr(_thread, "tidying", False)


@contextmanager
def tidying() -> Iterator[None]:
    """What was done to a device is undone in here; this thread is not stopped meanwhile."""
    before = getattr(_thread, "tidying", False)
    _thread.tidying = True
    try:
        yield
    finally:
        _thread.tidying = before


def pause(seconds: float) -> None:
    """Sleep that ends with KeyboardInterrupt when stopping is asked for."""
    if _deaf():
        time.sleep(seconds)
    else:
        _asked.wait(seconds)
        heed()

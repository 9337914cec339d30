"""How measurements in other threads are asked to stop.

Ctrl-C reaches the main thread alone. Where devices are measured in threads of their own, the main
one asks here, and everything that waits (for a process, for a phone to cool) looks.
Knows: one event. Does not know: who waits or why.
"""

from __future__ import annotations

import threading
import time

POLL_S = 0.2

_asked = threading.Event()


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
    if _asked.is_set() and not in_main_thread():
        raise KeyboardInterrupt


def pause(seconds: float) -> None:
    """Sleep that ends with KeyboardInterrupt when stopping is asked for."""
    if in_main_thread():
        time.sleep(seconds)
    else:
        _asked.wait(seconds)
        heed()

"""One measurement at a time on one device, across processes and threads.

Knows: lock files in one place for a user, named after the physical device. Does not know: what is
done while it is held.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mnv4bench import places
from mnv4bench.errors import NotMeasured

HOST = "host"
# A look (``is_held``) keeps the lock for microseconds; no run shall fail by it.
LOOK_S = 0.2


@contextmanager
def hold(unit: str) -> Iterator[None]:
    """Be alone on ``unit`` (``Runner.unit``). The lock goes with the process, however it ends.

    Raises NotMeasured when another run is on it: two would disturb each other.
    """
    file = _file(unit)
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        lock.acquire(timeout=LOOK_S, poll_interval=LOOK_S / 10)
    except Timeout:
        where = "this machine" if unit == HOST else f"this device ({unit})"
        raise NotMeasured(
            f"another run or eval is measuring on {where}; two at once would disturb each other.",
            "wait until it has ended",
        ) from None
    except OSError as error:
        raise NotMeasured(
            f"{folder} cannot be written: {error.strerror}.",
            "export MNV4BENCH_LOCKS=/a/folder/of/your/own",
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_held(unit: str) -> bool:
    """Whether another run is on ``unit`` right now; it is not kept from one that begins.

    False where it cannot be told (a folder that cannot be written).
    """
    try:
        file = _file(unit)
        if file.is_file():
            with FileLock(file, timeout=0):
                return False
    except Timeout:
        return True
    except (OSError, NotMeasured):  # the folder is somebody else's
        return False
    return False


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait: what is given back now would otherwise stay as it is.

    In the main thread, which alone hears them; what is done meanwhile has a time limit of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _file(unit: str) -> Path:
    return places.locks() / f"{re.sub(r'[^A-Za-z0-9._-]', '_', unit)}.lock"

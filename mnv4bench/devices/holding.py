"""One measurement at a time on one device, across processes and threads.

Knows: lock files in the cache folder, named after the physical device. Does not know: what is
done while it is held.
"""

from __future__ import annotations

import re
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
        where = "this machine" if unit == HOST else unit
        raise NotMeasured(
            f"another run or eval is measuring on {where}; two at once would disturb each other.",
            "wait until it has ended",
        ) from None
    except OSError as error:
        raise NotMeasured(
            f"{folder} cannot be written: {error.strerror}.",
            "export MNV4BENCH_CACHE=/a/folder/with/space",
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_held(unit: str) -> bool:
    """Whether another run is on ``unit`` right now; it is not kept from one that begins.

    False where it cannot be told (a cache folder that cannot be written).
    """
    file = _file(unit)
    if not file.is_file():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _file(unit: str) -> Path:
    return places.cache() / "locks" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', unit)}.lock"

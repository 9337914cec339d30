"""One measurement at a time on one device, across processes and threads.

Knows: lock files in the cache folder, named after the physical device. Does not know: what is
done while it is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from mnv4bench import places
from mnv4bench.errors import NotMeasured

HOST = "host"


@contextmanager
def hold(unit: str) -> Iterator[None]:
    """Be alone on ``unit`` (``Runner.unit``). The lock goes with the process, however it ends.

    Raises NotMeasured at once when another run is on it: two would disturb each other.
    """
    folder = places.cache() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', unit)}.lock")
        lock.acquire(timeout=0)
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

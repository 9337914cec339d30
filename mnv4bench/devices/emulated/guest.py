"""The counted process: load one file, mark where each inference begins and ends, answer, end.

Knows: one request on standard input, one answer. Does not know: the emulator and its counter, which
write a line at every mark; outside an emulator a mark is a system call and nothing else.
Started by ``start_worker.py``; ``session.py`` holds the other end.

From one mark to the next no Python bytecode is executed: the marks and the inferences are C
functions, called one after the other by C (``map`` into a ``deque``). Python specialises its
bytecode while it runs (PEP 659), so its own share would differ from call to call.

Where the runtime's small blocks lie decides a few instructions too (copies are aligned first), and
with it whatever was allocated before: names of folders, what a site's start-up files import. So all
of it happens in a thread of its own, which glibc gives a heap of its own, and the file is opened
under a name that is the same everywhere.
"""

from __future__ import annotations

import gc
import hashlib
import os
import platform
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from operator import call
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from mnv4bench.devices.host_worker import fed, serve, stage
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.records import Count, Placement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Two marks with nothing between them: what marking costs, to be taken off every inference. More
# than one, so that it can be seen to be one and the same number.
EMPTY = 4
# The first inference allocates, binds symbols and packs what it did not pack while loading.
WARM_UP = 2
# The descriptor that the file is opened at: above all that Python has open.
OPENED = 100
# Python's own default follows `ulimit -s`.
STACK_BYTES = 8 * 2**20


class CountRequest(Struct, frozen=True, kw_only=True):
    """What the parent asks for."""

    file: str
    shapes: dict[str, tuple[int, ...]] = {}  # of inputs whose sizes the file leaves open, by name
    inferences: Count
    input_seed: Count = 0
    with_outputs: bool = False  # the values of the first output, to be held against another's


class Marked(Struct, frozen=True, kw_only=True, tag="marked"):
    """The answer when it worked. The marks are on the error stream, two for every span.

    In order: one span of loading, EMPTY empty ones, then the counted inferences.
    """

    started_at: str
    placement: Placement
    outputs_sha256: str
    outputs: tuple[float, ...] = ()
    output_kind: str = ""  # numpy's name of the first output's type
    python_version: str
    libc: str


Answer = Marked | Refused
T = TypeVar("T")
# Its answer, 0, is an object that Python always has. One that it has to make, as of getpgid(2),
# costs a few instructions more every so often.
MARK: Callable[[], object] = partial(os.sched_get_priority_min, 0)


def run(request: CountRequest) -> Marked:
    """Load, warm up, then each inference between two marks, on one thread."""
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    from mnv4bench.devices.litert_cpu import LiteRtModel

    gc.collect()
    gc.disable()
    with stage("load"):
        file = _under_a_fixed_name(request.file)
        opened: list[LiteRtModel] = []
        load = partial(LiteRtModel, file, threads=1, shapes=request.shapes)
        _in_order((MARK, partial(_keep, opened, load), MARK))
        [model] = opened
    [turn] = fed(model, seed=request.input_seed, buffers=1)
    fill, _ = turn
    inference = model.bare()
    digest = hashlib.sha256()
    answers: tuple[NDArray[np.generic], ...] = ()
    for _ in range(EMPTY):
        _in_order((MARK, MARK))
    with stage("run"):
        # The same before every inference, counted or not: what stays allocated, and where.
        for number in range(WARM_UP + request.inferences):
            counted = number >= WARM_UP
            fill()
            _in_order((MARK, inference, MARK) if counted else (inference,))
            answers = model.outputs()
            said = b"".join(
                str((one.dtype.str, one.shape)).encode() + one.tobytes() for one in answers
            )
            if counted:
                digest.update(said)
    gc.enable()
    wanted = request.with_outputs and answers
    return Marked(
        started_at=started_at,
        placement=model.placement(),
        outputs_sha256=digest.hexdigest(),
        outputs=tuple(map(float, answers[0].reshape(-1))) if wanted else (),
        output_kind=answers[0].dtype.name if wanted else "",
        python_version=platform.python_version(),
        libc=libc(),
    )


def main() -> int:
    """As ``host_worker.main``."""
    threading.stack_size(STACK_BYTES)
    return serve(lambda given: _apart(partial(run, msgspec.json.decode(given, type=CountRequest))))


def _apart(work: Callable[[], T]) -> T:
    """What ``work`` gives or raises, in a thread: on a stack and a heap that nobody used before."""
    done: Future[T] = Future()

    def go() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            done.set_exception(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()  # asleep: this thread executes nothing meanwhile
    return done.result()


def _under_a_fixed_name(file: str) -> Path:
    """``file`` as a path of the same length in every process. Raises OSError."""
    opened = os.open(file, os.O_RDONLY)
    os.dup2(opened, OPENED)
    os.close(opened)
    return Path(f"/proc/self/fd/{OPENED}")


def _in_order(calls: Sequence[Callable[[], object]]) -> None:
    """Call each, from C."""
    deque(map(call, calls), maxlen=0)


def _keep(place: list[T], make: Callable[[], T]) -> None:
    place.append(make())


def libc() -> str:
    """``"glibc 2.36"``: its memcpy and mathematics are part of what is counted."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


if __name__ == "__main__":
    sys.exit(main())

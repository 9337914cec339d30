"""The measured process: load one file, warm up, time, answer, end. It reads like the protocol.

Knows: one request on standard input, one answer on the channel that standard output was. Does not
know: rounds, models, other invocations. Started by ``start_worker.py``; ``worker_process.py``
holds the other end. Imports as little as it can, so that nothing runs beside the inference.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec import Struct

from mnv4bench.devices import noise
from mnv4bench.devices.inputs import seeded
from mnv4bench.devices.timed_loop import NS_PER_S, clock_tick_s, loop_overhead_s, timed, warm_up
from mnv4bench.records import Count, Placement, RuntimeName, Samples, Timing

if TYPE_CHECKING:
    from mnv4bench.devices.litert_cpu import LiteRtModel
    from mnv4bench.devices.ort_cpu import OrtModel

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENT_PID = "MNV4BENCH_PARENT_PID"  # in the environment: the process to die with


class Request(Struct, frozen=True, kw_only=True):
    """What the parent asks for."""

    file: str
    runtime: RuntimeName
    threads: int
    timing: Timing
    round: Count
    position: Count
    shapes: dict[str, tuple[int, ...]] = {}  # of inputs whose sizes the file leaves open, by name


class Measured(Struct, frozen=True, kw_only=True, tag="measured"):
    """The answer when it worked."""

    samples: Samples
    placement: Placement


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The answer when the runtime would not have the file."""

    stage: str  # "load", "feed" (its inputs) or "run"
    reason: str  # the runtime's own words, one line


Answer = Measured | Refused


class _RuntimeRefusal(Exception):
    """A runtime raised; runtimes share no base class, so the stage says where it was."""


def measure(request: Request) -> Measured:
    """One invocation by the protocol (DESIGN.md, Measuring)."""
    timing = request.timing
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")

    open_model = _runtime(request.runtime)
    with _stage("load"):
        start = time.perf_counter()
        model = open_model(Path(request.file), threads=request.threads, shapes=request.shapes)
        load_s = time.perf_counter() - start
    with _stage("feed"):
        turns = model.turns(
            [
                [seeded(spec, seed=timing.input_seed, buffer=buffer) for spec in model.inputs()]
                for buffer in range(timing.input_buffers)
            ]
        )
    tick_s, overhead_s = clock_tick_s(), loop_overhead_s()

    # Collecting garbage is this program's work, not the model's.
    gc.collect()
    gc.disable()
    with _stage("run"):
        warmup_ns, steady = warm_up(turns, timing)
        before = noise.read()
        latencies_ns, capped = timed(
            turns,
            min_count=timing.min_count,
            min_duration_s=timing.min_duration_s,
            max_duration_s=timing.max_duration_s,
        )
        evidence = noise.between(before, noise.read())
    gc.enable()

    latencies_s = tuple(ns / NS_PER_S for ns in latencies_ns)
    return Measured(
        placement=model.placement(),
        samples=Samples(
            round=request.round,
            position=request.position,
            started_at=started_at,
            latencies_s=latencies_s,
            warmup_s=tuple(ns / NS_PER_S for ns in warmup_ns),
            warmup_steady=steady,
            load_s=load_s,
            first_inference_s=warmup_ns[0] / NS_PER_S,
            loop_overhead_s=overhead_s,
            capped=capped,
            noise=evidence,
            tainted=noise.taints(
                evidence,
                latencies_s=latencies_s,
                warmup_steady=steady,
                capped=capped,
                clock_tick_s=tick_s,
                threads=request.threads,
            ),
        ),
    )


def main() -> int:
    """Read one request, answer it; the exit status is 0 when it was measured."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once; the parent tidies up
    # Runtimes print on file descriptor 1. The answer gets a private copy of it, and everything
    # else that is printed goes where errors go.
    channel = os.dup(1)
    os.dup2(2, 1)
    if PARENT_PID in os.environ:
        _die_with(int(os.environ[PARENT_PID]))
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    answer: Answer
    try:
        answer = measure(request)
    except _RuntimeRefusal as error:
        traceback.print_exc()
        answer = _refusal(error)
    with os.fdopen(channel, "wb") as pipe:
        # On a line of its own: a site's start-up files may have printed before main began.
        pipe.write(b"\n" + msgspec.json.encode(answer))
    return 0 if isinstance(answer, Measured) else 1


def _runtime(name: RuntimeName) -> type[LiteRtModel] | type[OrtModel]:
    match name:
        case "litert":
            from mnv4bench.devices.litert_cpu import LiteRtModel

            return LiteRtModel
        case "onnxruntime":
            from mnv4bench.devices.ort_cpu import OrtModel

            return OrtModel
        case "coreml":
            raise NotImplementedError("Core ML files are not run by this process")
        case _:
            assert_never(name)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _RuntimeRefusal(name) from error


def _refusal(error: _RuntimeRefusal) -> Refused:
    lines = [line.strip() for line in str(error.__cause__).splitlines() if line.strip()]
    return Refused(stage=str(error), reason=lines[0] if lines else type(error.__cause__).__name__)


def _die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent is gone, kill -9 included (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it went before the line above took hold
        sys.exit(1)

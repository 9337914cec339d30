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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, assert_never, cast

import msgspec

from mnv4bench.devices import noise, readings
from mnv4bench.devices.cuda import taints as gpu_taints
from mnv4bench.devices.inputs import InputSpec, seeded
from mnv4bench.devices.timed_loop import (
    NS_PER_S,
    Clock,
    Turn,
    alternating,
    clock_tick_s,
    loop_overhead_s,
    lower_decile,
    paced,
    timed,
    warm_up,
)
from mnv4bench.devices.worker_messages import (
    Answer,
    Beside,
    Measured,
    Refused,
    Request,
    Second,
)
from mnv4bench.records import (
    GpuState,
    Paced,
    Paired,
    Placement,
    Samples,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnv4bench.devices.apple.coreml import CoreMlModel
    from mnv4bench.devices.cuda.model import CudaModel
    from mnv4bench.devices.litert_cpu import LiteRtModel
    from mnv4bench.devices.litert_gpu import LiteRtGpuModel
    from mnv4bench.devices.ort_cpu import OrtModel

    Model: TypeAlias = LiteRtModel | LiteRtGpuModel | OrtModel | CudaModel | CoreMlModel

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Alternating run by run cools the caches of both files; blocks of ten keep them, and drift slower
# than a block cancels (ratios of one file to itself: 1.2 % from process to process, 5.4 % where
# one follows the other). A block of a very short inference is made long enough for the clock; one
# of a long inference would see another machine than its neighbour, so there it is one.
MIN_BLOCK_COUNT = 10
MIN_BLOCK_S = 0.005
SINGLE_FROM_S = 0.010
# At a beat: a second and a half at thirty pictures a second. The first third may still show the
# clock of what ran back to back before; all are kept.
PACED_COUNT = 45
PARENT_PID = "MNV4BENCH_PARENT_PID"  # in the environment: the process to die with


class RuntimeRefusal(Exception):
    """A runtime raised; runtimes share no base class, so stage and file say where it was."""


def measure(request: Request) -> Measured:
    """One invocation by the protocol (DESIGN.md, Measuring)."""
    timing = request.timing
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    model, turns, load_s = opened(request, request.file, request.shapes)
    clock = _clock(model)
    tick_s, overhead_s = clock_tick_s(), loop_overhead_s()

    # Collecting garbage is this program's work, not the model's.
    gc.collect()
    gc.disable()
    with stage("run"):
        warmup_ns, steady = warm_up(turns, timing, clock=clock)
        gpu_before = _look(request, model, turns)
        before = noise.read()
        latencies_ns, capped = timed(
            turns,
            min_count=timing.min_count,
            min_duration_s=timing.min_duration_s,
            max_duration_s=timing.max_duration_s,
            clock=clock,
        )
        evidence = noise.between(before, noise.read())
        gpu_after = _look(request, model)
        at_beat = _at_beat(turns, request.period_s, clock, back_to_back_ns=median(latencies_ns))
    gc.enable()

    peak_bytes = _peak_bytes(request, model)
    latencies_s = tuple(ns / NS_PER_S for ns in latencies_ns)
    return Measured(
        placement=placed(model),
        samples=Samples(
            round=request.round,
            position=request.position,
            started_at=started_at,
            latencies_s=latencies_s,
            warmup_s=tuple(ns / NS_PER_S for ns in warmup_ns),
            warmup_steady=steady,
            load_s=load_s,
            warm_load_s=getattr(model, "warm_load_s", None),
            first_inference_s=warmup_ns[0] / NS_PER_S,
            loop_overhead_s=overhead_s,
            capped=capped,
            device_s=_device_s(request, model, len(latencies_s)),
            peak_memory_bytes=peak_bytes,
            gpu_before=gpu_before,
            gpu_after=gpu_after,
            apart_s=None if request.phone is None else evidence.wall_s / len(latencies_s),
            paced=at_beat,
            noise=evidence,
            tainted=noise.taints(
                evidence,
                latencies_s=latencies_s,
                warmup_steady=steady,
                capped=capped,
                clock_tick_s=tick_s,
                threads=_threads(request),
                accelerator=request.accelerator,
            )
            + gpu_taints.reasons(gpu_before, gpu_after),
        ),
    )


def _look(request: Request, model: Model, turns: Sequence[Turn] = ()) -> GpuState | None:
    """The GPU's clocks, heat and company, where it is one that tells; then ``turns`` once more.

    Reading takes a tenth of a second, in which a GPU rests.
    """
    if request.cuda is None:
        return None
    state = cast("CudaModel", model).look()
    for fill, infer in turns:
        fill()
        infer()
    return state


def _peak_bytes(request: Request, model: Model) -> int | None:
    """Of the tensors on a GPU, else of this process; nobody knows that of a phone's."""
    if request.cuda is not None:
        return cast("CudaModel", model).peak_memory_bytes()
    return readings.peak_memory_bytes() if request.phone is None else None


def _device_s(request: Request, model: Model, count: int) -> tuple[float, ...]:
    """Of the last ``count`` inferences by the GPU's own clock; none where it saw nothing of one."""
    if request.cuda is None:
        return ()
    last = cast("CudaModel", model).device_s()[-count:]
    return last if min(last) > 0 else ()


def _at_beat(
    turns: Sequence[Turn], period_s: float | None, clock: Clock, *, back_to_back_ns: float
) -> Paced | None:
    """Nothing where none is asked for, or where an inference leaves no rest within the period."""
    if period_s is None or back_to_back_ns / NS_PER_S >= period_s:
        return None
    latencies_s = [
        ns / NS_PER_S for ns in paced(turns, count=PACED_COUNT, period_s=period_s, clock=clock)
    ]
    if median(latencies_s) >= period_s:
        return None
    return Paced(period_s=period_s, latencies_s=tuple(latencies_s))


def _threads(request: Request) -> int | None:
    """Core ML has threads of its own, which rest while another unit works."""
    return None if request.runtime == "coreml" else request.threads


def measure_beside(request: Request, head: Second) -> Beside:
    """Two files in one process, in alternating blocks; both are warm before the first."""
    timing = request.timing
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    if head.base_first:  # the side that is loaded first is measured first
        base_model, base_turns, _ = opened(request, request.file, request.shapes)
        head_model, head_turns, _ = opened(request, head.file, head.shapes)
    else:
        head_model, head_turns, _ = opened(request, head.file, head.shapes)
        base_model, base_turns, _ = opened(request, request.file, request.shapes)
    clock, tick_s = _clock(base_model), clock_tick_s()

    gc.collect()
    gc.disable()
    with stage("run", request.file):
        base_ns, _ = warm_up(base_turns, timing, clock=clock)
    with stage("run", head.file):
        head_ns, _ = warm_up(head_turns, timing, clock=clock)
    with stage("run"):
        block = block_count(max(median(base_ns), median(head_ns)) / NS_PER_S)
        first, second = base_turns, head_turns
        if not head.base_first:
            first, second = second, first
        before = noise.read()
        first_ns, second_ns, capped = alternating(
            first,
            second,
            block=block,
            min_count=timing.min_count,
            min_duration_s=timing.min_duration_s,
            max_duration_s=timing.max_duration_s,
            clock=clock,
        )
        evidence = noise.between(before, noise.read())
    gc.enable()

    times = [tuple(lower_decile(one) / NS_PER_S for one in side) for side in (first_ns, second_ns)]
    base_s, head_s = times if head.base_first else reversed(times)
    return Beside(
        paired=Paired(
            started_at=started_at,
            base_s=base_s,
            head_s=head_s,
            base_first=head.base_first,
            inferences_per_block=block,
            base_placement=placed(base_model, request.file),
            head_placement=placed(head_model, head.file),
            noise=evidence,
            tainted=noise.pair_taints(
                blocks_s=(*base_s, *head_s), block=block, capped=capped, clock_tick_s=tick_s
            ),
        )
    )


def block_count(slower_s: float) -> int:
    """How many inferences a block has, where the slower of two files takes so long for one."""
    if slower_s >= SINGLE_FROM_S:
        return 1
    return max(MIN_BLOCK_COUNT, ceil(MIN_BLOCK_S / slower_s))


def opened(
    request: Request, file: str, shapes: dict[str, tuple[int, ...]]
) -> tuple[Model, Sequence[Turn], float]:
    """(the loaded file, its turns over seeded inputs, the seconds that loading took)."""
    timing = request.timing
    open_model = _runtime(request)
    with stage("load", file):
        start = time.perf_counter()
        model = open_model(Path(file), threads=request.threads, shapes=shapes)
        load_s = getattr(model, "load_s", None) or time.perf_counter() - start
    turns = fed(model, seed=timing.input_seed, buffers=timing.input_buffers, file=file)
    return model, turns, load_s


class Loaded(Protocol):
    """A file in a runtime, to be run over buffers of its inputs."""

    def inputs(self) -> tuple[InputSpec, ...]: ...

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> Sequence[Turn]: ...


def placed(model: Model, file: str = "") -> Placement:
    """Where it ran; a runtime that checks its answers refuses here those that are wrong."""
    with stage("run", file):
        return model.placement()


def _clock(model: Model) -> Clock:
    """The runtime's own where only that is at the inference, else this machine's."""
    clock: Clock = getattr(model, "clock", time.perf_counter_ns)
    return clock


def fed(model: Loaded, *, seed: int, buffers: int, file: str = "") -> Sequence[Turn]:
    """The turns of ``model`` over so many buffers of seeded inputs."""
    with stage("feed", file):
        return model.turns(
            [
                [seeded(spec, seed=seed, buffer=buffer) for spec in model.inputs()]
                for buffer in range(buffers)
            ]
        )


def main() -> int:
    """Read one request, answer it; the exit status is 0 when it was measured."""

    def answered(given: bytes) -> Answer:
        request = msgspec.json.decode(given, type=Request)
        head = request.head
        return measure(request) if head is None else measure_beside(request, head)

    return serve(answered)


def serve(answered: Callable[[bytes], msgspec.Struct]) -> int:
    """Read one request and write what it is ``answered``, or the runtime's refusal.

    The exit status: 0 when it was not refused.
    """
    return converse(lambda given, _: answered(given.read()))


def converse(answered: Callable[[BinaryIO, BinaryIO], msgspec.Struct]) -> int:
    """The same where more is said: ``answered`` reads from the first and may write to the second.

    What it returns is the last answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once; the parent tidies up
    # Runtimes print on file descriptor 1. The answer gets a private copy of it, and everything
    # else that is printed goes where errors go.
    channel = os.dup(1)
    os.dup2(2, 1)
    if PARENT_PID in os.environ:
        die_with(int(os.environ[PARENT_PID]))
    answer: msgspec.Struct
    with os.fdopen(channel, "wb") as pipe:
        try:
            answer = answered(sys.stdin.buffer, pipe)
        except RuntimeRefusal as error:
            traceback.print_exc()
            answer = refusal(error)
        # On a line of its own: a site's start-up files may have printed before main began.
        pipe.write(b"\n" + msgspec.json.encode(answer))
    return 1 if isinstance(answer, Refused) else 0


def _runtime(request: Request) -> Callable[..., Model]:
    match request.runtime:
        case "litert" if request.accelerator == "gpu":
            from mnv4bench.devices.litert_gpu import LiteRtGpuModel

            return LiteRtGpuModel
        case "litert":
            from mnv4bench.devices.litert_cpu import LiteRtModel

            return LiteRtModel
        case "onnxruntime":
            from mnv4bench.devices.ort_cpu import OrtModel

            return OrtModel
        case "torch":
            from mnv4bench.devices.cuda.model import CudaModel

            assert request.cuda is not None
            return partial(CudaModel, target=request.cuda)
        case "coreml":
            from mnv4bench.devices.apple.coreml import CoreMlModel

            return partial(CoreMlModel, unit=request.accelerator, phone=request.phone)
        case _:
            assert_never(request.runtime)


@contextmanager
def stage(name: str, file: str = "") -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise RuntimeRefusal(name, file) from error


def refusal(error: RuntimeRefusal) -> Refused:
    lines = [line.strip() for line in str(error.__cause__).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error.__cause__).__name__
    name, file = error.args
    return Refused(stage=name, reason=reason, file=file)


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent is gone, kill -9 included (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it went before the line above took hold
        sys.exit(1)

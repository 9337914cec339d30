"""The process that asks a runtime what each operator takes: a file opened twice, in turns.

Knows: one request on standard input, one answer. Does not know: how a runtime tells
(litert_profiler, ort_profiler), or which block of a model an operator belongs to.

The one without a profiler is opened as the measured process opens it, so what profiling costs is
said against what a run measures. Whatever disturbs one disturbs the other: they take turns.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec import Struct

from mnv4bench.devices.host_worker import fed, serve, stage
from mnv4bench.devices.timed_loop import NS_PER_S, Turn, lower_decile
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.records import Operators, OperatorTime, Part, Placement, RuntimeName

if TYPE_CHECKING:
    from mnv4bench.devices.litert_cpu import LiteRtModel
    from mnv4bench.devices.litert_profiler import LiteRtProfiler
    from mnv4bench.devices.ort_cpu import OrtModel
    from mnv4bench.devices.ort_profiler import OrtProfiler

WARM_UPS = 5
US_PER_S = 1e6
# How far above its lower decile an operator's time is still believed to be its own. On a quiet
# machine single operators scatter by some percent; one that was interrupted takes twice as long.
NEAR, CLOCK_TICKS = 1.25, 2
SEED, BUFFERS = 0, 4  # as a run has them (bench.TIMING)
VARIED = "the runtime ran other operators in some inferences; those {count} are left out"


class ProfileRequest(Struct, frozen=True, kw_only=True):
    """What the parent asks for."""

    file: str
    runtime: RuntimeName
    threads: int
    inferences: int
    shapes: dict[str, tuple[int, ...]] = {}


class Profiled(Struct, frozen=True, kw_only=True, tag="profiled"):
    """The answer when it worked. ``runtime`` is the parent's to fill in."""

    operators: Operators
    placement: Placement


Answer = Profiled | Refused


@dataclass(frozen=True, slots=True)
class Event:
    """One operator of one inference."""

    operator: str
    name: str
    node: int | None
    part: int | None
    microseconds: int
    whole: bool = False


def profile(request: ProfileRequest) -> Profiled:
    """Both in turns, after a few of each that nobody counts."""
    with tempfile.TemporaryDirectory(prefix="mnv4bench-") as folder:
        with stage("load", request.file):
            plain, profiler = _opened(request, Path(folder))
        with stage("feed", request.file):
            sides = [cycle(fed(model, seed=SEED, buffers=BUFFERS)) for model in (plain, profiler)]
        # With one thread the runtimes work in the one that calls them.
        clock = time.thread_time_ns if request.threads == 1 else time.perf_counter_ns
        gc.collect()
        gc.disable()
        with stage("run", request.file):
            for _ in range(WARM_UPS):
                for turns in sides:
                    _took_ns(next(turns), clock)
            plain_ns, profiled_ns = [], []
            for _ in range(request.inferences):
                plain_ns.append(_took_ns(next(sides[0]), clock))
                profiler.begin()
                profiled_ns.append(_took_ns(next(sides[1]), clock))
                profiler.end()
            inferences = profiler.inferences()[-request.inferences :]
            times, notes = operator_times(inferences)
    return Profiled(
        operators=Operators(
            runtime=request.runtime,
            source=profiler.SOURCE,
            statistic="undisturbed",
            inferences=request.inferences,
            operators=times,
            parts=tuple(Part(delegate="XNNPACK", nodes=nodes) for nodes in profiler.parts()),
            profiled_s=lower_decile(profiled_ns) / NS_PER_S,
            plain_s=lower_decile(plain_ns) / NS_PER_S,
            clock="processor" if request.threads == 1 else "wall",
            notes=notes,
        ),
        placement=plain.placement(),
    )


def operator_times(
    inferences: Sequence[Sequence[Event]],
) -> tuple[tuple[OperatorTime, ...], tuple[str, ...]]:
    """(each operator in its order, notes) of inferences that ran the same operators.

    Of inferences that differ the largest group counts. Raises ValueError when nothing was recorded.
    """
    alike: dict[tuple[tuple[str, str, int | None, int | None], ...], list[Sequence[Event]]] = {}
    for events in inferences:
        key = tuple((one.operator, one.name, one.node, one.part) for one in events)
        alike.setdefault(key, []).append(events)
    if not any(alike):
        raise ValueError("the profiler recorded no operator")
    alike.pop((), None)
    most = max(alike.values(), key=len)
    times = []
    for one in zip(*most, strict=True):
        every = [event.microseconds for event in one]
        times.append(
            OperatorTime(
                operator=one[0].operator,
                name=one[0].name,
                node=one[0].node,
                part=one[0].part,
                whole=one[0].whole,
                seconds=undisturbed(every) / US_PER_S,
                low_s=min(every) / US_PER_S,
                high_s=max(every) / US_PER_S,
            )
        )
    left_out = len(inferences) - len(most)
    return tuple(times), (VARIED.format(count=left_out),) if left_out else ()


def undisturbed(values: Sequence[int]) -> float:
    """The mean of the microseconds that are near their lower decile.

    Other programs only ever add time, so what lies well above was disturbed. The decile alone would
    not do: an operator of half a microsecond takes none in one inference and one in the next.
    """
    limit = lower_decile(values) * NEAR + CLOCK_TICKS
    return fmean(value for value in values if value <= limit)


def _took_ns(turn: Turn, clock: Callable[[], int]) -> int:
    fill, infer = turn
    fill()
    start = clock()
    infer()
    return clock() - start


def _opened(
    request: ProfileRequest, folder: Path
) -> tuple[LiteRtModel, LiteRtProfiler] | tuple[OrtModel, OrtProfiler]:
    """The file as it is measured, and with its runtime's profiler."""
    file, threads, shapes = Path(request.file), request.threads, request.shapes
    match request.runtime:
        case "litert":
            from mnv4bench.devices.litert_cpu import LiteRtModel
            from mnv4bench.devices.litert_profiler import LiteRtProfiler

            plain = LiteRtModel(file, threads=threads, shapes=shapes)
            return plain, LiteRtProfiler(file, plain, threads=threads)
        case "onnxruntime":
            from mnv4bench.devices.ort_cpu import OrtModel
            from mnv4bench.devices.ort_profiler import OrtProfiler

            model = OrtModel(file, threads=threads, shapes=shapes)
            return model, OrtProfiler(file, folder, threads=threads, shapes=shapes)
        case "coreml" | "torch":
            raise NotImplementedError(f"{request.runtime} is not profiled by this process")
        case _:
            assert_never(request.runtime)


def main() -> int:
    """Read one request, answer it; the exit status is 0 when it was profiled."""
    return serve(lambda given: profile(msgspec.json.decode(given, type=ProfileRequest)))

"""An exported program on a CUDA GPU, run in the way that its profile names.

An inference is from the call until the GPU has done it (torch.cuda.synchronize), with an event of
the GPU's own clock at either end: at batch 1 a small network's eager time is the processor's, which
launches kernel after kernel, and only the events show the GPU's part.

Knows: the three modes, and that no time counts before the last timed inference's own answer was
found to be the processor's. Does not know: torch.cuda (gpu), files (exported_program), time.
Imported by the measuring process alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, assert_never

import torch
from torch import Tensor, fx

from mnv4bench.devices.cuda import gpu, nvidia_smi, rounding
from mnv4bench.devices.inputs import InputSpec, fixed_shape
from mnv4bench.exported_program import program as exported_program
from mnv4bench.records import CudaTarget, GpuState, Placement, Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Turn = tuple[Callable[[], object], Callable[[], object]]


class CudaModel:
    """One program, loaded and moved, and recorded or compiled where that is asked."""

    def __init__(
        self,
        file: Path,
        *,
        threads: int,
        shapes: Mapping[str, tuple[int, ...]],
        target: CudaTarget,
    ) -> None:
        """Raises BadFile for a file that is no program, RuntimeError with torch's own words."""
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self._target = target
        self._program = exported_program.read(file)
        self._inputs = tuple(
            InputSpec(
                name=name,
                shape=fixed_shape(
                    name,
                    tuple(side if isinstance(side, int) else None for side in sides),
                    shapes,
                ),
                dtype=str(self._program.dtypes[name]).removeprefix("torch."),
            )
            for name, sides in self._program.inputs.items()
        )
        self._dtype = gpu.settle(target.arithmetic)
        self._graph = self._program.as_graph(gpu.device(), self._dtype)
        if target.channels_last:
            self._graph.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # The one place that the program reads its inputs from: a recorded graph has no other.
        self._given = [
            self._moved(torch.rand(one.shape).to(self._program.dtypes[one.name]))
            for one in self._inputs
        ]
        self._filled: Sequence[NDArray[np.generic]] = ()
        self._answer: Tensor | None = None
        self._marks: list[tuple[Any, Any]] = []
        self._run = self._made()
        gpu.wait()

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order; the GPU gets them in the profile's arithmetic."""
        return self._inputs

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """(fill, infer) for each buffer; they lie on the GPU before the first is timed."""
        turns = []
        for buffer in buffers:
            there = [self._moved(torch.from_numpy(value)) for value in buffer]
            turns.append((partial(self._fill, buffer, there), self._infer))
        gpu.wait()
        return tuple(turns)

    def device_s(self) -> tuple[float, ...]:
        """Of every inference so far, by the GPU's clock, in order."""
        return tuple(gpu.between_s(start, end) for start, end in self._marks)

    def peak_memory_bytes(self) -> int:
        """The most that tensors had at once."""
        return gpu.peak_memory_bytes()

    def look(self) -> GpuState | None:
        """What the driver says of this GPU just now; None where it says nothing."""
        try:
            return nvidia_smi.read(gpu.facts().uuid or None, mine=os.getpid()).state
        except nvidia_smi.NotRead:
            return None

    def placement(self) -> Placement:
        """Where it ran, once the last answer is held against the processor's in fp32.

        Raises ValueError where it is wrong (``rounding``): then no time of it means anything.
        """
        assert self._answer is not None
        outputs = rounding.held_against(
            self._program,
            [torch.from_numpy(value) for value in self._filled],
            self._answer.float().cpu(),
            self._target.arithmetic,
        )
        watched = _Watched(self._graph)
        watched.run(*self._given)
        on_gpu = [kind == gpu.device().type for kind in watched.places]
        left = len(on_gpu) - sum(on_gpu)
        mine = median(self.device_s()[-100:])
        signals = (
            Signal(
                name="operators",
                evidence=f"{sum(on_gpu)} of {len(on_gpu)} gave their results on {gpu.device()}",
                says="full" if not left else "partial" if any(on_gpu) else "none",
            ),
            outputs,
            Signal(
                name="GPU clock",
                evidence=f"its events are {mine * 1e6:.0f} µs apart",
                says="full" if mine > 0 else "none",
            ),
        )
        says = {one.says for one in signals}
        return Placement(
            verdict=next(one for one in ("none", "unproven", "partial", "full") if one in says),
            unit=f"gpu ({self._target.mode}, {self._target.arithmetic})",
            operators=len(on_gpu),
            on_unit=sum(on_gpu),
            signals=signals,
        )

    def _made(self) -> Callable[[], object]:
        """What runs the program once on ``_given`` and leaves its answer in ``_answer``."""

        def plain() -> Tensor:
            self._answer = self._graph(*self._given)
            return self._answer

        match self._target.mode:
            case "eager":
                plain()
                return plain
            case "graph":
                replay, self._answer = gpu.recorded(plain)
                return replay
            case "compile":
                compiled = torch.compile(
                    self._graph, mode=self._target.compile_mode, fullgraph=True
                )

                def run() -> None:
                    self._answer = compiled(*self._given)

                run()
                return run
            case _:
                assert_never(self._target.mode)

    def _moved(self, value: Tensor) -> Tensor:
        """On the GPU; floats in the profile's arithmetic and layout."""
        if not value.is_floating_point():
            return value.to(gpu.device())
        there = value.to(gpu.device(), self._dtype)
        if self._target.channels_last and there.dim() == 4:
            there = there.contiguous(memory_format=torch.channels_last)
        return there

    def _fill(self, values: Sequence[NDArray[np.generic]], there: Sequence[Tensor]) -> None:
        self._filled = values
        for place, value in zip(self._given, there, strict=True):
            place.copy_(value)
        self._marks.append((gpu.mark(), gpu.mark()))
        gpu.wait()

    def _infer(self) -> None:
        start, end = self._marks[-1]
        start.record()
        self._run()
        end.record()
        gpu.wait()


class _Watched(fx.Interpreter):
    """Runs a graph call by call and notes where each call's tensors are."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.places: list[str] = []  # a device type for each call that gives tensors

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        parts = result if isinstance(result, tuple | list) else (result,)
        kinds = {one.device.type for one in parts if isinstance(one, Tensor)}
        if n.op in ("call_module", "call_function") and kinds:
            self.places.append(kinds.pop() if len(kinds) == 1 else "several")
        return result

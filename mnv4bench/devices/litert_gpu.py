"""A TFLite file on LiteRT's GPU accelerator, on this machine's GPU or what plays one.

An inference ends when its outputs are read: running alone only puts the work into a queue (0.1 ms
of the 36 ms of a small file on a software GPU, ai_edge_litert 2.3.0).

Knows: the compiled model, its buffers, and that no time counts before the last timed inference's
own outputs were found to be the processor's. Does not know: time, noise, reports, which adapter it
was (the log says it, and the parent reads that). Imported by the measuring process alone.
"""

from __future__ import annotations

import os
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai_edge_litert.interpreter import Interpreter

from mnv4bench import agreement, delegation, gpu_delegate
from mnv4bench.agreement import TOLERANCE, Difference
from mnv4bench.devices.inputs import InputSpec
from mnv4bench.records import Placement, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Turn = tuple[Callable[[], object], Callable[[], object]]


class LiteRtGpuModel:
    """One file, compiled whole for the GPU; the processor is not allowed to take a part of it."""

    def __init__(self, file: Path, *, threads: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raises RuntimeError or ValueError where the accelerator does not take all of the file.

        ``threads`` are the processor's, which has no part in this. ``shapes`` must be empty.
        """
        del threads
        if shapes:
            raise ValueError("it leaves sizes open, which this accelerator does not take")
        # Here and not by whoever starts this process: a line to repeat it by hand has no variables.
        os.environ.update(gpu_delegate.software_driver())
        self._file = file
        self._model = gpu_delegate.compiled(file)
        key, names = next(iter(self._model.get_signature_list().items()))
        taken = self._model.get_input_tensor_details(key)
        given = self._model.get_output_tensor_details(key)
        self._taken = [taken[name] for name in names["inputs"]]
        self._given = [given[name] for name in names["outputs"]]
        self._inputs = self._model.create_input_buffers(0)
        self._outputs = self._model.create_output_buffers(0)
        self._answered: list[NDArray[np.generic]] = []
        self._filled: Sequence[NDArray[np.generic]] = ()

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order."""
        return tuple(
            InputSpec(name=one["name"], shape=tuple(one["shape"]), dtype=str(one["dtype"]))
            for one in self._taken
        )

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """(fill, infer) for each buffer: fill hands the inputs over, infer runs and reads."""
        import numpy as np

        reads = [
            partial(buffer.read, prod(one["shape"]), np.dtype(one["dtype"]).type)
            for buffer, one in zip(self._outputs, self._given, strict=True)
        ]
        run = partial(self._model.run_by_index, 0, self._inputs, self._outputs)

        def infer() -> None:
            run()
            self._answered = [read() for read in reads]

        return tuple((partial(self._fill, buffer), infer) for buffer in buffers)

    def placement(self) -> Placement:
        """Where it ran, once the last inference's outputs are held against the processor's.

        Raises ValueError where they are not the same: then no time of it means anything.
        """
        inputs = {one["index"]: value for one, value in zip(self._taken, self._filled, strict=True)}
        outputs = {
            one["index"]: value for one, value in zip(self._given, self._answered, strict=True)
        }
        found = agreement.difference(self._file, inputs, outputs)
        nodes = delegation.nodes(Interpreter(str(self._file), num_threads=1))
        operators = None if nodes is None else len(nodes)
        return gpu_placement(found, whole=self._model.is_fully_accelerated(), operators=operators)

    def _fill(self, values: Sequence[NDArray[np.generic]]) -> None:
        self._filled = values
        for buffer, value in zip(self._inputs, values, strict=True):
            buffer.write(value)


def gpu_placement(found: Difference, *, whole: Any, operators: int | None) -> Placement:
    """What the runtime and the answers say; raises ValueError for answers that are wrong.

    ``operators``: of the file; None where this LiteRT does not list them.
    """
    apart = f"{found.max_abs_error:.2g} from the processor's, of at most {found.largest:.3g}"
    if found.agrees is False:
        raise ValueError(
            f"its outputs on the GPU are wrong: {apart} (tolerance {TOLERANCE:g} of that), so its "
            "times mean nothing"
        )
    unsure = "" if found.agrees else "; the processor's own kernels are as far apart"
    signals = (
        Signal(
            name="fully accelerated",
            evidence=f"is_fully_accelerated() says {whole}; the processor was not allowed",
            says="full" if whole is True else "unproven",
        ),
        Signal(
            name="outputs",
            evidence=f"{apart}{unsure}",
            says="full" if found.agrees else "unproven",
        ),
    )
    proven = whole is True and found.agrees is True
    return Placement(
        verdict="full" if proven else "unproven",
        unit="gpu",
        operators=operators,
        on_unit=operators if whole is True else None,
        signals=signals,
    )

"""A TFLite file opened in LiteRT's interpreter on this machine's processor.

Knows: ai_edge_litert 2.3's Python interpreter. Does not know: time, noise, reports.
Imported by the measuring process alone.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ai_edge_litert.interpreter import Interpreter

from mnv4bench import delegation
from mnv4bench.devices.inputs import InputSpec, fixed_shape
from mnv4bench.devices.placement import litert_placement
from mnv4bench.records import Placement, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Turn = tuple[Callable[[], object], Callable[[], object]]


class LiteRtModel:
    """One loaded file; its graph is delegated to XNNPACK as far as XNNPACK takes it."""

    def __init__(self, file: Path, *, threads: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """``shapes`` are of inputs whose sizes the file leaves open, by name.

        Raises ValueError or RuntimeError with the runtime's own words for a bad file.
        """
        self._interpreter: Any = Interpreter(str(file), num_threads=threads)
        for declared in self._interpreter.get_input_details():
            signature = tuple(
                None if size < 0 else int(size) for size in declared["shape_signature"]
            )
            if None in signature:
                shape = fixed_shape(declared["name"], signature, shapes)
                self._interpreter.resize_tensor_input(declared["index"], shape)
        self._originals = delegation.nodes(self._interpreter)
        self._interpreter.allocate_tensors()

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order."""
        return tuple(
            InputSpec(
                name=declared["name"],
                shape=tuple(int(size) for size in declared["shape"]),
                dtype=declared["dtype"].__name__,
            )
            for declared in self._interpreter.get_input_details()
        )

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """(fill, infer) for each buffer: fill copies the inputs in, infer is invoke() alone."""
        places = [declared["index"] for declared in self._interpreter.get_input_details()]
        return tuple(
            (partial(self._fill, tuple(zip(places, buffer, strict=True))), self._interpreter.invoke)
            for buffer in buffers
        )

    def bare(self) -> Callable[[], object]:
        """The invoke without Python's part in it.

        An interpreter that specialises its bytecode as it runs (PEP 659) spends another number of
        instructions on it every so many calls, and what is counted has to be the runtime's.
        """
        inside: Callable[[], object] = self._interpreter._interpreter.Invoke
        return inside

    def outputs(self) -> tuple[NDArray[np.generic], ...]:
        """What the last inference answered, copied, in the file's order."""
        return tuple(
            self._interpreter.get_tensor(declared["index"])
            for declared in self._interpreter.get_output_details()
        )

    def placement(self) -> Placement:
        """Which operators XNNPACK took, from the interpreter's graph."""
        nodes = delegation.nodes(self._interpreter)
        if self._originals is None or nodes is None:
            unknown = Signal(
                name="delegate nodes",
                evidence="this LiteRT does not show its graph",
                says="unproven",
            )
            return Placement(verdict="unproven", unit="cpu", signals=(unknown,))
        return litert_placement(self._originals, nodes[len(self._originals) :])

    def operators(self) -> int:
        """How many operators the file's main graph has; 0 where this LiteRT does not show it."""
        return len(self._originals or ())

    def parts(self) -> tuple[tuple[int, ...], ...]:
        """Which operators of the file each delegate node stands for, in the order of the nodes."""
        nodes = delegation.nodes(self._interpreter)
        if self._originals is None or nodes is None:
            return ()
        originals = self._originals
        return tuple(
            tuple(sorted(delegation.delegated(originals, [part])))
            for part in nodes[len(originals) :]
        )

    def _fill(self, values: tuple[tuple[int, NDArray[np.generic]], ...]) -> None:
        for index, value in values:
            self._interpreter.set_tensor(index, value)

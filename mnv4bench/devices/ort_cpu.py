"""An ONNX file opened in ONNX Runtime on this machine's processor.

Knows: onnxruntime's Python session, from 1.23. Does not know: time, noise, reports.
Imported by the measuring process alone.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime

from mnv4bench.devices.inputs import InputSpec, fixed_shape
from mnv4bench.devices.placement import provider_placement
from mnv4bench.records import Placement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Turn = tuple[Callable[[], object], Callable[[], object]]

PROVIDER = "CPUExecutionProvider"
ERRORS_ONLY = 3  # onnxruntime's severity; a failed load still says why in its exception

# onnxruntime's names of tensor elements where numpy's differ.
NUMPY_NAMES = {"float": "float32", "double": "float64"}


class OrtModel:
    """One loaded file in a session that may use the CPU provider and nothing else."""

    def __init__(
        self,
        file: Path,
        *,
        threads: int,
        shapes: Mapping[str, tuple[int, ...]],
        profile: Path | None = None,
    ) -> None:
        """``shapes`` are of inputs whose sizes the file leaves open, by name.

        ``profile``: how the name of the file begins that the runtime's profiler writes; None: it
        does not run. Raises onnxruntime's own exceptions for a bad file, ValueError for an open
        input.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        # Only remembered while loading; versions that do not know the key ignore it.
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        self._session: Any = onnxruntime.InferenceSession(
            str(file), sess_options=options, providers=[PROVIDER]
        )
        # By default a provider that fails at run time is replaced by another and the call repeated.
        self._session.disable_fallback()
        self._inputs = tuple(
            InputSpec(
                name=declared.name,
                shape=fixed_shape(
                    declared.name,
                    tuple(size if isinstance(size, int) else None for size in declared.shape),
                    shapes,
                ),
                dtype=_numpy_name(declared.type),
            )
            for declared in self._session.get_inputs()
        )

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs in the file's order."""
        return self._inputs

    def turns(self, buffers: Sequence[Sequence[NDArray[np.generic]]]) -> tuple[Turn, ...]:
        """(fill, infer) for each buffer: infer runs a session whose inputs are already bound.

        Bound inputs and outputs leave dictionaries and copies out of the timed interval, as
        LiteRT's invoke() does; run() with a feed took about 5 µs more (1.31, 64 x 64 input).
        """
        return tuple((_nothing, self._bound(buffer)) for buffer in buffers)

    def placement(self) -> Placement:
        """The session's providers, and the assignment of every node where the version tells."""
        parts = getattr(self._session, "get_provider_graph_assignment_info", None)
        nodes = (
            [(part.ep_name, node.op_type) for part in parts() for node in part.get_nodes()]
            if parts
            else []
        )
        return provider_placement(PROVIDER, self._session.get_providers(), nodes or None)

    def _bound(self, buffer: Sequence[NDArray[np.generic]]) -> Callable[[], object]:
        binding = self._session.io_binding()
        for spec, value in zip(self._inputs, buffer, strict=True):
            binding.bind_cpu_input(spec.name, value)
        for output in self._session.get_outputs():
            binding.bind_output(output.name, "cpu")
        return partial(self._session.run_with_iobinding, binding)


def _nothing() -> None:
    """Bound inputs need no filling."""


def _numpy_name(declared: str) -> str:
    """ "tensor(float)" -> "float32"; raises ValueError for sequences, maps and strings."""
    element = declared.removeprefix("tensor(").removesuffix(")")
    name = NUMPY_NAMES.get(element, element)
    if element == declared or name == "string":
        raise ValueError(f"an input of type {declared}, which is not a tensor of numbers")
    return name

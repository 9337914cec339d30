"""ONNX Runtime's own profiler: a JSON file of events, a row for each node that ran.

Knows: the events of onnxruntime 1.23 to 1.31 (a trace in Chrome's form: ``cat`` "Node" with a name
that ends in ``_kernel_time``, and "model_run" behind the nodes of each inference; microseconds).
Does not know: which operator of the file a node was made from. Imported by its own process alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mnv4bench.devices.ort_cpu import OrtModel
from mnv4bench.devices.profile_worker import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KERNEL = "_kernel_time"
RUN = "model_run"


class _Arguments(msgspec.Struct):
    op_name: str = ""


class _Row(msgspec.Struct):
    name: str = ""
    cat: str = ""
    ts: int = 0
    dur: int = 0
    args: _Arguments = msgspec.field(default_factory=_Arguments)


class OrtProfiler(OrtModel):
    """One loaded file whose session writes down what it does."""

    SOURCE = "ONNX Runtime's profiler"

    def __init__(
        self, file: Path, folder: Path, *, threads: int, shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        """As OrtModel; the profile goes to ``folder``."""
        super().__init__(file, threads=threads, shapes=shapes, profile=folder / "profile")

    def begin(self) -> None:
        """The profiler always runs; warm-ups stand in its file before everything that counts."""

    def end(self) -> None:
        """As ``begin``."""

    def inferences(self) -> list[list[Event]]:
        """The nodes of every inference. Raises ValueError for a profile that cannot be read."""
        written: Any = self._session.end_profiling()
        try:
            rows = msgspec.json.decode(Path(written).read_bytes(), type=list[_Row])
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(f"its profile cannot be read: {error}") from None
        return read(rows)

    def parts(self) -> tuple[tuple[int, ...], ...]:
        """None: the provider runs every node by itself."""
        return ()


def read(rows: Iterable[_Row]) -> list[list[Event]]:
    """The nodes of each inference in the order in which they ran.

    What a loop or branch runs inside is part of its own time, and left out.
    """
    found: list[list[Event]] = []
    nodes: list[_Row] = []
    for row in rows:
        if row.cat == "Node" and row.name.endswith(KERNEL):
            nodes.append(row)
        elif row.name == RUN:
            found.append(_events(nodes))
            nodes = []
    return found


def _events(rows: list[_Row]) -> list[Event]:
    events: list[Event] = []
    end = -1
    for row in sorted(rows, key=lambda one: (one.ts, -one.dur)):
        if row.ts + row.dur <= end and row.ts < end:
            continue
        end = row.ts + row.dur
        events.append(Event(row.args.op_name, row.name.removesuffix(KERNEL), None, None, row.dur))
    return events

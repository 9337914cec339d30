"""What a front is over, in words and units: the column, the axis, the numbers.

Knows: how each objective is called and in which unit it is drawn. Does not know: fronts, layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from mnv4bench import units
from mnv4bench.findings import Objective


@dataclass(frozen=True, slots=True)
class Wording:
    """How one objective is named."""

    column: str  # of a table
    axis: str  # of a panel, with the unit
    noun: str  # within a sentence
    unit: float  # of the axis, in base units
    exact: bool = False  # one number a file, without noise


_WORDINGS: dict[Objective, Wording] = {
    "latency": Wording("Latency", "Latency, ms (log scale)", "latency", 1e-3),
    "size": Wording("Size", "File size, MB (log scale)", "file size", 1e6, exact=True),
    "peak-memory": Wording(
        "Peak memory", "Peak memory of the process, MB (log scale)", "peak memory", 1e6
    ),
    "load-time": Wording("Load time", "Load time, ms (log scale)", "load time", 1e-3),
    "instructions": Wording(
        "Instructions", "Instructions per inference, millions (log scale)", "instructions", 1e6,
        exact=True,
    ),
}  # fmt: skip


def wording(objective: Objective) -> Wording:
    """The words for ``objective``."""
    return _WORDINGS[objective]


def text(objective: Objective, value: float | None, half_width: float | None = None) -> str:
    """``("latency", 0.0024)`` -> ``"2.40 ms"``, ``("size", 15e6)`` -> ``"15.0 MB"``."""
    if value is None:
        return units.UNKNOWN
    match objective:
        case "latency" | "load-time":
            return units.seconds(value, half_width)
        case "size" | "peak-memory":
            return units.size(round(value))
        case "instructions":
            return units.count(round(value))
        case _:
            assert_never(objective)

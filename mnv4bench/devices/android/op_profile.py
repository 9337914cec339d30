"""What a classic benchmark program says of each operator: the file of its operator profile.

Knows: the protobuf message BenchmarkProfilingData (tflite/profiling/proto/profiling_info.proto,
LiteRT 2.3.0) and what the program writes into it (tflite/profiling/profile_summarizer.cc): an
operator in TFLite's own kernels is called "[what it writes]:its place", one inside a delegate that
tells of them (XNNPACK) "Delegate/its kind:its number", and a delegate that does not has a place
behind those of all operators. Does not know: phones. Nothing in the file is taken for granted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnv4bench.devices.android import results
from mnv4bench.devices.android.results import RuntimeInfo
from mnv4bench.records import MAX_SECONDS, OperatorTime, Part

MAX_ROWS = 20_000  # of one profile; a network has hundreds
MAX_TEXT = 500
_IN_KERNELS = re.compile(r"\[(?P<writes>.*)\]:(?P<place>\d{1,9})", re.DOTALL)
_IN_DELEGATE = re.compile(r"Delegate/(?P<kind>.*):(?P<place>\d{1,9})", re.DOTALL)
# How a delegate's node is called: TfLiteGpuDelegateV2, TfLiteNnapiDelegate, "DELEGATE".
_DELEGATE = re.compile(r"TfLite\w*Delegate\w*|DELEGATE")
# A delegate's own times that are more than it took as a whole are cycles, or something else.
MOST_OF_WHOLE = 1.1


@dataclass(frozen=True, slots=True)
class Read:
    """The operators in the order in which they ran, and what a reader must know."""

    operators: tuple[OperatorTime, ...]
    notes: tuple[str, ...] = ()


def parts(info: RuntimeInfo | None) -> tuple[Part, ...]:
    """What the delegates took, as the program wrote it beside."""
    if info is None:
        return ()
    return tuple(Part(delegate=name, nodes=nodes) for name, nodes in info.parts)


def read(data: bytes, info: RuntimeInfo | None) -> Read | None:
    """The profile in ``data``; None when it is none, or holds no operator of the main graph."""
    profile = results.parsed("OperatorProfile", data)
    if profile is None or not profile.HasField("runtime"):
        return None
    run = profile.runtime
    graph = next((one for one in run.subgraphs if one.index == 0), None)
    rows = list(graph.operators)[:MAX_ROWS] if graph is not None else []
    rows.sort(key=lambda row: row.run_order)
    operators = [found for row in rows if (found := _operator(row, info)) is not None]
    inside = [row for delegate in run.delegates for row in delegate.operators][:MAX_ROWS]
    notes: tuple[str, ...] = ()
    if inside:
        operators, notes = _with_inside(operators, sorted(inside, key=lambda row: row.run_order))
    return Read(tuple(operators), notes) if operators else None


def _operator(row: Any, info: RuntimeInfo | None) -> OperatorTime | None:
    """One row; None for what is no operator (loading, delegation) and for a time that is none."""
    own = _IN_KERNELS.fullmatch(row.name)
    delegated = _IN_DELEGATE.fullmatch(row.name)
    if own is None and delegated is None:
        return None
    place = int((own or delegated)["place"])  # type: ignore[index]
    count = info.operators if info is not None else None
    whole = own is not None and (
        place >= count if count is not None else bool(_DELEGATE.fullmatch(row.node_type))
    )
    part = node = None
    if whole:
        part = place - count if count is not None else 0
    elif own is not None:
        node = place
    elif info is None or len(info.parts) <= 1:
        part = 0
    return _timed(
        row,
        operator=row.node_type,
        name=own["writes"] if own and not whole else "",
        node=node,
        part=part,
        whole=whole,
    )


def _timed(row: Any, *, operator: str, name: str, **where: Any) -> OperatorTime | None:
    stat = row.microseconds
    calls = max(1, row.times_called)
    count = stat.count if stat.count > 0 else 0
    mean_us = stat.sum / count if count else -1.0
    values = [one * calls / 1e6 for one in (mean_us, stat.min, stat.max)]
    if not all(0 <= value <= MAX_SECONDS for value in values) or calls > MAX_ROWS:
        return None
    return OperatorTime(
        operator=operator[:MAX_TEXT],
        name=name[:MAX_TEXT],
        seconds=values[0],
        low_s=values[1],
        high_s=values[2],
        calls=calls,
        **where,
    )


def _with_inside(
    operators: Sequence[OperatorTime], rows: Sequence[Any]
) -> tuple[list[OperatorTime], tuple[str, ...]]:
    """A delegate's own rows in the place of its whole, where they are times of it."""
    wholes = [index for index, one in enumerate(operators) if one.whole]
    own = []
    for row in rows:
        found = _IN_DELEGATE.fullmatch(row.name)
        kind = found["kind"] if found else row.node_type
        if timed := _timed(row, operator=kind, name="", part=0):
            own.append(timed)
    if len(wholes) != 1 or not own:
        return list(operators), ()
    (at,) = wholes
    if sum(one.seconds for one in own) > MOST_OF_WHOLE * operators[at].seconds:
        what = "what the delegate says of its own operators adds up to more than it took"
        return list(operators), (f"{what}, so it is no time, and is left out",)
    return [*operators[:at], *own, *operators[at + 1 :]], ()

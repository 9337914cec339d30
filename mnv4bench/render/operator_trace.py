"""A profile as a trace in Chrome's form, to be opened in Perfetto or chrome://tracing.

Knows: the trace event format (complete events "X" in microseconds, names of tracks "M"). Does not
know: JSON (codec), files. A profile holds what each operator takes and not when it began, so the
operators are laid one behind the other in the order in which they ran; the file says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mnv4bench import units
from mnv4bench.findings import OperatorProfile, OperatorRow, Trace, TraceEvent
from mnv4bench.render import profile_words as words
from mnv4bench.render.untrusted import visible

LAYOUT = (
    "Made up: the operators stand one behind the other in the order in which they ran, each as "
    "long as its own time. When each began was not measured, and nothing here is a latency."
)
BLOCKS, OPERATORS = 1, 2  # tracks
US = 1e6


def trace(profiles: Sequence[OperatorProfile]) -> Trace:
    """One process for each profile, with a track of blocks and one of operators."""
    events = [event for number, one in enumerate(profiles, 1) for event in _process(number, one)]
    facts = {"layout": LAYOUT}
    for number, one in enumerate(profiles, 1):
        facts[f"profile {number}"] = visible(" ".join((words.title(one), *words.how(one))))
    return Trace(trace_events=tuple(events), other_data=facts)


def _process(number: int, one: OperatorProfile) -> Iterator[TraceEvent]:
    yield _name("process_name", visible(words.title(one)), number, 0)
    if one.blocks:
        yield _name("thread_name", "blocks", number, BLOCKS)
    yield _name("thread_name", "operators (made-up layout)", number, OPERATORS)
    begin = 0.0
    for row in one.operators:
        yield _operator(row, number, begin)
        begin += row.seconds * US
    begin = 0.0
    for block, rows in groupby(one.operators, key=lambda row: row.block):
        took = sum(row.seconds for row in rows) * US
        if block:
            yield TraceEvent(
                name=visible(block), ph="X", pid=number, tid=BLOCKS, ts=begin, dur=took, cat="block"
            )
        begin += took


def _operator(row: OperatorRow, number: int, begin: float) -> TraceEvent:
    facts = {
        "modules": row.path,
        "name": row.name,
        "delegate": row.delegate or "",
        "share": units.percent(row.share),
        "told by": row.joined,
    }
    return TraceEvent(
        name=visible(row.operator),
        ph="X",
        pid=number,
        tid=OPERATORS,
        ts=begin,
        dur=row.seconds * US,
        cat="operator",
        args={key: visible(value) for key, value in facts.items() if value},
    )


def _name(what: str, name: str, number: int, track: int) -> TraceEvent:
    return TraceEvent(name=what, ph="M", pid=number, tid=track, args={"name": name})

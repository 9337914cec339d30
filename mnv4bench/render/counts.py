"""Counted instructions as a table on a terminal.

Knows: columns, and what a reader must not take a count for. Does not know: how it was counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Tally
from mnv4bench.render import placement
from mnv4bench.render.terminal import PLACEMENT_STYLE, View, Write, heading, plain_table

NO_LATENCY = (
    "Instructions per inference, counted under an emulator: a cost, not a latency. Caches, memory "
    "and pipelines have no part in it."
)


def listed(found: Sequence[Tally]) -> View:
    """Every counted measurement, a table for each device, precision, format and environment."""

    def build(write: Write) -> RenderableType:
        tables = groupby(sorted(found, key=_place), key=_place)
        return Group(*(_table(list(alike), write) for _, alike in tables))

    return View(build)


def _place(one: Tally) -> tuple[str, ...]:
    return (one.device, one.precision, one.format, one.origin, one.environment)


def _table(alike: Sequence[Tally], write: Write) -> RenderableType:
    first = alike[0]
    table = plain_table(
        write,
        ("Model", "left"),
        ("Instructions", "right"),
        ("Range", "right"),
        ("Loading", "right"),
        ("Proc.", "right"),
        ("Inferences", "right"),
        ("Placement", "left"),
        names=(one.model for one in alike),
        title=heading(write, first.device, first.origin, (first.precision, first.format)),
    )
    warnings: list[Text] = []
    for one in sorted(alike, key=lambda one: (one.instructions, one.model, one.report)):
        table.add_row(*_row(one, write))
        if one.tainted:
            reasons = "; ".join(one.tainted)
            warnings.append(write(f"* {one.model} is tainted: {reasons}", "yellow"))
        warnings += [write(line, "yellow") for line in placement.doubts(one)]
    kinds = sorted({one.weights.text for one in alike})
    notes = [
        write(f"{first.machine}; {first.emulator}", "dim"),
        write(f"Weights: {', '.join(kinds)}.", "dim"),
        write(NO_LATENCY, "dim"),
    ]
    return Group(table, Padding(Group(*notes, *warnings), (0, 0, 1, 0)))


def _row(one: Tally, write: Write) -> list[Text]:
    name = f"{one.model} @{one.chosen_shapes}" if one.chosen_shapes else one.model
    low, high = one.instructions_low, one.instructions_high
    exact = one.exact and not one.tainted
    return [
        write(name + (" *" if one.tainted else ""), "yellow" if one.tainted else ""),
        write(units.whole(one.instructions)),
        write("exact" if exact else units.spread(one.instructions, low, high)),
        write(units.count(one.load_instructions)),
        write(units.whole(one.invocations)),
        write(units.whole(one.samples)),
        write(one.placement, PLACEMENT_STYLE[one.placement]),
    ]

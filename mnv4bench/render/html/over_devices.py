"""Models across devices, and measured beside published, as data of a page.

Knows: which texts a cell has. Does not know: how a cell was judged, or its colour.
"""

from __future__ import annotations

from typing import Any

from mnv4bench import units
from mnv4bench.findings import Cell, SideBySide, Universality
from mnv4bench.render import spanning
from mnv4bench.render.html.tables import Table, rounded
from mnv4bench.render.html.words import Words

_STATUS = {"front": 0, "dominated": 1, "unknown": 2}


def table(one: Universality, words: Words) -> dict[str, Any]:
    """One origin's models by rows and devices by columns."""
    rows = Table("model", "family", "on", "onShare", "mean", "meanText", "worst", "cells")
    for row in one.rows:
        rows.add(
            words(row.model),
            words(row.family),
            words(spanning.count(row) if row.known else "unknown"),
            rounded(row.on_front / row.known if row.known else None, digits=4),
            rounded(row.mean_ratio, digits=5),
            words(units.ratio(row.mean_ratio) if row.known else ""),
            words(units.ratio(row.worst_ratio) if row.known else ""),
            [_cell(cell, words) for cell in row.cells],
        )
    return {
        "origin": words(one.origin),
        "places": words(spanning.places(one, len(one.columns))),
        "objective": words(one.objective),
        "columns": [
            [words(column.device), words(column.precision), words(column.machine)]
            for column in one.columns
        ],
        "rows": rows.columns(),
        "notes": [words(line) for line in spanning.sentences(one)],
    }


def _cell(cell: Cell, words: Words) -> list[Any]:
    """[status, ratio, its text, what else is to be said]."""
    share = cell.front_probability
    more = "" if share is None else f"on the front in {units.share(share)} of resamples"
    opens = spanning.OPEN if cell.open else ""
    if cell.status == "unknown":
        return [2, None, words("-"), words(cell.reason)]
    if cell.status == "front":
        return [0, 1, words(f"front{opens}"), words(more)]
    return [
        1,
        rounded(cell.ratio, digits=4),
        words(f"{units.ratio(cell.ratio)}{opens}"),
        words(more),
    ]


def beside(found: SideBySide | None, words: Words) -> list[list[int]]:
    """A row for each measurement that has a published figure of the same thing."""
    if found is None:
        return []
    return [
        [
            words(row.device),
            words(row.model),
            words(row.precision),
            words(units.seconds_in_ms(row.latency_s)),
            words(units.seconds_as_printed(row.published_s)),
            words(units.quotient(row.ratio, row.ratio_low, row.ratio_high)),
            words(row.citation),
        ]
        for row in found.rows
    ]

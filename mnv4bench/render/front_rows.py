"""The table of a front, in text: its columns, and for each model what stands in them.

Knows: what is worth a column, how many digits a number has, what a status says. Does not know: how
a table is laid out or coloured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from mnv4bench import units
from mnv4bench.findings import Group, Point
from mnv4bench.render import front_notes, objectives, sureness
from mnv4bench.render.listing import listed

MODEL, INTERVAL, TOP1, SOURCE = "Model", "Interval", "Top-1", "Source"
ON_FRONT, STATUS = "On front", "Status"
# Of one table: more are no help to anybody, and take a terminal minutes to lay out.
MOST_ROWS = 1000
# Of those that dominate a model; --json has them all.
MAX_DOMINATORS = 6


class Piece(NamedTuple):
    """A part of a cell, and what it is to the reader."""

    text: str
    tone: Literal["plain", "front", "dominated", "excluded", "aside", "warning"] = "plain"


Cell = list[Piece]


def columns(group: Group) -> list[tuple[str, Literal["left", "right"]]]:
    """(heading, side) of each column, the model's name first and its status last."""
    over = objectives.wording(group.objective)
    found: list[tuple[str, Literal["left", "right"]]] = [(MODEL, "left"), (over.column, "right")]
    if not (group.origin == "published" or over.exact):
        found.append((INTERVAL, "right"))
    found.append((TOP1, "right"))
    if len(front_notes.sources(group)) > 1:
        found.append((SOURCE, "left"))
    if sureness.shares(group.points):
        found.append((ON_FRONT, "right"))
    return [*found, (STATUS, "left")]


def rows(group: Group) -> Iterator[list[Cell]]:
    """A cell for each of ``columns``, model by model; the first piece is the model's name.

    Of more than MOST_ROWS models the front comes first, then the cheapest (``not_listed``).
    """
    shown = {heading for heading, _ in columns(group)}
    random = [front_notes.is_random(one) for one in group.points]
    for place in _listed_places(group):
        point, untrained = group.points[place], random[place]
        name = [Piece(point.model, point.status)]
        if untrained and not all(random):
            name.append(Piece(f" {front_notes.RANDOM_MARK}", point.status))
        cells = [name, *_figures(point, group, INTERVAL in shown), _top1(point)]
        if SOURCE in shown:
            cells.append([Piece(point.accuracy_source or "-")])
        if ON_FRONT in shown:
            share = point.front_probability
            doubt = sureness.is_doubtful(point)
            text = "-" if share is None else units.share(share)
            cells.append([Piece(text, "warning" if doubt else "plain")])
        yield [*cells, list(_status(point, group))]


def _listed_places(group: Group) -> list[int]:
    places = range(len(group.points))
    if len(places) <= MOST_ROWS:
        return list(places)
    first = sorted(places, key=lambda place: (group.points[place].status != "front", place))
    return sorted(first[:MOST_ROWS])


def not_listed(models: int) -> list[str]:
    """What is said of those of so many models that a table has no row for."""
    more = units.plural(models - MOST_ROWS, "more model")
    return [f"Not listed: {more}; --json has them all."] if models > MOST_ROWS else []


def _figures(point: Point, group: Group, with_interval: bool) -> Iterator[Cell]:
    cost, (low, high) = point.cost, point.cost_interval
    if point.x is None and group.objective != "latency":
        cost = None
    width = units.half_width(cost, low, high) if cost and low and high else None
    # Published times keep their printed digits; measured ones end where the uncertainty begins.
    text = objectives.text(group.objective, cost, width)
    if group.origin == "published":
        text = units.seconds_as_printed(cost, point.printed_to_s)
    yield [Piece("-" if cost is None else text)]
    if with_interval:
        known = cost and width is not None
        yield [Piece(units.spread(cost, low, high) if cost and known else "-")]


def _top1(point: Point) -> Cell:
    """``73.8 %``, ``73.8 % float``, or with its interval what was measured on the file."""
    if point.top1 is None:
        return [Piece("-")]
    cell = [Piece(units.top1(point.top1))]
    if point.accuracy_source == "measured":
        interval = units.top1_interval(point.top1_low, point.top1_high)
        cell.append(Piece(f" ({interval})", "aside"))
    if point.float_accuracy:
        cell.append(Piece(f" {front_notes.FLOAT_MARK}", "warning"))
    return cell


def _status(point: Point, group: Group) -> Iterator[Piece]:
    """``front``, ``dominated by A, B``, ``excluded: why``; with a warning where one is due."""
    yield Piece(point.status, point.status)
    if point.dominated_by:
        yield Piece(f" by {listed(point.dominated_by, MAX_DOMINATORS)}", "aside")
    if point.status != "excluded":
        yield Piece(sureness.place(point, group), "aside")
    if point.reason:
        yield Piece(f": {point.reason}", point.status)
    if point.placement == "partial":
        yield Piece(" (placement partial)", "warning")

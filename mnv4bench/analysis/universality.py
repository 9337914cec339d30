"""Models across devices: where each is on the front, and how far from it elsewhere.

Knows: groups of one front, what may stand side by side. Does not know: how a front is judged or
resampled, files, drawing. A model that a device has no number for is unknown there: it is neither
on the front nor off it. Origins have tables of their own, so no cell mixes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import ceil, exp, log
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from mnv4bench.analysis.certainty import (
    INTERVAL,
    RESAMPLES,
    SEED,
    Sheets,
    bases,
    is_judged,
    seeds_of,
)
from mnv4bench.analysis.resampling import Bools, Floats, judged
from mnv4bench.findings import Cell, Column, FamilySpan, Group, Point, Spanned, Universality

ABSENT = "not in the reports of this device"


def across(
    groups: Sequence[Group],
    *,
    sheets: Sheets | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[Universality, ...]:
    """One table for each origin, in order of appearance.

    Of several environments of one device and precision the one measured last counts; published
    tables never stand for one another.
    """
    by_origin: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_origin[group.origin].append(group)
    return tuple(_of_origin(alike, sheets, resamples, seed) for alike in by_origin.values())


def _of_origin(
    groups: Sequence[Group], sheets: Sheets | None, resamples: int, seed: int
) -> Universality:
    latest: dict[tuple[str, ...], Group] = {}
    left_out = []
    for group in groups:
        place: tuple[str, ...] = (group.device, group.precision)
        if group.origin == "published":
            place += (group.machine, group.environment)
        held = latest.get(place)
        if held is None:
            latest[place] = group
            continue
        newer = group.measured_at > held.measured_at
        latest[place], older = (group, held) if newer else (held, group)
        left_out.append(
            f"{older.device} {older.precision} in another environment, {older.machine}: "
            "measured again later"
        )
    chosen = list(latest.values())
    columns = [_column(group, sheets, resamples, seed) for group in chosen]
    families: dict[str, str] = {}
    for group in chosen:
        for point in group.points:
            families.setdefault(point.model, point.family)
    rows = [_row(model, family, chosen, columns) for model, family in families.items()]
    rows.sort(key=_rank)
    drawn = any(one.drawn for column in columns for one in column.values())
    return Universality(
        origin=groups[0].origin,
        objective=groups[0].objective,
        columns=tuple(
            Column(
                device=group.device,
                precision=group.precision,
                machine=group.machine,
                environment=group.environment,
            )
            for group in chosen
        ),
        rows=tuple(rows),
        families=_families(rows, columns),
        resamples=resamples if drawn else 0,
        seed=seed,
        left_out=tuple(left_out),
    )


def _rank(row: Spanned) -> tuple[bool, float, int, float, str]:
    """By share of known devices on the front, of more devices first, then mean ratio."""
    if not row.known or row.mean_ratio is None:
        return (True, 0.0, 0, 0.0, row.model)
    return (False, -row.on_front / row.known, -row.on_front, row.mean_ratio, row.model)


# --- one cell ---------------------------------------------------------------------------------


class _Resampled(NamedTuple):
    member: Bools  # (resamples,)
    ratio: Floats  # (resamples,)


class _Entry(NamedTuple):
    """One model on one device: the cell, and the resamples behind it where there are some."""

    cell: Cell
    drawn: _Resampled | None


def _column(group: Group, sheets: Sheets | None, resamples: int, seed: int) -> dict[str, _Entry]:
    """Every point of the group by its model."""
    found: dict[str, _Entry] = {}
    for basis in bases(group, sheets):
        parts = []
        if not basis.fixed:
            parts = [judged(one) for one in basis.draw(resamples, seeds_of(group, seed))]
        members = np.concatenate([part.member for part in parts]) if parts else None
        ratios = np.concatenate([part.ratio for part in parts]) if parts else None
        least = float("inf")
        for index, point in enumerate(basis.points):  # most accurate first, then cheapest
            assert point.cost is not None
            least = min(least, point.cost)
            drawn = None
            if members is not None and ratios is not None and is_judged(point):
                drawn = _Resampled(members[:, index], ratios[:, index])
            found[point.model] = _Entry(_cell(point, point.cost / least, drawn), drawn)
    for point in group.points:
        if point.status == "excluded":
            cell = Cell(status="unknown", ratio=None, reason=point.reason or "excluded")
            found.setdefault(point.model, _Entry(cell, None))
    return found


def _cell(point: Point, ratio: float, drawn: _Resampled | None) -> Cell:
    low, high = np.percentile(drawn.ratio, INTERVAL) if drawn else (None, None)
    probability = point.front_probability  # one number a cell, where the front has one already
    if probability is None and drawn:
        probability = float(drawn.member.mean())
    return Cell(
        status="front" if point.status == "front" else "dominated",
        ratio=ratio,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        front_probability=probability,
        dominated_by=point.dominated_by,
        open=point.open,
    )


# --- over all devices -------------------------------------------------------------------------


def _row(
    model: str, family: str, groups: Sequence[Group], columns: Sequence[dict[str, _Entry]]
) -> Spanned:
    absent = _Entry(Cell(status="unknown", ratio=None, reason=ABSENT), None)
    entries = [column.get(model, absent) for column in columns]
    known = [one for one in entries if one.cell.ratio is not None]
    ratios = [one.cell.ratio for one in known if one.cell.ratio is not None]
    worst = max(range(len(entries)), key=lambda index: entries[index].cell.ratio or 0.0)
    row = Spanned(
        model=model,
        family=family,
        cells=tuple(one.cell for one in entries),
        on_front=sum(one.cell.status == "front" for one in known),
        known=len(known),
        mean_ratio=exp(sum(map(log, ratios)) / len(ratios)) if ratios else None,
        worst_ratio=max(ratios, default=None),
        worst_device=groups[worst].device if ratios and max(ratios) > 1 else "",
    )
    drawn = [one.drawn for one in known if one.drawn is not None]
    if not drawn or len(drawn) < len(known):
        return row
    count = np.sum([one.member for one in drawn], axis=0)
    mean = np.exp2(np.mean([np.log2(one.ratio) for one in drawn], axis=0))
    low, high = np.percentile(count, INTERVAL)
    mean_low, mean_high = np.percentile(mean, INTERVAL)
    return replace(
        row,
        on_front_low=int(low),
        on_front_high=ceil(high),
        mean_low=float(mean_low),
        mean_high=float(mean_high),
        everywhere_probability=float((count == len(drawn)).mean()),
    )


def _families(
    rows: Sequence[Spanned], columns: Sequence[dict[str, _Entry]]
) -> tuple[FamilySpan, ...]:
    """By share of known cells on the front; families without a known cell last."""
    members: dict[str, list[Spanned]] = defaultdict(list)
    for row in rows:
        members[row.family].append(row)
    found = [_family(family, alike, columns) for family, alike in members.items()]
    found.sort(key=lambda one: (not one.known, -one.on_front / max(1, one.known), one.family))
    return tuple(found)


def _family(
    family: str, rows: Sequence[Spanned], columns: Sequence[dict[str, _Entry]]
) -> FamilySpan:
    devices = mostly = 0
    drawn: list[Bools] = []
    known = sum(row.known for row in rows)
    for index, column in enumerate(columns):
        cells = [row.cells[index] for row in rows if row.cells[index].ratio is not None]
        on_front = sum(cell.status == "front" for cell in cells)
        devices += bool(cells)
        mostly += 2 * on_front > len(cells)
        entries = (column.get(row.model) for row in rows)
        drawn += [one.drawn.member for one in entries if one and one.drawn]
    low = high = None
    if drawn and len(drawn) == known:
        low, high = np.percentile(np.sum(drawn, axis=0), INTERVAL)
    return FamilySpan(
        family=family,
        models=len(rows),
        on_front=sum(row.on_front for row in rows),
        known=known,
        devices=devices,
        mostly_on=mostly,
        open=sum(cell.open for row in rows for cell in row.cells),
        on_front_low=None if low is None else int(low),
        on_front_high=None if high is None else ceil(high),
    )

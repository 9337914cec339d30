"""Measured beside published, as a table with ratios.

Knows: columns and the sentences under them. Does not know: how rows were matched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Beside, PublishedSource, SideBySide, Unmatched
from mnv4bench.render.terminal import View, Write, plain_table
from mnv4bench.render.untrusted import visible

RATIO = (
    "Ratio: measured over published, above 1 is slower than published. Its interval is that of the "
    "measured median, with the rounding of the printed figure counted in."
)
MAX_NAMES = 12  # of one reason; --json has them all


class DeviceTable(NamedTuple):
    """One device beside one published table."""

    device: str
    columns: list[tuple[str, str]]  # (heading, "left" | "right")
    rows: list[list[str]]  # the model first
    notes: list[str]


def tables(found: SideBySide) -> Iterator[DeviceTable]:
    """One for each measured device and published table.

    Ratios to two runtimes are of two things, and have a table each.
    """
    for _, alike in groupby(found.rows, key=_table):
        yield _device(list(alike))


def sentences(found: SideBySide) -> list[str]:
    """How to read the ratios, and what stands beside nothing."""
    lines = [RATIO] if found.rows else []
    lines += _unmatched(found.unmatched)
    return lines + [line for source in found.sources for line in _about(source)]


def listed(found: SideBySide) -> View:
    """A table for each measured device and published table, then what stands beside nothing."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = [_drawn(one, write) for one in tables(found)]
        lines = [write(line, "dim") for line in sentences(found)]
        return Group(*parts, Padding(Group(*lines), (0, 0, 1, 0)))

    return View(build)


def _drawn(one: DeviceTable, write: Write) -> RenderableType:
    table = plain_table(
        write,
        *((visible(heading), side) for heading, side in one.columns),
        names=(row[0] for row in one.rows),
        title=Text.assemble(
            write(one.device, "bold"), write("  MEASURED / PUBLISHED", "bold cyan")
        ),
    )  # fmt: skip
    for row in one.rows:
        table.add_row(*map(write, row))
    first, *others = one.notes
    notes = [write(first, "bold"), *(write(line, "dim") for line in others)]
    return Group(table, Padding(Group(*notes), (0, 0, 1, 0)))


def _table(one: Beside) -> tuple[str, str, str]:
    return (one.device, one.citation, one.published_runtime)


def _device(rows: Sequence[Beside]) -> DeviceTable:
    first = rows[0]
    machines = {one.machine for one in rows}
    published = "Published"
    published += f" ({first.published_runtime})" if first.published_runtime else ""
    columns = [("Model", "left"), ("Precision", "left"), ("Input", "right"), ("Measured", "right")]
    columns += [(published, "right"), ("Ratio", "right")]
    columns += [("Measured on", "left")] if len(machines) > 1 else []
    made = []
    for one in rows:
        width = None
        if one.low_s is not None and one.high_s is not None:
            width = units.half_width(one.latency_s, one.low_s, one.high_s)
        cells = [
            one.model,
            one.precision,
            str(one.input_px),
            units.seconds_in_ms(one.latency_s, width),
            units.seconds_as_printed(one.published_s),
            units.quotient(one.ratio, one.ratio_low, one.ratio_high),
        ]
        made.append(cells + ([one.machine] if len(machines) > 1 else []))
    ratios = [one.ratio for one in rows]
    said = f"Your {first.device}"
    said += f" ({next(iter(machines))})" if len(machines) == 1 else ""
    said += f": {units.quotient(median(ratios))} times {first.citation}"
    said += f" ({first.published_runtime})" if first.published_runtime else ""
    if len(rows) > 1:
        said += (
            f", the median of {units.plural(len(rows), 'pair')} from "
            f"{units.quotient(min(ratios))} to {units.quotient(max(ratios))}"
        )
    notes = [f"{said}."]
    if any(one.ratio_low is None for one in rows):
        notes.append("No interval: a single invocation says nothing of its spread.")
    return DeviceTable(first.device, columns, made, notes)


def _unmatched(found: Sequence[Unmatched]) -> list[str]:
    """A line for each device, table and reason."""
    reasons: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in found:
        reasons[one.device, one.citation, one.reason].append(one.model)
    lines = []
    for (device, citation, reason), models in reasons.items():
        names = _named(list(dict.fromkeys(models)))
        lines.append(f"{device}, nothing beside {names}: {reason} ({citation}).")
    return lines


def _about(source: PublishedSource) -> list[str]:
    lines = []
    if len(source.devices_not_measured) == len(source.devices):
        devices = _named(source.devices)
        lines.append(f"{source.citation} has none of the measured devices; it has {devices}.")
    if source.unknown_models and source.source != "paper":
        lines.append(
            f"{source.source} names models that the catalog does not have, drawn as it has them: "
            f"{_named(source.unknown_models)}."
        )
    if source.unknown_devices:
        lines.append(
            f"{source.source} names devices that no profile has (see mnv4bench devices), so "
            f"nothing measured can stand beside them: {_named(source.unknown_devices)}."
        )
    return lines


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"

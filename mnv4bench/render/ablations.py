"""The paper's ablations as tables on a terminal: measured here beside what it prints.

Knows: columns, and which of the figures are whose. Does not know: how a change was computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Ablation, AblationRow, Ablations, Arithmetic, Effect
from mnv4bench.render.counts import NO_LATENCY
from mnv4bench.render.terminal import View, Write, left_out, plain_table

NOT_MEASURED = "not measured"
WEIGHTS = (
    "{cost} here is of weights that are {weights}. What top-1 the variants would reach is not "
    "known; the paper's column is of its own, trained networks."
)
INTERVALS = (
    "Behind ±: the wider side, in points, of 95 % of the same figure with processes drawn anew; it "
    "holds noise alone."
)
NO_INTERVALS = "No intervals: fewer than six processes of some row."
_TITLES = {
    "pixel7-edgetpu": "Pixel 7\nEdgeTPU",
    "pixel8-edgetpu": "Pixel 8\nEdgeTPU",
    "s23-cpu": "S23\nCPU",
    "s23-gpu": "S23\nGPU",
}


def listed(found: Ablations) -> View:
    """A table for each study and device."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = [_study(one, write) for one in found.studies]
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def _study(one: Ablation, write: Write) -> RenderableType:
    devices = list(
        dict.fromkeys(name for row in one.rows if row.printed for name in row.printed.devices)
    )
    columns = [("Model", "left"), ("Params", "right"), ("MACs", "right"), ("Here", "right")]
    columns += [("Over\nbase", "right"), ("Paper", "left"), ("Top-1", "right")]
    columns += [("Params", "right"), ("MACs", "right")]
    columns += [(_TITLES.get(name, name), "right") for name in devices]
    table = plain_table(
        write,
        *columns,
        names=(row.model for row in one.rows),
        title=Text.assemble(
            write(f"Table {one.table}: {one.title}", "bold"),
            write(f"  {one.device}: {one.origin.upper()} / PUBLISHED", "bold cyan"),
        ),
    )
    for row in one.rows:
        table.add_row(*(write(cell) for cell in _row(row, devices)))
    arithmetic = one.arithmetic
    if arithmetic is not None:
        table.add_section()
        for cells in _changes(arithmetic, devices):
            table.add_row(*map(write, cells))
    notes = [write(f"{one.device}: {one.machine}; {one.precision}, report {one.report}", "dim")]
    if arithmetic is not None:
        notes += [write(line) for line in _explained(arithmetic)]
    weights = sorted({row.weights for row in one.rows if row.weights})
    counted = one.origin == "emulated"
    said = [
        WEIGHTS.format(
            cost="What is counted" if counted else "Latency", weights=", ".join(weights)
        ),
        f"Paper: {one.citation}.",
    ]
    if counted:
        said.append(NO_LATENCY)
    elif arithmetic is not None and arithmetic.whole is not None:
        said.append(NO_INTERVALS if arithmetic.whole.low is None else INTERVALS)
    notes += [write(line, "dim") for line in (*one.notes, *said)]
    return Group(table, Padding(Group(*notes, *_warnings(one.rows, write)), (0, 0, 1, 0)))


def _row(row: AblationRow, devices: Sequence[str]) -> list[str]:
    printed = row.printed
    cells = [
        row.model + (" *" if row.tainted else ""),
        units.count(row.params),
        units.count(row.macs),
        _cost(row),
        _change(row.over_base.value if row.over_base else None),
    ]
    if printed is None:
        return [*cells, "none", "", "", "", *("" for _ in devices)]
    cells += [printed.row, "" if printed.top1 is None else f"{units.as_printed(printed.top1)} %"]
    cells += ["" if printed.params_m is None else f"{units.as_printed(printed.params_m)} M"]
    cells += ["" if printed.macs_g is None else f"{units.as_printed(printed.macs_g)} G"]
    return cells + [
        units.seconds_as_printed(printed.devices[name]) if name in printed.devices else ""
        for name in devices
    ]


def _cost(row: AblationRow) -> str:
    if row.instructions is not None:
        return f"{units.count(row.instructions)} instr."
    if row.latency_s is None:
        return NOT_MEASURED
    width = None
    if row.low_s is not None and row.high_s is not None:
        width = units.half_width(row.latency_s, row.low_s, row.high_s)
    return units.seconds_in_ms(row.latency_s, width)


def _change(value: float | None) -> str:
    return "" if value is None else "same" if value == 0 else units.change(1 + value)


def _percent(value: float | None) -> str:
    return _change(None if value is None else value / 100)


def _changes(one: Arithmetic, devices: Sequence[str]) -> list[list[str]]:
    """The paper's comparison, of ours and of its own figures; then of the whole models."""
    what = "of the added" if one.kind == "increment" else "gain, old / new"
    printed = one.printed
    here = _change(one.here.value if one.here else None) or "no figure"
    first = [what, _change(one.params), _change(one.macs), here, _within(one.here)]
    first += [printed.row if printed else "", ""]
    first += [_percent(printed.params_m), _percent(printed.macs_g)] if printed else ["", ""]
    first += [_percent(printed.devices.get(name)) if printed else "" for name in devices]
    whole = ["of the whole", "", "", _change(one.whole.value if one.whole else None)]
    whole += [_within(one.whole), "from its figures", "", "", ""]
    whole += [_change(one.recomputed_whole.get(name)) for name in devices]
    return [first, whole]


def _within(effect: Effect | None) -> str:
    if effect is None or effect.low is None or effect.high is None:
        return ""
    return units.points_within(effect.value, effect.low, effect.high)


def _explained(one: Arithmetic) -> list[str]:
    lines = []
    if one.kind == "increment":
        lines.append(
            f"The paper's percentages are of the added cost alone: ({one.new} - base) / "
            f"({one.old} - base) - 1. Of the whole model they are the line below them."
        )
        if one.printed and one.printed.devices.get("pixel8-edgetpu") == -39.0:
            lines.append(
                "Its headline of 39 % is the Pixel 8's, on the added latency; the whole model "
                f"takes {units.percent(-one.recomputed_whole['pixel8-edgetpu'])} less there."
            )
    else:
        lines.append(
            f"The paper's gain is {one.old} over {one.new}, less one; as a change of the whole "
            "model it is the line below."
        )
    if one.why_not:
        lines.append(f"Here it has no figure: {one.why_not}.")
    return lines


def _warnings(rows: Sequence[AblationRow], write: Write) -> list[Text]:
    lines = []
    for row in rows:
        if row.tainted:
            lines.append(write(f"* {row.model} is tainted: {'; '.join(row.tainted)}", "yellow"))
        if row.why_not:
            lines.append(write(f"{row.model}: {row.why_not}", "yellow"))
        elif row.placement not in ("full", "partial"):
            lines.append(
                write(f"{row.model}: placement {row.placement}; where it ran is unknown", "yellow")
            )
    return lines

"""Rooflines as text: layers by block, ridge points by device, models over the sweep."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Placed, RidgeFit, Roofline, Rooflines
from mnv4bench.render.terminal import View, Write, left_out, plain_table

SHOWN_RIDGES = (0.0, 5.0, 50.0, 100.0, 250.0, 500.0)


def layers(found: Rooflines) -> View:
    """Each network's blocks: work, traffic, intensity, share of the time."""

    def build(write: Write) -> RenderableType:
        return Group(*(part for one in found.rooflines for part in _network(one, write)))

    return View(build)


def _network(one: Roofline, write: Write) -> list[RenderableType]:
    blocks = list(dict.fromkeys(row.layer.block for row in one.layers))
    table = plain_table(
        write,
        ("Block", "left"),
        ("Layers", "right"),
        ("MACs", "right"),
        ("Bytes", "right"),
        ("MACs/byte", "right"),
        ("Time", "right"),
        ("of it waiting for memory", "right"),
        names=blocks,
        title=write(
            f"{one.model} at {one.input_px} px in {one.precision}, on a ridge point of "
            f"{one.ridge_macs_per_byte:.1f} MACs/byte",
            "bold",
        ),
    )
    for block in blocks:
        rows = [row for row in one.layers if row.layer.block == block]
        table.add_row(write(block), *_cells(rows, write))
    table.add_section()
    table.add_row(write("all", "bold"), *_cells(one.layers, write))
    notes = [
        f"By the model of the paper's section 3, not measured: "
        f"{units.percent(one.memory_bound_share)} of the time waits for memory."
    ]
    if one.unexplained:
        notes.append(
            f"It has {', '.join(one.unexplained)}: what runtimes make of these, the model "
            "does not see."
        )
    return [table, *(write(note, "dim") for note in notes), Text("")]


def _cells(rows: Sequence[Placed], write: Write) -> list[Text]:
    macs = sum(row.layer.macs for row in rows)
    moved = sum(row.moved_bytes for row in rows)
    share = sum(row.share for row in rows)
    waiting = sum(row.share for row in rows if row.bound == "memory")
    return [
        write(str(len(rows))),
        write(units.count(macs)),
        write(units.size(moved)),
        write(f"{macs / moved:.1f}"),
        write(units.percent(share)),
        write(units.percent(waiting / share)),
    ]


def fitted(found: Rooflines) -> View:
    """The ridge point of each device, beside the paper's."""

    def build(write: Write) -> RenderableType:
        table = plain_table(
            write,
            ("Device", "left"),
            ("Precision", "left"),
            ("Latencies", "left"),
            ("Models", "right"),
            ("Ridge point, MACs/byte", "right"),
            ("Error", "right"),
            ("of MACs alone", "right"),
            ("Rank corr.", "right"),
            ("of MACs alone", "right"),
            ("Paper: ridge, rank corr., of MACs", "left"),
            names=(one.device for one in found.fits),
        )
        for one in found.fits:
            table.add_row(
                write(one.device, "bold"),
                write(one.precision),
                write(one.origin),
                write(str(len(one.models))),
                write(f"{one.ridge_macs_per_byte:.0f} ({one.ridge_low:.0f}..{one.ridge_high:.0f})"),
                write(f"{one.error:.2f}"),
                write(f"{one.error_macs:.2f}"),
                write(f"{one.rank_correlation:.3f}"),
                write(f"{one.rank_correlation_macs:.3f}"),
                write(_paper(one)),
            )
        lines = [
            "Error: root mean square of the logarithm of fitted over known latency. In brackets: "
            "ridge points whose error is at most a tenth larger. Layers read their inputs and "
            "write their outputs; numbers are as wide as the precision.",
        ]
        left = dict.fromkeys(row.model for one in found.fits for row in one.left_out)
        if left:
            lines.append(
                "Left out, since work and traffic do not explain their time: " + ", ".join(left)
            )
        notes = (write(line, "dim") for line in lines)
        return Group(table, *notes, *left_out(found.skipped, write))

    return View(build)


def _paper(one: RidgeFit) -> str:
    if one.paper_ridge is None:
        return "-"
    return (
        f"{one.paper_ridge:.1f}, {one.paper_rank_correlation:.3f}, "
        f"{one.paper_rank_correlation_macs:.3f}"
    )


def swept(found: Rooflines) -> View:
    """Each network's time over the first one's, at a few ridge points."""

    def build(write: Write) -> RenderableType:
        sweep = found.sweep
        assert sweep is not None
        shown = [index for index, one in enumerate(sweep.ridges) if one in SHOWN_RIDGES]
        table = plain_table(
            write,
            ("Model", "left"),
            *((f"{sweep.ridges[index]:.0f}", "right") for index in shown),
            names=(row.model for row in sweep.models),
            title=write(
                f"Time over that of {sweep.reference}, by ridge point in MACs/byte, "
                f"{sweep.precision}",
                "bold",
            ),
        )
        for row in sweep.models:
            table.add_row(
                write(row.model, "bold"),
                *(write(units.ratio(row.relative[index])) for index in shown),
            )
        return Group(table, write("0: memory is free, so only MACs count. Not measured.", "dim"))

    return View(build)

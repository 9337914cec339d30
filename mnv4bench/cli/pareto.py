"""``mnv4bench pareto``: accuracy against latency, who is on the front and who is dominated."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli import published as printed
from mnv4bench.cli.limits import MaxLatencyOption, MinTop1Option, limits
from mnv4bench.cli.reading import (
    AccuracyOption,
    AccuracyTable,
    AsJson,
    FigureWidth,
    Paths,
    WidthOption,
    accuracy_of,
    emit,
    published_accuracies,
    say,
    written,
)
from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.analysis.certainty import Reference
    from mnv4bench.findings import Objective


class OverWhat(StrEnum):
    """What top-1 is drawn over."""

    LATENCY = "latency"
    SIZE = "size"
    PEAK_MEMORY = "peak-memory"
    LOAD_TIME = "load-time"
    INSTRUCTIONS = "instructions"


OBJECTIVES: dict[OverWhat, Objective] = {
    OverWhat.LATENCY: "latency",
    OverWhat.SIZE: "size",
    OverWhat.PEAK_MEMORY: "peak-memory",
    OverWhat.LOAD_TIME: "load-time",
    OverWhat.INSTRUCTIONS: "instructions",
}


def command(
    paths: Paths = None,
    published: Annotated[
        bool,
        typer.Option("--published", help=f"{printed.HELP} With PATHs, beside the measured."),
    ] = False,
    accuracy: AccuracyOption = AccuracyTable.TIMM,
    x: Annotated[
        OverWhat, typer.Option("--x", help="What top-1 is drawn and judged over.")
    ] = OverWhat.LATENCY,
    max_latency: MaxLatencyOption = None,
    min_top1: MinTop1Option = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="COST,TOP1",
            help='Up to where the hypervolume is taken, e.g. "10ms,60". [default: a '
            "doubling and a point beyond the worst model]",
        ),
    ] = None,
    universality: Annotated[
        bool,
        typer.Option(
            "--universality",
            help="Models across devices: where each is on the front, how far from it elsewhere.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write, without a suffix: .svg, .png, .pdf and .json are "
            "added. "
            "[default: pareto, or universality]"
        ),
    ] = None,
    width: WidthOption = FigureWidth.SCREEN,
    as_json: AsJson = False,
) -> None:
    """Draw the accuracy-latency fronts in reports, one panel per device and precision.

    Each model's place comes with how sure it is, from resampling its invocations.

    Example: mnv4bench pareto reports/ --max-latency 5ms
    """
    objective = OBJECTIVES[x]
    kept = limits(max_latency, min_top1, objective)
    corner = _reference(reference, objective)

    from mnv4bench import codec
    from mnv4bench.analysis import pareto
    from mnv4bench.analysis.accuracy import choose
    from mnv4bench.cli.gathering import evaluated, latest
    from mnv4bench.findings import Front, Group, SideBySide, Skipped
    from mnv4bench.models import published_tables

    groups: list[Group] = []
    skipped: list[Skipped] = []
    side: SideBySide | None = None
    paths, names = printed.told_apart(paths, published)
    tables = published_tables.named(names)
    found = None
    if paths or not published:
        found = latest(paths, skipped)
        measured, others = choose(evaluated(paths, skipped, found.artifacts()))
        groups += pareto.latest_groups(found, accuracy_of(accuracy, measured), objective)
        skipped += [*found.superseded(), *others]
    if tables:
        from mnv4bench import profiles

        titles = {profile.device: profile.title for profile in profiles.load_all()[0]}
        for table in tables:
            cells = published_accuracies(accuracy, table.cells)
            groups += pareto.published_groups(cells, titles, objective)
        if objective == "latency":  # which is all that a table prints
            side = printed.beside(found.summaries() if found else (), tables)

    from mnv4bench.analysis.certainty import with_certainty
    from mnv4bench.analysis.universality import across
    from mnv4bench.render import beside, figure, heat_map, spanning, terminal

    groups = [with_certainty(one, reference=corner, limits=kept) for one in groups]
    front = Front(
        groups=tuple(groups),
        skipped=tuple(skipped),
        side_by_side=side,
        limits=kept,
        universality=across(groups) if universality else (),
    )
    if universality:
        stem, pictures = out or Path("universality"), heat_map.draw(front, width.value)
        view = spanning.table
    else:
        stem, pictures = out or Path("pareto"), figure.draw(front, width.value)
        view = terminal.front
    drawn = written(stem, front, pictures, width)
    if as_json:
        emit(codec.encode_json(front))
        return
    say(view(front))
    if side is not None and not universality:
        say(beside.listed(side))
    emit(drawn)


def _reference(text: str | None, objective: Objective) -> Reference | None:
    if text is None:
        return None
    from mnv4bench import units
    from mnv4bench.analysis.certainty import Reference

    times = objective in ("latency", "load-time")
    example = "10ms,60" if times else "100MB,60" if objective != "instructions" else "500M,60"
    cost, _, accuracy = text.partition(",")
    x = units.duration(cost) if times else units.amount(cost)
    try:
        top1 = float(accuracy)
    except ValueError:
        top1 = -1.0
    if x is None or not 0 <= top1 <= 100:
        raise UsageError(
            f'--reference "{text}" is not a value of {objective} with its unit, a comma and a '
            "top-1 in percent.",
            f"--reference {example}",
        )
    return Reference(x, top1)

"""``mnv4bench pareto``: accuracy against latency, who is on the front and who is dominated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnv4bench.cli import published as printed
from mnv4bench.cli.reading import (
    AccuracyOption,
    AccuracyTable,
    AsJson,
    Paths,
    accuracy_of,
    emit,
    published_accuracies,
    say,
    written,
)


def command(
    paths: Paths = None,
    published: Annotated[
        bool,
        typer.Option("--published", help=f"{printed.HELP} With PATHs, beside the measured."),
    ] = False,
    accuracy: AccuracyOption = AccuracyTable.TIMM,
    out: Annotated[
        Path, typer.Option(help="Where to write, without a suffix: .svg, .png and .json are added.")
    ] = Path("pareto"),
    as_json: AsJson = False,
) -> None:
    """Draw the accuracy-latency fronts in reports, one panel per device and precision.

    Example: mnv4bench pareto reports/
    """
    from mnv4bench import codec
    from mnv4bench.analysis import pareto
    from mnv4bench.analysis.accuracy import choose
    from mnv4bench.cli.gathering import evaluated, latest
    from mnv4bench.findings import Front, Group, SideBySide, Skipped
    from mnv4bench.models import published_tables
    from mnv4bench.render import beside, figure, terminal

    groups: list[Group] = []
    skipped: list[Skipped] = []
    side: SideBySide | None = None
    paths, names = printed.told_apart(paths, published)
    tables = published_tables.named(names)
    found = None
    if paths or not published:
        found = latest(paths, skipped)
        measured, others = choose(evaluated(paths, skipped, found.artifacts()))
        groups += pareto.latest_groups(found, accuracy_of(accuracy, measured))
        skipped += [*found.superseded(), *others]
    if tables:
        from mnv4bench import profiles

        titles = {profile.device: profile.title for profile in profiles.load_all()[0]}
        for table in tables:
            cells = published_accuracies(accuracy, table.cells)
            groups += pareto.published_groups(cells, titles)
        side = printed.beside(found.summaries() if found else (), tables)
    front = Front(groups=tuple(groups), skipped=tuple(skipped), side_by_side=side)
    drawn = written(out, front, figure.draw(front))
    if as_json:
        emit(codec.encode_json(front))
        return
    say(terminal.front(front))
    if side is not None:
        say(beside.listed(side))
    emit(f"drawn: {', '.join(str(path) for path in drawn)}")

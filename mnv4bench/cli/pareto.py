"""``mnv4bench pareto``: accuracy against latency, who is on the front and who is dominated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnv4bench.cli.reading import (
    AccuracyOption,
    AccuracyTable,
    AsJson,
    Paths,
    accuracy_of,
    emit,
    say,
    written,
)


def command(
    paths: Paths = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Replay the paper's Table 6; with PATHs, beside what was measured.",
        ),
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
    from mnv4bench.findings import Front, Group, Skipped
    from mnv4bench.render import figure, terminal

    groups: list[Group] = []
    skipped: list[Skipped] = []
    if paths or not published:
        found = latest(paths, skipped)
        measured, others = choose(evaluated(paths, skipped, found.artifacts()))
        groups += pareto.latest_groups(found, accuracy_of(accuracy, measured))
        skipped += [*found.superseded(), *others]
    if published:
        from mnv4bench import profiles
        from mnv4bench.models import published as paper

        titles = {profile.device: profile.title for profile in profiles.load_all()[0]}
        groups += pareto.published_groups(paper.table(), titles)
    front = Front(groups=tuple(groups), skipped=tuple(skipped))
    drawn = written(out, front, figure.draw(front))
    if as_json:
        emit(codec.encode_json(front))
        return
    say(terminal.front(front))
    emit(f"drawn: {', '.join(str(path) for path in drawn)}")

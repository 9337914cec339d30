"""``mnv4bench report``: everything in reports as one page that a person looks through."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnv4bench.cli import published as printed
from mnv4bench.cli.limits import MaxLatencyOption, MinTop1Option, limits
from mnv4bench.cli.reading import (
    AccuracyOption,
    AccuracyTable,
    AsJson,
    Paths,
    accuracy_of,
    emit,
    published_accuracies,
)
from mnv4bench.errors import UsageError


def command(
    paths: Paths = None,
    published: Annotated[
        bool, typer.Option("--published", help=f"{printed.HELP} Drawn in panels of their own.")
    ] = False,
    accuracy: AccuracyOption = AccuracyTable.TIMM,
    max_latency: MaxLatencyOption = None,
    min_top1: MinTop1Option = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    as_json: AsJson = False,
) -> None:
    """Write one HTML page: fronts, models across devices, every measurement with its evidence.

    One file that needs nothing else and asks for nothing on the network: hover, zoom, filter by
    family, device, precision and origin, sort, and open a model to see where and how it ran.
    With --max-latency or --min-top1 it names the best model within them on each device.
    --json prints the same content.

    Example: mnv4bench report reports/ --max-latency 5ms --out report.html
    """
    if not out.name or out.is_dir():
        raise UsageError(f"--out {out} names no file.", "--out report.html")
    kept = limits(max_latency, min_top1)

    from mnv4bench import codec, profiles, store
    from mnv4bench.analysis import pareto
    from mnv4bench.analysis.accuracy import choose
    from mnv4bench.analysis.overview import Material
    from mnv4bench.cli.gathering import evaluated, material, without_collector
    from mnv4bench.findings import Group, Skipped
    from mnv4bench.models import published_tables
    from mnv4bench.render.html import page

    skipped: list[Skipped] = []
    paths, names = printed.told_apart(paths, published)
    tables = published_tables.named(names)
    with without_collector():
        # As with pareto: the published tables alone need no report.
        found = material(paths, skipped) if paths or not tables else Material()
        artifacts = found.latest.artifacts()
        measured, others = choose(evaluated(paths, skipped, artifacts) if artifacts else ())
        panels: list[Group] = []
        if tables:
            titles = {profile.device: profile.title for profile in profiles.load_all()[0]}
            for table in tables:
                cells = published_accuracies(accuracy, table.cells)
                panels += pareto.published_groups(cells, titles)
        whole = found.overview(
            accuracy_of(accuracy, measured),
            published=panels,
            side_by_side=printed.beside(found.latest.summaries(), tables) if tables else None,
            evaluations=tuple(measured.values()),
            skipped=(*skipped, *others),
            limits=kept,
        )
        store.replace_file(out, page.document(whole))
    if as_json:
        emit(codec.encode_json(whole))
        return
    emit(f"written: {out}")

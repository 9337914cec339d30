"""``mnv4bench show``: what was measured, in figures: latencies, and accuracies beside them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli import published as printed
from mnv4bench.cli.drawing import ShownFigure, draw
from mnv4bench.cli.reading import AsJson, FigureWidth, Paths, WidthOption, emit, say
from mnv4bench.cli.tabulating import TableFormat, TableRows, chosen, put, tabulate
from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.cli.spooling import Spool

# Rows of a table; more are no help to anybody, and take a table minutes to lay out.
MOST_ROWS = 1000


def command(
    paths: Paths = None,
    format: Annotated[
        TableFormat | None,
        typer.Option(
            help="What to print or write: a table for people, Markdown to paste, CSV or Parquet to "
            "go on with, or what --json prints.  [default: table, or by the suffix of --out]",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        TableRows, typer.Option(help="Of csv and parquet: one row for each of these.")
    ] = TableRows.MEASUREMENTS,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write instead of printing; of --figure without a suffix: .svg, .png, "
            ".pdf and .json are added.",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        ShownFigure | None,
        typer.Option(
            help="Draw instead: how the samples of each model and invocation are distributed, or "
            "what is left of the speed when the device is warm (run --sustained).",
            show_default=False,
        ),
    ] = None,
    width: WidthOption = FigureWidth.SCREEN,
    published: Annotated[bool, typer.Option("--published", help=printed.HELP)] = False,
    as_json: AsJson = False,
) -> None:
    """List the measurements in reports: latency with its interval, samples, placement, taint.
    Counted instructions stand in a table of their own.

    Accuracies that `mnv4bench eval` measured come first. A measured device that the paper's table
    has, or that of --published, is shown beside it.

    Example: mnv4bench show reports/ --json

    Example: mnv4bench show reports/ --figure distributions --width column
    """
    if figure is not None:
        tabular = {
            "--format": format is not None,
            "--published": published,
            "--rows": rows is not TableRows.MEASUREMENTS,
        }
        for option in (option for option, is_given in tabular.items() if is_given):
            raise UsageError(f"--figure draws, and {option} is about tables.", "one of the two")
        draw(paths, figure, out, width, as_json)
        return
    if width is not FigureWidth.SCREEN:
        raise UsageError(f"--width {width} is of a figure.", "--figure distributions|sustained")
    given, names = printed.told_apart(paths, published)
    how = chosen(format, rows, out, as_json)
    if how in (TableFormat.CSV, TableFormat.PARQUET, TableFormat.MARKDOWN):
        tabulate(given, names, how, rows, out)
    else:
        _show(given, names, how, out)


def _show(paths: Paths, names: tuple[str, ...], how: TableFormat, out: Path | None) -> None:
    from mnv4bench.cli.spooling import Spool

    with Spool() as times, Spool() as tallies:
        _list(paths, names, how, out, times, tallies)


def _list(
    paths: Paths,
    names: tuple[str, ...],
    how: TableFormat,
    out: Path | None,
    times: Spool,
    tallies: Spool,
) -> None:
    from mnv4bench import codec, units
    from mnv4bench.analysis import counts, stats
    from mnv4bench.analysis.latest import Latest
    from mnv4bench.cli.gathering import evaluated, reports
    from mnv4bench.cli.spooling import with_elements
    from mnv4bench.findings import Shown, Skipped, Summary, Tally
    from mnv4bench.models import published_tables
    from mnv4bench.render import accuracies, beside, terminal
    from mnv4bench.render import counts as counted_view

    tables = published_tables.named(names) if names else (published_tables.paper(),)
    as_json = how is TableFormat.JSON
    measured: list[Summary] = []
    latest = Latest()
    counted: list[Tally] = []
    others = 0  # that the tables have no room for
    skipped: list[Skipped] = []
    not_evaluated: list[Skipped] = []
    found = tuple(evaluated(paths, not_evaluated))
    for report in reports(paths, skipped, required=not found):
        for one in report.measurements:
            if summary := stats.summarise(report, one):
                latest.offer(summary)
                if as_json:
                    times.add(summary)
                elif len(measured) < MOST_ROWS:
                    measured.append(summary)
                else:
                    others += 1
            elif tally := counts.tally(report, one):
                if as_json:
                    tallies.add(tally)
                elif len(counted) < MOST_ROWS:
                    counted.append(tally)
                else:
                    others += 1
            elif failure := stats.unmeasured(report, one):
                reason = f"{failure.model}: {failure.reason}"
                skipped.append(Skipped(path=failure.report, reason=reason))
    side = printed.beside(latest.summaries(), tables)
    shown = Shown(
        measurements=(*measured, *counted),
        evaluations=found,
        skipped=(*skipped, *not_evaluated),
        # The paper is not asked for: where it has none of the devices, nothing is said of it.
        side_by_side=side if names or side.rows or side.unmatched else None,
    )
    if as_json:
        written = codec.encode_json(shown)
        put(chain(with_elements(written, "measurements", (times, tallies)), ("\n",)), out)
        return
    if found:
        say(accuracies.listed(found))
    if counted:
        say(counted_view.listed(counted))
    if measured or shown.skipped or not (found or counted):
        say(terminal.shown(shown))
    if others:
        emit(
            f"Not listed: {units.plural(others, 'more measurement')}, read after these (the "
            "newest reports of a folder come first); --format csv and --json have all."
        )
    if shown.side_by_side is not None:
        say(beside.listed(shown.side_by_side))

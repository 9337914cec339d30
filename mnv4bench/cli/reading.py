"""What the reading verbs share: the arguments, and reports under paths as summaries."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.errors import BadFile, BenchError, NotMeasured

if TYPE_CHECKING:  # these are imported when a verb reads, not when the program starts
    from rich.console import RenderableType

    from mnv4bench.findings import Skipped, Summary
    from mnv4bench.records import Accuracy, Report

DEFAULT_REPORTS = Path("reports")
WIDTH_ELSEWHERE = 140  # characters; logs have no terminal to ask

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Reports, or directories of reports. [default: reports]", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class AccuracyTable(StrEnum):
    """Which published accuracies a front is drawn with."""

    TIMM = "timm"
    PAPER = "paper"


AccuracyOption = Annotated[
    AccuracyTable,
    typer.Option(
        help="Whose published top-1 to draw: timm's results (every model, one evaluator) "
        "or the paper's Table 6."
    ),
]


def reports(paths: list[Path] | None, skipped: list[Skipped]) -> Iterator[Report]:
    """The reports under ``paths``, one at a time; those that cannot be read go to ``skipped``.

    Raises BadFile when there were files and not one could be read, NotMeasured when there is no
    report at all.
    """
    from mnv4bench import store
    from mnv4bench.findings import Skipped

    asked = paths or [DEFAULT_REPORTS]
    found = 0
    with _without_collector():
        for path, report in store.walk(asked):
            if isinstance(report, BenchError):
                skipped.append(Skipped(path=str(path), reason=str(report.what)))
            else:
                found += 1
                yield report
    if found:
        return
    where = ", ".join(str(path) for path in asked)
    if skipped:
        reasons = "\n".join(f"  {item.reason}" for item in skipped[:20])
        raise BadFile(f"no report could be read from {where}:\n{reasons}")
    raise NotMeasured(f"{where} holds no report.", "mnv4bench run measures this machine")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Reports hold no cycles; looking for some among millions of samples took half of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def say(view: RenderableType) -> None:
    """Print a table on stdout, at the terminal's width; elsewhere (CI, a pipe) wide enough."""
    import os

    from rich.console import Console

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_ELSEWHERE
    console.print(view)


def accuracy_of(table: AccuracyTable) -> Callable[[Summary], Accuracy | None]:
    """The look-up that a front needs, bound to one published table."""
    from mnv4bench.models import accuracies

    def look_up(summary: Summary) -> Accuracy | None:
        return accuracies.choose(summary.model, summary.input_px, table.value, summary.weights)

    return look_up

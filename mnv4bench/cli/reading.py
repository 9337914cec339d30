"""What the reading verbs share: their arguments, the accuracies, and how a table is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnv4bench.errors import UsageError

if TYPE_CHECKING:  # these are imported when a verb reads, not when the program starts
    from rich.console import RenderableType

    from mnv4bench.analysis.latest import Candidate
    from mnv4bench.analysis.pareto import AccuracyOf
    from mnv4bench.findings import Evaluated
    from mnv4bench.records import Accuracy, PublishedLatency

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
    """What a front is drawn with where nothing was measured on the file itself."""

    TIMM = "timm"
    PAPER = "paper"
    MEASURED = "measured"


# What each word names among published accuracies.
_PUBLISHED: dict[AccuracyTable, Literal["timm", "paper"]] = {
    AccuracyTable.TIMM: "timm",
    AccuracyTable.PAPER: "paper",
}

AccuracyOption = Annotated[
    AccuracyTable,
    typer.Option(
        help="Whose published top-1 to draw where none was measured with `mnv4bench eval`: timm's "
        "results (every model, one evaluator), the paper's Table 6, or none (measured)."
    ),
]


class FigureWidth(StrEnum):
    """What a figure is as wide as; render.page.Width."""

    SCREEN = "screen"
    COLUMN = "column"
    PAGE = "page"


WidthOption = Annotated[
    FigureWidth,
    typer.Option(
        help="For a screen, or for print: as wide as a column or a page of a two-column paper."
    ),
]


def say(view: RenderableType) -> None:
    """Print a table on stdout, at the terminal's width; elsewhere (CI, a pipe) wide enough."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_ELSEWHERE
    with console.capture() as captured:
        console.print(view)
    emit(captured.get().rstrip("\n"))


def written(stem: Path, finding: object, pictures: Mapping[str, bytes], width: FigureWidth) -> str:
    """Writes the pictures, and the same content as JSON for whoever wants to draw it otherwise.

    Returns the sentence that says where they lie and, of printed ones, how large they are.
    """
    from mnv4bench import codec, store, units
    from mnv4bench.render import page

    if not stem.name:
        raise UsageError(f"--out {stem} names no file.", "--out FILE")
    # The JSON first: it is the one that may hit upon a report.
    files = {"json": f"{codec.encode_json(finding)}\n".encode(), **pictures}
    for suffix, data in files.items():
        store.replace_file(stem.with_name(f"{stem.name}.{suffix}"), data)
    suffixes = [*pictures, "json"]
    text = f"drawn: {', '.join(str(stem.with_name(f'{stem.name}.{one}')) for one in suffixes)}"
    if width is FigureWidth.SCREEN:
        return text
    wide, high = page.inches(pictures["svg"])
    text += f"; {units.plain(wide)} by {units.plain(high)} in"
    if high > page.PRINTED_HEIGHT:
        text += ", more than a page is high: draw less at once to print it whole"
    return text


def emit(text: str, end: str = "\n") -> None:
    """Print on stdout. A reader that has seen enough (`| head`) is no error, nor status 1."""
    try:
        print(text, end=end)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def accuracy_of(table: AccuracyTable, measured: Mapping[str, Evaluated]) -> AccuracyOf:
    """The look-up that a front needs: what was measured, by digest, else one published table."""
    from mnv4bench.models import accuracies

    published = _PUBLISHED.get(table)

    def look_up(one: Candidate) -> Evaluated | Accuracy | None:
        if own := measured.get(one.artifact_sha256):
            return own
        if published is None:
            return None
        return accuracies.choose(one.model, one.input_px, published, one.weights)

    return look_up


def published_accuracies(
    table: AccuracyTable, cells: Iterable[PublishedLatency]
) -> tuple[PublishedLatency, ...]:
    """Published latencies, with ``table``'s accuracy where their own table prints none."""
    from mnv4bench.models import published_tables

    if source := _PUBLISHED.get(table):
        return published_tables.with_accuracies(cells, source)
    return tuple(cells)

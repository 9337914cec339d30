"""Findings as tables on a terminal.

Knows: columns, colours and what a reader must be warned of. Does not know: how a figure was
reached. Every function returns a rich renderable; colour, width and box drawing are the console's
choice (NO_COLOR, a pipe and an ASCII terminal are honoured by rich itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Catalog, Front, Limits, Shown, Skipped, Summary
from mnv4bench.findings import Group as FrontGroup
from mnv4bench.render import front_notes, front_rows, placement, speeds
from mnv4bench.render.untrusted import visible

# More lines than this hide the table above them; --json has them all.
MAX_SKIPPED_LINES = 8

MEANS = (
    "Each value is the mean of one invocation's inferences; the benchmark program gives no single "
    "ones, so there is no p90."
)

_ASCII = str.maketrans({"±": "+-", "×": "x", "µ": "u", "·": "-", "…": "..."})
_TONES = {
    "plain": "",
    "answer": "bold",
    "aside": "dim",
    "warning": "yellow",
    "front": "bold green",
    "dominated": "",
    "excluded": "yellow",
}
PLACEMENT_STYLE = {"full": "", "partial": "yellow", "none": "bold red", "unproven": "yellow"}

# A rule under the headings and nothing else, for a console without line-drawing characters.
_ASCII_BOX = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
# A name this wide stays on one line even when the last column has to fold.
NAME_WIDTH = 24


class Write:
    """Text that is safe to show, in the characters that the console has."""

    def __init__(self, ascii_only: bool) -> None:
        self.box = _ASCII_BOX if ascii_only else box.SIMPLE_HEAD
        self._ascii_only = ascii_only

    def __call__(self, text: str, style: str = "") -> Text:
        safe = visible(text)
        if self._ascii_only:
            safe = safe.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
        return Text(safe, style=style, overflow="fold")


class View:
    """A renderable that is built once it is known what characters the console can show."""

    def __init__(self, build: Callable[[Write], RenderableType]) -> None:
        self._build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._build(Write(options.ascii_only))


def plain_table(
    write: Write, *columns: tuple[str, str], names: Iterable[str], title: Text | None = None
) -> Table:
    """Columns are (heading, "left" | "right"); ``names`` fill the first one."""
    table = Table(
        box=write.box,
        title=title,
        title_justify="left",
        title_style="",
        pad_edge=False,
        show_edge=False,
    )
    widest = min(NAME_WIDTH, max((len(name) for name in names), default=0))
    for index, (heading, side) in enumerate(columns):
        table.add_column(
            Text(heading),
            justify="right" if side == "right" else "left",
            overflow="fold",
            min_width=None if index else max(widest, len(heading)),
        )
    return table


# --- models -----------------------------------------------------------------------------------


def models(catalog: Catalog) -> View:
    """Every model with its size, work and known accuracies."""

    def build(write: Write) -> RenderableType:
        table = plain_table(
            write,
            ("Model", "left"),
            ("Family", "left"),
            ("Input", "right"),
            ("Params", "right"),
            ("MACs", "right"),
            ("Top-1 (source, at input)", "left"),
            names=(entry.model for entry in catalog.models),
        )
        for entry in catalog.models:
            known = ", ".join(
                f"{units.top1(one.top1)} ({one.source}, {one.input_px})" for one in entry.accuracies
            )
            table.add_row(
                write(entry.model, "bold"),
                write(entry.family),
                write(str(entry.input_px)),
                write(units.count(entry.params)),
                write(units.count(entry.macs)),
                write(known) if known else write("none known", "dim"),
            )
        return table

    return View(build)


# --- measurements -----------------------------------------------------------------------------


def _place(one: Summary) -> tuple[str, ...]:
    return (one.device, one.precision, one.format, one.origin, one.environment)


def shown(found: Shown) -> View:
    """Every latency that was measured, by device, precision, format and environment."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = []
        timed = [one for one in found.measurements if isinstance(one, Summary)]
        for _, alike in groupby(sorted(timed, key=_place), key=_place):
            parts.append(_measurements(list(alike), write))
        if not parts:
            parts.append(write("No measurements."))
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def _measurements(alike: Sequence[Summary], write: Write) -> RenderableType:
    first = alike[0]
    beside = speeds.columns(alike)
    columns = [("Model", "left"), ("Median", "right"), ("Interval", "right"), ("p90", "right")]
    columns[2:2] = [(title, "right") for title, _ in beside]
    columns += [("Inv.", "right"), ("Samples", "right"), ("Placement", "left")]
    table = plain_table(
        write,
        *columns,
        names=(one.model for one in alike),
        title=heading(write, first.device, first.origin, (first.precision, first.format)),
    )
    warnings: list[Text] = []
    for one in sorted(alike, key=lambda one: (one.latency_s, one.model, one.report)):
        table.add_row(*_measurement_row(one, [told(one) for _, told in beside], write))
        if one.tainted:
            reasons = "; ".join(one.tainted)
            warnings.append(write(f"* {one.model} is tainted: {reasons}", "yellow"))
        warnings += [write(line, "yellow") for line in placement.doubts(one)]
    notes = [write(first.machine, "dim")]
    kinds = sorted({one.weights.text for one in alike})
    notes.append(write(f"Weights: {', '.join(kinds)}.", "dim"))
    level = min((one.confidence for one in alike if one.low_s is not None), default=None)
    if level is not None:
        notes.append(
            write(
                "Interval: order statistics of the invocations' medians, "
                f"{units.percent(level)} confidence or more.",
                "dim",
            )
        )
    if any(one.inferences_per_value > 1 for one in alike):
        notes.append(write(MEANS, "dim"))
    notes += [write(line, "dim") for line in speeds.notes(alike)]
    notes += [write(line, "yellow") for line in front_notes.calibrations(alike)]
    return Group(table, Padding(Group(*notes, *warnings), (0, 0, 1, 0)))


def _measurement_row(one: Summary, beside: Sequence[str], write: Write) -> list[Text]:
    low, high = one.low_s, one.high_s
    width = units.half_width(one.latency_s, low, high) if low and high else None
    invocations = f"{one.invocations:,}"
    if one.invocations_tainted:
        invocations += f" of {one.invocations + one.invocations_tainted:,}"
    name = f"{one.model} @{one.chosen_shapes}" if one.chosen_shapes else one.model
    no_p90 = "none" if one.inferences_per_value > 1 else "too few"
    cells = [
        write(name + (" *" if one.tainted else ""), "yellow" if one.tainted else ""),
        write(units.seconds(one.latency_s, width)),
        write(units.spread(one.latency_s, low, high)) if width is not None else write("none"),
        write(units.seconds(one.p90_s)) if one.p90_s else write(no_p90, "dim"),
        write(invocations),
        write(f"{one.samples:,}"),
        write(one.placement, PLACEMENT_STYLE[one.placement]),
    ]
    cells[2:2] = [write(told) if told else write("-", "dim") for told in beside]
    return cells


def heading(write: Write, device: str, origin: str, rest: Sequence[str]) -> Text:
    return Text.assemble(
        write(device, "bold"), write(f"  {', '.join(rest)}  "), write(origin.upper(), "bold cyan")
    )


# --- fronts -----------------------------------------------------------------------------------


def front(found: Front) -> View:
    """Every group: who is on the front, who is dominated by whom, who is excluded and why."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = [_front(group, found.limits, write) for group in found.groups]
        if not parts:
            parts.append(write("Nothing to compare: no measurement was found."))
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def _front(group: FrontGroup, limits: Limits | None, write: Write) -> RenderableType:
    table = plain_table(
        write,
        *front_rows.columns(group),
        names=(one.model for one in group.points[: front_rows.MOST_ROWS]),
        title=heading(write, group.device, group.origin, (group.precision,)),
    )
    for cells in front_rows.rows(group):
        pieces = [[write(one.text, _TONES[one.tone]) for one in cell] for cell in cells]
        table.add_row(*(Text.assemble(*cell, overflow="fold") for cell in pieces))
    said = [write(line) for line in front_rows.not_listed(len(group.points))]
    said += [write(one.text, _TONES[one.tone]) for one in front_notes.notes(group, limits)]
    return Group(table, Padding(Group(*said), (0, 0, 1, 0)))


# --- what was left out ------------------------------------------------------------------------


def left_out(found: Sequence[Skipped], write: Write) -> list[Text]:
    """What was found and not used, with the sentence why."""
    if not found:
        return []
    lines = [write(""), write(f"Not used ({len(found):,}):", "bold")]
    lines += [write(f"  {one.path}: {one.reason}") for one in found[:MAX_SKIPPED_LINES]]
    if len(found) > MAX_SKIPPED_LINES:
        lines.append(write(f"  and {len(found) - MAX_SKIPPED_LINES:,} more; --json lists them all"))
    return lines

"""Measured accuracies as tables on a terminal, and two files compared.

Knows: what a reader must be told with an accuracy: on what, through what, how sure. Does not know:
how it was measured or reckoned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import Accuracies, Comparison, Evaluated
from mnv4bench.records import Preprocessing
from mnv4bench.render.terminal import View, Write, plain_table

# More names than this hide the table above them; --json has them all.
MAX_UNREADABLE_LINES = 8


def accuracies(found: Accuracies) -> View:
    """What ``eval`` ends with."""

    def build(write: Write) -> RenderableType:
        parts = _tables(found.evaluations, write)
        if found.comparison is not None:
            parts.append(Group(*_compared(found.comparison, write)))
        return Group(*parts)

    return View(build)


def listed(evaluations: Sequence[Evaluated]) -> View:
    """Every evaluation, a table for each data set."""
    return View(lambda write: Group(*_tables(evaluations, write)))


def _dataset(one: Evaluated) -> tuple[str, str]:
    return (one.dataset, one.dataset_sha256)


def _tables(evaluations: Sequence[Evaluated], write: Write) -> list[RenderableType]:
    ordered = sorted(evaluations, key=_dataset)
    return [_table_of(list(alike), write) for _, alike in groupby(ordered, key=_dataset)]


def _table_of(alike: Sequence[Evaluated], write: Write) -> RenderableType:
    first = alike[0]
    title = Text.assemble(
        write(f"accuracy on {first.dataset}", "bold"),
        write(f"  {units.plural(first.images + len(first.unreadable), 'image')}  "),
        write("MEASURED", "bold cyan"),
    )
    grid = plain_table(
        write,
        ("File", "left"),
        ("Top-1", "right"),
        ("Interval", "right"),
        ("Top-5", "right"),
        ("Interval", "right"),
        names=(_name(one) for one in alike),
        title=title,
    )
    for one in alike:
        grid.add_row(
            write(_name(one), "bold"),
            write(units.top1(one.top1)),
            write(units.top1_interval(one.top1_low, one.top1_high)),
            write(units.top1(one.top5) if one.top5 is not None else "-"),
            write(_top5_interval(one)),
        )
    return Group(grid, Padding(Group(*_notes(alike, write)), (0, 0, 1, 0)))


def _top5_interval(one: Evaluated) -> str:
    if one.top5_low is None or one.top5_high is None:
        return "-"
    return units.top1_interval(one.top5_low, one.top5_high)


def _name(one: Evaluated) -> str:
    return f"{one.model} {one.format} {one.precision}"


def _notes(alike: Sequence[Evaluated], write: Write) -> list[Text]:
    first = alike[0]
    runtimes = sorted({one.runtime for one in alike})
    notes = [
        f"{', '.join(runtimes)}; labels by {first.numbering}; digest {first.dataset_sha256[:12]}",
        *sorted({f"Images: {preprocessing(one.preprocessing)}." for one in alike}),
        f"Interval: Wilson's, {units.percent(first.confidence)} confidence.",
    ]
    lines = [write(f"Weights: {text}.", "dim") for text in _whose(alike)]
    lines += [write(note, "dim") for note in notes]
    for one in alike:
        if one.calibration:
            how = one.calibration
            lines.append(write(f"{how[0].upper()}{how[1:]}: {_name(one)}.", "yellow"))
    # Files share the images, not always the reasons: each image once.
    unreadable = list({image.name: image for one in alike for image in one.unreadable}.values())
    if unreadable:
        lines.append(
            write(
                f"Not read ({len(unreadable):,}), and counted neither as right nor as wrong:",
                "yellow",
            )
        )
        shown = unreadable[:MAX_UNREADABLE_LINES]
        lines += [write(f"  {one.name}: {one.reason}", "yellow") for one in shown]
        more = len(unreadable) - len(shown)
        if more:
            lines.append(write(f"  and {more:,} more; --json lists them all", "yellow"))
    return lines


def _whose(alike: Sequence[Evaluated]) -> list[str]:
    """The weights; of several, with the files that have them."""
    names: dict[str, list[str]] = defaultdict(list)
    for one in alike:
        names[one.weights.text].append(_name(one))
    if len(names) == 1:
        return list(names)
    return [f"{text} ({', '.join(files)})" for text, files in sorted(names.items())]


def preprocessing(how: Preprocessing) -> str:
    """``"256 pixels, bicubic, centre 224 (timm TAG)"``"""
    return (
        f"shorter side {how.resize_px} pixels, {how.interpolation}, centre {how.crop_px}, "
        f"mean {_channels(how.mean)}, std {_channels(how.std)} ({how.source})"
    )


def _channels(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _compared(found: Comparison, write: Write) -> list[Text]:
    interval = f"{units.points(found.low)}..{units.points(found.high)}"
    chance = "beyond chance" if found.p_value < 1 - found.confidence else "within chance"
    return [
        write(f"{found.second} less {found.first}", "bold"),
        write(
            f"top-1 {units.points(found.difference)} points, {interval} at "
            f"{units.percent(found.confidence)} confidence; {chance} "
            f"(McNemar's exact test, {units.p_value(found.p_value)})",
            "" if chance == "within chance" else "yellow",
        ),
        write(
            f"of {units.plural(found.images, 'image')}: both right {found.both_right:,}, only the "
            f"first {found.only_first:,}, only the second {found.only_second:,}, neither "
            f"{found.neither:,}",
            "dim",
        ),
    ]

"""``show --figure``: distributions of latencies, and burst against sustained, as pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from mnv4bench.cli.reading import DEFAULT_REPORTS, FigureWidth, emit, say, written
from mnv4bench.errors import NotMeasured, UsageError


class ShownFigure(StrEnum):
    """What ``show`` draws."""

    DISTRIBUTIONS = "distributions"
    SUSTAINED = "sustained"


_SUFFIXES = (".svg", ".png", ".pdf", ".json")


def draw(
    paths: list[Path] | None,
    figure: ShownFigure,
    out: Path | None,
    width: FigureWidth,
    as_json: bool,
) -> None:
    """Draw the latest measurements under ``paths`` and say where the pictures lie.

    Raises NotMeasured where there is nothing of what was asked for, UsageError for an ``out`` with
    the suffix of one of the files.
    """
    if out is not None and out.suffix.lower() in _SUFFIXES:
        raise UsageError(
            f"--out {out}: a figure is written as {', '.join(_SUFFIXES)}, all beside each other.",
            f"--out {out.with_suffix('')}",
        )
    from rich.console import Group

    from mnv4bench import codec
    from mnv4bench.analysis.shapes import sustained_only
    from mnv4bench.cli.gathering import shapes
    from mnv4bench.findings import Skipped
    from mnv4bench.render import clouds, terminal, warmth

    skipped: list[Skipped] = []
    found = shapes(paths, skipped).shapes(skipped)
    where = ", ".join(str(path) for path in paths or [DEFAULT_REPORTS])
    if not found.groups:
        raise NotMeasured(f"no report under {where} has latencies to draw.", "mnv4bench run")
    if figure is ShownFigure.SUSTAINED:
        found = sustained_only(found)
        if not found.groups:
            raise NotMeasured(
                f"no latest measurement under {where} was run back to back, so what is left of "
                "the speed is unknown.",
                "mnv4bench run --sustained 60",
            )
        pictures = warmth.draw(found, width.value)
    else:
        pictures = clouds.draw(found, width.value)
    drawn = written(out or Path(figure.value), found, pictures, width)
    if as_json:
        emit(codec.encode_json(found))
        return
    if found.skipped:
        say(terminal.View(lambda write: Group(*terminal.left_out(found.skipped, write))))
    emit(drawn)

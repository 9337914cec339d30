"""What every figure here is put together from: the style, text on a page, the legend, the files.

Knows: points from the top left corner of a page. Does not know: what is drawn on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mnv4bench.render import typeface
from mnv4bench.render.palette import INK

MARGIN = 14.0
LEGEND_SIZE = 7.0
LEGEND_ROW = 12.5
LEGEND_GAP = 12.0
PIXELS_PER_INCH = 200  # of print at column width; a screen shows it sharp at twice its size

STYLE: Any = {  # matplotlib types the keys as one huge literal
    "font.family": typeface.FAMILY,
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "svg.hashsalt": "mnv4bench",  # and the same front gives the same bytes
    "axes.unicode_minus": False,
}


_SAVING: dict[str, Any] = {
    "svg": {"dpi": 72, "metadata": {"Date": None}},
    # Level 3 takes half of the time of the usual 6 for a file of the same size.
    "png": {"dpi": PIXELS_PER_INCH, "pil_kwargs": {"compress_level": 3}},
}


def files(compose: Callable[[], Figure]) -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ...}."""
    with rc_context(STYLE):
        figure = compose()
        found = {}
        for suffix, options in _SAVING.items():
            data = BytesIO()
            figure.savefig(data, format=suffix, **options)
            found[suffix] = data.getvalue()
    return found


def columns_of(count: int) -> int:
    """Up to three abreast; four make a square."""
    return 2 if count == 4 else max(1, min(3, count))


class Pen:
    """Writes one line of text on a figure; points from the top left corner, y is the baseline."""

    def __init__(self, figure: Figure, height: float) -> None:
        self.figure, self.height = figure, height

    def __call__(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        align: str = "left",
        weight: str = "normal",
    ) -> None:
        page = self.figure.bbox
        self.figure.text(
            x / page.width,
            1 - y / page.height,
            text,
            size=size,
            color=colour,
            ha=align,
            va="baseline",
            weight=weight,
            parse_math=False,
        )


Entry = tuple[str, Line2D, float]  # text, its sample, the sample's width


def flow(blocks: Sequence[Sequence[Entry]], room: float) -> list[list[tuple[float, Entry]]]:
    """Rows of (x, entry), each block on a new row."""
    rows: list[list[tuple[float, Entry]]] = []
    for block in blocks:
        x = room + 1
        for entry in block:
            wide = entry[2] + 5 + typeface.width(entry[0], LEGEND_SIZE)
            if x > 0 and x + wide > room:
                rows.append([])
                x = 0.0
            rows[-1].append((x, entry))
            x += wide + LEGEND_GAP
    return rows


def draw_legend(write: Pen, rows: Sequence[Sequence[tuple[float, Entry]]], y: float) -> None:
    """On the page from ``y`` downwards."""
    page = write.figure.bbox
    for row in rows:
        for x, (text, sample, wide) in row:
            left, middle = MARGIN + x, y - LEGEND_SIZE * typeface.CAP_HEIGHT / 2
            ends = [left, left + wide] if sample.get_linestyle() != "None" else [left + wide / 2]
            sample.set_data(
                [end / page.width for end in ends], [1 - middle / page.height] * len(ends)
            )
            sample.set_transform(write.figure.transFigure)
            write.figure.add_artist(sample)
            write(left + wide + 5, y, text, LEGEND_SIZE, INK)
        y += LEGEND_ROW

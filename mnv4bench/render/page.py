"""What every figure here is put together from: the style, text on a page, the legend, the files.

Knows: points from the top left corner of a page. Does not know: what is drawn on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from mnv4bench.render import typeface
from mnv4bench.render.palette import INK

MARGIN = 14.0
LEGEND_SIZE = 7.0
LEGEND_ROW = 12.5
LEGEND_GAP = 12.0
PRINTED_PIXELS = 300  # what publishers ask for of pictures in pixels
PIXELS_PER_INCH = 200  # of print at column width; a screen shows it sharp at twice its size

# "screen" is as wide as its panels ask for; the others are printed as they are, unscaled.
Width = Literal["screen", "column", "page"]
# Points. The narrowest of the usual templates (CVPR 3.25 and 6.875 in; ACM and IEEE are wider).
_PRINTED: dict[Width, float] = {"column": 234.0, "page": 495.0}
# A paper has margins of its own: of the figure's, so much is left there.
PRINTED_MARGIN = 2.0

STYLE: Any = {  # matplotlib types the keys as one huge literal
    "font.family": typeface.FAMILY,
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "svg.hashsalt": "mnv4bench",  # and the same front gives the same bytes
    # Publishers refuse Type 3 fonts; 42 embeds what is used of a font as TrueType.
    "pdf.fonttype": 42,
    "axes.unicode_minus": False,
}


_SAVING: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    # Level 3 takes half of the time of the usual 6 for a file of the same size.
    "png": {"pil_kwargs": {"compress_level": 3}},
    "pdf": {"metadata": {"CreationDate": None}},
}
SUFFIXES = tuple(_SAVING)


def files(compose: Callable[[], Figure], width: Width = "screen") -> dict[str, bytes]:
    """The figure as whole files, by suffix: {"svg": ..., "png": ..., "pdf": ...}.

    The same figure gives the same bytes. For print its margins are cut down to the paper's.
    """
    with rc_context(STYLE):
        figure = compose()
        cut: dict[str, Any] = {}
        if width != "screen":
            wide, high = figure.get_size_inches()
            margin = (MARGIN - PRINTED_MARGIN) / 72
            cut["bbox_inches"] = Bbox.from_extents(margin, margin, wide - margin, high - margin)
        found = {}
        for suffix, options in _SAVING.items():
            data = BytesIO()
            dpi = PIXELS_PER_INCH if width == "screen" else PRINTED_PIXELS
            figure.savefig(
                data, format=suffix, dpi=dpi if suffix == "png" else 72, **options, **cut
            )
            found[suffix] = data.getvalue()
    return found


def printed_room(width: Width) -> float | None:
    """Points between the margins of a printed figure; None for the screen, which has no limit."""
    return None if width == "screen" else _PRINTED[width] - 2 * PRINTED_MARGIN


def columns_of(count: int) -> int:
    """Up to three abreast; four make a square."""
    return 2 if count == 4 else max(1, min(3, count))


def grid(
    count: int,
    width: Width,
    *,
    lone: tuple[float, float],
    shared: tuple[float, float],
    gutter: float,
) -> tuple[int, float, float]:
    """(panels abreast, their width, their height) for ``count`` panels, in points.

    ``lone`` and ``shared`` are sizes on the screen, of a panel alone and of one among several.
    """
    room = printed_room(width)
    if room is None:
        return columns_of(count), *(lone if count <= 1 else shared)
    columns = 1 if width == "column" or count <= 1 else 2
    wide = (room - (columns - 1) * gutter) / columns
    # The narrower a panel, the less of its height may go: its names need their lines.
    return columns, wide, max(wide * 0.55, min(shared[1], wide * 0.8))


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

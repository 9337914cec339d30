"""What every figure here is put together from: the style, text on a page, the legend, the files.

Knows: points from the top left corner of a page. Does not know: what is drawn on it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from mnv4bench import units
from mnv4bench.render import typeface
from mnv4bench.render.palette import FRAME, GREY, INK, WHITE
from mnv4bench.render.words import LINE_SPACING, TEXT_SIZE, TITLE_SIZE

MARGIN = 14.0
LEGEND_SIZE = 7.0
LEGEND_ROW = 12.5
LEGEND_GAP = 12.0
MAX_PANELS = 24  # more make a picture that no page holds; the JSON beside has all
PRINTED_PIXELS = 300  # what publishers ask for of pictures in pixels
PIXELS_PER_INCH = 200  # of print at column width; a screen shows it sharp at twice its size

# "screen" is as wide as its panels ask for; the others are printed as they are, unscaled.
Width = Literal["screen", "column", "page"]
# Points. The narrowest of the usual templates (CVPR 3.25 and 6.875 in; ACM and IEEE are wider).
_PRINTED: dict[Width, float] = {"column": 234.0, "page": 495.0}
PRINTED_HEIGHT = 9.0  # inches of text on a page of such a paper (CVPR: 8.875)
# A paper has margins of its own: of the figure's, so much is left there.
PRINTED_MARGIN = 2.0

STYLE: Any = {  # matplotlib types the keys as one huge literal
    # The generic name goes into the SVG, for readers who have not got the font.
    "font.family": "sans-serif",
    "font.sans-serif": [typeface.FAMILY],
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

    The same figure gives the same bytes. For print its margins are cut down to the paper's. Letters
    that the font lacks are boxes in PNG and PDF.
    """
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
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


def inches(svg: bytes) -> tuple[float, float]:
    """(width, height) of a figure as ``files`` gives it, to a hundredth."""
    found = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found
    return round(float(found[1]) / 72, 2), round(float(found[2]) / 72, 2)


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
    abreast: int = 2,
) -> tuple[int, float, float]:
    """(panels abreast, their width, their height) for ``count`` panels, in points.

    ``lone`` and ``shared`` are sizes on the screen, of a panel alone and of one among several;
    ``abreast`` is how many may share the width of a printed page.
    """
    room = printed_room(width)
    if room is None:
        return columns_of(count), *(lone if count <= 1 else shared)
    columns = 1 if width == "column" else min(abreast, columns_of(count))
    wide = (room - (columns - 1) * gutter) / columns
    # The narrower a panel, the less of its height may go: its names need their lines.
    return columns, wide, max(wide * 0.55, min(shared[1], wide * 0.8))


class Pen:
    """A page that is written on; points from the top left corner, y of a text is its baseline."""

    def __init__(self, width: float, height: float) -> None:
        # At 72 dots an inch a pixel is a point.
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=WHITE)
        FigureCanvasAgg(self.figure)

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

    def heading(self, left: float, y: float, lines: Sequence[str]) -> None:
        """A title and lines of facts under it, from ``y`` downwards."""
        title, *facts = lines
        y += TITLE_SIZE * typeface.CAP_HEIGHT
        self(left, y, title, TITLE_SIZE, INK, weight="bold")
        y += 2
        for line in facts:
            y += TEXT_SIZE * LINE_SPACING
            self(left, y, line, TEXT_SIZE, GREY)

    def axes(self, left: float, top: float, wide: float, high: float, *spines: str) -> Axes:
        """Axes with the look of all: of their frame only ``spines``, ticks without strokes."""
        page = self.figure.bbox
        axes = self.figure.add_axes(
            (
                left / page.width,
                1 - (top + high) / page.height,
                wide / page.width,
                high / page.height,
            )
        )
        axes.set_facecolor("none")
        for side, spine in axes.spines.items():
            spine.set_visible(side in spines)
            spine.set_color(FRAME)
            spine.set_linewidth(0.7)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", length=0, labelsize=TEXT_SIZE, labelcolor=GREY, pad=3)
        return axes


Entry = tuple[str, Line2D, float]  # text, its sample, the sample's width


def flow(blocks: Sequence[Sequence[Entry]], room: float) -> list[list[tuple[float, Entry]]]:
    """Rows of (x, entry), each block on a new row; a text too wide for one goes on in the next."""
    rows: list[list[tuple[float, Entry]]] = []
    for block in blocks:
        x = room + 1
        for text, sample, sample_wide in block:
            first, *others = typeface.wrapped(text, LEGEND_SIZE, room - sample_wide - 5)
            wide = sample_wide + 5 + typeface.width(first, LEGEND_SIZE)
            if x > 0 and x + wide > room:
                rows.append([])
                x = 0.0
            rows[-1].append((x, (first, sample, sample_wide)))
            x += wide + LEGEND_GAP
            for line in others:
                rows.append([(0.0, (line, _no_sign(), sample_wide))])
                x = room + 1
    return rows


def _no_sign() -> Line2D:
    return Line2D([], [], linestyle="none")


def beyond(panels: int) -> list[Entry]:
    """A block of the legend: how many of the ``panels`` are not on the page."""
    more = panels - MAX_PANELS
    if more <= 0:
        return []
    return [(f"{units.plural(more, 'more panel')} in the JSON beside.", _no_sign(), 0.0)]


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

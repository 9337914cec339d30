"""Figures of rooflines: on the page at every width, and said to be no measurement."""

import pytest

from mnv4bench.analysis import roofline
from mnv4bench.records import Costs
from mnv4bench.render import roofline_figure
from mnv4bench.render.page import MARGIN, PRINTED_MARGIN, Width
from tests.analysis.test_roofline import BUSY, IDLE

NETWORKS = [(name, Costs((BUSY, IDLE))) for name in (r"$\frac{1}{0}$" + "x" * 60, "two", "three")]


@pytest.mark.parametrize("width", ["screen", "column", "page"])
@pytest.mark.parametrize("kind", ["layers", "sweep"])
def test_every_word_is_on_the_page(width: Width, kind: str) -> None:
    if kind == "layers":
        placed = [roofline.place(name, 224, costs, "int8", 31.0) for name, costs in NETWORKS]
        sheet = roofline_figure._layers(placed, width)
    else:
        ridges = tuple(map(float, (*range(51), *range(75, 501, 25))))
        sheet = roofline_figure._swept(roofline.sweep(NETWORKS, "int8", ridges), width)
    sheet.draw_without_rendering()
    cut = 0.0 if width == "screen" else MARGIN - PRINTED_MARGIN
    texts = [*sheet.texts]
    for axes in sheet.axes:
        texts += [*axes.texts, axes.xaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    for text in (one for one in texts if one.get_text().strip()):
        box = text.get_window_extent()
        assert cut <= box.x0 + 0.5, text
        assert box.x1 <= sheet.bbox.width - cut + 0.5, text
        assert cut <= box.y0 + 0.5, text
    said = " ".join(text.get_text() for text in sheet.texts)
    assert "By the model, not measured." in said

"""Distributions and sustained speed as figures: complete, readable, safe, small, reproducible."""

import re
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.image import imread as read_png
from matplotlib.text import Text
from msgspec.structs import replace

from mnv4bench.analysis import shapes as analysis
from mnv4bench.findings import Shapes
from mnv4bench.render import clouds, figure, heat_map, ladder, page, warmth
from mnv4bench.render.clouds import Clouds
from mnv4bench.render.page import PRINTED_PIXELS, Width
from mnv4bench.render.palette import WHITE
from mnv4bench.render.warmth import Warmth
from tests.render import fixed, shapes
from tests.render.test_figure import words_of

FINE = 4
WIDTHS: tuple[Width, ...] = ("screen", "column", "page")
DRAWN = [shapes.several, shapes.nasty, shapes.phone, shapes.forty]


def sustained(found: Shapes) -> Shapes:
    return analysis.sustained_only(found)


def said(data: bytes) -> str:
    return " ".join(words_of(data))


def test_a_distribution_says_all_that_it_shows() -> None:
    files = clouds.draw(shapes.several())
    assert tuple(files) == page.SUFFIXES == ("svg", "png", "pdf")
    text = said(files["svg"])
    for words in (
        "host-cpu, fp32",
        "MEASURED on Test CPU",
        "Latency, ms (log",
        "Each inference over the model's median",
        "2 tainted invocations were set aside",
        "Tainted, steal time (1): mobilenetv3-large.",
        "Measured with random weights.",
        "an invocation: median, middle half (thick), 5 to 95 %",
        "tainted invocation",
        "of a tainted measurement",
        "Intervals of the median at 95.0 %.",
    ):
        assert words in text, words
    for row in shapes.several().groups[0].rows:
        assert row.model in text


def test_sustained_says_all_that_it_shows() -> None:
    text = said(warmth.draw(sustained(shapes.several()))["svg"])
    for words in (
        "cut short",
        "cut short",
        "Cut short, so what is left is unknown (1): mobilenetv3-large.",
        "1 window tainted (hollow).",
        "unknown",
        "Speed left, by time back to back, s",
        "lost speed",
    ):
        assert words in text, words
    assert re.search(r"8\d\.\d %", text)
    assert re.search(r"2\.0\d ms to 2\.4\d ms", text)


def test_a_phones_means_are_drawn_as_what_they_are() -> None:
    text = said(clouds.draw(shapes.phone())["svg"])
    assert "gives the mean of each process and no single inferences." in text
    assert "mean of a process" in text
    assert "its program's own 5 to 95 %" in text
    assert "Mean of each process over the model's median" in text
    assert "Each inference" not in text
    assert "Interval at 50.0 %, for want of invocations (1): mnv4-conv-m." in text
    page_ = ladder.compose(shapes.phone(), Clouds())
    assert [line.get_marker() for line in page_.axes[1].lines].count("D") == 2


@pytest.mark.parametrize("subject", [Clouds(), Warmth()])
def test_the_same_shapes_give_the_same_bytes(subject: ladder.Subject) -> None:
    found = sustained(shapes.several())
    assert ladder.draw(found, subject) == ladder.draw(found, subject)


def test_files_have_no_date_and_do_not_depend_on_the_process() -> None:
    code = (
        "from tests.render import shapes, fixed\n"
        "from mnv4bench.render import clouds, heat_map\n"
        "from hashlib import sha256\n"
        "for files in (clouds.draw(shapes.several(), 'column'), heat_map.draw(fixed.spanned())):\n"
        "    print([sha256(data).hexdigest() for data in files.values()])\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, timeout=300,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert runs[0]


@pytest.mark.parametrize(
    "data",
    [
        clouds.draw(shapes.several(), "page")["pdf"],
        warmth.draw(sustained(shapes.several()))["pdf"],
        figure.draw(fixed.front(), "column")["pdf"],
        heat_map.draw(fixed.spanned())["pdf"],
    ],
)
def test_a_pdf_embeds_its_fonts_as_truetype_and_has_no_date(data: bytes) -> None:
    assert data.startswith(b"%PDF-1.")
    assert b"Date" not in data
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    # Whatever font is named is one that is embedded.
    assert data.count(b"/FontFile2") == data.count(b"/Subtype /CIDFontType2")


@pytest.mark.parametrize(("width", "points"), [("column", 234.0), ("page", 495.0)])
@pytest.mark.parametrize("which", ["clouds", "warmth", "front", "heat map"])
def test_a_printed_figure_is_as_wide_as_the_column_or_the_page(
    width: Width, points: float, which: str
) -> None:
    files = {
        "clouds": lambda: clouds.draw(shapes.several(), width),
        "warmth": lambda: warmth.draw(sustained(shapes.several()), width),
        "front": lambda: figure.draw(fixed.front(), width),
        "heat map": lambda: heat_map.draw(fixed.spanned(), width),
    }[which]()
    box = re.search(rb"/MediaBox \[ ?0 0 ([0-9.]+) ([0-9.]+) ?\]", files["pdf"])
    assert box is not None
    assert float(box[1]) == pytest.approx(points, abs=0.5)
    pixels = read_png(BytesIO(files["png"]))
    assert pixels.shape[1] == pytest.approx(points / 72 * PRINTED_PIXELS, abs=2)


def texts(figure_: Figure) -> list[Text]:
    """Every text that is drawn, ticks included."""
    found = list(figure_.texts)
    for axes in figure_.axes:
        found += [*axes.texts, axes.xaxis.label, *axes.get_xticklabels()]
    return [text for text in found if text.get_text()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", DRAWN)
@pytest.mark.parametrize("subject", [Clouds(), Warmth()])
def test_no_word_leaves_the_page_or_lies_on_another(
    subject: ladder.Subject, make: object, width: Width
) -> None:
    found = make()  # type: ignore[operator]
    if isinstance(subject, Warmth):
        found = sustained(found)
        if not found.groups:
            return
    with rc_context(page.STYLE):
        drawn = ladder.compose(found, subject, width)
    drawn.set_dpi(72 * FINE)  # at one pixel a point, letters are bent to whole pixels
    edge = FINE * (page.MARGIN - page.PRINTED_MARGIN if width != "screen" else 0)
    drawn.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(drawn)]
    shown = [(word, box) for word, box in boxes if box.width > 0]
    for word, box in shown:
        assert edge <= box.x0, word
        assert box.x1 <= drawn.bbox.width - edge, word
        assert edge <= box.y0 < box.y1 <= drawn.bbox.height - edge, word
    limits = np.array([box.extents for _, box in shown])
    for index, (word, box) in enumerate(shown):
        # A line's box is higher than its letters.
        over_x = np.minimum(limits[:, 2], box.x1) - np.maximum(limits[:, 0], box.x0)
        over_y = np.minimum(limits[:, 3], box.y1) - np.maximum(limits[:, 1], box.y0)
        clash = (over_x > FINE) & (over_y > 3 * FINE)
        clash[index] = False
        assert not clash.any(), (word, [shown[i][0] for i in np.flatnonzero(clash)])


@pytest.mark.parametrize("subject", [Clouds(), Warmth()])
def test_hostile_names_are_text_and_nothing_else(subject: ladder.Subject) -> None:
    data = ladder.draw(sustained(shapes.nasty()), subject)["svg"]
    assert b"<script" not in data
    assert b"\x1b" not in data
    whole = ladder.draw(shapes.nasty(), Clouds())["svg"]
    assert r"$\frac{1}{0}$" in words_of(whole)


def test_a_tainted_measurement_is_hollow_and_so_are_tainted_invocations() -> None:
    drawn = ladder.compose(shapes.several(), Clouds())
    latencies, spreads = drawn.axes
    marks = [line for line in latencies.lines if line.get_marker() not in ("|", "None")]
    hollow = [line.get_markerfacecolor() == WHITE for line in marks]
    assert hollow == [False, False, True]  # the fastest first; the slowest is tainted
    dots = [line for line in spreads.lines if line.get_marker() == "o"]
    empty = sum(len(one.get_xdata()) for one in dots if one.get_markerfacecolor() == WHITE)
    assert (empty, sum(len(one.get_xdata()) for one in dots)) == (8, 18)


def test_only_measured_latencies_are_filled() -> None:
    [group] = shapes.several().groups
    rows = tuple(replace(row, origin="predicted", tainted=()) for row in group.rows)
    made = Shapes(groups=(replace(group, origin="predicted", rows=rows),))
    drawn = ladder.compose(made, Clouds())
    marks = [line for line in drawn.axes[0].lines if line.get_marker() not in ("|", "None")]
    assert {line.get_markerfacecolor() for line in marks} == {WHITE}
    text = said(clouds.draw(made)["svg"])
    assert "PREDICTED on" in text
    assert "predicted, not measured" in text


def test_the_latency_axis_is_logarithmic_only_where_models_differ() -> None:
    near = shapes.shapes(*(shapes.several_of(0.002), shapes.several_of(0.0025, "mnv4-conv-m")))
    assert ladder.compose(near, Clouds()).axes[0].get_xscale() == "linear"
    assert ladder.compose(shapes.several(), Clouds()).axes[0].get_xscale() == "log"


def test_a_slow_sample_far_out_does_not_squeeze_the_shapes() -> None:
    low, high = ladder.compose(shapes.nasty(), Clouds()).axes[1].get_xlim()
    assert 0.4 < low < 1 < high < 1.5


def test_rungs_are_low_where_a_printed_page_would_not_hold_them() -> None:
    made = [shapes.several_of(0.001 * 1.1**number, f"m{number}") for number in range(11)]
    groups = tuple(shapes.shapes(*made, device=f"d{place}").groups[0] for place in range(3))
    found = Shapes(groups=groups, skipped=())
    high = {
        (width, count): ladder.compose(
            replace(found, groups=groups[:count]), Clouds(), width
        ).bbox.height
        for width in WIDTHS
        for count in (1, 3)
    }
    assert high["column", 3] < 2.3 * high["column", 1]
    assert high["column", 1] == pytest.approx(high["screen", 1], rel=0.2)
    assert high["page", 3] <= page.PRINTED_HEIGHT * 72 + 2 * page.MARGIN


def test_tens_of_thousands_of_samples_make_a_small_file() -> None:
    few = shapes.shapes(shapes.several_of(0.002, count=100))
    many = shapes.shapes(shapes.several_of(0.002, count=10_000))
    sizes = [{name: len(data) for name, data in clouds.draw(one).items()} for one in (few, many)]
    for name in ("svg", "pdf"):
        assert sizes[1][name] < 1.5 * sizes[0][name]
        assert sizes[1][name] < 100_000


def test_more_models_than_a_page_holds_are_counted() -> None:
    [group] = shapes.forty().groups
    rows = tuple(replace(group.rows[n % 40], model=f"m{n}") for n in range(75))
    text = said(clouds.draw(Shapes(groups=(replace(group, rows=rows),)))["svg"])
    assert "15 slower models in the JSON beside." in text
    panels = tuple(replace(group, environment=str(n), rows=group.rows[:1]) for n in range(30))
    assert "6 more panels in the JSON beside." in said(clouds.draw(Shapes(groups=panels))["svg"])


def test_nothing_is_a_sentence() -> None:
    text = said(clouds.draw(Shapes(groups=()))["svg"])
    assert "nothing to draw: no measurement was found" in text

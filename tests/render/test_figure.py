"""The figure: a function of one value, whole on disk, safe and complete."""

from io import BytesIO
from xml.etree import ElementTree

import pytest
from matplotlib.image import imread as read_png
from msgspec.structs import replace

from mnv4bench.analysis.pareto import front_of
from mnv4bench.findings import Front, Limits
from mnv4bench.render import figure, panel
from mnv4bench.render.page import PIXELS_PER_INCH
from mnv4bench.render.palette import WHITE, looks
from mnv4bench.render.ticks import plain
from tests.render import fixed

SVG = "{http://www.w3.org/2000/svg}"


def words_of(data: bytes) -> list[str]:
    """Every piece of text of an SVG, in the order drawn."""
    return [element.text or "" for element in ElementTree.fromstring(data).iter(f"{SVG}text")]


def test_all_files_name_every_model() -> None:
    front = fixed.front()
    files = figure.draw(front)
    assert set(files) == {"svg", "png", "pdf"}
    text = " ".join(words_of(files["svg"]))
    for group in front.groups:
        assert f"{group.device}, {group.precision}" in text
        for point in group.points:
            assert point.model in text
    for said in (
        "MEASURED on Test CPU",
        "PUBLISHED in arXiv:2404.10518v2 Table 6: Pixel 6 CPU",
        "Accuracy: arXiv:2404.10518v2 Table 6 and timm's results tables.",
        "Latency measured with random weights: ",
        "Placement partial, some operators outside the asked-for unit (1): fastvit-t8.",
        "Excluded, no accuracy known (1): own.onnx",
        "Excluded, not measured (1): fastvit-s12",
        "ImageNet-1k top-1, %",
        "Latency, ms (log scale)",
    ):
        assert said in text, said
    pixels = read_png(BytesIO(files["png"]))
    inches = figure.compose(front).get_size_inches()
    assert pixels.shape[1::-1] == pytest.approx(inches * PIXELS_PER_INCH, abs=1)
    assert len({tuple(colour) for colour in pixels[::7, ::7].reshape(-1, 4)}) > 20


def test_the_same_front_gives_the_same_bytes() -> None:
    assert figure.draw(fixed.front()) == figure.draw(fixed.front())


def test_hostile_names_are_text_and_nothing_else() -> None:
    points = (
        fixed.point(fixed.HOSTILE, 0.001, 70.0, family=fixed.HOSTILE),
        fixed.point("x" * 200, 0.002, 60, status="dominated", dominated_by=(fixed.HOSTILE,)),
        fixed.point(r"$\frac{1}{0}$ \undefined", 0.003, 61, family=r"$\frac{$"),
        fixed.point("c", None, None, status="excluded", reason=fixed.HOSTILE),
    )
    group = fixed.measured(device=fixed.HOSTILE, machine=fixed.HOSTILE, points=points)
    data = figure.draw(Front(groups=(group,)))["svg"]
    text = words_of(data)
    assert r"$\frac{1}{0}$ \undefined" in text
    assert any("[red]x[/red]\\x1b[31m<script>" in line for line in text)
    assert b"<script" not in data
    assert b"\x1b" not in data


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 12])
def test_any_number_of_panels_stays_on_the_page(count: int) -> None:
    groups = tuple(fixed.measured(environment=str(index)) for index in range(count))
    page = figure.compose(Front(groups=groups))
    titles = [text for text in page.texts if text.get_text() == "host-cpu, fp32"]
    assert len(titles) == count == len(page.axes)
    for text in page.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= page.bbox.width
        assert 0 <= box.y0 < box.y1 <= page.bbox.height


def test_measured_and_published_share_a_panel_but_no_series() -> None:
    pixel = fixed.measured(device="pixel6-cpu", precision="int8")
    other = fixed.measured(device="pixel6-cpu", precision="int8", environment="other")
    paper = fixed.published()[0]
    assert figure.share_panels((paper, pixel, other)) == [(pixel, paper), (other,)]
    assert figure.share_panels((fixed.measured(), paper)) == [(fixed.measured(),), (paper,)]
    [axes] = figure.compose(Front(groups=(pixel, paper))).axes
    fronts = [line for line in axes.lines if len(line.get_xdata()) > 3]
    assert [line.get_linestyle() for line in fronts] == ["-", "--"]
    marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
    hollow = [line for line in marks if line.get_markerfacecolor() == WHITE]
    assert len(hollow) == sum(point.status != "excluded" for point in paper.points)
    assert len(marks) - len(hollow) >= sum(p.status != "excluded" for p in pixel.points)


def test_a_quantised_file_at_the_accuracy_of_the_float_network_is_half_filled() -> None:
    front = Front(groups=(fixed.quantised(),))
    [axes] = figure.compose(front).axes
    marks = [line for line in axes.lines if line.get_marker() in ("o", "^")]
    half = [line for line in marks if line.get_fillstyle() == "bottom"]
    assert len(half) == sum(point.float_accuracy for point in fixed.quantised().points) == 2
    assert len(marks) == 3
    said = " ".join(words_of(figure.draw(front)["svg"]))
    for words in (
        "Accuracy: measured on 50,000 images of val (mnv4-conv-m); timm's results tables",
        "(half filled): mnv4-conv-s, fastvit-t8.",
        "each has a line of its own.",
        "Synthetic calibration: mnv4-conv-s, fastvit-t8.",
        "Calibrated on 64 images of train: mnv4-conv-m.",
        "quantised, at the accuracy of the float network",
        "interval of a measured accuracy",
        "Top-1, %",
    ):
        assert words in said, words
    assert "ImageNet-1k top-1" not in said  # val may be any folder


def test_each_source_of_accuracies_has_a_line_of_its_own() -> None:
    [axes] = figure.compose(Front(groups=(fixed.quantised(),))).axes
    lines = [
        list(line.get_ydata())[1:-1] for line in axes.lines if line.get_drawstyle() != "default"
    ]
    assert sorted(lines) == [[73.8, 75.6], [79.1]]


def test_a_measured_accuracy_has_its_interval_on_the_axis() -> None:
    def heights(low: float | None, high: float | None) -> list[float]:
        one = fixed.point("mnv4-conv-s", 0.002, 75, accuracy_source="measured",
                          top1_low=low, top1_high=high)  # fmt: skip
        [axes] = figure.compose(Front(groups=(fixed.measured(points=(one,)),))).axes
        return list(axes.get_ylim())

    narrow, wide = heights(None, None), heights(60.0, 85.0)
    assert wide[0] < 60 < 85 < wide[1]
    assert narrow[0] > 60


def test_a_group_without_a_comparable_model_says_so() -> None:
    points = (fixed.point("a", 0.001, None, status="excluded", reason="no accuracy known"),)
    text = words_of(figure.draw(Front(groups=(fixed.measured(points=points),)))["svg"])
    assert "no model here can be compared" in text
    assert "Excluded, no accuracy known (1): a." in text


def test_the_value_that_is_drawn_is_the_value_that_is_compared() -> None:
    """The golden front: statuses and dominators, exactly."""
    group = fixed.measured()
    assert [(p.model, p.status, p.dominated_by) for p in group.points] == [
        ("mnv4-conv-s", "front", ()),
        ("mnv4-conv-m", "front", ()),
        ("fastvit-t8", "dominated", ("mnv4-conv-m",)),
        ("fastvit-sa12", "front", ()),
        ("own.onnx", "excluded", ()),
        ("fastvit-s12", "excluded", ()),
    ]


# --- axes and looks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 55, (1, 2, 5, 10, 20, 50)),
        (0.4, 13, (0.5, 1, 2, 5, 10)),
        (1.35, 3.1, (1.4, 2, 3)),
        (0.005, 2000, (0.01, 0.1, 1, 10, 100, 1000)),
    ],
)
def test_latency_ticks_are_plain_numbers(low: float, high: float, ticks: tuple) -> None:
    found = {round(tick, 6) for tick in plain(low, high)}
    assert set(ticks) <= found


def test_any_range_has_a_readable_number_of_ticks() -> None:
    for low in (0.1 * 1.07**step for step in range(150)):
        for factor in (2, 3, 7, 20, 100, 900):
            assert 4 <= len(plain(low, low * factor)) <= 12


def test_families_keep_their_look_and_strangers_get_their_own() -> None:
    few = looks(["MobileNetV4", "FastViT"])
    many = looks(["FastViT", "MobileNetV4", *(f"stranger {index}" for index in range(30))])
    assert {family: many[family] for family in few} == few
    assert len(set(many.values())) == len(many)
    colours = [look.colour for look in few.values()]
    assert len(set(colours)) == len({look.marker for look in few.values()}) == 2


def test_a_contested_model_carries_its_share_and_a_certain_one_does_not() -> None:
    words = words_of(figure.draw(Front(groups=(fixed.unsure(),)))["svg"])
    assert "fastvit-t8 82 %" in words
    assert "mnv4-conv-m" in words
    text = " ".join(words)
    assert "Paleness and percentages behind names: share of 2,000 resamples" in text
    assert "One or two invocations, so no probability: fastvit-s12." in text
    assert "62 %: in so many resamples on the front" in text


def test_the_less_often_on_the_front_the_paler() -> None:
    shares = (None, 1.0, 0.6, 0.0)
    points = [fixed.point("m", 0.001, 70.0, front_probability=share) for share in shares]
    assert [panel.paleness(point) for point in points] == pytest.approx(
        [0.0, 0.0, 0.4 * panel.PALENESS, panel.PALENESS]
    )
    assert panel.paleness(replace(points[0], status="dominated")) == panel.PALENESS


def test_limits_are_shaded_and_answered() -> None:
    front = Front(groups=(fixed.unsure(),), limits=fixed.LIMITS)
    text = " ".join(words_of(figure.draw(front)["svg"]))
    assert "With latency at most 12.5 ms and top-1 at least 75.0 %: mnv4-conv-m" in text
    assert "shaded: outside latency at most 12.5 ms and top-1 at least 75.0 %" in text
    shaded = [patch for patch in figure.compose(front).axes[0].patches if patch.get_visible()]
    assert len(shaded) == 2


@pytest.mark.parametrize(
    "limits", [Limits(max_latency_s=1e-6), Limits(max_latency_s=1e3), Limits(min_top1=99.0)]
)
def test_limits_beyond_the_axes_leave_the_axes_as_they_are(limits: Limits) -> None:
    plain = figure.compose(Front(groups=(fixed.unsure(),))).axes[0]
    limited = figure.compose(Front(groups=(fixed.unsure(),), limits=limits)).axes[0]
    assert limited.get_xlim() == plain.get_xlim()
    assert limited.get_ylim() == plain.get_ylim()


def test_another_objective_has_its_own_axis() -> None:
    sizes = [fixed.point(f"m{i}", None, 70.0 + i, x=2e6 * (i + 1), low_s=None, high_s=None)
             for i in range(3)]  # fmt: skip
    front = Front(groups=(fixed.measured(objective="size", points=front_of(sizes)),))
    page = figure.compose(front)
    assert page.axes[0].get_xlabel() == "File size, MB (log scale)"
    assert page.axes[0].get_xlim()[0] < 2 < 6 < page.axes[0].get_xlim()[1]


def test_names_without_room_lie_above_the_legend() -> None:
    """Their number is not known before the panel is drawn; room is kept for them."""
    points = [
        fixed.point(f"a-model-with-a-long-name-{i}", 0.001 + i * 1e-6, 70 + i / 100)
        for i in range(40)
    ]
    page = figure.compose(Front(groups=(fixed.measured(points=front_of(points)),)))
    boxes = {text.get_text(): text.get_window_extent() for text in page.texts}
    [first] = [box for text, box in boxes.items() if text.startswith("Not named for want")]
    notes = [box for text, box in boxes.items() if box.y0 <= first.y0 and "a-model-with" in text]
    legend = max(box.y1 for text, box in boxes.items() if text in ("MobileNetV4", "FastViT"))
    assert len(notes) <= 2
    assert min(box.y0 for box in notes) > legend


def test_long_words_stay_on_the_page() -> None:
    group = fixed.measured(device="d" * 150, machine="m " * 300)
    front = Front(groups=(group,), limits=fixed.LIMITS)
    for width in ("screen", "column", "page"):
        sheet = figure.compose(front, width)
        for text in sheet.texts:
            assert text.get_window_extent().x1 <= sheet.bbox.width, text.get_text()
    texts = [text.get_text() for text in figure.compose(front, "column").texts]
    assert texts[0].endswith("d, fp32")
    assert sum(text.startswith("m m") or text.startswith("MEASURED") for text in texts) == 2
    [shaded] = [place for place, text in enumerate(texts) if text.startswith("shaded: outside")]
    assert " ".join(texts[shaded : shaded + 2]).endswith("and top-1 at least 75.0 %")


def test_ends_of_long_names_tell_variants_apart() -> None:
    points = [fixed.point("x" * 100 + end, 0.001 * place, 60 + place) for place, end in
              enumerate("abc", 1)]  # fmt: skip
    text = words_of(figure.draw(Front(groups=(fixed.measured(points=front_of(points)),)))["svg"])
    assert {line[-1] for line in text if line.startswith("xxx")} == {"a", "b", "c"}


def test_more_panels_than_a_page_holds_are_counted() -> None:
    groups = tuple(fixed.measured(environment=str(index)) for index in range(30))
    for width in ("screen", "column"):
        sheet = figure.compose(Front(groups=groups), width)
        assert len(sheet.axes) == 24
        assert sheet.texts[-1].get_text() == "6 more panels in the JSON beside."
        assert sheet.texts[-1].get_window_extent().y0 > 0
    none = figure.compose(Front(groups=groups[:24]))
    assert "beside" not in none.texts[-1].get_text()


def test_three_panels_of_few_names_share_a_printed_page() -> None:
    groups = tuple(fixed.measured(environment=str(index)) for index in range(3))
    sheet = figure.compose(Front(groups=groups), "page")
    assert len({axes.get_position().y0 for axes in sheet.axes}) == 1
    named = [text.get_text() for axes in sheet.axes for text in axes.texts]
    assert named.count("mnv4-conv-m") == named.count("fastvit-sa12") == 3
    paper = figure.compose(Front(groups=fixed.published()[:3]), "page")
    assert len({axes.get_position().y0 for axes in paper.axes}) == 2


def test_the_legend_has_no_interval_where_none_is_drawn() -> None:
    exact = replace(fixed.sure(), groups=(fixed.sure().groups[1],))
    assert exact.groups[0].objective == "size"
    assert all(point.low_s for point in exact.groups[0].points)
    assert "interval of the median" not in " ".join(words_of(figure.draw(exact)["svg"]))


def test_letters_that_the_font_lacks_are_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    points = front_of([fixed.point("\u7f51\u7edc", 0.001, 70.0)])
    files = figure.draw(Front(groups=(fixed.measured(points=points),)))
    assert "\u7f51\u7edc" in words_of(files["svg"])
    assert not [one for one in recwarn if "missing from font" in str(one.message)]


def test_a_reader_without_the_font_takes_another_without_serifs() -> None:
    svg = figure.draw(fixed.front())["svg"]
    assert svg.count(b"font-family: 'DejaVu Sans', sans-serif") == svg.count(b"font-family")


def test_no_two_origins_look_alike() -> None:
    counts = [fixed.point(f"m{i}", None, 70.0 + i, x=2e8 * (i + 1), low_s=None, high_s=None)
              for i in range(3)]  # fmt: skip
    emulated = fixed.measured(
        origin="emulated", objective="instructions", points=front_of(counts), device="emulated"
    )
    front = Front(groups=(fixed.measured(), emulated, fixed.published()[0]))
    styles = {}
    for axes, group in zip(figure.compose(front).axes, front.groups, strict=True):
        [line] = [line for line in axes.lines if line.get_drawstyle() == "steps-post"][:1]
        dots = [line for line in axes.lines if line.get_linestyle() == "None"]
        filled = {dot.get_markerfacecolor() != WHITE for dot in dots}
        styles[group.origin] = (line.get_linestyle(), line._unscaled_dash_pattern, *filled)
    assert len(set(map(str, styles.values()))) == 3
    assert styles["measured"][-1]
    assert not styles["emulated"][-1]
    words = words_of(figure.draw(front)["svg"])
    assert {"measured front", "published front", "emulated front"} <= set(words)

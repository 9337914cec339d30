"""Models across devices as a figure: each cell as it is, readable, and on the page."""

from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from msgspec.structs import replace

from mnv4bench.analysis.pareto import front_of
from mnv4bench.analysis.universality import across
from mnv4bench.findings import Cell, Front
from mnv4bench.render import heat_map, typeface
from mnv4bench.render.palette import INK
from tests.render import fixed
from tests.render.test_figure import words_of


def cells(page: Figure) -> list[Rectangle]:
    return [artist for artist in page.artists if isinstance(artist, Rectangle)]


def test_all_files_hold_every_model_device_and_number() -> None:
    front = fixed.spanned()
    files = heat_map.draw(front)
    assert set(files) == {"svg", "png", "pdf"}
    words = words_of(files["svg"])
    for one in front.universality:
        for row in one.rows:
            assert row.model in words
    assert {"front", "failed", "×1.01", "front 82 %", "7 of 7", "3 of 3 (1..3)"} <= set(words)
    text = " ".join(words)
    assert "MEASURED: latency over that of the front" in text
    assert "PUBLISHED: latency over that of the front" in text
    assert "MobileNetV4: 30 of 31 known cells on the front" in text
    assert "Unknown: not benchmarked (27), failed on the device (8)." in text


def test_the_same_front_gives_the_same_bytes() -> None:
    assert heat_map.draw(fixed.spanned()) == heat_map.draw(fixed.spanned())


def test_there_is_a_cell_for_each_model_and_device_and_unknown_ones_are_hatched() -> None:
    front = fixed.spanned()
    drawn = cells(heat_map.compose(front))
    every = [cell for one in front.universality for row in one.rows for cell in row.cells]
    assert len(drawn) == len(every)
    hatched = [cell.status == "unknown" for cell in every]
    assert [bool(box.get_hatch()) for box in drawn] == hatched


def luminance(colour: str) -> float:
    """Of sRGB, relative (WCAG 2.2, 1.4.3)."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("share", [1.0, 0.94, 0.5, 0.0])
@pytest.mark.parametrize("ratio", [1.0, 1.2, 3.0, 50.0])
def test_every_number_can_be_read_on_its_cell(share: float, ratio: float) -> None:
    """A contrast of 4.5 (WCAG 2.2 AA), and in grey the front is darker than all off it."""
    on = Cell(status="front", ratio=1.0, front_probability=share)
    off = Cell(status="dominated", ratio=ratio, front_probability=share)
    shades = []
    for cell in (on, off):
        colour, ink, _ = heat_map.look(cell)
        one, other = sorted((luminance(colour), luminance(ink)))
        assert (other + 0.05) / (one + 0.05) >= 4.5, (cell, colour)
        shades.append(luminance(colour))
    assert shades[0] < shades[1] - 0.1


def test_what_a_cell_says() -> None:
    def said(**fields: object) -> str:
        return heat_map.look(Cell(**fields))[2]

    assert said(status="front", ratio=1.0) == "front"
    assert said(status="front", ratio=1.0, front_probability=0.999) == "front"
    assert said(status="front", ratio=1.0, front_probability=0.62) == "front 62 %"
    assert said(status="dominated", ratio=1.25) == "×1.25"
    assert said(status="dominated", ratio=1.25, front_probability=0.01) == "×1.25"
    assert said(status="dominated", ratio=1.01, front_probability=0.3) == "×1.01 30 %"
    assert said(status="unknown", ratio=None, reason="failed on the device") == "failed"
    assert said(status="unknown", ratio=None, reason="tainted: busy") == "-"
    assert heat_map.look(Cell(status="unknown", ratio=None))[1] != INK


@pytest.mark.parametrize(("models", "devices"), [(1, 1), (2, 9), (30, 9), (75, 2)])
def test_any_table_stays_on_the_page(models: int, devices: int) -> None:
    points = front_of(
        [
            fixed.sampled(f"organisation/a-very-long-name-of-a-model-{i}", 60 + i / 4, 0.001 * i)
            for i in range(1, models + 1)
        ]
    )
    groups = [
        fixed.measured(device=f"a-device-with-a-long-name-{i}", points=points)
        for i in range(devices)
    ]
    page = heat_map.compose(Front(groups=(), universality=across(groups)))
    for artist in (*page.texts, *cells(page)):
        box = artist.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= page.bbox.width + 1
        assert box.y1 <= page.bbox.height + 1
    names = [text.get_text() for text in page.texts if text.get_text().startswith("organisation")]
    assert len(names) == min(models, heat_map.MAX_ROWS)
    assert len(set(names)) == len(names)  # an ellipsis in the middle keeps them apart
    if models > heat_map.MAX_ROWS:
        assert any("15 more models are in the JSON" in text.get_text() for text in page.texts)


def test_the_papers_devices_stand_abreast_on_a_page() -> None:
    groups = fixed.published()
    front = Front(groups=groups, universality=across(groups))
    said = [text.get_text() for text in heat_map.compose(front, "page").texts]
    assert said.count("on front") == 1
    assert said.count("mnv4-conv-s") == 1
    assert "mobilenetv2-1.5x" in said
    assert [text for text in said if text.endswith("-max-1.5x")]


def test_hostile_names_are_text_and_nothing_else() -> None:
    named = replace(fixed.hostile(), device=r"$\frac{1}{0}$")
    data = heat_map.draw(Front(groups=(), universality=across([fixed.hostile(), named])))["svg"]
    ElementTree.fromstring(data)
    assert b"<script" not in data
    assert b"\x1b" not in data


def test_nothing_to_show_is_a_sentence() -> None:
    assert words_of(heat_map.draw(Front(groups=()))["svg"]) == [
        "nothing to compare: no measurement was found"
    ]


def test_an_ellipsis_leaves_both_ends() -> None:
    assert typeface.shortened_within("short", 7, 100) == "short"
    cut = typeface.shortened_within("organisation/model-with-a-name-42", 7, 80)
    assert cut.startswith("organ")
    assert cut.endswith("42")
    assert typeface.width(cut, 7) <= 80

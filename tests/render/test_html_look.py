"""What a reader sees of the page: names apart, colours that stand out, paper, phones, limits."""

from __future__ import annotations

import math
import re
from itertools import combinations
from typing import Any

import pytest

from mnv4bench.findings import Limits
from mnv4bench.overview import Overview
from mnv4bench.render.palette import looks
from tests.render.browser import MISSING, PROGRAM, Open
from tests.render.fixed import published
from tests.render.report_stores import changing, file, hard, timed, warm
from tests.render.test_html_browser import pixel_of, rows, until
from tests.render.test_html_page import overview
from tests.sample_reports import measurement, report

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

LONG = "x" * 10_000
# Boxes of all names in all drawn panels, as [panel, text, left, top, right, bottom].
NAMES = """() => [...document.querySelectorAll('#panels .chart')].flatMap((place, panel) => {
    const chart = echarts.getInstanceByDom(place);
    if (!chart) return [];
    const names = new Set(chart.getOption().series.flatMap(series => series.data || [])
        .map(item => item && item.name).filter(Boolean));
    return chart.getZr().storage.getDisplayList(true).filter(shape => names.has(shape.style.text))
        .map(shape => { const box = shape.getBoundingRect();
            return [panel, shape.style.text, box.x, box.y, box.x + box.width, box.y + box.height];
        });
})"""


@pytest.fixture(scope="module")
def limited() -> Overview:
    return overview(
        *hard(), published=published(), limits=Limits(max_latency_s=0.005, min_top1=70.0)
    )


def contrast(first: str, second: str) -> float:
    """WCAG 2.2's ratio of two colours, "#rrggbb" or "rgb(r, g, b)"."""

    def luminance(colour: str) -> float:
        if colour.startswith("#"):
            parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        else:
            parts = [int(one) for one in re.findall(r"\d+", colour)[:3]]
        linear = [
            one / 255 / 12.92 if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4
            for one in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    one, other = sorted((luminance(first), luminance(second)))
    return (other + 0.05) / (one + 0.05)


@pytest.mark.parametrize("width", [390, 1440])
def test_names_lie_on_no_other_name(opened: Open, width: int) -> None:
    tab = opened(overview(published=published()), viewport={"width": width, "height": 4000})
    until(tab, "document.querySelectorAll('#panels canvas').length >= 7")
    found = tab.evaluate(NAMES)
    assert len(found) > 20
    for (panel, one, *a), (other_panel, other, *b) in combinations(found, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart or panel != other_panel, (one, other)


def test_zooming_goes_where_points_are_and_keeps_ticks(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    tab.locator("#panels .chart").first.focus()
    tab.keyboard.press("End")  # mnv4-conv-m, in the upper right corner
    for _ in range(4):
        tab.keyboard.press("+")
    x, y = pixel_of(tab, "mnv4-conv-m")
    box = tab.locator("#panels .chart").first.bounding_box()
    assert box["x"] + 46 < x < box["x"] + box["width"] - 22
    assert box["y"] + 26 < y < box["y"] + box["height"] - 44
    ticks = tab.evaluate(
        "echarts.getInstanceByDom(document.querySelector('#panels .chart'))"
        ".getOption().xAxis[0].axisLabel.customValues"
    )
    assert len(ticks) >= 2
    # The buttons alone, without a point at hand: around the one nearest to the middle.
    tab.keyboard.press("0")
    second = tab.locator("#panels article").nth(1)
    for _ in range(4):
        second.get_by_role("button", name="Zoom in").click()
    frames = second.locator(".chart").bounding_box()
    points = [pixel_of(tab, name, 1) for name in ("mnv4-conv-s", "mnv4-conv-m", "fastvit-t8")]
    assert any(
        frames["x"] + 46 < at[0] < frames["x"] + frames["width"] - 22
        and frames["y"] + 26 < at[1] < frames["y"] + frames["height"] - 44
        for at in points
    )


@pytest.mark.parametrize(("low", "high"), [(1, 10), (0.43, 24.0), (2.0, 2.2), (1.0, 900.0)])
def test_every_stretch_of_the_cost_axis_has_ticks(opened: Open, low: float, high: float) -> None:
    tab = opened(
        overview(report(timed("mnv4-conv-s", low / 1000), timed("mnv4-conv-m", high / 1000)))
    )
    tab.locator("#panels canvas").first.wait_for()
    words = tab.evaluate("""() => {
        const chart = echarts.getInstanceByDom(document.querySelector('#panels .chart'));
        const look = chart.getOption().xAxis[0].axisLabel;
        return look.customValues.map(look.formatter);
    }""")
    assert 2 <= len(words) <= 12
    assert [one for one in words if low * 0.5 < float(one) < high * 2] == words


@pytest.mark.parametrize(("scheme", "ground", "least"), [("light", "#ffffff", 3.0),
                                                         ("dark", "#1a1e22", 4.5)])  # fmt: skip
def test_marks_stand_out_from_the_ground(
    opened: Open, scheme: str, ground: str, least: float
) -> None:
    tab = opened(overview(published=published()), color_scheme=scheme)
    marks = tab.locator("#families path")
    edges = marks.evaluate_all("all => all.map(one => one.getAttribute('stroke'))")
    assert len(set(edges)) == len(edges) > 8
    assert [edge for edge in edges if contrast(edge, ground) < least] == []
    # And not by colour alone: no two families have the same mark.
    shapes = marks.evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len(set(shapes)) == len(shapes)
    assert len(set(looks([f"family {n}" for n in range(100)]).values())) == 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_ground(opened: Open, whole: Overview, scheme: str) -> None:
    tab = opened(whole, color_scheme=scheme)
    pairs = tab.evaluate("""() => [
        ...['.muted', '.origin.measured', '.origin.published', '.heat.front', '.place.s0',
            '.place.s2', '.change.slower', 'thead th', 'a', '.chip', 'h2'].map(name => {
        const element = document.querySelector('main ' + name) || document.querySelector(name);
        let ground = element;
        const clear = one => getComputedStyle(one).backgroundColor === 'rgba(0, 0, 0, 0)';
        while (clear(ground)) ground = ground.parentElement;
        return [name, getComputedStyle(element).color, getComputedStyle(ground).backgroundColor];
    })]""")
    assert [pair for pair in pairs if contrast(pair[1], pair[2]) < 4.5] == []


def test_on_paper_everything_is_drawn_and_unfolded(opened: Open, whole: Overview) -> None:
    tab = opened(whole, color_scheme="dark")
    tab.locator("#panels canvas").first.wait_for()
    folded = tab.locator("main details[open]").count()
    drawn = tab.locator("main canvas").count()
    tab.emulate_media(media="print", color_scheme="dark")
    until(tab, "document.documentElement.classList.contains('printing')")
    assert tab.locator("#panels canvas").count() == tab.locator("#panels article").count() == 10
    assert tab.locator("#over-time canvas").count() == 1
    assert tab.locator("main details:not([open])").count() == 0
    # Paper is white, with a legend where the filters are gone, and no cell is cut off.
    assert contrast(tab.evaluate("getComputedStyle(document.body).color"), "#ffffff") > 10
    assert tab.locator("#families").is_hidden()
    assert "MobileNetV4" in tab.locator("#keys").inner_text()
    assert tab.locator("#measured tbody tr").count() == 151
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1400
    assert tab.pdf(format="A4").startswith(b"%PDF")
    tab.emulate_media(media="screen", color_scheme="dark")
    until(tab, "!document.documentElement.classList.contains('printing')")
    until(tab, f"document.querySelectorAll('main canvas').length === {drawn}")
    assert tab.locator("main details[open]").count() == folded
    assert tab.locator("#measured tbody tr").count() == 50


def test_an_a4_sheet_holds_every_table(opened: Open, limited: Overview) -> None:
    # 186 mm at 96 pixels an inch: A4 without its margins.
    tab = opened(limited, viewport={"width": 703, "height": 1000})
    tab.emulate_media(media="print")
    until(tab, "document.documentElement.classList.contains('printing')")
    wide = tab.evaluate(
        "[...document.querySelectorAll('table, .chart canvas')].filter(one => "
        "one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.textContent.slice(0, 40))"
    )
    assert wide == []


def test_a_phone_shows_the_figures_first(opened: Open, whole: Overview) -> None:
    tab = opened(whole, viewport={"width": 390, "height": 844})
    row = tab.locator("#measured tbody tr").nth(1)
    assert "host-cpu, fp32" in row.locator("th").inner_text()
    for number, figure in ((0, "1.93 ms"), (1, "73.8 %")):
        cell = row.locator("td").nth(number)
        assert cell.inner_text() == figure
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= 390
    # Turned to its side it is wide enough for the order of the desk.
    tab.set_viewport_size({"width": 1000, "height": 390})
    until(tab, "document.querySelector('#measured thead th + th').textContent === 'Device'")


def test_a_finger_reads_a_point_before_it_opens_it(opened: Open, whole: Overview) -> None:
    tab = opened(whole, has_touch=True)
    tab.locator("#panels canvas").first.wait_for()
    at = pixel_of(tab, "mnv4-conv-m")
    tab.touchscreen.tap(*at)
    tab.locator("#panels .tip").wait_for()
    assert "79.9 %" in tab.locator("#panels .tip").inner_text()
    assert tab.locator("#model").is_hidden()
    tab.touchscreen.tap(*at)
    tab.locator("#model .entry").first.wait_for()


def test_who_comes_back_from_a_model_is_where_they_were(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    link = tab.locator("#measured tbody a").nth(3)
    name = link.inner_text()
    link.focus()
    tab.keyboard.press("Enter")
    tab.locator("#model .entry").first.wait_for()
    tab.go_back()
    until(tab, "document.getElementById('model').hidden")
    assert tab.evaluate("document.activeElement.textContent") == name


def test_a_menu_closes_when_the_keyboard_leaves_it(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("summary", has_text="Origins").focus()
    tab.keyboard.press("Enter")
    assert tab.locator(".menu[open]").count() == 1
    tab.locator("#search").focus()
    assert tab.locator(".menu[open]").count() == 0


def test_what_a_link_leads_to_is_not_behind_the_filters(opened: Open, whole: Overview) -> None:
    tab = opened(whole, viewport={"width": 900, "height": 1000})
    for place in ("devices", "measurements", "history"):
        tab.locator(f"#contents a[href='#{place}']").click()
        tab.wait_for_timeout(100)
        bar, title = (tab.locator(one).bounding_box() for one in ("#filters", f"#{place} h2"))
        assert title["y"] >= bar["y"] + bar["height"]
        tab.evaluate("window.scrollTo(0, 0)")


def test_the_best_within_limits_is_named_ringed_and_shaded(
    opened: Open, limited: Overview, whole: Overview
) -> None:
    tab = opened(limited)
    tab.locator("#panels canvas").first.wait_for()
    assert "latency at most 5.00 ms and top-1 at least 70.0 %" in tab.locator("#picks").inner_text()
    first = tab.locator("#picks tbody tr").first
    assert first.locator("> *").all_inner_texts() == [
        "host-cpu", "fp32", "MEASURED", "mobilenetv3-large", ">99.9 %", "mnv4-conv-s", "",
    ]  # fmt: skip
    areas, ringed = tab.evaluate("""() => {
        const chart = echarts.getInstanceByDom(document.querySelector('#panels .chart'));
        const named = name => chart.getOption().series.find(one => one.name === name);
        return [named('limits').markArea.data, named('best').data];
    }""")
    assert areas[0][0]["xAxis"] == pytest.approx(math.log10(5))
    assert areas[1][1]["yAxis"] == 70
    [(x, top1)] = ringed
    assert 10**x < 5
    assert top1 > 70
    # What was counted under an emulator has no latency to limit.
    assert "emulated" not in tab.locator("#picks").inner_text().lower()
    tab.locator("#families button", has_text="MobileNetV3").click()
    assert "mobilenetv3-large" not in tab.locator("#picks").inner_text()
    assert opened(whole).locator("#picks").is_hidden()


def test_a_name_of_a_page_is_no_page(opened: Open) -> None:
    busy = tuple(warm(number, 0.004, tainted=(f"busy with {LONG}",)) for number in range(4))
    spoilt = measurement("efficientvit-b1", invocations=busy)
    tab = opened(
        overview(
            report(timed("mnv4-conv-s", 0.0019), timed(LONG, 0.001, artifact=file(LONG)), spoilt)
        ),
        viewport={"width": 390, "height": 844},
    )
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    tall = tab.evaluate(
        "Math.max(...[...document.querySelectorAll('tr')].map(one => one.offsetHeight))"
    )
    assert tall < 300
    assert any(one.endswith("…") for one in " ".join(rows(tab)).split())
    tab.locator("#measured a", has_text="xxx").first.click()
    tab.locator("#model .entry").wait_for()
    assert tab.locator("#model h2").inner_text() == LONG
    assert tab.evaluate("document.documentElement.scrollWidth") == 390


def test_change_points_are_labelled_apart_on_a_phone(opened: Open) -> None:
    tab = opened(overview(*changing()), viewport={"width": 390, "height": 844})
    tab.locator("#over-time .chart").scroll_into_view_if_needed()
    tab.locator("#over-time canvas").wait_for()
    words: list[list[Any]] = tab.evaluate("""() => {
        const chart = echarts.getInstanceByDom(document.querySelector('#over-time .chart'));
        return chart.getZr().storage.getDisplayList(true).filter(one => one.style.text).map(one => {
            const box = one.getBoundingRect().clone();
            if (one.transform) box.applyTransform(one.transform);
            return [one.style.text, box.x, box.y, box.x + box.width, box.y + box.height];
        });
    }""")
    [label] = [one for one in words if one[0].startswith("slower")]
    assert label[1] >= 0
    for other in words:
        apart = (label[3] <= other[1] or other[3] <= label[1]
                 or label[4] <= other[2] or other[4] <= label[2])  # fmt: skip
        assert other is label or apart, (label, other)

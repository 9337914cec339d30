"""The page in headless Chromium: it loads in silence, and hover, filters, sorting and keys work."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mnv4bench.analysis.certainty import with_certainty
from mnv4bench.analysis.overview import Material
from mnv4bench.analysis.pareto import front_of
from mnv4bench.analysis.universality import across
from mnv4bench.findings import Front, Group, Point
from mnv4bench.overview import Overview
from tests.render.browser import MISSING, PROGRAM, Open
from tests.render.fixed import quantised
from tests.render.report_stores import HOSTILE, hard
from tests.render.test_html_page import overview
from tests.sample_reports import measurement, report, samples

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

# What a reader sees of it: acting characters are written out.
SHOWN = HOSTILE.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")


def drawn(tab: Any) -> int:
    """Charts that hold a canvas."""
    count: int = tab.locator("#panels canvas").count()
    return count


def rows(tab: Any, table: str = "#measured") -> list[str]:
    found: list[str] = tab.locator(f"{table} tbody tr > th").all_inner_texts()
    return found


def column(tab: Any, number: int) -> list[str]:
    found: list[str] = tab.locator(
        f"#measured .tabled:first-of-type tbody tr > :nth-child({number})"
    ).all_inner_texts()
    return found


def pixel_of(tab: Any, model: str, panel: int = 0) -> tuple[float, float]:
    """Where a point lies on the page, as the chart says it."""
    script = """([model, number]) => {
        const place = document.querySelectorAll('#panels .chart')[number];
        const chart = echarts.getInstanceByDom(place), box = place.getBoundingClientRect();
        for (const series of chart.getOption().series) for (const item of series.data) {
            if (item.name === model) {
                const at = chart.convertToPixel({xAxisIndex: 0, yAxisIndex: 0}, item.value);
                return [box.x + at[0], box.y + at[1]];
            }
        }
    }"""
    x, y = tab.evaluate(script, [model, panel])
    return x, y


def until(tab: Any, holds: str) -> None:
    """Playwright's own wait for an expression is an eval, which the page's policy forbids."""
    for _ in range(400):
        if tab.evaluate(holds):
            return
        tab.wait_for_timeout(25)
    raise AssertionError(f"never true: {holds}")


def zoom_of(tab: Any) -> tuple[float, float]:
    script = """() => { const zoom = echarts.getInstanceByDom(
        document.querySelector('#panels .chart')).getOption().dataZoom[0];
        return [zoom.start, zoom.end]; }"""
    start, end = tab.evaluate(script)
    return start, end


def test_it_loads_with_every_section_and_no_complaint(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    assert tab.locator("#panels article").count() == 10
    assert tab.locator("#across table").count() == 3
    assert "broken.json" in tab.locator("#excluded").inner_text()
    assert "slower +10" in tab.locator("#over-time").inner_text()
    titles = set(tab.locator("#panels .origin").all_inner_texts())
    assert {one.lower() for one in titles} == {"measured", "published", "emulated"}


def test_hovering_a_point_says_what_it_is(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    tab.mouse.move(*pixel_of(tab, "mnv4-conv-m"))
    tip = tab.locator("#panels .tip")
    tip.wait_for()
    said = tip.inner_text()
    assert "mnv4-conv-m" in said
    assert "79.9 %" in said
    assert "random (seed 0)" in said
    assert "measured" in said


def test_a_click_opens_the_model_with_its_evidence(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    tab.mouse.click(*pixel_of(tab, "mobilenetv3-large"))
    tab.locator("#model h2").wait_for()
    assert tab.url.endswith("#model=mobilenetv3-large")
    entry = tab.locator("#model .entry").first
    entry.locator("canvas").first.wait_for()
    entry.locator("summary", has_text="invocations as a table").click()
    said = entry.inner_text()
    assert "another program used 34 % of the processors" in said
    assert "10 of 10 operators on cpu (XNNPACK)" in said
    assert "33.0 to 34.5 °C" in said
    entry.locator("summary", has_text="Environment").click()
    assert "Test CPU" in entry.inner_text()
    assert "the machine was busy <i>throughout</i>" in entry.inner_text()
    tab.go_back()
    tab.locator("#panels canvas").first.wait_for()
    assert tab.locator("#model").is_hidden()


def test_filters_hide_and_say_so(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("summary", has_text="Origins").click()
    tab.get_by_label("published", exact=True).uncheck()
    assert tab.locator("#panels article").count() == 3
    assert "published" not in {one.lower() for one in column(tab, 4)}
    assert "12 of 187 entries shown" in tab.locator("#shown").inner_text()
    tab.locator("summary", has_text="Precisions").click()
    tab.get_by_label("fp16", exact=True).uncheck()
    assert tab.locator("#panels article").count() == 2
    tab.locator("#families button", has_text="MobileNetV4").click()
    assert "mnv4-conv-s" not in " ".join(rows(tab))
    assert "mobilenetv3-large" in " ".join(rows(tab))
    tab.locator("#search").fill("small")
    until(tab, "document.querySelectorAll('#measured tbody tr').length === 1")
    tab.get_by_role("button", name="Reset").click()
    assert "All 187 entries shown" in tab.locator("#shown").inner_text()
    assert tab.locator("#panels article").count() == 10


def test_filtering_devices_takes_their_columns(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    before = tab.locator("#across thead").first.inner_text()
    assert "host-cpu" in before
    tab.locator("summary", has_text="Devices").click()
    tab.get_by_label("host-cpu", exact=True).uncheck()
    assert "host-cpu" not in tab.locator("#across thead").first.inner_text()


def test_tables_sort_by_number_both_ways(opened: Open, whole: Overview) -> None:
    tab = opened(overview(*hard()))
    head = tab.locator("#measured thead button", has_text="Top-1")
    head.click()
    top1 = [float(one.split()[0]) for one in column(tab, 8) if one]
    assert top1 == sorted(top1)
    assert len(top1) > 5
    assert column(tab, 8)[-1] == ""  # unknown comes last
    head.click()
    assert [float(one.split()[0]) for one in column(tab, 8) if one] == sorted(top1, reverse=True)
    assert column(tab, 8)[-1] == ""
    cell = tab.locator("#measured th", has_text="Top-1")
    assert cell.get_attribute("aria-sort") == "descending"


def test_hostile_names_are_text(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    names = [one.split("\n")[0] for one in rows(tab)]
    assert SHOWN in names
    assert tab.locator("img").count() == 0
    tab.locator("#measured a", has_text="onerror").first.click()
    tab.locator("#model .entry").wait_for()
    assert tab.locator("#model h2").inner_text() == SHOWN
    assert tab.locator("#model img").count() == 0
    assert tab.title() == f"{SHOWN} - mnv4bench".replace("  ", " ")


def test_the_keyboard_reaches_points_zoom_and_models(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    tab.locator("#panels .chart").first.focus()
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#said").inner_text().startswith("mobilenetv3-small")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#said").inner_text().startswith("mnv4-conv-s")
    assert "mnv4-conv-s" in tab.locator("#panels .tip").inner_text()
    tab.keyboard.press("+")
    start, end = zoom_of(tab)
    assert 0 < start < end < 100
    tab.keyboard.press("0")
    assert zoom_of(tab) == (0, 100)
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    tab.locator("#model .entry").first.wait_for()
    # The heading of what was opened has the focus, so that a screen reader reads on from there.
    assert tab.evaluate("document.activeElement.tagName") == "H2"


def test_the_wheel_zooms_with_ctrl_alone(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    tab.locator("#panels canvas").first.wait_for()
    tab.mouse.move(*pixel_of(tab, "mnv4-conv-s"))
    tab.mouse.wheel(0, -100)
    tab.wait_for_timeout(100)
    assert zoom_of(tab) == (0, 100)
    tab.evaluate("window.scrollTo(0, 0)")
    tab.mouse.move(*pixel_of(tab, "mnv4-conv-s"))
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -100)
    until(
        tab,
        "echarts.getInstanceByDom(document.querySelector('#panels .chart'))"
        ".getOption().dataZoom[0].start > 0",
    )
    tab.keyboard.up("Control")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_follow_the_system_and_the_switch(
    opened: Open, whole: Overview, scheme: str
) -> None:
    tab = opened(whole, color_scheme=scheme)

    def brightness() -> float:
        colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(float(one) for one in colour.strip("rgb()").split(",")) / 3

    assert (brightness() > 128) == (scheme == "light")
    other = "Dark" if scheme == "light" else "Light"
    tab.locator("#theme span", has_text=other).click()
    assert (brightness() > 128) == (other == "Light")
    # Paper is white whatever the screen is.
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    ink = tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')")
    assert ink.strip() == "#1a1a1a"


@pytest.mark.parametrize("width", [360, 800, 1400])
@pytest.mark.parametrize("place", ["", "#model=mobilenetv3-large"])
def test_no_width_scrolls_sideways(opened: Open, whole: Overview, width: int, place: str) -> None:
    tab = opened(whole, place=place, viewport={"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_everything_with_an_action_has_a_name(opened: Open, whole: Overview) -> None:
    tab = opened(whole)
    nameless = tab.evaluate(
        "[...document.querySelectorAll('button, a, select, input, [tabindex=\"0\"]')].filter(one =>"
        " !one.textContent.trim() && !one.getAttribute('aria-label') && !one.labels?.length"
        ").map(one => one.outerHTML.slice(0, 80))"
    )
    assert nameless == []


def test_a_half_filled_marker_is_of_the_float_network(opened: Open) -> None:
    tab = opened(Overview(front=Front(groups=(quantised(),)), exhibits=(), settings=(),
                          stretches=True))  # fmt: skip
    tab.locator("#panels canvas").first.wait_for()
    fills = tab.evaluate(
        "echarts.getInstanceByDom(document.querySelector('#panels .chart')).getOption().series"
        ".filter(one => one.type === 'scatter').flatMap(one => one.data)"
        ".map(item => typeof item.itemStyle.color)"
    )
    assert sorted(fills) == ["object", "object", "string"]
    assert "Half-filled" in tab.locator("#panels").inner_text()


# --- little, and much ---------------------------------------------------------------------------


def test_nothing_at_all(opened: Open) -> None:
    tab = opened(Material().overview(lambda _: None))
    assert "nothing was measured" in tab.locator("#panels").inner_text()


def test_one_model_with_a_single_invocation(opened: Open) -> None:
    tab = opened(overview(report(measurement(invocations=(samples(0),)))))
    tab.locator("#panels canvas").first.wait_for()
    tab.locator("#measured a").first.click()
    tab.locator("#model canvas").first.wait_for()
    assert "A single invocation" in tab.locator("#model").inner_text()


def test_all_tainted_is_no_front_and_says_why(opened: Open) -> None:
    spoilt = samples(0, tainted=("steal 0.12",))
    tab = opened(overview(report(measurement(invocations=(spoilt, spoilt)))))
    assert "No front" in tab.locator("#panels").inner_text()
    assert "tainted: steal 0.12" in tab.locator("#excluded").inner_text()


def test_no_accuracy_is_said(opened: Open) -> None:
    tab = opened(Material().overview(lambda _: None, published=()))
    assert tab.locator("#measured tbody td").inner_text() != ""
    tab = opened(overview(report(measurement("my-net"))))
    assert "no accuracy known" in tab.locator("#excluded").inner_text()


def crowd(count: int) -> Group:
    """One panel of ``count`` points along a front."""
    points = [
        Point(
            model=f"model-{number}", family=f"family {number % 8}",
            latency_s=(latency := 0.001 + (number * 7919 % count) / count * 0.05),
            low_s=latency * 0.99, high_s=latency * 1.01,
            top1=50 + 30 * ((number * 104729 % count) / count) * (latency / 0.051) ** 0.3,
            accuracy_source="timm", status="front", placement="full",
        )
        for number in range(count)
    ]  # fmt: skip
    return Group(device="d", precision="fp32", origin="measured", machine="m", environment="e",
                 points=front_of(points))  # fmt: skip


def test_twenty_thousand_points_stay_few_on_the_page(opened: Open) -> None:
    group = with_certainty(crowd(20_000), resamples=200)
    front = Front(groups=(group,), universality=across((group,), resamples=200))
    tab = opened(Overview(front=front, exhibits=(), settings=(), stretches=False))
    tab.locator("#panels canvas").first.wait_for()
    count = (
        "echarts.getInstanceByDom(document.querySelector('#panels .chart')).getOption().series"
        ".filter(one => one.type === 'scatter').reduce((sum, one) => sum + one.data.length, 0)"
    )
    members = sum(point.status == "front" for point in group.points)
    assert members < tab.evaluate(count) < 2_000 + members
    assert "of 20,000 points drawn" in tab.locator("#panels").inner_text()
    assert tab.evaluate("document.querySelectorAll('*').length") < 5_000
    tab.locator("#measured thead button", has_text="Top-1").click()
    tab.locator("#families button").first.click()
    assert "17,500 of 20,000 entries shown" in tab.locator("#shown").inner_text()
    assert tab.evaluate("document.querySelectorAll('*').length") < 5_000
    tab.locator("#search").fill("model-19999")
    until(tab, "document.getElementById('shown').textContent.startsWith('1 of')")
    assert [one.split("\n")[0] for one in rows(tab)] == ["model-19999"]


def test_a_thousand_panels_are_shown_a_few_at_a_time(opened: Open) -> None:
    small = crowd(20)
    groups = tuple(replace(small, device=f"device-{number}") for number in range(1000))
    front = Front(groups=groups, universality=across(groups, resamples=20))
    tab = opened(Overview(front=front, exhibits=(), settings=(), stretches=False))
    tab.locator("#panels canvas").first.wait_for()
    assert tab.locator("#across thead th").count() == 1 + 40 + 3
    assert "960 columns not shown" in tab.locator("#across").inner_text()
    assert tab.locator("#panels article").count() == 12
    tab.locator("#more-panels").click()
    assert tab.locator("#panels article").count() == 24
    # Only what is near the window is drawn.
    assert drawn(tab) < 24

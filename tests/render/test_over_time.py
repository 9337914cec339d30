"""Histories and comparisons as text and pictures: golden, harmless, nothing over anything."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from mnv4bench.analysis import comparing, matching
from mnv4bench.analysis.history import Timeline
from mnv4bench.findings import Skipped
from mnv4bench.over_time import Comparisons, History, KeyChange, Moment, Segment, Series
from mnv4bench.render import compared, histories, timeline_panel, timelines
from mnv4bench.render.page import MARGIN, PIXELS_PER_INCH, PRINTED_MARGIN
from mnv4bench.render.timeline_panel import Event
from tests.over_time import nights, taint, with_measurements
from tests.render import fixed
from tests.render.golden import assert_golden
from tests.render.test_figure import words_of
from tests.render.test_terminal import in_ascii, text
from tests.sample_reports import ENVIRONMENT, FULL, artifact, evaluation


def history() -> History:
    """One that changed twice and once with its environment, a steady one, a spoiled one."""
    newer = replace(ENVIRONMENT, runtime_version="2.4.0")
    levels = [0.002] * 20 + [0.0022] * 15 + [0.0019] * 15
    reports = nights(levels, ("mnv4-conv-s",))
    reports[7] = taint(reports[7])
    reports[9] = with_measurements(reports[9], placement=replace(FULL, verdict="unproven"))
    reports += nights([0.0019] * 10, ("mnv4-conv-s",), first=50, environment=newer)
    steady = nights([0.0035] * 60, ("mnv4-conv-m", "fastvit-t8"))
    timeline = Timeline()
    for place, one in enumerate([*reports, *steady]):
        timeline.add(replace(one, report=f"night-{place:04d}"))
    timeline.add(taint(nights([0.001], ("efficientvit-b0",), first=60)[0]))
    return timeline.history(skipped=[Skipped(path="reports/bad.json", reason="not JSON")])


def comparisons() -> Comparisons:
    """Every verdict."""
    other = artifact("fastvit-t8", sha256="b" * 64)
    newer = replace(ENVIRONMENT, runtime_version="2.4.0")
    factors = {"a-same": 1.0, "b-slower": 1.2, "c-faster": 0.8, "d-inconclusive": 1.03}
    [before] = nights([0.002], tuple(factors), sd=0)
    [after] = nights([0.002], tuple(factors), first=1, sd=0, environment=newer)
    measured = tuple(
        replace(
            m,
            invocations=tuple(
                replace(s, latencies_s=(s.latencies_s[0] * factor,)) for s in m.invocations
            ),
        )
        for m, factor in zip(after.measurements, factors.values(), strict=True)
    )
    [lost] = nights([0.002], ("fastvit-t8",), sd=0)
    [found] = nights([0.001], ("fastvit-t8",), first=1, sd=0)
    a, b = matching.Sessions(), matching.Sessions()
    a.add(replace(before, measurements=(*before.measurements, *lost.measurements)))
    head = replace(
        found.measurements[0], artifact=other, placement=replace(FULL, verdict="partial")
    )
    b.add(replace(after, measurements=(*measured, head)))
    ranked = evaluation(*[0] * 800, *[9] * 200, model="fastvit-t8")
    evaluations = {
        artifact("fastvit-t8").sha256: [ranked],
        other.sha256: [replace(ranked, artifact=other, ranks=(*[0] * 700, *[9] * 300))],
    }
    pairs, _ = matching.match(a, b, frozenset({"runtime_version"}))
    models = tuple(comparing.judge(pair, evaluations) for pair in pairs)
    return Comparisons(
        models=models,
        max_slowdown=1.03,
        across=("runtime_version",),
        notes=comparing.notes(models),
        skipped=(Skipped(path="own.onnx", reason="B alone has it on host-cpu"),),
    )


# --- text ---------------------------------------------------------------------------------------


def test_golden_text() -> None:
    assert_golden("history.txt", text(histories.table(history()), 120))
    assert_golden("compare.txt", text(compared.table(comparisons()), 130))


def test_narrow_and_ascii_terminals() -> None:
    for view in (histories.table(history()), compared.table(comparisons())):
        assert all(len(line) <= 60 for line in text(view, 60).splitlines())
        assert in_ascii(view).isascii()


def test_every_verdict_is_in_the_golden_comparison() -> None:
    found = comparisons()
    assert {one.verdict for one in found.models} == {
        "same", "slower", "faster", "inconclusive", "not comparable",
    }  # fmt: skip


def test_hostile_text_is_harmless() -> None:
    series = history().series[0]
    segments = tuple(
        replace(one, changed=(KeyChange(key="unit", before=fixed.HOSTILE, after=None),))
        for one in series.segments
    )
    changes = tuple(replace(one, commit=fixed.HOSTILE) for one in series.changes)
    evil = replace(
        series, model=fixed.HOSTILE, device=fixed.HOSTILE, machine=fixed.HOSTILE,
        apart=fixed.HOSTILE, weights=fixed.HOSTILE, segments=segments, changes=changes,
    )  # fmt: skip
    found = replace(history(), series=(evil,))
    for shown in (text(histories.table(found)), text(compared.table(hostile_comparison()))):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "[red]x[/red]" in "".join(shown.split("\n"))
    data = timelines.draw(found)["svg"]
    ElementTree.fromstring(data)
    assert b"<script" not in data
    assert b"\x1b" not in data


def hostile_comparison() -> Comparisons:
    found = comparisons()
    [first, *_] = found.models
    side = replace(first.a, device=fixed.HOSTILE, machine=fixed.HOSTILE, reports=(fixed.HOSTILE,))
    evil = replace(first, model=fixed.HOSTILE, reason=fixed.HOSTILE, a=side, b=side)
    return replace(found, models=(evil,))


def test_an_empty_history_says_so() -> None:
    empty = History(series=(), false_alarms=0.001, judged=0, least_change=1.01)
    assert "no measurement was found" in text(histories.table(empty))
    assert "no measurement was found" in " ".join(words_of(timelines.draw(empty)["svg"]))


# --- figure -------------------------------------------------------------------------------------


def test_the_figure_names_panels_changes_and_environments() -> None:
    found = history()
    words = " ".join(words_of(timelines.draw(found)["svg"]))
    [series] = [one for one in found.series if one.model == "mnv4-conv-s"]
    for change in series.changes:
        assert change.commit is not None
        assert f"{change.at[:10]} {change.commit[:9]} " in words
    for said in (
        "mnv4-conv-s on host-cpu, fp32",
        "mnv4-conv-m on host-cpu, fp32",
        "efficientvit-b0 on host-cpu, fp32",
        "MEASURED on Test CPU, LiteRT 2.4.0, 1 thread; fp32 tflite",
        "runtime_version 2.3.0 to 2.4.0",
        "2 not used: placement unproven (1), tainted (1).",
        "change point, slower",
        "change point, faster",
        "another environment: levels are not compared",
        "shown and not used",
    ):
        assert said in words, said


def test_the_same_history_gives_the_same_bytes() -> None:
    assert timelines.draw(history()) == timelines.draw(history())


def drawn_on_a_page(series: Series) -> timeline_panel.Drawn:
    """The one panel of a history of one series, drawn again on its own axes."""
    page = timelines.compose(replace(history(), series=(series,)))
    [axes] = page.axes
    axes.clear()
    return timeline_panel.draw(axes, series)


def crowded(events: int) -> Series:
    """Changes and environments in turn, close to each other."""
    moments, segments, changes = [], [], []
    base = history().series[0]
    for place in range(events + 1):
        at = f"2026-03-{place + 1:02d}T02:00:00+00:00"
        kind = ("change", "environment")[place % 2] if place else "first"
        changed = (KeyChange(key="runtime_version", before=place, after=place + 1),)
        moments.append(replace(base.moments[0], at=at, report=f"r{place}", unused=None))
        segments.append(replace(base.segments[0], began=kind, changed=changed, start=at, end=at))
        if kind == "change":
            changes.append(replace(base.changes[0], at=at, report=f"r{place}"))
    return replace(base, moments=tuple(moments), segments=tuple(segments), changes=tuple(changes))


@pytest.mark.parametrize("events", [1, 3, 5, 8, 13, 27])
def test_labels_touch_neither_each_other_nor_another_line(events: int) -> None:
    drawn = drawn_on_a_page(crowded(events))
    assert drawn.labels
    for one, other in combinations(drawn.labels, 2):
        assert not one.box.overlaps(other.box)
        for label, line in ((one, other), (other, one)):
            inside = label.box.left < line.event.x < label.box.right
            assert not (inside and line.row >= label.row)
    assert len(drawn.labels) + len(drawn.unlabelled) == events
    if events <= 5:
        assert not drawn.unlabelled
    # where not all find room, changes come first
    kinds = {event.kind for event in drawn.unlabelled}
    assert not kinds or "environment" in kinds


def test_events_are_in_the_order_of_time() -> None:
    [series] = [one for one in history().series if one.model == "mnv4-conv-s"]
    found = timeline_panel.events(series)
    assert [one.kind for one in found] == ["slower", "faster", "environment"]
    assert all(isinstance(one, Event) for one in found)


def test_a_spike_does_not_flatten_the_rest() -> None:
    spiked = nights([0.002] * 30)
    spiked[11] = nights([0.2], first=11)[0]
    timeline = Timeline()
    for one in spiked:
        timeline.add(one)
    [series] = timeline.history().series
    page = timelines.compose(timeline.history())
    [axes] = page.axes
    low, high = axes.get_ylim()
    assert low > 1.5
    assert high < 3
    assert drawn_on_a_page(series).above == 1
    assert "1 session beyond the axis." in " ".join(text.get_text() for text in page.texts)


@pytest.mark.parametrize("half", [0.001, 0.07, 0.4])
def test_the_interval_of_a_lone_session_is_all_on_the_axis(half: float) -> None:
    base = history().series[0]
    one = replace(base.moments[0], latency_s=0.002, low_s=0.002 * (1 - half), high_s=0.0021)
    segment = replace(base.segments[0], start=one.at, end=one.at, latency_s=0.002, low_s=None)
    series = replace(base, moments=(one,), segments=(segment,), changes=())
    page = timelines.compose(replace(history(), series=(series,)))
    low, high = page.axes[0].get_ylim()
    assert low < 2 * (1 - half) < 2.1 < high
    said = [text.get_text() for text in page.texts]
    assert "session, with its own interval" in said
    assert not [text for text in said if text.startswith(("level", "its 95"))]


@pytest.mark.parametrize("minutes", [0, 31, 600, 100_000, 3_000_000])
def test_no_date_is_cut_at_the_edge_of_a_printed_page(minutes: int) -> None:
    base = history().series[0]
    start = datetime(2026, 4, 30, 2, tzinfo=UTC)
    at = [start.isoformat(), (start + timedelta(minutes=minutes)).isoformat()]
    moments = tuple(replace(base.moments[0], at=one) for one in at)
    segment = replace(base.segments[0], start=at[0], end=at[1])
    series = replace(base, moments=moments, segments=(segment,), changes=())
    page = timelines.compose(replace(history(), series=(series,)), "column")
    page.draw_without_rendering()
    offset = page.axes[0].xaxis.get_offset_text().get_text()
    # What holds of all of the axis: a day, a year, or nothing where the ticks are years.
    assert offset == ("2026-Apr-30" if minutes < 1000 else "2026" if minutes < 1e6 else "")
    dates = page.axes[0].get_xticklabels()
    assert len([one for one in dates if one.get_text()]) >= 2
    for one in dates:
        assert one.get_window_extent().x1 <= page.bbox.width - (MARGIN - PRINTED_MARGIN) + 0.5


def test_many_series_are_limited_and_it_is_said() -> None:
    [one, *_] = history().series
    many = replace(history(), series=tuple(replace(one, model=f"m{n:03d}") for n in range(30)))
    page = timelines.compose(many)
    assert len(page.axes) == timelines.MAX_PANELS
    said = " ".join(text.get_text() for text in page.texts)
    assert "6 more series are not drawn; those here changed last." in said
    for words in page.texts:
        box = words.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= page.bbox.width
        assert 0 <= box.y0 < box.y1 <= page.bbox.height


def test_a_long_series_is_thinned_and_it_is_said() -> None:
    base = history().series[-1]
    moment: Moment = base.moments[0]
    moments = tuple(
        replace(
            moment, at=f"20{n // 336:02d}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}T00:00:00+00:00"
        )
        for n in range(3000)
    )
    long = replace(base, moments=moments)
    assert drawn_on_a_page(long).every == 5
    page = timelines.compose(replace(history(), series=(long,)))
    assert "One session of 5 is drawn" in " ".join(text.get_text() for text in page.texts)


@pytest.mark.parametrize("days", [0.0001, 0.1, 1, 5, 40, 100, 400, 1000, 1300, 5000, 20000])
def test_any_length_of_time_has_its_dates(days: float) -> None:
    begun = datetime.fromisoformat("1990-01-01T00:00:00+00:00")
    base = history().series[0]
    segment: Segment = base.segments[0]
    ends = [begun.isoformat(), (begun + timedelta(days=days)).isoformat()]
    moments = tuple(replace(base.moments[0], at=at) for at in ends)
    segments = (replace(segment, start=ends[0], end=ends[1]),)
    series = replace(base, moments=moments, segments=segments, changes=())
    data = timelines.draw(replace(history(), series=(series,)))
    assert len(data["png"]) > PIXELS_PER_INCH


def test_a_date_that_cannot_be_read_is_drawn_somewhere() -> None:
    base = history().series[0]
    moments = (replace(base.moments[0], at="yesterday"), *base.moments[1:])
    assert timelines.draw(replace(history(), series=(replace(base, moments=moments),)))

"""The arithmetic of ablations: on what is added, with the noise of what was measured."""

import pytest
from msgspec.structs import replace

from mnv4bench.analysis import ablations
from mnv4bench.analysis.ablations import Wanted, gain, increment, measured
from mnv4bench.findings import AblationRow
from mnv4bench.records import Measurement, PublishedAblation, Report
from tests.sample_reports import PROFILE, counted, measurement, report, samples

BASE, OLD, NEW = "base", "old", "new"


def printed(row: str, seconds: float) -> PublishedAblation:
    return PublishedAblation(
        study="mqa", row=row, percent=False, devices={"a": seconds, "b": 2 * seconds}, citation="c"
    )


def wanted(kind: str = "increment", base: str = BASE) -> Wanted:
    figures = ((BASE, 1.0, 100), (OLD, 1.5, 150), (NEW, 1.3, 120))
    return Wanted(
        study="mqa",
        table="2",
        title="a title",
        citation="c",
        kind=kind,  # type: ignore[arg-type]
        base=base,
        old=OLD,
        new=NEW,
        rows=tuple(
            AblationRow(model=m, what=m, params=p, macs=p, printed=printed(m, s))
            for m, s, p in figures
        ),
        printed_change=None,
        notes=(),
    )


def timed(model: str, *medians: float) -> Measurement:
    rounds = tuple(samples(number, *[value] * 3) for number, value in enumerate(medians))
    return measurement(model, invocations=rounds)


def noisy(model: str, level: float, by: float = 0.001) -> Measurement:
    return timed(model, *(level * (1 + by * step) for step in (-3, -2, -1, 0, 0, 1, 2, 3)))


def of(*measurements: Measurement, name: str = "r1", **changes: object) -> Report:
    return report(*measurements, name=name, **changes)


def test_the_papers_39_percent_is_on_what_is_added() -> None:
    assert increment(2.35, 2.76, 2.60) == pytest.approx(-0.39, abs=0.001)
    assert gain(0.0, 15.8, 12.8) == pytest.approx(0.23, abs=0.005)


def test_increments_of_latency_parameters_and_the_papers_figures() -> None:
    [found] = measured([of(noisy(BASE, 0.1), noisy(OLD, 0.11), noisy(NEW, 0.106))], [wanted()])
    arithmetic = found.arithmetic
    assert arithmetic is not None
    assert arithmetic.here is not None
    assert arithmetic.here.value == pytest.approx(-0.4)
    assert arithmetic.here.low is not None
    assert arithmetic.here.high is not None
    assert -0.5 < arithmetic.here.low < -0.4 < arithmetic.here.high < -0.3
    assert arithmetic.whole is not None
    assert arithmetic.whole.value == pytest.approx(0.106 / 0.11 - 1)
    assert arithmetic.params == arithmetic.macs == pytest.approx(20 / 50 - 1)
    assert arithmetic.recomputed == pytest.approx({"a": -0.4, "b": -0.4})
    assert arithmetic.recomputed_whole["a"] == pytest.approx(1.3 / 1.5 - 1)
    over = {row.model: row.over_base for row in found.rows}
    assert over[BASE] is None
    assert over[OLD] is not None
    assert over[OLD].value == pytest.approx(0.1)


def test_a_gain_is_old_over_new() -> None:
    [found] = measured([of(noisy(OLD, 0.12), noisy(NEW, 0.1))], [wanted("gain", base=OLD)])
    assert found.arithmetic is not None
    assert found.arithmetic.here is not None
    assert found.arithmetic.here.value == pytest.approx(0.2)
    assert found.rows[0].why_not == "not in this report"


def test_where_nothing_is_compared_every_row_still_stands_over_its_base() -> None:
    [found] = measured([of(noisy(BASE, 0.1), noisy(OLD, 0.11))], [wanted("none")])
    assert found.arithmetic is None
    assert found.rows[1].over_base is not None


def test_an_increment_within_the_noise_divides_nothing() -> None:
    same = [noisy(BASE, 0.1, 0.01), noisy(OLD, 0.1001, 0.01), noisy(NEW, 0.1, 0.01)]
    [found] = measured([of(*same)], [wanted()])
    assert found.arithmetic is not None
    assert found.arithmetic.here is None
    assert "what old adds to base is not told from nothing" in found.arithmetic.why_not
    assert found.arithmetic.whole is not None
    [found] = measured([of(timed(BASE, 0.1), timed(OLD, 0.09), timed(NEW, 0.1))], [wanted()])
    assert found.arithmetic is not None
    assert found.arithmetic.here is None


def test_few_processes_have_a_figure_and_no_interval() -> None:
    quick = [timed(BASE, 0.1, 0.1, 0.1), timed(OLD, 0.11, 0.11, 0.11), timed(NEW, 0.106, 0.106)]
    [found] = measured([of(*quick)], [wanted()])
    assert found.arithmetic is not None
    assert found.arithmetic.here is not None
    assert found.arithmetic.here.value == pytest.approx(-0.4)
    assert found.arithmetic.here.low is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    import random

    draw = random.Random(5)
    truth, inside, trials = -0.4, 0, 60
    for _ in range(trials):
        models = [
            timed(model, *(level * (1 + draw.gauss(0, 0.005)) for _ in range(20)))
            for model, level in ((BASE, 0.1), (OLD, 0.11), (NEW, 0.106))
        ]
        [found] = measured([of(*models)], [wanted()])
        here = found.arithmetic.here if found.arithmetic else None
        assert here is not None
        assert here.low is not None
        assert here.high is not None
        inside += here.low <= truth <= here.high
    assert inside >= 0.88 * trials


def test_a_study_is_taken_from_one_report_the_newest_that_has_it_all() -> None:
    whole = of(noisy(BASE, 0.1), noisy(OLD, 0.11), noisy(NEW, 0.106), name="r1")
    newer = of(noisy(BASE, 0.2), noisy(OLD, 0.3), name="r2", started_at="2026-11-23T15:00:00+00:00")
    newest = replace(whole, report="r3", started_at="2026-11-24T15:00:00+00:00")
    assert [one.report for one in measured([newer, whole], [wanted()])] == ["r1"]
    assert [one.report for one in measured([newer], [wanted()])] == ["r2"]
    assert [one.report for one in measured([newest, whole, newer], [wanted()])] == ["r3"]
    lone = of(noisy(BASE, 0.1), noisy("another", 0.1), name="r4")
    assert measured([lone], [wanted()]) == ()


def test_devices_and_thread_counts_have_a_table_each() -> None:
    three = (noisy(BASE, 0.1), noisy(OLD, 0.11), noisy(NEW, 0.106))
    other = of(*three, name="r2", profile=replace(PROFILE, threads=2))
    third = of(*three, name="r3", profile=replace(PROFILE, device="host-ort-cpu"))
    found = measured([of(*three), other, third], [wanted()])
    assert [(one.device, one.threads) for one in found] == [
        ("host-cpu", 1),
        ("host-cpu", 2),
        ("host-ort-cpu", 1),
    ]


def test_a_failure_and_a_taint_are_said() -> None:
    failed = replace(measurement(OLD), invocations=(), failure="the runtime refused it")
    [found] = measured([of(noisy(BASE, 0.1), failed, noisy(NEW, 0.106))], [wanted()])
    assert "the runtime refused it" in found.rows[1].why_not
    assert found.arithmetic is not None
    assert found.arithmetic.why_not == "old was not measured"


def test_counted_instructions_are_compared_exactly() -> None:
    models = [
        replace(
            measurement(m),
            invocations=(),
            counts=(counted(0, n, n, n), counted(1, n, n, n)),
            origin="emulated",
        )
        for m, n in ((BASE, 1000), (OLD, 1100), (NEW, 1050))
    ]
    [found] = measured([of(*models)], [wanted()])
    assert [row.instructions for row in found.rows] == [1000, 1100, 1050]
    assert found.origin == "emulated"
    assert found.arithmetic is not None
    assert found.arithmetic.here == ablations.Effect(value=pytest.approx(-0.5))

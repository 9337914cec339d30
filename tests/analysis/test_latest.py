"""Reports fed one at a time, in any order, give the same fronts as summaries do."""

import random

from msgspec.structs import replace

from mnv4bench.analysis import latest as room
from mnv4bench.analysis.latest import Latest
from mnv4bench.analysis.pareto import latest_groups, measured_groups
from mnv4bench.analysis.stats import summarise, unmeasured
from mnv4bench.records import Accuracy, Measurement, Report
from tests.sample_reports import artifact, measurement, report, samples

KNOWN = Accuracy(top1=70, source="paper", weights="w", input_px=224, citation="c")


def measured(model: str, hour: int, seconds: float, **changes: object) -> Measurement:
    at = f"2026-11-22T{hour:02}:00:00+00:00"
    return measurement(model, invocations=(samples(0, seconds, started_at=at),), **changes)


def store(count: int = 6) -> list[Report]:
    reports = [
        report(
            measured("a", hour, 0.001 * (hour + 1)),
            measured("b", hour, 0.002),
            measurement("b" if hour % 2 else "c", invocations=(), placement=None, failure="no"),
            name=f"r{hour}",
            started_at=f"2026-11-22T{hour:02}:00:00+00:00",
        )
        for hour in range(count)
    ]
    return [*reports, report(measured("a", 3, 0.9, artifact=artifact("a", precision="int8")))]


def fed(reports: list[Report]):
    latest = Latest()
    for one in reports:
        latest.add(one)
    return latest_groups(latest, lambda _: KNOWN), latest.superseded()


def test_the_order_of_reports_does_not_matter() -> None:
    reports = store()
    first = fed(reports)
    assert fed(reports[::-1]) == first
    assert fed(random.Random(1).sample(reports, len(reports))) == first
    assert first[0][0].points[1].latency_s == 0.006


def test_reports_and_summaries_give_the_same() -> None:
    reports = store()
    pairs = [(one, each) for one in reports for each in one.measurements]
    summaries = [found for pair in pairs if (found := summarise(*pair))]
    failures = [found for pair in pairs if (found := unmeasured(*pair))]
    assert measured_groups(summaries, lambda _: KNOWN, failures) == fed(reports)


def test_newest_first_summarises_only_what_counts(monkeypatch) -> None:
    seen = []

    def counting(one: Report, each: Measurement, ordered: object):
        seen.append(each.artifact.model)
        return summarise(one, each, ordered)

    monkeypatch.setattr(room, "summarise", counting)
    reports = [report(measured("a", hour, 0.001), name=f"r{hour}") for hour in range(20)]
    groups, skipped = fed(reports[::-1])
    assert seen == ["a"]
    assert len(skipped) == 19
    assert len(groups) == 1


def test_equal_moments_are_decided_by_the_reports_name() -> None:
    one = report(measured("a", 1, 0.001), name="r1")
    two = replace(one, report="r2", measurements=(measured("a", 1, 0.002),))
    for order in ([one, two], [two, one]):
        [group], [skipped] = fed(order)
        assert group.points[0].latency_s == 0.002
        assert skipped.path == "r1"

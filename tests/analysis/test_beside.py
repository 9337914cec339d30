"""Measured beside published: which belong together, and what the ratio's interval carries."""

import pytest
from msgspec.structs import replace

from mnv4bench.analysis import beside, stats
from mnv4bench.findings import SideBySide, Summary
from mnv4bench.records import PublishedLatency
from tests.sample_reports import PROFILE, artifact, measurement, report, samples

PHONE = replace(PROFILE, device="pixel8-edgetpu", precision="int8")


def summary(model: str = "mnv4-conv-s", ms: float = 0.735, px: int = 224, **changes) -> Summary:
    one = measurement(
        artifact=artifact(model, precision="int8", input_shape=(1, px, px, 3)),
        invocations=tuple(samples(r, ms * 1e-3 * (1 + 0.01 * (r - 2.5))) for r in range(6)),
    )
    found = stats.summarise(report(one, profile=PHONE), one)
    assert found is not None
    return replace(found, **changes)


def cell(model: str = "mnv4-conv-s", ms: float | None = 0.7, **changes) -> PublishedLatency:
    made = PublishedLatency(
        model=model, family="MobileNetV4", device="pixel8-edgetpu",
        status="ok" if ms else "failed", latency_s=ms / 1e3 if ms else None, printed_to_s=1e-4,
        top1=73.8, input_px=224, precision="int8", citation="a paper", confidence="",
    )  # fmt: skip
    return replace(made, **changes)


def compared(measured: list[Summary], *cells: PublishedLatency) -> SideBySide:
    about = beside.source("paper", "a paper", "", cells)
    return beside.side_by_side(measured, [(about, cells)])


def test_the_ratio_carries_the_measured_interval_and_the_rounding() -> None:
    one = summary()
    [row] = compared([one], cell()).rows
    assert row.ratio == pytest.approx(1.05)
    assert (row.low_s, row.high_s, row.confidence) == (one.low_s, one.high_s, one.confidence)
    assert one.low_s is not None
    assert one.high_s is not None
    # 0.7 ms may have been 0.65 to 0.75 ms.
    assert row.ratio_low == pytest.approx(one.low_s / 0.00075)
    assert row.ratio_high == pytest.approx(one.high_s / 0.00065)


def test_a_figure_of_one_digit_keeps_a_finite_interval() -> None:
    [row] = compared([summary(ms=0.1)], cell(ms=0.1)).rows
    assert row.ratio_high == pytest.approx(0.0001 * 1.025 / 0.00005)
    [exact] = compared([summary(ms=0.1)], cell(ms=0.1, printed_to_s=None)).rows
    assert exact.ratio_high == pytest.approx(1.025)


def test_a_single_invocation_has_a_ratio_and_no_interval() -> None:
    [row] = compared([summary(low_s=None, high_s=None, confidence=0.0)], cell()).rows
    assert row.ratio == pytest.approx(1.05)
    assert (row.ratio_low, row.ratio_high) == (None, None)


@pytest.mark.parametrize(
    ("measured", "printed", "reason"),
    [
        (summary(px=256), cell(), "measured in int8 at 256 px, published in int8 at 224 px"),
        (summary(precision="fp16"), cell(), "measured in fp16 at 224 px, published in int8"),
        (summary("my_net"), cell(), "the table has no such model"),
        (summary(placement="unproven"), cell(), "placement unproven"),
        (summary(placement="none"), cell(), "placement none"),
        (summary(tainted=("steal 12 %",)), cell(), "tainted: steal 12 %"),
        (summary(), cell(ms=None), "the table says failed"),
        (summary(), cell(ms=None, status="not_benchmarked"), "the table says not benchmarked"),
    ],
)
def test_what_gets_no_ratio_says_why(
    measured: Summary, printed: PublishedLatency, reason: str
) -> None:
    found = compared([measured], printed)
    assert found.rows == ()
    assert reason in found.unmatched[0].reason
    assert found.unmatched[0].device == "pixel8-edgetpu"


def test_what_the_table_alone_has_is_said_once() -> None:
    found = compared([summary()], cell(), cell("mnv4-conv-m"), cell(precision="fp16"))
    assert {(one.model, one.reason) for one in found.unmatched} == {
        ("mnv4-conv-m", "not measured"),
        ("mnv4-conv-s", "not measured in fp16 at 224 px"),
    }


def test_another_device_or_origin_is_never_beside() -> None:
    elsewhere = compared([summary(device="host-cpu")], cell())
    assert (elsewhere.rows, elsewhere.unmatched) == ((), ())
    assert elsewhere.sources[0].devices_not_measured == ("pixel8-edgetpu",)
    assert compared([summary(origin="emulated")], cell()).rows == ()


def test_two_runtimes_are_two_rows() -> None:
    found = compared([summary()], cell(runtime="TFLite"), cell(runtime="QNN", ms=0.8))
    assert [one.published_runtime for one in found.rows] == ["QNN", "TFLite"]


def test_partial_placement_is_compared_as_in_a_front() -> None:
    assert len(compared([summary(placement="partial")], cell()).rows) == 1


def test_a_large_table_is_looked_up_and_not_searched() -> None:
    cells = [cell(f"m{number}") for number in range(10_000)]
    found = compared([summary(f"m{number}") for number in range(0, 10_000, 50)], *cells)
    assert len(found.rows) == 200
    assert len(found.unmatched) == 9_800

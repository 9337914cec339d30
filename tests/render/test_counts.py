"""The table of counted instructions."""

from mnv4bench.analysis.counts import tally
from mnv4bench.render import counts
from tests.render import fixed
from tests.render.golden import assert_golden
from tests.render.test_terminal import in_ascii, text
from tests.sample_reports import counted, counting_report


def found(*processes, model: str = "mnv4-conv-s"):
    report = counting_report(*processes, model=model)
    one = tally(report, report.measurements[0])
    assert one is not None
    return one


def test_golden_text() -> None:
    exact = found(counted(0), counted(1))
    varying = found(counted(0, 100_000, 101_000, 100_500), counted(1, 100_000, 101_000, 100_500),
                    model="mobilenetv3-small")  # fmt: skip
    wrong = found(counted(0, 7), counted(1, 8), model="fastvit-t8")
    assert_golden("counts.txt", text(counts.listed([exact, varying, wrong]), 140))


def test_it_never_looks_like_a_latency() -> None:
    shown = text(counts.listed([found(counted(0), counted(1))]), 140)
    assert "EMULATED" in shown
    assert "not a latency" in shown
    assert " ms" not in shown


def test_names_from_a_report_cannot_act_on_the_terminal() -> None:
    hostile = found(counted(0), counted(1), model=fixed.HOSTILE)
    assert "\x1b" not in text(counts.listed([hostile]), 140)
    assert in_ascii(counts.listed([hostile])).isascii()

"""CSV that a program reads back and a spreadsheet does not calculate."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis import rows
from mnv4bench.findings.rows import columns
from mnv4bench.records import Counted
from mnv4bench.render import delimited
from tests.sample_reports import artifact, measurement, report, samples


def read(kind, made) -> list[dict[str, str]]:
    text = "".join(delimited.csv_pieces(kind, made))
    assert "\r" not in text
    return list(csv.DictReader(StringIO(text), strict=True))


def test_numbers_keep_their_digits_and_nothing_is_empty() -> None:
    each = tuple(samples(r, 0.0021234567890123) for r in range(6))
    made = rows.measurements(report(measurement(invocations=each)), lambda _: None)
    [row] = read("measurements", made)
    assert list(row) == [column.name for column in columns("measurements")]
    assert float(row["latency_s"]) == 0.0021234567890123
    assert (row["p90_s"], row["failure"], row["top1_percent"]) == ("", "", "")


def test_truth_is_a_word() -> None:
    made = rows.invocations(report(measurement(invocations=(samples(0, warmup_steady=False),))))
    [row] = read("invocations", made)
    assert (row["warmup_steady"], row["capped"]) == ("false", "false")


def test_samples_are_numbered_within_their_phase() -> None:
    timed = measurement(
        artifact=artifact('a,"b"'), invocations=(samples(2, 0.002, 0.003, warmup_s=(0.009,)),)
    )
    counted = Counted(round=0, position=0, started_at="x", instructions=(7, 8))
    emulated = measurement(origin="emulated", invocations=(), counts=(counted,))
    made = read("samples", rows.samples(report(timed, emulated)))
    told = ("model", "phase", "index", "latency_s", "instructions")
    assert [tuple(row[name] for name in told) for row in made] == [
        ('a,"b"', "warm-up", "0", "0.009", ""),
        ('a,"b"', "timed", "0", "0.002", ""),
        ('a,"b"', "timed", "1", "0.003", ""),
        ("mnv4-conv-s", "counted", "0", "", "7"),
        ("mnv4-conv-s", "counted", "1", "", "8"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "=cmd|' /C calc'!A0"],
)
def test_a_formula_is_text(name: str) -> None:
    made = rows.measurements(report(measurement(artifact=artifact(name))), lambda _: None)
    [row] = read("measurements", made)
    assert not row["model"].strip().startswith(("=", "+", "-", "@", "＝"))
    assert row["model"].startswith(("'", "\\"))
    # Where commas are decimal, a spreadsheet begins a cell behind a semicolon, quotes or not.
    made = rows.measurements(report(measurement(artifact=artifact(f"a;{name};b"))), lambda _: None)
    [row] = read("measurements", made)
    assert row["model"].split(";")[1].startswith(("'", "\\"))


def test_a_negative_number_is_a_number() -> None:
    assert delimited.cell(-1.5) == "-1.5"
    assert delimited.cell("") == ""


@given(st.text(min_size=1, max_size=40))
def test_any_name_is_one_cell_that_does_nothing(name: str) -> None:
    line = delimited._joined([name, 1.5])
    [cells] = csv.reader(StringIO(line), strict=True)
    assert len(cells) == 2
    assert cells[0].isprintable() or not cells[0].isascii()
    assert not cells[0].lstrip().startswith(("=", "+", "-", "@"))


def test_pieces_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "PIECE", 1000)
    made = (row for _ in range(100) for row in rows.invocations(report(measurement())))
    pieces = list(delimited.csv_pieces("invocations", made))
    assert len(pieces) > 30
    assert max(map(len, pieces)) < 2500

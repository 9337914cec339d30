"""Published tables that a user brings: what they may say, what is refused, and how."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnv4bench.errors import BadFile, BenchError, UsageError
from mnv4bench.models import published, published_tables
from mnv4bench.records import MAX_SECONDS

HEAD = 'citation = "Example 42"\ndevice = "pixel8-edgetpu"\nprecision = "int8"\ninput_px = 224\n'
ROW = '[[rows]]\nmodel = "mnv4-conv-s"\nlatency_ms = 0.71\n'
CSV = "citation,device,model,precision,input_px,latency_ms\n"
CELLS = "Example 42,pixel8-edgetpu,mnv4-conv-s,int8,224,0.71\n"


def written(folder: Path, text: str | bytes, name: str = "vendor.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str | bytes, name: str = "vendor.toml") -> published_tables.Table:
    return published_tables.read(written(folder, text, name))


def test_toml_and_csv_say_the_same(tmp_path: Path) -> None:
    toml = read(tmp_path, HEAD + ROW + "top1_percent = 73.8\n")
    table = read(tmp_path, CSV.replace("\n", ",top1_percent\n") + CELLS.replace("\n", ",73.8\n"),
                 "vendor.csv")  # fmt: skip
    assert toml.cells == table.cells
    [cell] = toml.cells
    assert (cell.latency_s, cell.printed_to_s, cell.top1) == (0.00071, 1e-5, 73.8)
    assert (cell.family, cell.accuracy_source, cell.status) == ("MobileNetV4", "table", "ok")
    assert (toml.citation, toml.unknown_models) == ("Example 42", ())


def test_a_csv_with_heads_remarks_blank_lines_and_a_mark(tmp_path: Path) -> None:
    text = (
        "\ufeff# A remark without a colon\n# citation: Example, with: a colon\n"
        "# device: pixel8-cpu\n\n"
        'model,precision,input_px,latency_us,runtime\r\n"my,net",fp16,224,2350,"QNN, 2.50"\r\n\r\n'
    )
    table = read(tmp_path, text, "vendor.CSV")
    [cell] = table.cells
    assert table.citation == "Example, with: a colon"
    assert (cell.model, cell.device, cell.runtime) == ("my,net", "pixel8-cpu", "QNN, 2.50")
    assert (cell.latency_s, cell.printed_to_s) == (0.00235, 1e-6)


@pytest.mark.parametrize(
    ("unit", "printed", "latency_s", "digit"),
    [("latency_s", "1.5", 1.5, 0.1), ("latency_ms", "2.4", 0.0024, 1e-4),
     ("latency_ms", "20", 0.02, 1e-3),
     ("latency_us", "5e2", 0.0005, 1e-6), ("latency_ms", "0.70", 0.0007, 1e-5)],
)  # fmt: skip
def test_units_and_printed_digits(
    unit: str, printed: str, latency_s: float, digit: float, tmp_path: Path
) -> None:
    text = (CSV + CELLS).replace("latency_ms", unit).replace("0.71", printed)
    [cell] = read(tmp_path, text, "a.csv").cells
    assert cell.latency_s == latency_s
    assert cell.printed_to_s == pytest.approx(digit)


def test_unknown_models_are_taken_and_named(tmp_path: Path) -> None:
    odd = "=cmd\x1b[31m<script>"
    text = HEAD + ROW + "\n[[rows]]\nmodel = '''my_net'''\nlatency_ms = 1.0\n"
    assert read(tmp_path, text).unknown_models == ("my_net",)
    [cell] = read(tmp_path, (CSV + CELLS).replace("mnv4-conv-s", odd), "a.csv").cells
    assert (cell.model, cell.family) == (odd, "published")


def test_words_in_place_of_a_latency(tmp_path: Path) -> None:
    text = (
        HEAD
        + ROW.replace("0.71", '"failed"')
        + ROW.replace("0.71", '"not_benchmarked"').replace("conv-s", "conv-m")
    )
    assert [(c.status, c.latency_s) for c in read(tmp_path, text).cells] == [
        ("failed", None), ("not_benchmarked", None),
    ]  # fmt: skip


REFUSED = {
    "no citation": (HEAD.replace('citation = "Example 42"\n', "") + ROW, "has no citation"),
    "an empty citation": (HEAD.replace("Example 42", " ") + ROW, "citation is ' '"),
    "a citation that is no text": (HEAD.replace('"Example 42"', "42") + ROW, "citation is '42'"),
    "a citation of two": (
        HEAD.replace('citation = "Example 42"\n', "")
        + ROW + 'citation = "A"\n' + ROW.replace("-s", "-m") + 'citation = "B"\n',
        "has two citations, 'A' and 'B'",
    ),
    "a citation in one row alone": (
        HEAD.replace('citation = "Example 42"\n', "")
        + ROW + 'citation = "A"\n' + ROW.replace("-s", "-m"),
        "has no citation in row 2",
    ),
    "two units": (
        HEAD + ROW + '[[rows]]\nmodel = "mnv4-conv-m"\nlatency_us = 710\n',
        "several units: latency_ms in row 1, latency_us in row 2",
    ),
    "two units in one row": (HEAD + ROW + "latency_s = 0.00071\n", "several units"),
    "two devices": (
        HEAD + ROW + 'device = "pixel8-cpu"\n',
        "row 1: device is 'pixel8-cpu' here and 'pixel8-edgetpu' for the whole table",
    ),
    "a row without its device": (
        HEAD.replace('device = "pixel8-edgetpu"\n', "")
        + ROW + 'device = "pixel8-cpu"\n' + ROW.replace("-s", "-m"),
        "row 2: has no device",
    ),
    "two precisions": (HEAD + ROW + 'precision = "fp16"\n', "precision is 'fp16' here"),
    "a precision of others": (HEAD.replace("int8", "w8a8") + ROW, "precision 'w8a8' is not known"),
    "a row twice": (HEAD + ROW + ROW, "row 2: mnv4-conv-s on pixel8-edgetpu (int8, 224 px) stands"),
    "no size": (HEAD.replace("input_px = 224\n", "") + ROW, "row 1: has no input_px"),
    "half a size": (HEAD.replace("224", "22.4") + ROW, "input_px is 22.4"),
    "no model": (HEAD + "[[rows]]\nlatency_ms = 1.0\n", "row 1: has no model"),
    "no latency": (HEAD + '[[rows]]\nmodel = "a"\n', "has no latency"),
    "a row without latency": (HEAD + ROW + '[[rows]]\nmodel = "a"\n', "row 2: has no latency_ms"),
    "not a number": (HEAD + ROW.replace("0.71", "nan"), "latency_ms is 'nan', which is no number"),
    "infinity": (HEAD + ROW.replace("0.71", "inf"), "latency_ms is 'inf', which is no number"),
    "truth": (HEAD + ROW.replace("0.71", "true"), "latency_ms is 'True', which is no number"),
    "a list": (HEAD + ROW.replace("0.71", "[1]"), "which is no number"),
    "a unit behind": (HEAD + ROW.replace("0.71", '"0.71 ms"'), "which is no number"),
    "below zero": (HEAD + ROW.replace("0.71", "-0.71"), "-0.71; a latency is above 0"),
    "zero": (HEAD + ROW.replace("0.71", "0"), "latency_ms is 0; a latency is above 0"),
    "days": (HEAD + ROW.replace("0.71", "1e9"), f"at most {MAX_SECONDS:g} s"),
    "a vast exponent": (HEAD + ROW.replace("0.71", '"1e999999999"'), "which is no number"),
    "a fraction": (HEAD + ROW + "top1_percent = 0.738\n", "0.738; it is a percentage"),
    "over the whole": (HEAD + ROW + "top1_percent = 101\n", "101; it is a percentage"),
    "an unknown key": (HEAD + ROW + "latency = 1\n", "'latency' is not known"),
    "an unknown key for all": ('devise = "x"\n' + HEAD + ROW, "'devise' is not known"),
    "a long name": (HEAD + ROW.replace("mnv4-conv-s", "x" * 201), "'xxxxxxxxxx"),
    "no rows": (HEAD, "has no [[rows]]"),
    "empty rows": (HEAD + "rows = []\n", "has no row"),
    "rows that are none": (HEAD + "rows = [1]\n", "has no [[rows]]"),
    "nothing": ("", "has no [[rows]]"),
    "garbage": ("\x00\x01garbage {", "not readable as TOML"),
    "not UTF-8": (HEAD.encode().replace(b"Example", b"Exampl\xe9") + ROW.encode(), "not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_toml_refused(what: str, tmp_path: Path) -> None:
    text, sentence = REFUSED[what]
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text)
    assert sentence in caught.value.what
    assert "vendor.toml" in caught.value.what


CSV_REFUSED = {
    "no citation": (
        CSV.replace("citation,", "") + CELLS.replace("Example 42,", ""), "has no citation",
    ),
    "a cell too many": (CSV + CELLS.replace("0.71", "0,71"), "line 2: 7 cells under 6 columns"),
    "semicolons": ((CSV + CELLS).replace(",", ";"), "is not known"),
    "a column twice": (CSV.replace("device", "model") + CELLS, "'model' stands there twice"),
    "two units": (
        CSV.replace("\n", ",latency_us\n") + CELLS.replace("\n", ",710\n"), "several units",
    ),
    "an empty latency": (
        CSV + CELLS + CELLS.replace("0.71", "").replace("-s", "-m"), "line 3: has no latency_ms",
    ),
    "a head twice": ("# device: a\n# device: b\n" + CSV + CELLS, "line 2: 'device' is given twice"),
    "two devices": (
        "# device: pixel8-cpu\n" + CSV + CELLS, "line 3: device is 'pixel8-edgetpu' here",
    ),
    "an open quote": (CSV + '"' + CELLS, "not readable as CSV"),
    "one column name alone": ("citation\n", "has no row"),
    "a head alone": ("# citation: Example 42\n", "has no row"),
    "nothing": ("", "has no row"),
    "not UTF-8": (CSV.encode() + CELLS.encode().replace(b"conv", b"c\xffnv"), "not UTF-8 (byte"),
    "UTF-16": ((CSV + CELLS).encode("utf-16"), "not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", CSV_REFUSED)
def test_csv_refused(what: str, tmp_path: Path) -> None:
    text, sentence = CSV_REFUSED[what]
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text, "vendor.csv")
    assert sentence in caught.value.what


def test_other_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.toml or \.csv"):
        published_tables.read(written(tmp_path, "x", "table.xlsx"))
    with pytest.raises(UsageError, match="no such file"):
        published_tables.read(tmp_path / "none.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BadFile, match="not a regular file"):
        published_tables.read(tmp_path / "folder.toml")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(BadFile, match="not a regular file"):
        published_tables.read(tmp_path / "pipe.csv")
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(published_tables.MAX_BYTES + 1)
    with pytest.raises(BadFile, match="at most 16 MiB"):
        published_tables.read(tmp_path / "huge.csv")


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_tables, "MAX_ROWS", 2)
    rows = "".join(CELLS.replace("-s,", f"-{number},") for number in range(5))
    with pytest.raises(BadFile, match="more than 2 rows"):
        read(tmp_path, CSV + rows, "a.csv")
    toml = "".join(ROW.replace("-s", f"-{number}") for number in range(5))
    with pytest.raises(BadFile, match="more than 2 rows"):
        read(tmp_path, HEAD + toml)


def test_the_paper_is_a_table_of_its_own(tmp_path: Path) -> None:
    paper, vendor = published_tables.named(["paper", str(written(tmp_path, HEAD + ROW))])
    assert paper.cells == published.table()
    assert (paper.source, vendor.citation) == ("paper", "Example 42")
    assert published_tables.named(["paper", "paper"]) == (paper,)


def test_two_files_with_one_citation_are_refused(tmp_path: Path) -> None:
    first = written(tmp_path, HEAD + ROW)
    second = written(tmp_path, CSV + CELLS, "other.csv")
    with pytest.raises(BadFile, match=r"other\.csv: has the citation of .*vendor\.toml"):
        published_tables.named([str(first), str(second)])


def test_accuracies_fill_what_a_table_does_not_print(tmp_path: Path) -> None:
    text = HEAD + ROW + ROW.replace("conv-s", "conv-m") + ROW.replace("mnv4-conv-s", "my_net")
    cells = read(tmp_path, text + "top1_percent = 70\n").cells
    filled = published_tables.with_accuracies(cells, "timm")
    # Conv-M has no accuracy at 224 px, and the last row prints its own.
    assert [(one.top1 is None, one.accuracy_source) for one in filled] == [
        (False, "timm"), (True, "table"), (False, "table"),
    ]  # fmt: skip
    assert filled[2].top1 == 70


@settings(max_examples=200, deadline=None)
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)),
       start=st.sampled_from(["", HEAD, HEAD + ROW, CSV, CSV + CELLS]),
       suffix=st.sampled_from([".toml", ".csv"]))  # fmt: skip
def test_whatever_stands_in_it_it_is_a_table_or_a_sentence(
    data: bytes, start: str, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzzed{suffix}"
    path.write_bytes(start.encode() + data)
    try:
        table = published_tables.read(path)
    except BenchError as error:
        said = error.what
    else:
        said = str(path)
        latencies = [cell.latency_s for cell in table.cells if cell.latency_s is not None]
        assert table.citation
        assert all(0 < latency_s <= MAX_SECONDS for latency_s in latencies)
    assert str(path) in said

"""`show` in every format, and published tables on the command line."""

import csv
import json
import os
import subprocess
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace

from mnv4bench import profiles, store
from mnv4bench.analysis import pareto
from mnv4bench.models import published, published_tables
from mnv4bench.render import words
from tests.command_line import Ran, Terminal, command
from tests.sample_reports import artifact, measurement, report, samples

PHONE = {profile.device: profile for profile in profiles.load_all()[0]}["pixel8-edgetpu"]
VENDOR = """
citation = "Example 42"
device = "pixel8-edgetpu"
precision = "int8"
input_px = 224
[[rows]]
model = "mnv4-conv-s"
latency_ms = 0.72
[[rows]]
model = "my-net"
latency_ms = 0.5
top1_percent = 70.0
"""


def host(folder: Path, name: str = "r1") -> Path:
    each = tuple(samples(r, 0.002, 0.003, warmup_s=(0.009,)) for r in range(6))
    failed = measurement("my_net", invocations=(), placement=None, failure="refused")
    return store.write(folder, report(measurement(invocations=each), failed, name=name))


def phone(folder: Path, name: str = "p1", ms: float = 0.72, **changes: object) -> Path:
    each = tuple(samples(r, ms * 1e-3 * (1 + 0.01 * (r - 2.5)), **changes) for r in range(6))
    made = measurement(artifact=artifact(precision="int8"), invocations=each)
    return store.write(folder, report(made, name=name, profile=PHONE))


def assert_sentence(ran: Ran, status: int, *parts: str) -> None:
    assert ran.status == status, ran
    assert (ran.out, "Traceback" in ran.err) == ("", False)
    for part in parts:
        assert part in ran.err


def test_csv_on_stdout_and_in_a_file_are_the_same(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    printed = terminal("show", "--format", "csv")
    rows = list(csv.DictReader(StringIO(printed.out)))
    assert [(row["model"], row["latency_s"], row["failure"]) for row in rows] == [
        ("mnv4-conv-s", "0.0025", ""),
        ("my_net", "", "refused"),
    ]
    written = terminal("show", "reports", "--out", "made/m.csv")
    assert written.out == "written: made/m.csv\n"
    assert (tmp_path / "made" / "m.csv").read_text() == printed.out


@pytest.mark.parametrize(
    ("rows", "count"), [("measurements", 2), ("invocations", 6), ("samples", 18)]
)
def test_parquet_and_csv_have_the_same_rows(
    rows: str, count: int, terminal: Terminal, tmp_path: Path
) -> None:
    host(tmp_path / "reports")
    ran = terminal("show", "reports", "--out", "m.parquet", "--rows", rows)
    assert ran.out == f"written: m.parquet, {count} rows\n"
    text = terminal("show", "reports", "--format", "csv", "--rows", rows).out
    frame = pl.read_parquet(tmp_path / "m.parquet")
    assert frame.height == count == len(text.splitlines()) - 1
    assert text.splitlines()[0].split(",") == frame.columns
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.parquet", "reports"]


def test_json_is_what_it_was(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    printed = terminal("show", "--json").out
    assert terminal("show", "--format", "json").out == printed
    assert terminal("show", "--out", "shown.json").out == ""
    assert json.loads((tmp_path / "shown.json").read_text()) == json.loads(printed)
    assert json.loads(printed)["side_by_side"] is None


def test_markdown_has_a_table_and_what_was_left_out(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    (tmp_path / "reports" / "bad.json").write_text("{}")
    text = terminal("show", "--format", "markdown").out
    assert text.startswith("| Model | Device |")
    assert "not measured: `refused`" in text
    assert "* <code>reports/bad.json</code>: `JSON, but not a report of mnv4bench.`" in text


def test_what_cannot_be_read_is_said_on_stderr(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    for number in range(25):
        (tmp_path / "reports" / f"bad{number}\x1b[31m.json").write_text("{}")
    ran = terminal("show", "--format", "csv")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 3
    assert "not used: reports/bad24\\x1b[31m.json: JSON, but not a report" in ran.err
    assert "not used: 5 more" in ran.err
    assert "\x1b" not in ran.err


def test_a_formula_in_a_name_is_text_in_csv(terminal: Terminal, tmp_path: Path) -> None:
    odd = '=HYPERLINK("http://x")'
    store.write(tmp_path / "reports", report(measurement(artifact=artifact(odd))))
    for rows in ("measurements", "invocations", "samples"):
        text = terminal("show", "--format", "csv", "--rows", rows).out
        assert next(csv.DictReader(StringIO(text)))["model"] == f"'{odd}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "parquet"], "Parquet is not for a terminal."),
        (["--format", "table", "--out", "x"], "the table is for a terminal."),
        (["--out", "x.xlsx"], "names no format"),
        (["--rows", "samples"], "--rows samples is for csv and parquet."),
        (["--json", "--format", "csv"], "two formats"),
        (["vendor.toml"], "vendor.toml is no report; a published table is given with --published"),
        (["--published", "vendor.toml", "--format", "csv", "--rows", "samples"], "have no samples"),
    ],
)
def test_words_that_do_not_go_together(
    words: list[str], said: str, terminal: Terminal, tmp_path: Path
) -> None:
    host(tmp_path / "reports")
    (tmp_path / "vendor.toml").write_text(VENDOR)
    assert_sentence(terminal("show", "reports", *words), 2, said)


def test_without_polars_the_install_line_is_given(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host(tmp_path / "reports")
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    ran = terminal("show", "reports", "--out", "m.parquet")
    assert_sentence(ran, 2, "pip install 'mnv4bench[data]'")
    assert not (tmp_path / "m.parquet").exists()
    assert terminal("show", "reports", "--out", "m.csv").status == 0


def test_a_file_that_was_there_stays_when_nothing_can_be_read(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "bad.json").write_text("{}")
    for name in ("m.csv", "m.parquet", "m.md"):
        (tmp_path / name).write_text("before")
        assert_sentence(terminal("show", "reports", "--out", name), 4, "no report could be read")
        assert (tmp_path / name).read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "m.csv", "m.md", "m.parquet", "reports",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["m.csv", "m.parquet", "m.md"])
def test_a_place_that_cannot_be_written_is_a_sentence(
    name: str, terminal: Terminal, tmp_path: Path
) -> None:
    host(tmp_path / "reports")
    (tmp_path / "file").write_text("")
    ran = terminal("show", "reports", "--out", f"file/{name}")
    assert_sentence(ran, 3, "could not be written")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    host(tmp_path / "reports")
    with subprocess.Popen(
        command("show", tmp_path / "reports", "--format", "csv"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


# --- published --------------------------------------------------------------------------------


def test_a_measured_device_stands_beside_the_paper_unasked(
    terminal: Terminal, tmp_path: Path
) -> None:
    phone(tmp_path / "reports")
    host(tmp_path / "reports")
    [row] = terminal("show", "--json").json["side_by_side"]["rows"]
    assert (row["device"], row["model"], row["published_s"]) == (
        "pixel8-edgetpu",
        "mnv4-conv-s",
        0.0007,
    )
    assert row["ratio"] == pytest.approx(0.72 / 0.7)
    assert row["ratio_low"] == pytest.approx(0.72 * 0.975 / 0.75)
    assert row["ratio_high"] == pytest.approx(0.72 * 1.025 / 0.65)
    text = terminal("show").out
    assert "MEASURED / PUBLISHED" in text
    assert "1.029 (0.936..1.135)" in text
    assert "Your pixel8-edgetpu (Pixel 8 EdgeTPU, LiteRT 2.3.0, 1 thread): 1.029 times" in text


def test_a_device_that_no_table_has_is_not_bothered_with_one(
    terminal: Terminal, tmp_path: Path
) -> None:
    host(tmp_path / "reports")
    assert "PUBLISHED" not in terminal("show").out
    asked = terminal("show", "reports", "--published").out
    assert "has none of the measured devices" in asked


def test_files_take_the_place_of_the_paper_and_the_word_brings_it_back(
    terminal: Terminal, tmp_path: Path
) -> None:
    phone(tmp_path / "reports")
    (tmp_path / "vendor.toml").write_text(VENDOR)

    def citations(*words: str) -> list[str]:
        ran = terminal("pareto", "reports", *words, "--json", "--out", "made/front")
        assert ran.status == 0, ran
        return [one["citation"] for one in ran.json["side_by_side"]["sources"]]

    assert citations("--published") == ["arXiv:2404.10518v2 Table 6"]
    assert citations("--published", "vendor.toml") == ["Example 42"]
    assert citations("--published", "vendor.toml", "--published", "paper") == [
        "Example 42", "arXiv:2404.10518v2 Table 6",
    ]  # fmt: skip


def test_a_vendors_table_is_drawn_as_published(terminal: Terminal, tmp_path: Path) -> None:
    phone(tmp_path / "reports")
    (tmp_path / "vendor.toml").write_text(VENDOR)
    ran = terminal("pareto", "reports", "--published", "vendor.toml", "--json")
    measured, published = ran.json["groups"]
    assert (measured["origin"], published["origin"]) == ("measured", "published")
    assert (published["environment"], published["machine"]) == ("Example 42", PHONE.title)
    points = {point["model"]: point for point in published["points"]}
    # The first has timm's accuracy, of the float network; the second what the table prints.
    assert points["mnv4-conv-s"]["accuracy_source"] == "timm"
    assert points["mnv4-conv-s"]["float_accuracy"]
    assert (points["my-net"]["accuracy_source"], points["my-net"]["top1"]) == ("table", 70.0)
    assert not points["my-net"]["float_accuracy"]
    # Of two sources, so neither dominates the other.
    assert {point["status"] for point in points.values()} == {"front"}
    side = ran.json["side_by_side"]
    assert [row["ratio"] for row in side["rows"]] == [pytest.approx(1.0)]
    assert [(one["model"], one["reason"]) for one in side["unmatched"]] == [
        ("my-net", "not measured")
    ]
    assert side["sources"][0]["unknown_models"] == ["my-net"]


def test_a_lent_accuracy_is_said_under_the_panel() -> None:
    cells = published_tables.with_accuracies(
        [replace(cell, top1=None, citation="Example 42") for cell in published.table()[:70]], "timm"
    )
    groups = pareto.published_groups(cells)
    notes = " ".join(words.notes(groups[:1], (), 2000.0))
    assert "prints no accuracy, that of the float network from timm's results tables" in notes
    paper = words.notes(pareto.published_groups(published.table())[:1], (), 2000.0)
    assert "prints no accuracy" not in " ".join(paper)


def test_without_an_accuracy_a_published_latency_is_listed_and_not_drawn(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "vendor.toml").write_text(VENDOR)
    ran = terminal("pareto", "--published", "vendor.toml", "--accuracy", "measured", "--json")
    [group] = ran.json["groups"]
    bare = next(point for point in group["points"] if point["model"] == "mnv4-conv-s")
    assert (bare["status"], bare["reason"]) == ("excluded", "no accuracy known")
    assert bare["latency_s"] == 0.00072


def test_the_latest_measurement_is_the_one_beside(terminal: Terminal, tmp_path: Path) -> None:
    phone(tmp_path / "reports", "p1", 0.9)
    phone(tmp_path / "reports", "p2", 0.7, started_at="2026-11-23T15:00:00+00:00")
    shown = terminal("show", "--json").json
    assert len(shown["measurements"]) == 2
    assert [row["report"] for row in shown["side_by_side"]["rows"]] == ["p2"]


def test_names_that_nobody_knows_are_said(terminal: Terminal, tmp_path: Path) -> None:
    odd = VENDOR.replace("pixel8-edgetpu", "pixel88\\u001b[31m").replace("my-net", "=x<b>|`")
    (tmp_path / "vendor.toml").write_text(odd)
    ran = terminal("pareto", "--published", "vendor.toml")
    assert ran.status == 0, ran
    assert "devices that no profile has" in ran.out
    assert "models that the catalog does not have" in ran.out
    assert "pixel88\\x1b[31m" in ran.out
    assert "\x1b" not in ran.out
    markdown = terminal("show", "reports", "--published", "vendor.toml", "--format", "markdown")
    assert markdown.status == 2  # there are no reports here


def test_published_rows_go_out_too(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    (tmp_path / "vendor.toml").write_text(VENDOR)
    text = terminal("show", "reports", "--published", "vendor.toml", "--format", "csv").out
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["origin"], row["citation"]) for row in rows] == [
        *[("measured", "")] * 2, *[("published", "Example 42")] * 2,
    ]  # fmt: skip
    markdown = terminal("show", "reports", "--published", "vendor.toml", "--format", "markdown").out
    assert "as published in `Example 42`" in markdown


def test_a_bad_table_is_said_before_anything_is_drawn(terminal: Terminal, tmp_path: Path) -> None:
    phone(tmp_path / "reports")
    (tmp_path / "vendor.toml").write_text(VENDOR.replace("0.72", "-1"))
    for verb in (
        ["pareto", "reports"],
        ["show", "reports"],
        ["show", "reports", "--format", "csv"],
    ):
        ran = terminal(*verb, "--published", "vendor.toml")
        assert_sentence(ran, 4, "vendor.toml, row 1: latency_ms is -1")
    assert not (tmp_path / "pareto.svg").exists()


def test_tainted_measurements_get_no_ratio(terminal: Terminal, tmp_path: Path) -> None:
    phone(tmp_path / "reports", tainted=("hot",))
    ran = terminal("pareto", "reports", "--published")
    assert "nothing beside mnv4-conv-s: tainted: hot" in ran.out
    assert "MEASURED / PUBLISHED" not in ran.out


def test_the_papers_devices_have_profiles() -> None:
    known = {profile.device: profile for profile in profiles.load_all()[0]}
    for cell in published.table():
        assert known[cell.device].precision == cell.precision


@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_a_full_disk_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    each = tuple(samples(r, *(0.002 + i * 1e-7 * (i % 7) for i in range(3000))) for r in range(3))
    store.write(tmp_path / "reports", report(measurement(invocations=each)))
    (tmp_path / name).write_text("before")
    # A file may have 8 kB here: what a full disk says, without one.
    script = 'ulimit -f 8; exec "$@"'
    words = command("show", "reports", "--out", name, "--rows", "samples")
    ran = subprocess.run(["bash", "-c", script, "-", *words], cwd=tmp_path, capture_output=True,
                         text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    assert ran.returncode == 3, ran
    assert "could not be written" in ran.stderr
    assert "What was there before is whole." in ran.stderr
    assert (tmp_path / name).read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "reports"]

"""`show --figure`: pictures beside their JSON, and sentences where there is nothing to draw."""

from pathlib import Path

import msgspec
import pytest

from mnv4bench import store
from mnv4bench.findings import Shapes
from tests.cli.test_data_out import assert_sentence, host
from tests.command_line import Terminal
from tests.render import shapes
from tests.sample_reports import counted, counting_report, measurement, report

FILES = [".svg", ".png", ".pdf", ".json"]


def warm(folder: Path) -> Path:
    made = measurement(invocations=shapes.timed(0.002), sustained=shapes.warm(0.002, 0.3))
    return store.write(folder, report(made, name="warm"))


@pytest.mark.parametrize("figure", ["distributions", "sustained"])
def test_a_figure_lies_beside_its_json(terminal: Terminal, tmp_path: Path, figure: str) -> None:
    warm(tmp_path / "reports")
    ran = terminal("show", "--figure", figure)
    assert ran.status == 0, ran.err
    assert ran.out.strip() == "drawn: " + ", ".join(f"{figure}{suffix}" for suffix in FILES)
    data = (tmp_path / f"{figure}.json").read_bytes()
    assert msgspec.json.decode(data, type=Shapes).groups[0].rows[0].windows
    printed = terminal("show", "reports", "--figure", figure, "--out", "other/x", "--json")
    assert printed.out.encode() == data
    [group] = printed.json["groups"]
    [row] = group["rows"]
    assert row["model"] == "mnv4-conv-s"
    assert len(row["strands"]) == 6
    assert row["sustained_ratio"] > 1.1
    for suffix in FILES:
        one = (tmp_path / f"{figure}{suffix}").read_bytes()
        assert one == (tmp_path / "other" / f"x{suffix}").read_bytes()


def test_what_was_not_used_is_said(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    ran = terminal("show", "--figure", "distributions", "--width", "column")
    assert ran.status == 0
    assert "Not used (1):" in ran.out
    assert "my_net: refused" in ran.out


def test_nothing_sustained_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    host(tmp_path / "reports")
    ran = terminal("show", "--figure", "sustained")
    assert_sentence(ran, 3, "run back to back", "mnv4bench run --sustained 60")
    assert not list(tmp_path.glob("sustained*"))


def test_counts_are_no_latencies(terminal: Terminal, tmp_path: Path) -> None:
    store.write(tmp_path / "reports", counting_report(counted()))
    assert_sentence(terminal("show", "--figure", "distributions"), 3, "has latencies to draw")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--format", "csv"), ("--format is about tables",)),
        (("--rows", "samples"), ("--rows is about tables",)),
        (("--published",), ("--published is about tables",)),
        (("--out", "a.pdf"), ("all beside each other", "--out a")),
    ],
)
def test_words_that_do_not_go_together(
    terminal: Terminal, tmp_path: Path, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    warm(tmp_path / "reports")
    assert_sentence(terminal("show", "--figure", "distributions", *words), 2, *parts)


def test_a_width_is_of_a_figure(terminal: Terminal, tmp_path: Path) -> None:
    warm(tmp_path / "reports")
    assert_sentence(terminal("show", "--width", "page"), 2, "--width page is of a figure")


def test_a_report_is_never_drawn_over(terminal: Terminal, tmp_path: Path) -> None:
    path = warm(tmp_path / "reports")
    before = path.read_bytes()
    for words in (("pareto",), ("history",), ("show", "--figure", "distributions")):
        ran = terminal(*words, "reports", "--out", f"reports/{path.stem}")
        assert_sentence(ran, 3, "warm.json is a report", "never overwritten")
    assert_sentence(terminal("show", "--out", f"reports/{path.name}"), 3, "never overwritten")
    assert_sentence(
        terminal("show", "--format", "csv", "--out", f"reports/{path.name}"), 3, "never overwritten"
    )
    assert path.read_bytes() == before
    assert list((tmp_path / "reports").iterdir()) == [path]


def test_a_printed_figure_says_how_large_it_is(terminal: Terminal, tmp_path: Path) -> None:
    warm(tmp_path / "reports")
    ran = terminal("show", "--figure", "sustained", "--width", "page")
    assert "sustained.json; 6.88 by " in ran.out
    assert "more than a page" not in ran.out
    tall = terminal("pareto", "--published", "--width", "column", "--out", "paper")
    assert "paper.json; 3.25 by " in tall.out
    assert " in, more than a page is high" in tall.out


def test_pareto_and_history_have_widths_too(terminal: Terminal, tmp_path: Path) -> None:
    warm(tmp_path / "reports")
    for words in (("pareto",), ("pareto", "--universality"), ("history",)):
        ran = terminal(*words, "--width", "column", "--out", "y")
        assert ran.status == 0, ran.err
        assert "drawn: y.svg, y.png, y.pdf, y.json" in ran.out
        assert b"/MediaBox [ 0 0 234 " in (tmp_path / "y.pdf").read_bytes()

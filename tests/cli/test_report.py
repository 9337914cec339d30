"""`report` as users start it: the file, JSON, exit statuses, bad input."""

from pathlib import Path

import pytest

from mnv4bench import store
from tests.cli.test_reading_verbs import assert_sentence
from tests.command_line import Terminal
from tests.render.report_stores import changing, hard
from tests.render.test_html_page import data_in
from tests.sample_reports import evaluation, measurement, report, samples


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    for one in (*hard(), *changing()):
        store.write(folder, one)
    return folder


def test_a_store_becomes_one_file(terminal: Terminal, reports: Path, tmp_path: Path) -> None:
    ran = terminal("report", "reports", "--out", "sub/page.html")
    assert (ran.status, ran.out, ran.err) == (0, "written: sub/page.html\n", "")
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["page.html"]
    found = data_in((tmp_path / "sub" / "page.html").read_text())
    assert found["about"]["lines"][0] == "12 measurements"
    assert found["about"]["stretches"] is True
    assert len(found["universality"]) == 2
    [series] = [one for one in found["history"]["series"] if one["changes"]]
    assert found["words"][series["model"]] == "mnv4-conv-s"


def test_json_has_the_same_content(terminal: Terminal, reports: Path, tmp_path: Path) -> None:
    ran = terminal("report", "--json")
    assert ran.status == 0
    assert set(ran.json) == {
        "front", "exhibits", "settings", "stretches", "evaluations", "history",
    }  # fmt: skip
    assert len(ran.json["exhibits"]) == 12
    assert len(ran.json["front"]["groups"]) == 3
    assert (tmp_path / "report.html").exists()


def test_the_best_within_limits_is_on_the_page(
    terminal: Terminal, reports: Path, tmp_path: Path
) -> None:
    ran = terminal("report", "reports", "--max-latency", "5ms", "--min-top1", "70", "--json")
    assert ran.status == 0
    assert ran.json["front"]["limits"] == {"max_latency_s": 0.005, "min_top1": 70.0}
    found = data_in((tmp_path / "report.html").read_text())
    words = found["words"]
    assert words[found["limits"]["text"]] == "latency at most 5.00 ms and top-1 at least 70.0 %"
    best = {words[one] for one in found["picks"]["model"]}
    assert best == {"mobilenetv3-large", "mnv4-conv-m"}
    assert all("of resamples" in words[one] for one in found["picks"]["said"])
    assert terminal("report", "reports").status == 0
    bare = data_in((tmp_path / "report.html").read_text())
    assert (bare["limits"], bare["picks"]["model"]) == (None, [])


def test_a_limit_that_is_no_time_is_a_sentence_and_no_file(
    terminal: Terminal, reports: Path, tmp_path: Path
) -> None:
    ran = terminal("report", "reports", "--max-latency", "5")
    assert_sentence(ran, 2, "no time above 0", "--max-latency 5ms")
    assert not (tmp_path / "report.html").exists()


def test_published_tables_stand_in_panels_of_their_own(
    terminal: Terminal, reports: Path, tmp_path: Path
) -> None:
    ran = terminal("report", "reports", "--published")
    assert ran.status == 0
    found = data_in((tmp_path / "report.html").read_text())
    origins = [found["words"][place] for place in found["groups"]["origin"]]
    assert sorted(set(origins)) == ["emulated", "measured", "published"]
    assert terminal("report", "--published").status == 0  # no report is needed for it


def test_measured_accuracies_are_drawn_with_their_intervals(
    terminal: Terminal, reports: Path, tmp_path: Path
) -> None:
    store.write_evaluation(reports, evaluation(*[0] * 70, *[3] * 30))
    assert terminal("report", "reports").status == 0
    found = data_in((tmp_path / "report.html").read_text())
    assert any("measured on 100 images of val" in one for one in found["words"])


def test_files_that_cannot_be_read_are_listed(
    terminal: Terminal, reports: Path, tmp_path: Path
) -> None:
    (reports / "broken.json").write_text('{"format": "mnv4bench report"')
    assert terminal("report", "reports").status == 0
    found = data_in((tmp_path / "report.html").read_text())
    skipped = {
        Path(found["words"][path]).name: found["words"][why] for path, why in found["skipped"]
    }
    assert "not readable as JSON" in skipped["broken.json"]
    # What a later measurement replaced is there too.
    assert any("superseded" in reason for reason in skipped.values())


def test_no_reports_is_a_sentence_and_no_file(terminal: Terminal, tmp_path: Path) -> None:
    assert_sentence(terminal("report", "reports"), 2, "no such file")
    (tmp_path / "reports").mkdir()
    assert_sentence(terminal("report", "reports"), 3, "holds no report", "mnv4bench run")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("out", [".", "reports"])
def test_a_folder_is_no_page(terminal: Terminal, reports: Path, out: str) -> None:
    ran = terminal("report", "reports", "--out", out)
    assert_sentence(ran, 2, "names no file", "--out report.html")


def test_one_model_all_of_it_tainted(terminal: Terminal, tmp_path: Path) -> None:
    spoilt = samples(0, tainted=("steal 0.12",))
    store.write(tmp_path / "reports", report(measurement(invocations=(spoilt,))))
    assert terminal("report").status == 0
    found = data_in((tmp_path / "report.html").read_text())
    assert found["points"]["status"] == [2]
    assert found["words"][found["points"]["reason"][0]].startswith("tainted: steal 0.12")


def test_of_a_large_store_the_course_within_invocations_is_left_out(
    terminal: Terminal, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnv4bench.cli import gathering

    monkeypatch.setattr(gathering, "MOST_BYTES_WITH_STRETCHES", 1000)
    assert terminal("report", "reports").status == 0
    found = data_in((tmp_path / "report.html").read_text())
    assert found["about"]["stretches"] is False
    assert found["steps"]["timed"] == [[]]

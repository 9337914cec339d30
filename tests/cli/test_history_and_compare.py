"""`history` and `compare` as users start them: JSON, files, exit statuses, bad input."""

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from mnv4bench import store
from mnv4bench.records import Report
from tests.cli.test_reading_verbs import HOSTILE, assert_sentence
from tests.command_line import Terminal
from tests.over_time import commit, nights, taint, with_measurements
from tests.sample_reports import ENVIRONMENT, FULL, PROFILE, artifact, evaluation

STEP = [0.002] * 20 + [0.0022] * 12


def keep(folder: Path, reports: Sequence[Report]) -> Path:
    for one in reports:
        store.write(folder, one)
    return folder


# --- history ------------------------------------------------------------------------------------


def test_history_json_has_the_documented_keys_and_is_also_written(
    terminal: Terminal, tmp_path: Path
) -> None:
    keep(tmp_path / "reports", nights(STEP))
    ran = terminal("history", "reports", "--json", "--out", "drawn/history")
    assert (ran.status, ran.err) == (0, "")
    [series] = ran.json["series"]
    assert set(series) >= {
        "device", "model", "precision", "origin", "weights", "input_px", "threads", "machine",
        "moments", "segments", "changes", "alike", "apart",
    }  # fmt: skip
    [change] = series["changes"]
    assert set(change) == {
        "at", "report", "commit", "at_before", "report_before", "commit_before", "before_s",
        "after_s", "ratio", "ratio_low", "ratio_high", "confidence", "certainty", "p_value",
        "direction", "along",
    }  # fmt: skip
    assert (change["commit"], change["commit_before"]) == (commit(20), commit(19))
    assert set(series["segments"][0]) >= {
        "began", "changed", "start", "end", "measurements", "latency_s", "low_s", "high_s",
    }  # fmt: skip
    assert set(series["moments"][0]) >= {"report", "at", "commit", "latency_s", "unused"}
    assert (ran.json["false_alarms"], ran.json["judged"]) == (0.001, 1)
    assert json.loads((tmp_path / "drawn" / "history.json").read_text()) == ran.json
    ElementTree.parse(tmp_path / "drawn" / "history.svg")
    assert (tmp_path / "drawn" / "history.png").read_bytes()[:4] == b"\x89PNG"


def test_history_is_for_people(terminal: Terminal, tmp_path: Path) -> None:
    keep(tmp_path / "reports", nights(STEP, ("mnv4-conv-s", "mnv4-conv-m")))
    ran = terminal("history")
    assert ran.status == 0
    text = " ".join(ran.out.split())
    for said in (
        commit(20)[:9],
        "slower +",
        "certainty >99.999 %",
        "2 change points (2 slower",
        "with a chance of 0.1 %",
        "drawn: history.svg, history.png, history.pdf, history.json",
    ):
        assert said in text
    assert "\x1b" not in ran.out


def test_the_files_of_the_picture_do_not_disturb_the_next_look(
    terminal: Terminal, tmp_path: Path
) -> None:
    keep(tmp_path / "reports", nights(STEP))
    terminal("history", "reports", "--out", "reports/history")
    ran = terminal("history", "reports", "--json")
    assert len(ran.json["series"][0]["moments"]) == 32
    assert [Path(one["path"]).name for one in ran.json["skipped"]] == ["history.json"]


def test_history_of_one_model_or_device(terminal: Terminal, tmp_path: Path) -> None:
    reports = nights([0.002] * 3, ("a", "b"))
    reports += nights([0.002] * 3, ("a",), first=3, profile=replace(PROFILE, device="pixel6-cpu"))
    keep(tmp_path / "reports", reports)
    ran = terminal("history", "--model", "a", "--device", "pixel6-cpu", "--json")
    assert [(one["model"], one["device"]) for one in ran.json["series"]] == [("a", "pixel6-cpu")]
    assert_sentence(terminal("history", "--model", "c"), 2, "no report has such a model")
    assert_sentence(terminal("history", "--device", "pixel6"), 2, "nearest: pixel6-cpu")
    assert_sentence(terminal("history", "--certainty", "0.5"), 2, "0.999")
    assert_sentence(terminal("history", "--min-change", "0.5"), 2, "1.01")
    assert_sentence(terminal("history", "--out", "."), 2, "names no file")


def test_certainty_is_the_users(terminal: Terminal, tmp_path: Path) -> None:
    keep(tmp_path / "reports", nights([0.002] * 20 + [0.0022] * 4))
    assert terminal("history", "--json").json["series"][0]["changes"] == []
    sooner = terminal("history", "--json", "--certainty", "0.99").json
    assert sooner["false_alarms"] == 0.01
    assert len(sooner["series"][0]["changes"]) == 1


def test_history_of_little_or_broken_input(terminal: Terminal, tmp_path: Path) -> None:
    reports = keep(tmp_path / "reports", nights([0.002]))
    for name, data in (("cut", '{"format"'), ("alien", "[]"), ("empty", "")):
        (reports / f"{name}.json").write_text(data)
    ran = terminal("history", "--json")
    assert ran.status == 0
    assert len(ran.json["series"]) == 1
    assert len(ran.json["skipped"]) == 3
    same = next(reports.glob("night*.json"))
    twice = terminal("history", same, same, "--json").json
    assert len(twice["series"][0]["moments"]) == 1
    assert "counts once" in twice["skipped"][0]["reason"]
    (tmp_path / "none").mkdir()
    assert_sentence(terminal("history", "none"), 3, "holds no report")
    assert_sentence(terminal("history", "nowhere"), 2, "no such file or directory")
    assert_sentence(terminal("history", reports / "cut.json"), 4, "not readable as JSON")
    failed = with_measurements(nights([0.002], first=5)[0], invocations=(), failure="no room")
    keep(tmp_path / "failed", [failed])
    assert_sentence(terminal("history", "failed"), 3, "no room", "has figures")


def test_a_history_of_tainted_measurements_is_drawn_without_levels(
    terminal: Terminal, tmp_path: Path
) -> None:
    keep(tmp_path / "reports", [taint(one) for one in nights([0.002] * 6)])
    ran = terminal("history")
    assert ran.status == 0
    assert "tainted (6)" in ran.out
    assert "0 change points" in ran.out


# JAX, which the converters load for other tests, warns of any fork; these children only read.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_a_large_store_is_read_by_all_processors_and_gives_the_same(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnv4bench.cli import gathering

    reports = keep(tmp_path / "reports", nights(STEP))
    (reports / "bad.json").write_text("{")
    alone = terminal("history", "--json").json
    monkeypatch.setattr(gathering, "FILES_PER_JOB", 4)
    monkeypatch.setattr(gathering, "MOST_FILES_A_PART", 5)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert terminal("history", "--json").json == alone


def test_slow_reading_says_how_far_it_is(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnv4bench.cli import gathering, waiting

    keep(tmp_path / "reports", nights([0.002] * 9))
    monkeypatch.setattr(waiting, "SILENT_S", -1.0)
    monkeypatch.setattr(waiting, "EVERY_S", 0.0)
    monkeypatch.setattr(gathering, "MOST_FILES_A_PART", 4)
    ran = terminal("history", "--json")
    assert ran.err == "reading reports: 4 of 9\nreading reports: 8 of 9\n"
    assert len(ran.json["series"][0]["moments"]) == 9


def test_hostile_names_are_text(terminal: Terminal, tmp_path: Path) -> None:
    hostile = replace(ENVIRONMENT, cpu_model=HOSTILE, commit=HOSTILE)
    reports = nights(STEP, (HOSTILE,))[:20] + nights(STEP, (HOSTILE,), environment=hostile)[20:]
    keep(tmp_path / "reports", reports)
    for words in (("history",), ("compare", "reports", "reports")):
        ran = terminal(*words)
        assert "\x1b" not in ran.out + ran.err
        assert "[red]x[/red]" in ran.out + ran.err
    svg = (tmp_path / "history.svg").read_text()
    assert "<script>" not in svg
    ElementTree.fromstring(svg)


# --- compare ------------------------------------------------------------------------------------


def two_folders(tmp_path: Path, factor: float, **changes: object) -> None:
    keep(tmp_path / "a", nights([0.002], ("mnv4-conv-s", "mnv4-conv-m"), sd=0))
    keep(
        tmp_path / "b",
        nights([0.002 * factor], ("mnv4-conv-s", "mnv4-conv-m"), first=1, sd=0, **changes),
    )


@pytest.mark.parametrize(
    ("factor", "status", "verdict"), [(1.2, 1, "slower"), (1.0, 0, "same"), (0.8, 0, "faster")]
)
def test_compare_says_it_in_words_json_and_status(
    terminal: Terminal, tmp_path: Path, factor: float, status: int, verdict: str
) -> None:
    two_folders(tmp_path, factor)
    ran = terminal("compare", "a", "b", "--json")
    assert (ran.status, ran.err) == (status, "")
    assert {one["model"]: one["verdict"] for one in ran.json["models"]} == {
        "mnv4-conv-s": verdict, "mnv4-conv-m": verdict,
    }  # fmt: skip
    first = ran.json["models"][0]
    assert set(first) == {
        "model", "precision", "weights", "input_px", "chosen_shapes", "origin", "verdict",
        "reason", "rests_on", "a", "b", "ratio", "low", "high", "confidence", "differing",
        "accuracy",
    }  # fmt: skip
    assert set(first["a"]) >= {"reports", "device", "machine", "latency_s", "placement", "top1"}
    assert ran.json["max_slowdown"] == 1.03
    plain = terminal("compare", "a", "b")
    assert plain.status == status
    assert f"2 models: 2 {verdict} (limit +3.0 %)." in plain.out
    assert "nothing of what sessions differ by" in " ".join(plain.out.split())


def test_the_limit_is_the_users(terminal: Terminal, tmp_path: Path) -> None:
    two_folders(tmp_path, 1.2)
    assert terminal("compare", "a", "b", "--max-slowdown", "1.3").status == 0
    assert_sentence(terminal("compare", "a", "b", "--max-slowdown", "1"), 2, "not above 1")


def test_compare_refuses_other_circumstances_and_says_which(
    terminal: Terminal, tmp_path: Path
) -> None:
    two_folders(tmp_path, 1.2, environment=replace(ENVIRONMENT, runtime_version="9", unit="u2"))
    refused = terminal("compare", "a", "b")
    assert_sentence(
        refused, 3, "runtime_version: 2.3.0 in A, 9 in B", "unit: unknown in A, u2 in B",
        "--across runtime_version --across unit",
    )  # fmt: skip
    half = terminal("compare", "a", "b", "--across", "unit")
    assert_sentence(half, 3, "runtime_version")
    assert "unit: " not in half.err
    both = terminal("compare", "a", "b", "--across", "unit", "--across", "runtime_version")
    assert both.status == 1
    assert "allowed by --across runtime_version --across unit" in both.out
    assert "runtime_version 2.3.0 to 9" in both.out
    anyway = terminal("compare", "a", "b", "--anyway", "--json")
    assert anyway.status == 1
    assert anyway.json["anyway"] is True
    assert len(anyway.json["models"][0]["differing"]) == 2
    assert "allowed by --anyway" in terminal("compare", "a", "b", "--anyway").out
    assert_sentence(terminal("compare", "a", "b", "--across", "runtimeversion"), 2,
                    "nearest: runtime_version")  # fmt: skip
    keep(tmp_path / "c", nights([0.002], first=2, profile=replace(PROFILE, threads=2)))
    assert_sentence(terminal("compare", "a", "c"), 3, "profile.threads: 1 in A, 2 in B")
    assert terminal("compare", "a", "c", "--across", "threads").status != 3


def test_an_unproven_head_is_status_five_and_slower_comes_first(
    terminal: Terminal, tmp_path: Path
) -> None:
    keep(tmp_path / "a", nights([0.002], ("mnv4-conv-s", "mnv4-conv-m"), sd=0))
    [head] = nights([0.003], ("mnv4-conv-s", "mnv4-conv-m"), first=1, sd=0)
    unproven = replace(FULL, verdict="unproven")
    keep(tmp_path / "b", [with_measurements(head, placement=unproven)])
    ran = terminal("compare", "a", "b")
    assert ran.status == 5
    assert "B's placement is unproven" in ran.out
    first, second = head.measurements
    mixed = replace(head, report="mixed", measurements=(first, replace(second, placement=unproven)))
    keep(tmp_path / "c", [mixed])
    assert terminal("compare", "a", "c").status == 1


def test_nothing_comparable_is_status_three(terminal: Terminal, tmp_path: Path) -> None:
    two_folders(tmp_path, 1.0)
    same = terminal("compare", "a", "a")
    assert same.status == 3
    assert "A and B are one and the same measurement" in same.out
    keep(tmp_path / "other", nights([0.002], ("fastvit-t8",), first=3))
    assert_sentence(
        terminal("compare", "a", "other"), 3, "no model in common", "A alone has it on host-cpu"
    )
    keep(tmp_path / "tainted", [taint(one) for one in nights([0.002], first=4)])
    ran = terminal("compare", "a", "tainted")
    assert ran.status == 3
    assert "B is tainted: steal 0.12" in ran.out
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bad.json").write_text("{")
    assert_sentence(terminal("compare", "a", "bad"), 4, "no report could be read")
    (tmp_path / "a" / "garbage.json").write_text("{")
    ran = terminal("compare", "a", "b", "--json")
    assert ran.status == 0
    assert [Path(one["path"]).name for one in ran.json["skipped"]] == ["garbage.json"]


def test_a_lost_accuracy_is_shown_and_is_not_faster(terminal: Terminal, tmp_path: Path) -> None:
    other = artifact(sha256="b" * 64)
    keep(tmp_path / "a", nights([0.002], sd=0))
    keep(
        tmp_path / "b", [with_measurements(one, artifact=other) for one in nights([0.001], first=1)]
    )
    store.write_evaluation(tmp_path / "a", evaluation(*[0] * 800, *[9] * 200))
    lost = replace(evaluation(*[0] * 700, *[9] * 300), artifact=other)
    store.write_evaluation(tmp_path / "b", lost)
    ran = terminal("compare", "a", "b")
    assert ran.status == 3
    assert "-10.0 points" in ran.out
    assert "not comparable" in ran.out
    found = terminal("compare", "a", "b", "--json").json["models"][0]
    assert found["accuracy"]["difference"] == -10
    assert (found["a"]["top1"], found["b"]["top1"]) == (80, 70)


def test_precisions_are_compared_on_request(terminal: Terminal, tmp_path: Path) -> None:
    keep(tmp_path / "a", nights([0.002], sd=0))
    int8 = artifact(precision="int8", sha256="c" * 64)
    profile = replace(PROFILE, precision="int8")
    head = [with_measurements(r, artifact=int8) for r in nights([0.001], first=1, profile=profile)]
    keep(tmp_path / "b", head)
    assert_sentence(terminal("compare", "a", "b"), 3, "--across precision")
    ran = terminal("compare", "a", "b", "--across", "precision")
    assert ran.status == 0
    assert "profile.precision fp32 to int8" in ran.out
    assert "not measured" in ran.out  # its accuracy

"""`show`, `pareto`, `models`, `devices`: the JSON shapes that others build on, and bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from mnv4bench import codec, store
from mnv4bench.records import Placement, Signal
from tests.command_line import Ran, Terminal, command, run_process
from tests.sample_reports import (
    PROFILE,
    artifact,
    counted,
    counting_report,
    evaluation,
    measurement,
    report,
    samples,
)

HOSTILE = "[red]x[/red]\x1b[31m<script>alert(1)</script>"


def two_models(directory: Path, name: str = "r1", **changes: object) -> Path:
    fast = measurement("mobilenetv3-small", invocations=(samples(0, 0.001), samples(1, 0.0011)))
    slow = measurement("mnv4-conv-s", rounds=3)
    return store.write(directory, report(fast, slow, name=name, **changes))


def assert_sentence(ran: Ran, status: int, *parts: str) -> None:
    """A failure: the right status, a sentence on stderr, nothing on stdout, never a traceback."""
    assert ran.status == status, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    for part in parts:
        assert part in ran.err


def test_show_json_has_the_documented_keys(terminal: Terminal, tmp_path: Path) -> None:
    two_models(tmp_path / "reports")
    ran = terminal("show", "--json")
    assert ran.err == ""
    rows = ran.json["measurements"]
    assert {row["model"]: row["latency_s"] for row in rows} == {
        "mobilenetv3-small": pytest.approx(0.00105),
        "mnv4-conv-s": pytest.approx(0.002),
    }
    assert set(rows[0]) >= {
        "report", "device", "model", "format", "precision", "origin", "latency_s", "low_s",
        "high_s", "p90_s", "invocations", "samples", "placement", "tainted", "artifact_sha256",
    }  # fmt: skip
    assert (rows[0]["origin"], rows[0]["placement"], rows[0]["p90_s"]) == ("measured", "full", None)


def test_pareto_json_has_the_documented_keys_and_is_also_written(
    terminal: Terminal, tmp_path: Path
) -> None:
    two_models(tmp_path / "reports")
    ran = terminal("pareto", "reports", "--json", "--out", tmp_path / "out" / "front")
    [group] = ran.json["groups"]
    assert (group["device"], group["precision"], group["origin"]) == (
        "host-cpu",
        "fp32",
        "measured",
    )
    assert {p["model"]: p["status"] for p in group["points"]} == {
        "mobilenetv3-small": "front",
        "mnv4-conv-s": "front",
    }
    assert set(group["points"][0]) >= {
        "model", "latency_s", "low_s", "high_s", "top1", "accuracy_source", "status",
        "dominated_by", "reason", "front_probability",
    }  # fmt: skip
    written = json.loads((tmp_path / "out" / "front.json").read_text())
    assert written == ran.json
    ElementTree.parse(tmp_path / "out" / "front.svg")
    assert (tmp_path / "out" / "front.png").read_bytes()[:4] == b"\x89PNG"


def test_the_json_beside_the_picture_does_not_disturb_the_next_look(
    terminal: Terminal, tmp_path: Path
) -> None:
    two_models(tmp_path / "reports")
    terminal("pareto", "reports", "--out", "reports/front")
    ran = terminal("show", "reports", "--json")
    assert ran.status == 0
    assert len(ran.json["measurements"]) == 2


def test_accuracy_is_timms_or_the_papers_and_never_mixed(
    terminal: Terminal, tmp_path: Path
) -> None:
    two_models(tmp_path / "reports")
    timm = terminal("pareto", "reports", "--json").json["groups"][0]["points"]
    assert {p["accuracy_source"] for p in timm} == {"timm"}
    paper = terminal("pareto", "reports", "--json", "--accuracy", "paper").json["groups"][0]
    by_model = {p["model"]: p for p in paper["points"]}
    assert (by_model["mnv4-conv-s"]["top1"], by_model["mnv4-conv-s"]["status"]) == (73.8, "front")
    assert by_model["mobilenetv3-small"]["status"] == "excluded"
    assert "accuracy" in by_model["mobilenetv3-small"]["reason"]


def test_published_replays_the_papers_seven_devices(terminal: Terminal) -> None:
    ran = terminal("pareto", "--published", "--json")
    assert {g["device"] for g in ran.json["groups"]} == {
        "pixel6-cpu", "pixel8-edgetpu", "iphone13-ane", "pixel4-hexagon", "pixel7-gpu", "s23-cpu",
        "s23-gpu",
    }  # fmt: skip
    assert {g["origin"] for g in ran.json["groups"]} == {"published"}
    assert all(len(g["points"]) == 25 for g in ran.json["groups"])
    hexagon = next(g for g in ran.json["groups"] if g["device"] == "pixel4-hexagon")
    reasons = {p["reason"] for p in hexagon["points"] if p["status"] == "excluded"}
    assert len(reasons) == 2  # failed and not benchmarked are kept apart


def test_measured_and_published_are_drawn_together_in_separate_groups(
    terminal: Terminal, tmp_path: Path
) -> None:
    two_models(tmp_path / "reports")
    groups = terminal("pareto", "reports", "--published", "--json").json["groups"]
    assert [g["origin"] for g in groups].count("measured") == 1
    assert [g["origin"] for g in groups].count("published") == 7


def test_models_json_has_the_documented_keys(terminal: Terminal) -> None:
    models = {m["model"]: m for m in terminal("models", "--json").json["models"]}
    assert set(models) >= {
        "mnv4-conv-s", "mnv4-conv-m", "mnv4-conv-l", "mnv4-hybrid-m", "mnv4-hybrid-l",
        "mobilenetv3-small", "mobilenetv3-large", "fastvit-t8", "fastvit-t12", "fastvit-s12",
        "fastvit-sa12", "fastvit-sa24", "fastvit-sa36", "efficientvit-b0", "efficientvit-b1",
        "efficientvit-b2", "efficientvit-b3",
    }  # fmt: skip
    conv_s = models["mnv4-conv-s"]
    assert (conv_s["family"], conv_s["input_px"]) == ("MobileNetV4", 224)
    assert (conv_s["params"], conv_s["macs"]) == (3_774_024, 186_005_568)
    assert {a["source"] for a in conv_s["accuracies"]} == {"paper", "timm"}
    assert all(m["accuracies"] for m in models.values())


def test_devices_json_has_the_documented_keys(terminal: Terminal) -> None:
    devices = {d["device"]: d for d in terminal("devices", "--json").json["devices"]}
    assert set(devices["host-cpu"]) >= {
        "device", "runner", "format", "precision", "accelerator", "status", "detail",
    }  # fmt: skip
    assert devices["host-cpu"]["status"] == "ready"
    assert devices["host-ort-cpu"]["status"] == "ready"
    if sys.platform != "darwin":
        assert devices["iphone13-ane"]["status"] == "absent"
        assert "not macOS" in devices["iphone13-ane"]["detail"]


@pytest.mark.parametrize("verb", ["show", "pareto", "models", "devices", "doctor"])
def test_the_tables_are_for_people(terminal: Terminal, tmp_path: Path, verb: str) -> None:
    two_models(tmp_path / "reports")
    ran = terminal(verb)
    assert ran.status == 0
    assert "mnv4-conv-s" in ran.out or "host-cpu" in ran.out
    assert "\x1b" not in ran.out


def test_broken_reports_are_listed_and_the_rest_is_shown(
    terminal: Terminal, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    good = two_models(reports)
    data = good.read_bytes()
    (reports / "cut.json").write_bytes(data[:500])
    (reports / "alien.json").write_text("[]")
    (reports / "future.json").write_bytes(data.replace(b'"schema": 1', b'"schema": 9'))
    (reports / "edited.json").write_bytes(data.replace(b"0.0021", b"0.0001"))
    with (reports / "huge.json").open("wb") as file:
        file.truncate(2**40)
    for verb in ("show", "pareto"):
        ran = terminal(verb, "--json")
        assert ran.status == 0
        reasons = {Path(s["path"]).name: s["reason"] for s in ran.json["skipped"]}
        assert set(reasons) == {f"{n}.json" for n in ("cut", "alien", "future", "edited", "huge")}
        assert "newer mnv4bench" in reasons["future.json"]
        assert "seal" in reasons["edited.json"]
        plain = terminal(verb)
        assert plain.status == 0
        assert "cut.json" in plain.out + plain.err


def test_only_bad_files_is_status_four(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    for verb in ("show", "pareto"):
        assert_sentence(terminal(verb, "bad.json"), 4, "bad.json", "not readable as JSON")


def test_no_report_at_all_is_could_not_measure(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_sentence(terminal("show", "empty"), 3, "holds no report", "mnv4bench run")
    assert_sentence(terminal("pareto", "nowhere"), 2, "no such file or directory")


def test_a_picture_that_cannot_be_written_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    two_models(tmp_path / "reports")
    (tmp_path / "file").write_text("in the way")
    assert_sentence(terminal("pareto", "reports", "--out", "file/front"), 3, "file")
    assert_sentence(terminal("pareto", "reports", "--out", "."), 2, "names no file")


def test_a_full_disk_on_stdout_is_a_sentence(tmp_path: Path) -> None:
    two_models(tmp_path)
    for words in (("models",), ("models", "--json"), ("show", tmp_path)):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(command(*words), stdout=full, stderr=subprocess.PIPE, text=True)
        assert ran.returncode == 3
        assert "No space left on device" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_ctrl_c_while_a_large_store_is_read_is_quiet(tmp_path: Path) -> None:
    for number in range(150):
        two_models(tmp_path / "reports", name=f"r{number}")
    with subprocess.Popen(
        command("pareto", "reports"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        time.sleep(0.6)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate()
    # 0: it was faster; killed by the signal: it had not come as far as its own code
    assert process.returncode in (130, 0, -signal.SIGINT)
    assert "Traceback" not in err


def test_hostile_names_are_text(terminal: Terminal, tmp_path: Path) -> None:
    hostile = measurement(
        artifact=artifact(HOSTILE, family=HOSTILE), invocations=(samples(0), samples(1))
    )
    reports = tmp_path / "reports"
    store.write(reports, report(hostile, measurement("mnv4-conv-s"), name="r1"))
    name = reports / "\x1b[31mevil.json"
    name.write_text("{")
    for verb in ("show", "pareto"):
        ran = terminal(verb)
        assert ran.status == 0
        assert "\x1b" not in ran.out + ran.err
        assert "[red]x[/red]" in ran.out
    svg = (tmp_path / "pareto.svg").read_text()
    assert "<script>" not in svg
    ElementTree.fromstring(svg)
    assert_sentence(terminal("show", name), 4)
    assert "\x1b" not in terminal("show", name).err


def test_a_model_without_known_accuracy_is_excluded_with_the_reason(
    terminal: Terminal, tmp_path: Path
) -> None:
    store.write(tmp_path, report(measurement("my-net"), name="r1"))
    [point] = terminal("pareto", tmp_path, "--json").json["groups"][0]["points"]
    assert (point["status"], point["top1"]) == ("excluded", None)
    assert "accuracy" in point["reason"]


def test_what_is_not_proven_is_out_of_the_front_and_shown_with_its_signals(
    terminal: Terminal, tmp_path: Path
) -> None:
    """NNAPI says that it took every node, and the same file is as fast on the processor."""
    nnapi = Placement(
        verdict="unproven", unit="edgetpu (NNAPI google-edgetpu)", operators=31, on_unit=31,
        signals=(
            Signal(name="delegate nodes", evidence="31 of 31 nodes", says="full"),
            Signal(name="contrast", evidence="cpu 2.02 ms, edgetpu 2.00 ms", says="none"),
        ),
    )  # fmt: skip
    phone = replace(PROFILE, device="pixel8-edgetpu", runner="android", accelerator="edgetpu")
    one = measurement("mnv4-conv-s", placement=nnapi)
    elsewhere = measurement("mobilenetv3-small", placement=replace(nnapi, verdict="none"))
    store.write(tmp_path / "reports", report(one, elsewhere, profile=phone))
    points = {p["model"]: p for p in terminal("pareto", "--json").json["groups"][0]["points"]}
    assert {p["status"] for p in points.values()} == {"excluded"}
    assert points["mnv4-conv-s"]["reason"] == "placement unproven"
    assert points["mobilenetv3-small"]["reason"] == "placement none"
    assert "excluded: placement unproven" in terminal("pareto").out
    said = terminal("show").out
    assert "mnv4-conv-s is not proven to have run where it was asked to; left out" in said
    assert "mobilenetv3-small did not run where it was asked to; left out of fronts:" in said
    assert "  delegate nodes says full: 31 of 31 nodes" in said
    assert "  contrast says none: cpu 2.02 ms, edgetpu 2.00 ms" in said
    rows = terminal("show", "--json").json["measurements"]
    assert rows[0]["signals"][1]["evidence"] == "cpu 2.02 ms, edgetpu 2.00 ms"


def test_sustained_stands_beside_burst(terminal: Terminal, tmp_path: Path) -> None:
    warm = measurement(sustained=(samples(0, 0.002), samples(0, 0.003)))
    store.write(tmp_path / "reports", report(warm, measurement("mobilenetv3-small")))
    rows = {r["model"]: r for r in terminal("show", "--json").json["measurements"]}
    assert rows["mnv4-conv-s"]["sustained_s"] == 0.003
    assert rows["mnv4-conv-s"]["sustained_ratio"] == 1.5
    assert rows["mobilenetv3-small"]["sustained_s"] is None
    said = terminal("show").out
    assert "3.00 ms (×1.50)" in said
    assert "Sustained" not in terminal("pareto").out


def test_unknown_options_and_verbs_are_usage_errors(terminal: Terminal) -> None:
    assert_sentence(terminal("show", "--jsno"), 2, "jsno")
    assert_sentence(terminal("shw"), 2, "shw")
    assert_sentence(terminal("pareto", "--accuracy", "mine"), 2, "timm")


def test_every_verb_has_help_with_an_example_that_parses() -> None:
    for verb in (
        "run",
        "pareto",
        "show",
        "history",
        "compare",
        "models",
        "devices",
        "doctor",
        "export",
    ):
        ran = run_process(verb, "--help")
        assert ran.status == 0
        assert f"Example: mnv4bench {verb}" in " ".join(ran.out.split())


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    two_models(tmp_path / "reports")
    with subprocess.Popen(
        command("show", tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # as `| true` does
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_one_frozen_file_of_every_schema_still_reads() -> None:
    folder = Path(__file__).parent.parent / "golden" / "schema"
    versions = sorted(int(path.stem) for path in folder.glob("*.json"))
    assert versions == list(range(1, codec.SCHEMA + 1))
    for version in versions:
        path = folder / f"{version}.json"
        assert codec.decode_report(path.read_bytes(), str(path)).measurements
        path = folder / "evaluations" / f"{version}.json"
        assert codec.decode_evaluation(path.read_bytes(), str(path)).ranks


# --- measured accuracies ------------------------------------------------------------------------


def with_evaluation(directory: Path) -> None:
    """Two models, of which one was evaluated on the file that was measured."""
    two_models(directory)
    store.write_evaluation(directory, evaluation(0, 0, 0, 1, model="mnv4-conv-s"))
    store.write_evaluation(directory, evaluation(0, 9, model="never-measured"))


def test_pareto_draws_a_measured_accuracy_and_says_so(terminal: Terminal, tmp_path: Path) -> None:
    with_evaluation(tmp_path / "reports")
    ran = terminal("pareto", "reports", "--json")
    assert (ran.status, ran.err) == (0, "")
    points = {point["model"]: point for point in ran.json["groups"][0]["points"]}
    own, other = points["mnv4-conv-s"], points["mobilenetv3-small"]
    assert (own["top1"], own["accuracy_source"]) == (75.0, "measured")
    assert own["top1_low"] < 75 < own["top1_high"]
    assert (own["accuracy_data"], own["accuracy_images"]) == ("val", 4)
    assert (other["accuracy_source"], other["top1_low"]) == ("timm", None)
    said = terminal("pareto", "reports").out
    assert "measured" in said
    assert "timm" in said
    assert "Top-1 measured on 4 images of val (1 file)." in said
    [report_file] = (tmp_path / "reports").glob("*.json")
    by_name = terminal("pareto", report_file, "--json").json["groups"][0]["points"]
    assert {point["accuracy_source"] for point in by_name} == {"measured", "timm"}


def test_only_measured_accuracies_on_request(terminal: Terminal, tmp_path: Path) -> None:
    with_evaluation(tmp_path / "reports")
    ran = terminal("pareto", "reports", "--accuracy", "measured", "--json")
    points = {point["model"]: point for point in ran.json["groups"][0]["points"]}
    assert points["mnv4-conv-s"]["status"] == "front"
    assert points["mobilenetv3-small"]["reason"] == "no accuracy known"


def test_show_lists_accuracies_too(terminal: Terminal, tmp_path: Path) -> None:
    with_evaluation(tmp_path / "reports")
    ran = terminal("show", "--json")
    assert {one["model"]: one["top1"] for one in ran.json["evaluations"]} == {
        "mnv4-conv-s": 75.0,
        "never-measured": 50.0,
    }
    said = terminal("show").out
    assert said.index("accuracy on val") < said.index("host-cpu  fp32")
    # without any report the accuracies are still something to show
    for report_file in (tmp_path / "reports").glob("*.json"):
        report_file.unlink()
    assert "accuracy on val" in terminal("show").out


def test_a_damaged_evaluation_is_skipped_with_its_reason(
    terminal: Terminal, tmp_path: Path
) -> None:
    with_evaluation(tmp_path / "reports")
    for path in (tmp_path / "reports" / "accuracy").iterdir():
        path.write_text("{}")
    ran = terminal("pareto", "reports", "--json")
    assert ran.status == 0
    [left] = ran.json["skipped"]  # the one of the file that was measured; no other is opened
    assert left["reason"] == "JSON, but not an evaluation of mnv4bench."
    assert {p["accuracy_source"] for p in ran.json["groups"][0]["points"]} == {"timm"}


# --- many reports -----------------------------------------------------------------------------


def test_a_table_has_no_more_rows_than_a_person_reads(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        two_models(tmp_path / "reports", f"r{number}")
    every = terminal("show", "--json").json["measurements"]
    assert [one["report"] for one in every] == [f"r{3 - n // 2}" for n in range(8)]
    monkeypatch.setattr("mnv4bench.cli.show.MOST_ROWS", 3)
    shown = terminal("show").out
    assert shown.count("mobilenetv3-small") == 2
    assert "Not listed: 5 more measurements, read after these" in shown
    assert terminal("show", "--json").json["measurements"] == every
    assert "Not listed" not in terminal("show", "--format", "markdown").out


def test_json_that_is_spooled_is_the_same_json(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As codec prints the whole, with latencies before counts, whatever is on the disk of it."""
    name = 'a "name"\n, with [] and µ'
    two_models(tmp_path / "reports", "r1")
    store.write(tmp_path / "reports", counting_report(counted(), model=name, name="r2"))
    two_models(tmp_path / "reports", "r3")
    monkeypatch.setattr("mnv4bench.cli.spooling.IN_MEMORY", 100)
    monkeypatch.setattr("mnv4bench.cli.spooling.PIECE", 7)
    ran = terminal("show", "--json")
    assert codec.encode_json(ran.json) == ran.out.removesuffix("\n")
    rows = ran.json["measurements"]
    assert [(one["report"], one["origin"]) for one in rows] == [
        ("r3", "measured"), ("r3", "measured"), ("r1", "measured"), ("r1", "measured"),
        ("r2", "emulated"),
    ]  # fmt: skip
    assert rows[-1]["model"] == name
    terminal("show", "--out", "shown.json")
    assert (tmp_path / "shown.json").read_text() == ran.out


def test_slow_reading_shows_a_bar_on_a_terminal_and_lines_elsewhere(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        two_models(tmp_path / "reports", f"r{number}")
    monkeypatch.setattr("mnv4bench.cli.waiting.SILENT_S", -1.0)
    monkeypatch.setattr("mnv4bench.cli.waiting.EVERY_S", 0.0)
    monkeypatch.setattr("mnv4bench.cli.waiting.REDRAWN_S", 0.0)
    lines = [f"reading reports: {done} of 4" for done in (1, 2, 3)]
    for words in (("show",), ("show", "--json"), ("show", "--format", "csv")):
        assert terminal(*words).err.splitlines() == lines
    monkeypatch.setattr("mnv4bench.cli.waiting.is_terminal", lambda _: True)
    bars = terminal("show", "--json").err
    assert bars.startswith(
        "\rreading reports: 1 of 4 [=====               ]"
        "\rreading reports: 2 of 4 [==========          ]"
    )
    assert bars.endswith(f"\r{' ' * 46}\r")
    # Rows that appear one by one are not written over.
    assert terminal("show", "--format", "csv").err == ""

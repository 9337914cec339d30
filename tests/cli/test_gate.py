"""``mnv4bench gate``: real files side by side on this machine, and what is refused."""

import json
import os
import signal
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench import store
from mnv4bench.cli import judging
from mnv4bench.devices import open_runner
from mnv4bench.export import ExportedFile
from mnv4bench.records import Noise
from tests.command_line import Terminal, command
from tests.devices.conftest import host_profile
from tests.devices.tiny_models import write_onnx, write_tflite
from tests.sample_reports import artifact, evaluation, measurement, report

ON_ORT = ("--device", "host-ort-cpu")


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sides")
    made = {
        "base": write_onnx(folder / "base.onnx"),
        "slower": write_onnx(folder / "slower.onnx", channels=128),
        "tflite": write_tflite(folder / "other.tflite"),
        "larger": write_onnx(folder / "larger.onnx", pixels=96),
    }
    copy = folder / "copy.onnx"
    copy.write_bytes(made["base"].read_bytes())
    return {**made, "copy": copy}


def test_a_slower_head_is_confirmed_and_ends_with_1(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    out = tmp_path / "gate.json"
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT, "--json", "--out", out
    )
    assert ran.status == 1, ran
    found = ran.json
    assert found == json.loads(out.read_text())
    assert found["verdict"] == "slower"
    (pair,) = found["pairs"]
    assert pair["verdict"] == "slower"
    assert pair["confirmed"] is True
    assert pair["ratio"] > 1.2
    assert pair["low"] > 1.03
    assert pair["significant"] is pair["relevant"] is True
    assert found["false_alarm_rate"] <= 0.001
    assert {"p", "blocks", "high", "model"} <= pair.keys()


def test_a_faster_head_is_no_alarm(onnx: dict[str, Path], terminal: Terminal) -> None:
    ran = terminal("gate", "--base", onnx["slower"], "--head", onnx["base"], *ON_ORT)
    assert ran.status == 0, ran
    assert "FASTER on host-ort-cpu" in ran.out


def test_the_same_file_is_said_and_not_measured(onnx: dict[str, Path], terminal: Terminal) -> None:
    ran = terminal("gate", "--base", onnx["base"], "--head", onnx["copy"], *ON_ORT, "--json")
    assert ran.status == 0
    (pair,) = ran.json["pairs"]
    assert (pair["verdict"], pair["processes"]) == ("same", 0)
    assert "same file" in pair["reason"]


def test_directories_are_paired_by_name(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    for side, name in (("old", "base"), ("new", "copy")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "net.onnx").write_bytes(onnx[name].read_bytes())
    (tmp_path / "new" / "another.onnx").write_bytes(onnx["base"].read_bytes())
    ran = terminal("gate", "--base", tmp_path / "old", "--head", tmp_path / "new", *ON_ORT)
    assert ran.status == 0
    assert "another is only in" in ran.out


@pytest.mark.parametrize(
    ("base", "head", "status", "words"),
    [
        ("nowhere.onnx", "base", 2, "nowhere.onnx"),
        ("base", "tflite", 2, "is no .onnx file"),
        ("base", "larger", 2, "input"),
        ("empty", "base", 2, "holds no .onnx file"),
        ("garbage.json", "base", 4, "not readable as JSON"),
    ],
)
def test_what_cannot_be_compared(
    onnx: dict[str, Path],
    terminal: Terminal,
    tmp_path: Path,
    base: str,
    head: str,
    status: int,
    words: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "garbage.json").write_text("{")
    places = [onnx.get(name, tmp_path / name) for name in (base, head)]
    ran = terminal("gate", "--base", places[0], "--head", places[1], *ON_ORT)
    assert ran.status == status, ran
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_two_models_are_not_compared_whatever_their_files_are_called(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Files that were exported here are known by their digests."""
    for model, name in (("mnv4-conv-s", "old"), ("mobilenetv3-small", "new")):
        ran = terminal("export", model, "--format", "tflite", "--output", f"{name}.tflite")
        assert ran.status == 0, ran
    ran = terminal("gate", "--base", "old.tflite", "--head", "new.tflite")
    assert ran.status == 2, ran
    assert "base has model mnv4-conv-s, and head has mobilenetv3-small" in ran.err


def test_a_name_that_is_no_text_can_be_judged(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path / "net") + b"\xff.onnx"))
    odd.write_bytes(onnx["base"].read_bytes())
    ran = terminal("gate", "--base", odd, "--head", onnx["copy"], *ON_ORT, "--json")
    assert ran.status == 0, ran
    assert [one["model"] for one in ran.json["pairs"]] == ["net\\xff"]


@pytest.mark.parametrize("option", ["--base", "--head"])
def test_an_empty_side_is_not_the_folder_here(
    onnx: dict[str, Path], terminal: Terminal, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(onnx["base"].parent)
    sides = {"--base": onnx["base"], "--head": onnx["copy"], option: ""}
    ran = terminal("gate", *(word for pair in sides.items() for word in pair), *ON_ORT)
    assert ran.status == 2, ran
    assert f"{option} is empty" in ran.err


def test_a_side_that_does_not_run_is_status_3(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx as onnx_package

    model = onnx_package.load(onnx["base"])
    model.graph.node[0].op_type = "NoSuchOperator"
    broken = tmp_path / "broken.onnx"
    onnx_package.save(model, broken)
    ran = terminal("gate", "--base", onnx["base"], "--head", broken, *ON_ORT, "--json")
    assert ran.status == 3, ran
    assert ran.json["pairs"] == []
    assert "could not load head's broken.onnx" in ran.json["skipped"][0]["reason"]
    assert str(broken) in ran.err  # the line that repeats it by hand: the copies are gone by then
    assert ran.json["verdict"] == "inconclusive"


def test_a_held_device_is_status_3(onnx: dict[str, Path], terminal: Terminal) -> None:
    with open_runner(host_profile("onnxruntime")).held():
        ran = terminal("gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT)
    assert ran.status == 3
    assert "another run" in ran.err


# --- budgets (over one: test_gate_phones, whose times no neighbour disturbs) -------------------


def test_a_model_within_its_budget_needs_no_base(onnx: dict[str, Path], terminal: Terminal) -> None:
    ran = terminal("gate", "--head", onnx["base"], "--budget", "base=5s", *ON_ORT, "--json")
    assert ran.status == 0, ran
    (budget,) = ran.json["budgets"]
    assert budget["verdict"] == "within"
    assert 0 < budget["low_s"] <= budget["latency_s"] <= budget["high_s"] <= budget["budget_s"] == 5
    assert ran.json["environment"]["runtime_name"] == "ONNX Runtime"
    assert ran.json["measured_at"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("base", "a time with its unit"),
        ("base=2.5", "a time with its unit"),
        ("base=-1ms", "a time with its unit"),
        ("base=0ms", "a time with its unit"),
        ("base=nanms", "a time with its unit"),
        ("=2ms", "a time with its unit"),
        ("bas=2ms", "nearest: base"),
    ],
)
def test_budgets_that_are_none(
    onnx: dict[str, Path], terminal: Terminal, words: str, says: str
) -> None:
    ran = terminal("gate", "--head", onnx["base"], "--budget", words, *ON_ORT)
    assert ran.status == 2, ran
    assert says in ran.err


def test_of_two_files_with_one_name_in_a_report_none_is_chosen(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = [measurement(artifact=artifact("net", sha256=digit * 64)) for digit in "ab"]
    path = store.write(tmp_path, report(*twins))

    def cached(digest: str) -> ExportedFile:
        return ExportedFile(tmp_path / "net", artifact("net", sha256=digest), cached=True)

    monkeypatch.setattr("mnv4bench.export.find", cached)
    ran = terminal("gate", "--base", path, "--head", path, *ON_ORT)
    assert ran.status == 2, ran
    assert "has several files of net" in ran.err


def test_neither_base_nor_budget(onnx: dict[str, Path], terminal: Terminal) -> None:
    ran = terminal("gate", "--head", onnx["base"], *ON_ORT)
    assert ran.status == 2
    assert "no --base to compare head with, and no --budget" in ran.err


# --- what else is asked, and how it ends ------------------------------------------------------


def test_the_profile_says_what_slowdown_matters(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    text = """
    device = "mine"
    title = "this machine, and a team that bears a little"
    runner = "host"
    runtime = "onnxruntime"
    format = "onnx"
    precision = "fp32"
    accelerator = "cpu"
    max_slowdown = 1.25
    """
    (tmp_path / "mine.toml").write_text(text)
    words = ("gate", "--base", onnx["base"], "--head", onnx["copy"], "--device")
    assert terminal(*words, tmp_path / "mine.toml", "--json").json["max_slowdown"] == 1.25
    asked = terminal(*words, tmp_path / "mine.toml", "--max-slowdown", "1.1", "--json")
    assert asked.json["max_slowdown"] == 1.1
    (tmp_path / "mine.toml").write_text(text.replace("1.25", "1.0"))
    assert terminal(*words, tmp_path / "mine.toml").status == 4


def test_seconds_and_instructions_are_of_different_devices(
    onnx: dict[str, Path], terminal: Terminal
) -> None:
    words = ("gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT)
    ran = terminal(*words, "--metric", "instructions")
    assert ran.status == 2
    assert "host-ort-cpu is timed" in ran.err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_measured(
    onnx: dict[str, Path], tmp_path: Path, stop: signal.Signals
) -> None:
    out = tmp_path / "gate.json"
    gate = subprocess.Popen(
        command("gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT, "--out", out),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert gate.stderr is not None
    for line in gate.stderr:
        if "round 1" in line:
            break
    os.killpg(gate.pid, stop)  # a terminal sends Ctrl-C to the worker too
    said, err = gate.communicate(timeout=60)
    assert gate.returncode == 130
    assert "Traceback" not in err
    assert "INCONCLUSIVE on host-ort-cpu" in said
    assert "interrupted before every answer was clear" in said
    (pair,) = json.loads(out.read_text())["pairs"]
    assert pair["verdict"] == "inconclusive"
    assert pair["observed"]


def test_every_process_is_in_the_json(onnx: dict[str, Path], terminal: Terminal) -> None:
    """So that the reader of a gate can judge anew, without this program."""
    ran = terminal("gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT, "--json")
    (pair,) = ran.json["pairs"]
    confirming = [one for one in pair["observed"] if one["confirming"]]
    assert len(confirming) == pair["processes"] + pair["processes_tainted"]
    assert len(pair["observed"]) > len(confirming)
    assert min(one["ratio"] for one in confirming) <= pair["ratio"]
    assert pair["ratio"] <= max(one["ratio"] for one in confirming)


def test_a_faster_head_that_lost_its_accuracy_is_not_faster(
    onnx: dict[str, Path], terminal: Terminal
) -> None:
    """What `mnv4bench eval` knows of the two files, by their digests."""
    slow, fast = (sha256(onnx[name].read_bytes()).hexdigest() for name in ("slower", "base"))
    for digest, right in ((slow, 800), (fast, 700)):
        known = evaluation(*[0] * right, *[9] * (1000 - right))
        store.write_evaluation(Path("reports"), replace(known, artifact=artifact(sha256=digest)))
    ran = terminal("gate", "--base", onnx["slower"], "--head", onnx["base"], *ON_ORT, "--json")
    assert ran.status == 3, ran
    (pair,) = ran.json["pairs"]
    assert pair["verdict"] == "inconclusive"
    assert pair["reason"] == "head takes less time, but head is less accurate on the same images"


def test_a_disturbed_machine_is_said() -> None:
    quiet, busy = (Noise(wall_s=1.0, cpu_s=cpu_s) for cpu_s in (0.99, 0.6))
    assert list(judging._disturbed([quiet] * 3)) == []
    (said,) = judging._disturbed([quiet, busy, busy])
    assert "40.0 % of the time" in said

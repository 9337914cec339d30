"""``mnv4bench gate``: real files side by side on this machine, and what is refused."""

import json
from pathlib import Path

import pytest

from mnv4bench.devices import open_runner
from tests.command_line import Terminal
from tests.devices.conftest import host_profile
from tests.devices.tiny_models import write_onnx, write_tflite

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
    assert ran.json["skipped"][0]["reason"]
    assert ran.json["verdict"] == "inconclusive"


def test_a_held_device_is_status_3(onnx: dict[str, Path], terminal: Terminal) -> None:
    with open_runner(host_profile("onnxruntime")).held():
        ran = terminal("gate", "--base", onnx["base"], "--head", onnx["slower"], *ON_ORT)
    assert ran.status == 3
    assert "another run" in ran.err

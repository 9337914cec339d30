"""``mnv4bench gate`` with Python environments, and with names of models as its sides."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mnv4bench.cli import sides
from mnv4bench.devices import interpreter
from mnv4bench.export.own import file as own_file
from tests import other_python
from tests.command_line import Terminal, command
from tests.devices.tiny_models import write_onnx

ON_ORT = ("--device", "host-ort-cpu")


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sides")
    return {
        "base": write_onnx(folder / "base.onnx"),
        "slower": write_onnx(folder / "slower.onnx", channels=128),
    }


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without this program."""
    return other_python.make(tmp_path_factory.mktemp("env") / "new", without=("mnv4bench",))


def test_one_file_in_two_environments_is_measured(
    onnx: dict[str, Path], other: Path, terminal: Terminal
) -> None:
    file = onnx["base"]
    ran = terminal("gate", "--base", file, "--head", file, "--head-env", other, *ON_ORT, "--json")
    assert ran.status in (0, 3), ran  # of a few kilobytes: the noise of this machine decides
    (pair,) = ran.json["pairs"]
    assert pair["processes"] > 0
    notes = " ".join(ran.json["notes"])
    assert "base in this program's own environment" in notes
    assert f"head in {other}" in notes
    assert notes.count("ONNX Runtime 1.") == 2


def test_one_file_in_one_environment_under_two_names_is_not(
    onnx: dict[str, Path], other: Path, terminal: Terminal
) -> None:
    file, python = onnx["base"], other / "bin" / "python"
    ran = terminal(
        "gate", "--base", file, "--head", file, "--base-env", other, "--head-env", python,
        *ON_ORT, "--json",
    )  # fmt: skip
    assert ran.status == 0, ran
    (pair,) = ran.json["pairs"]
    assert (pair["verdict"], pair["processes"]) == ("same", 0)


def test_our_own_environment_may_be_named(onnx: dict[str, Path], terminal: Terminal) -> None:
    file = onnx["base"]
    ran = terminal(
        "gate", "--base", file, "--head", file, "--head-env", sys.prefix, *ON_ORT, "--json"
    )
    assert ran.status == 0, ran
    assert ran.json["pairs"][0]["processes"] == 0


def test_a_slower_head_in_another_environment_is_an_alarm(
    onnx: dict[str, Path], other: Path, terminal: Terminal
) -> None:
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["slower"], "--base-env", other, *ON_ORT,
        "--json",
    )  # fmt: skip
    assert ran.status == 1, ran
    assert ran.json["pairs"][0]["ratio"] > 1.2


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no python here", "answered 'no python here'"),
        (":", "answered nothing"),
        ("echo '{\"python\": 3}'", "answered"),
        ("kill -SEGV $$", "was killed by SIGSEGV"),
        ("echo broken >&2; exit 7", "ended with status 7: broken"),
        (
            'echo \'{"python": "3.8.10", "prefix": "/x", "packages": {}}\'',
            "is Python 3.8.10; mnv4bench's processes need 3.11 or newer",
        ),
        ("exec sleep 600", "said nothing within"),
    ],
)
def test_a_python_that_is_none(
    onnx: dict[str, Path],
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    words: str,
) -> None:
    monkeypatch.setattr(interpreter, "LIMIT_S", 2.0)
    program = other_python.told_by(tmp_path / "python", script)
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["base"], "--head-env", program, *ON_ORT
    )
    assert ran.status == 2, ran
    assert words in ran.err
    assert ran.err.startswith("error: --head-env")
    assert "next: " in ran.err
    assert "Traceback" not in ran.err
    assert psutil.Process().children() == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("nowhere", "is not there"),
        ("empty", "holds no interpreter (looked for bin/python"),
        ("plain", "could not be started: Permission denied"),
        ("x" * 5000, "is not there"),
    ],
)
def test_a_place_without_a_python(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path, where: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain").write_text("print(1)\n")
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["base"], "--base-env", where, *ON_ORT
    )
    assert ran.status == 2, ran
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_an_environment_without_a_runtime(
    onnx: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    bare = other_python.make(tmp_path / "bare", only=())
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["base"], "--head-env", bare, *ON_ORT
    )
    assert ran.status == 2, ran
    assert "lacks msgspec, numpy, onnxruntime" in ran.err
    assert f"{bare}/bin/python -m pip install msgspec numpy onnxruntime" in ran.err


def test_a_budget_is_held_in_head_s_environment(
    onnx: dict[str, Path], other: Path, terminal: Terminal
) -> None:
    words = ("gate", "--head", onnx["base"], "--budget", "base=10s", *ON_ORT)
    ran = terminal(*words, "--head-env", other, "--json")
    assert ran.status == 0, ran
    assert ran.json["budgets"][0]["verdict"] == "within"
    assert f"base and head in {other}" in " ".join(ran.json["notes"])
    assert ran.json["environment"]["runtime_name"] == "ONNX Runtime"
    none = terminal(*words, "--base-env", other)
    assert none.status == 2
    assert "--base-env is of --base; there is none" in none.err


def test_on_a_phone_an_environment_only_exports(
    onnx: dict[str, Path], other: Path, terminal: Terminal
) -> None:
    ran = terminal(
        "gate", "--base", onnx["base"], "--head", onnx["base"], "--head-env", other,
        "--device", "pixel8-edgetpu",
    )  # fmt: skip
    assert ran.status == 2, ran
    assert "would do nothing" in ran.err


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("mnv4-conv-z", "nearest: mnv4-conv"),
        ("nowhere/old.onnx", "nowhere/old.onnx"),
        ("nowhere/old", "is no file, directory, report or model"),
        (",", "is no file, directory, report or model"),
    ],
)
def test_a_side_that_is_nothing(
    onnx: dict[str, Path], terminal: Terminal, model: str, words: str
) -> None:
    ran = terminal("gate", "--base", model, "--head", onnx["base"], *ON_ORT)
    assert ran.status == 2, ran
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_model_is_exported_by_each_side(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base by our exporting code with the environment's packages, head by this program."""
    name, log = "mobilenetv3-small", tmp_path / "log"
    other = other_python.make(tmp_path / "other", without=("mnv4bench",))
    other_python.writes_its_environment(other, log)
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))  # where nothing is exported yet
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages beside this program"))
    ran = terminal("gate", "--base", name, "--head", name, "--base-env", other, *ON_ORT, "--json")
    assert ran.status in (0, 3), ran
    (pair,) = ran.json["pairs"]
    assert pair["model"] == name
    assert pair["processes"] > 0
    # The versions are the same, so are the bytes: the same seed on both sides.
    assert pair["base_artifact_sha256"] == pair["head_artifact_sha256"]
    notes = " ".join(ran.json["notes"])
    assert notes.count("exported with random weights of seed 0 by torch") == 2
    assert f"base: exporting {name} in {other}" in ran.err
    assert f"base: done {name} to onnx in fp32" in ran.err
    started = log.read_text().splitlines()
    assert any("start.py elsewhere" in line for line in started)
    assert any("start.py worker" in line for line in started)
    assert all(line.endswith(" alone") for line in started)

    # Two models by name beside a folder: they are found by their names.
    folder = Path("files")
    folder.mkdir()
    made = terminal("export", name, "--format", "onnx", "--output", folder)
    assert made.status == 0, made
    again = terminal("gate", "--base", folder, "--head", name, *ON_ORT, "--json")
    assert again.status == 0, again
    assert again.json["pairs"][0]["verdict"] == "same"


def test_an_environment_s_own_program_exports_where_it_has_one(
    terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    whole = other_python.make(tmp_path / "whole")
    other_python.writes_its_environment(whole, log)
    ran = terminal(
        "gate", "--base", "timm:no_such_network", "--head", "mobilenetv3-small", "--base-env",
        whole, *ON_ORT,
    )  # fmt: skip
    assert ran.status == 3, ran
    assert "exporting timm:no_such_network" in ran.err
    assert "no_such_network" in ran.err.split("failed: ")[1]  # its own sentence
    assert "-m mnv4bench export timm:no_such_network" in log.read_text()


def test_what_an_environment_lacks_to_export_is_said(terminal: Terminal, tmp_path: Path) -> None:
    some = other_python.make(
        tmp_path / "some", without=("mnv4bench", "torch-", "timm-", "onnxscript-")
    )
    ran = terminal(
        "gate", "--base", "mobilenetv3-small", "--head", "mobilenetv3-small", "--base-env", some,
        *ON_ORT,
    )  # fmt: skip
    assert ran.status == 2, ran
    assert "it has neither mnv4bench nor torch, timm, onnxscript" in ran.err
    assert "-m pip install torch timm onnxscript" in ran.err


def test_an_export_that_crashes_is_said(other: Path, terminal: Terminal, tmp_path: Path) -> None:
    program = other_python.told_by(
        tmp_path / "python",
        f'case "$*" in *elsewhere*) echo it broke >&2; exit 9;; esac\nexec {other}/bin/python "$@"',
    )
    ran = terminal(
        "gate", "--base", "mobilenetv3-small", "--head", "mobilenetv3-small", "--base-env",
        program, *ON_ORT,
    )  # fmt: skip
    assert ran.status == 3, ran
    assert "ended with status 9 (it broke)" in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_leaves_no_process(
    other: Path, tmp_path: Path, number: signal.Signals
) -> None:
    program = other_python.told_by(
        tmp_path / "python",
        f'case "$*" in *elsewhere*) exec sleep 600;; esac\nexec {other}/bin/python "$@"',
    )
    words = ("gate", "--base", "mobilenetv3-small", "--head", "mnv4-conv-s", "--base-env", program)
    with subprocess.Popen(
        command(*words, *ON_ORT), stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as gate:  # fmt: skip
        deadline = time.monotonic() + 60
        sleeping: list[psutil.Process] = []
        while not sleeping and time.monotonic() < deadline:
            children = psutil.Process(gate.pid).children(recursive=True)
            sleeping = [child for child in children if child.name() == "sleep"]
            time.sleep(0.02)
        assert sleeping, gate.communicate()
        gate.send_signal(number)
        gate.communicate(timeout=60)
    assert gate.returncode == 130
    assert not any(child.is_running() for child in sleeping)


def test_a_file_is_one_model_s(onnx: dict[str, Path], terminal: Terminal, tmp_path: Path) -> None:
    for side, names in {"old": ("a", "a-fp32", "b"), "new": ("a", "c")}.items():
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / f"{name}.onnx").write_bytes(onnx["base"].read_bytes())
    ran = terminal("gate", "--base", "old", "--head", "new", *ON_ORT, "--json")
    assert [pair["model"] for pair in ran.json["pairs"]] == ["a"]
    assert ran.json["notes"] == [
        "a-fp32 is only in old", "b is only in old", "c is only in new",
    ]  # fmt: skip


def test_names_are_matched_as_export_writes_them(tmp_path: Path) -> None:
    file = own_file.open_file(write_onnx(tmp_path / "a.onnx"))
    assert sides.match("timm:hf/net", file, {"b": file, "timm-hf_net": file}) == "timm-hf_net"
    assert sides.match("net", file, {"net-fp32": file}) == "net-fp32"
    assert sides.match("net", file, {"net-int8": file}) is None

"""What ``gate`` leaves for CI: real gates on this machine, and gates that could not measure."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import typer

from mnv4bench.cli import publishing
from mnv4bench.devices import open_runner
from tests.command_line import Terminal, command, run_process
from tests.devices.conftest import host_profile
from tests.devices.tiny_models import write_onnx
from tests.render import fixed_gates

ON_ORT = ("--device", "host-ort-cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sides")
    base = write_onnx(folder / "base.onnx")
    copy = folder / "copy.onnx"
    copy.write_bytes(base.read_bytes())
    slower = write_onnx(folder / "slower.onnx", channels=128)
    return {"base": base, "copy": copy, "slower": slower}


class Places:
    """Where one gate publishes."""

    def __init__(self, folder: Path) -> None:
        self.summary = folder / "summary.md"
        self.junit = folder / "out" / "junit.xml"
        self.badge = folder / "out" / "gate.svg"
        self.options = (
            "--summary", self.summary, "--junit", self.junit, "--badge", self.badge,
        )  # fmt: skip

    def troubles(self) -> list[tuple[str, str]]:
        """(failure or error, its message) of every test case that is not green."""
        cases = Xml.parse(self.junit).getroot().iter("testcase")
        return [
            (one.tag, one.get("message", ""))
            for case in cases
            for one in case
            if one.tag in ("failure", "error")
        ]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_a_slower_head_is_a_failure_everywhere(
    models: dict[str, Path], terminal: Terminal, places: Places
) -> None:
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["slower"], *ON_ORT, *places.options,
        "--annotations", "--json",
    )  # fmt: skip
    assert ran.status == 1, ran
    assert ran.json["verdict"] == "slower"  # stdout holds one object, so annotations go to stderr
    assert "::error title=base%3A slower on host-ort-cpu::head / base " in ran.err
    assert "| **slower** |" in places.summary.read_text()
    ((kind, message),) = places.troubles()
    assert kind == "failure"
    assert message.startswith("slower: ")
    assert "slower +" in places.badge.read_text()


def test_the_same_file_is_green_and_quiet(
    models: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    badge = tmp_path / "gate.json"
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["copy"], *ON_ORT, "--badge", badge,
        "--annotations",
    )  # fmt: skip
    assert ran.status == 0, ran
    assert "::" not in ran.out
    assert json.loads(badge.read_text())["message"] == "same"


def test_github_says_where_its_summary_is(
    models: dict[str, Path], terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "step"
    summary.write_text("# another command of this step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = terminal("gate", "--base", models["base"], "--head", tmp_path / "nowhere.onnx", *ON_ORT)
    assert ran.status == 2
    assert summary.read_text().startswith(
        "# another command of this step\n### Latency gate: not measured on"
    )
    assert "::warning title=latency gate%3A not measured::There is no file" in ran.out
    quiet = terminal(
        "gate", "--base", models["base"], "--head", tmp_path / "nowhere.onnx", *ON_ORT,
        "--no-annotations",
    )  # fmt: skip
    assert "::" not in quiet.out + quiet.err


def test_a_full_step_summary_is_left_as_it_is(
    models: dict[str, Path], terminal: Terminal, places: Places
) -> None:
    # GitHub drops all of a summary of more than 1 MiB, the other commands' too.
    places.summary.write_bytes(b"x" * (1024 * 1024 - 50))
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["copy"], *ON_ORT, *places.options
    )
    assert ran.status == 0
    assert places.summary.stat().st_size == 1024 * 1024 - 50
    assert "is full" in ran.err


# --- could not measure ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status"), [("nowhere.onnx", 2), ("garbage.json", 4), ("empty", 2)]
)
def test_sides_that_cannot_be_compared_leave_no_green_badge(
    models: dict[str, Path],
    terminal: Terminal,
    places: Places,
    tmp_path: Path,
    head: str,
    status: int,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "garbage.json").write_text("{")
    asked = ("gate", "--base", models["base"], *ON_ORT, *places.options)
    assert terminal(*asked, "--head", models["copy"]).status == 0
    assert places.troubles() == []
    assert "same" in places.badge.read_text()

    ran = terminal(*asked, "--head", tmp_path / head)
    assert ran.status == status, ran
    ((kind, message),) = places.troubles()
    assert kind == "error"
    assert head in message
    assert "not measured" in places.badge.read_text()
    assert f"exit status {status}" in places.summary.read_text()


def test_a_held_device_is_an_error_in_every_place(
    models: dict[str, Path], terminal: Terminal, places: Places
) -> None:
    with open_runner(host_profile("onnxruntime")).held():
        ran = terminal(
            "gate", "--base", models["base"], "--head", models["slower"], *ON_ORT, *places.options
        )
    assert ran.status == 3
    ((kind, message),) = places.troubles()
    assert kind == "error"
    assert "another run" in message
    assert "another run" in places.summary.read_text()


def test_a_bug_is_not_slower(
    models: dict[str, Path], terminal: Terminal, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_words: object, **_options: object) -> None:
        raise ZeroDivisionError("somebody's bug")

    monkeypatch.setattr("mnv4bench.cli.sides.pair_up", broken)
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["copy"], *ON_ORT, *places.options
    )
    assert ran.status == 3  # Python's own would be 1
    assert "ZeroDivisionError: somebody's bug" in ran.err
    ((kind, message),) = places.troubles()
    assert kind == "error"
    assert "somebody's bug" in message


def test_ctrl_c_is_published_as_interrupted(
    models: dict[str, Path], terminal: Terminal, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_words: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mnv4bench.cli.sides.pair_up", interrupted)
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["copy"], *ON_ORT, *places.options
    )
    assert ran.status == 130
    assert "interrupted" in places.badge.read_text()
    assert places.troubles()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_killed_gate_leaves_an_error_and_not_the_last_success(
    models: dict[str, Path], terminal: Terminal, places: Places
) -> None:
    asked = ("gate", "--base", models["base"], *ON_ORT, *places.options)
    assert terminal(*asked, "--head", models["copy"]).status == 0
    process = subprocess.Popen(
        command(*asked, "--head", models["slower"]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while "not measured" not in places.badge.read_text() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    ((kind, message),) = places.troubles()
    assert kind == "error"
    assert "has not ended" in message
    assert "not measured" in places.badge.read_text()


def test_no_name_is_a_command_of_github_s(
    models: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    """In a table, or on a line of its own in an error."""
    for name in ("::error::pwn", "##[error]pwn", "a\n::error::pwn"):
        head = tmp_path / f"{name}.onnx"
        for content in (models["copy"].read_bytes(), b"garbage"):
            head.write_bytes(content)
            ran = terminal("gate", "--base", head, "--head", head, *ON_ORT)
            printed = ran.out + ran.err
            assert "pwn" in printed
            assert "##[error]" not in printed
            assert not any(line.lstrip().startswith("::") for line in printed.splitlines())


# --- places that cannot be written ------------------------------------------------------------


@pytest.mark.parametrize("option", ["--junit", "--badge", "--out"])
def test_an_unwritable_place_is_known_before_anything_is_measured(
    models: dict[str, Path],
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
) -> None:
    def measured(*_words: object, **_options: object) -> None:
        raise AssertionError("it measured")

    monkeypatch.setattr("mnv4bench.cli.contesting.measure", measured)
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "gate.svg"  # below a file: not even root can write there
    other = tmp_path / "other.json" if option == "--junit" else tmp_path / "other.xml"
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["slower"], *ON_ORT,
        option, place, "--badge" if option == "--junit" else "--junit", other,
    )  # fmt: skip
    assert ran.status == 3, ran
    assert f"{place} could not be written" in ran.err
    assert "could not be written" in other.read_text() or "not measured" in other.read_text()


def test_json_of_an_earlier_gate_does_not_outlive_it(
    models: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    out = tmp_path / "gate.json"
    out.write_text('{"verdict": "same"}')
    absent = tmp_path / "absent.onnx"
    ran = terminal("gate", "--base", models["base"], "--head", absent, *ON_ORT, "--out", out)
    assert ran.status == 2
    found = json.loads(out.read_text())
    assert found["verdict"] == "inconclusive"
    assert found["pairs"] == []
    assert "absent.onnx" in found["reason"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_a_sentence(
    models: dict[str, Path], terminal: Terminal, tmp_path: Path
) -> None:
    ran = terminal(
        "gate", "--base", models["base"], "--head", models["copy"], *ON_ORT,
        "--summary", "/dev/full", "--junit", tmp_path / "junit.xml",
    )  # fmt: skip
    assert ran.status == 3, ran
    assert "could not be appended to /dev/full: No space left on device" in ran.err
    assert Xml.parse(tmp_path / "junit.xml").getroot().get("tests") == "1"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_hides_no_slowdown(capsys: pytest.CaptureFixture[str]) -> None:
    found = fixed_gates.gate(fixed_gates.SLOWER, verdict="slower")
    full = publishing.Outlets(summary=Path("/dev/full"))
    publishing.publish(found, 1, full, print)
    assert "No space left on device" in capsys.readouterr().err
    with pytest.raises(typer.Exit) as ended:
        publishing.publish(found, 0, full, print)
    assert ended.value.exit_code == 3
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("printed", [(), ("--json",)])
def test_a_reader_that_has_gone_hides_no_slowdown(
    models: dict[str, Path], tmp_path: Path, printed: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    badge, out = tmp_path / "gate.json", tmp_path / "out.json"
    ran = subprocess.run(
        command(
            "gate", "--base", models["base"], "--head", models["slower"], *ON_ORT, *printed,
            "--badge", badge, "--out", out, "--annotations",
        ),
        stdout=writing, stderr=subprocess.PIPE, timeout=600,
    )  # fmt: skip
    os.close(writing)
    assert ran.returncode == 1, ran
    assert "slower" in badge.read_text()
    assert json.loads(out.read_text())["verdict"] == "slower"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize(("head", "status"), [("slower", 1), ("copy", 3)])
def test_a_full_disk_under_stdout_hides_no_slowdown(
    models: dict[str, Path], tmp_path: Path, head: str, status: int
) -> None:
    out = tmp_path / "out.json"
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            command(
                "gate", "--base", models["base"], "--head", models[head], *ON_ORT, "--out", out
            ),
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=600,
        )  # fmt: skip
    assert ran.returncode == status, ran
    assert "the gate could not be printed: No space left on device" in ran.stderr
    assert json.loads(out.read_text())["pairs"]


def test_a_badge_of_another_kind_is_a_usage_error(models: dict[str, Path], tmp_path: Path) -> None:
    ran = run_process(
        "gate", "--base", models["base"], "--head", models["copy"], "--badge", "gate.png",
        cwd=tmp_path,
    )  # fmt: skip
    assert ran.status == 2
    assert "neither .svg nor .json" in ran.err

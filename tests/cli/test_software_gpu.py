"""`run` on a GPU that the processor plays: marked emulated, on no front, judged by no gate."""

from pathlib import Path

import pytest

from mnv4bench import bench, store
from mnv4bench.errors import ExitStatus
from tests.command_line import Terminal, run_process
from tests.devices.tiny_models import write_tflite
from tests.vulkan import needs_vulkan

pytestmark = needs_vulkan


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files and a finished report of one of them."""
    folder = tmp_path_factory.mktemp("played")
    write_tflite(folder / "mnv4.tflite")
    write_tflite(folder / "wide.tflite", channels=32)
    words = ("--device", "host-gpu", "--model", "mnv4.tflite", "--quick", "--rounds", "1")
    ran = run_process("run", *words, cwd=folder)
    assert ran.status == ExitStatus.OK, ran
    assert "EMULATED" in ran.out
    return folder


@pytest.fixture
def here(measured: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Terminal:
    monkeypatch.chdir(measured)
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    return terminal


def test_the_report_says_emulated_and_on_what(measured: Path) -> None:
    [path] = (measured / "reports").glob("*.json")
    report = store.read(path)
    [one] = report.measurements
    assert one.origin == "emulated"
    assert one.placement
    assert one.placement.verdict == "full"
    assert "SwiftShader" in one.placement.unit
    assert report.environment.gpu_is_software is True


def test_no_front_takes_it(here: Terminal) -> None:
    [group] = here("pareto", "--json").json["groups"]
    assert group["origin"] == "emulated"
    [point] = group["points"]
    assert point["status"] == "excluded"
    assert "no GPU's latency" in point["reason"]


def test_a_table_shows_it_as_what_it_is(here: Terminal) -> None:
    assert "EMULATED" in here("show").out
    [row] = here("show", "--json").json["measurements"]
    assert row["origin"] == "emulated"


def test_a_page_shows_it_as_what_it_is(here: Terminal) -> None:
    overview = here("report", "--json").json
    [group] = overview["front"]["groups"]
    assert (group["origin"], group["objective"]) == ("emulated", "latency")
    assert [point["status"] for point in group["points"]] == ["excluded"]


def test_no_gate_judges_by_it(here: Terminal) -> None:
    ran = here("gate", "--device", "host-gpu", "--base", "mnv4.tflite", "--head", "wide.tflite")
    assert ran.status == ExitStatus.NOT_MEASURED, ran
    assert "the processor plays the GPU here" in ran.err
    assert "next: gate on the processor itself" in ran.err


def test_doctor_looks_at_what_is_there(here: Terminal) -> None:
    ran = here("doctor")
    assert "host-gpu" in ran.out
    ran = here("doctor", "--device", "host-gpu")
    assert ran.status == ExitStatus.OK, ran
    assert "SwiftShader" in ran.out


def test_without_a_driver_nothing_is_measured(here: Terminal, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    ran = here("run", "--device", "host-gpu", "--model", "mnv4.tflite", "--quick")
    assert ran.status == ExitStatus.NOT_MEASURED, ran
    assert "no Vulkan driver was found" in ran.err
    assert "chromium-common" in ran.err

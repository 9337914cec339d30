"""Next steps of `run` are followed here: a command that an error names must do what it promises."""

import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mnv4bench import bench, store
from mnv4bench.cli import planning
from mnv4bench.devices import Options, Runner
from mnv4bench.errors import BenchError, DeviceHot, DeviceLost
from mnv4bench.records import Check, DeviceProfile, Report
from tests.cli.test_phones import MINE
from tests.command_line import Ran, Terminal
from tests.devices.tiny_models import write_tflite
from tests.phone import handsets
from tests.phone.genuine_adb import GenuineAdb
from tests.scripted import ScriptedRunner

LOST = DeviceLost("the phone A went away.", "plug it in again; then: mnv4bench run --resume")
HOT = DeviceHot("it is hot.", "cool it, then: mnv4bench run --resume (--cool-wait SECONDS waits)")
EDGETPU = ("run", "--device", "pixel8-edgetpu")

Attach = Callable[..., None]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Attach:
    """``attach(mine=runner)``; there is a profile ./pr/mine.toml, and a file net.tflite."""
    Path("pr").mkdir()
    Path("pr/mine.toml").write_text(MINE.format(name="mine", code="shiba"))
    write_tflite(Path("net.tflite"))

    def attach(**runners: ScriptedRunner) -> None:
        def open_runner(profile: DeviceProfile, options: Options) -> Runner:
            return runners[profile.device.replace("-", "_")]

        monkeypatch.setattr(planning, "open_runner", open_runner)

    return attach


def steady(model: str, round: int) -> float:
    return 0.002


def stops(error: BenchError) -> Callable[[str, int], float | Exception]:
    """Measures one round."""
    return lambda model, round: 0.002 if round < 1 else type(error)(error.what, error.next_step)


def reports(folder: str) -> list[Report]:
    return [store.read(path) for path in Path(folder).glob("*.json")]


def the_command(ran: Ran) -> list[str]:
    """The one command that goes on, as words."""
    assert ran.err.count("mnv4bench run --resume") == 1, ran.err
    line = ran.err.partition("mnv4bench run --resume")[2].splitlines()[0]
    return ["run", "--resume", *shlex.split(line.partition(" (--cool-wait")[0])]


@pytest.mark.parametrize("error", [LOST, HOT])
def test_a_lost_device_names_the_command_that_then_finishes(
    terminal: Terminal, attach: Attach, error: BenchError
) -> None:
    attach(mine=ScriptedRunner(stops(error), unit="A"))
    words = ("--model", "net.tflite", "--reports", "my reports", "--serial", "X",
             "--benchmark-model", "bm", "--libraries", "libs", "--keep")  # fmt: skip
    ran = terminal("run", "--device", "./pr/mine.toml", *words, "--quick")
    assert ran.status == 3
    command = the_command(ran)
    assert command == ["run", "--resume", "--device", "./pr/mine.toml", *words]
    attach(mine=ScriptedRunner(steady, unit="A"))
    again = terminal(*command)
    assert again.status == 0, again
    [report] = reports("my reports")
    assert report.ended == "round limit"


def test_of_several_devices_one_command_finishes_all(terminal: Terminal, attach: Attach) -> None:
    attach(
        mine=ScriptedRunner(stops(LOST), unit="A"),
        s23_cpu=ScriptedRunner(stops(HOT), unit="B"),
        pixel6_cpu=ScriptedRunner(steady, unit="C"),
    )
    devices = ("--device", "./pr/mine.toml", "--device", "s23-cpu", "--device", "pixel6-cpu")
    ran = terminal("run", *devices, "--model", "net.tflite", "--quick")
    assert ran.status == 3
    assert "plug it in again; then: the command that this run ends with" in ran.err
    command = the_command(ran)
    assert command == ["run", "--resume", *devices[:4], "--model", "net.tflite"]
    attach(mine=ScriptedRunner(steady, unit="A"), s23_cpu=ScriptedRunner(steady, unit="B"))
    assert terminal(*command).status == 0
    assert {one.ended for one in reports("reports")} == {"round limit"}


def test_what_is_for_phones_is_said_again_for_phones_alone(
    terminal: Terminal, attach: Attach
) -> None:
    attach(mine=ScriptedRunner(steady, unit="A"), host_cpu=ScriptedRunner(stops(LOST), unit="B"))
    devices = ("--device", "./pr/mine.toml", "--device", "host-cpu")
    ran = terminal("run", *devices, "--model", "net.tflite", "--quick", "--serial", "X", "--keep")
    assert ran.status == 3
    command = the_command(ran)
    assert command == ["run", "--resume", "--device", "host-cpu", "--model", "net.tflite"]
    attach(host_cpu=ScriptedRunner(steady, unit="B"))
    assert terminal(*command).status == 0


def test_where_no_report_was_begun_there_is_nothing_to_resume(
    terminal: Terminal, attach: Attach
) -> None:
    class Gone(ScriptedRunner):
        def held(self) -> AbstractContextManager[None]:
            raise DeviceLost(LOST.what, LOST.next_step)

    attach(mine=Gone(steady))
    ran = terminal("run", "--device", "./pr/mine.toml", "--model", "net.tflite")
    assert ran.status == 3
    assert "next: plug it in again; then: the same command again" in ran.err
    assert "--resume" not in ran.err


def test_doctor_is_told_the_profile_by_its_path(terminal: Terminal, attach: Attach) -> None:
    class Absent(ScriptedRunner):
        def availability(self) -> tuple[str, str]:
            return "absent", "nobody knows why."

    attach(mine=Absent(steady))
    ran = terminal("run", "--device", "./pr/mine.toml", "--model", "net.tflite", "--serial", "X")
    assert ran.status == 3
    assert "next: mnv4bench doctor --device ./pr/mine.toml --serial X\n" in ran.err


def test_what_is_lacking_has_its_sentence_and_its_fix(terminal: Terminal, attach: Attach) -> None:
    class Unusable(ScriptedRunner):
        def availability(self) -> tuple[str, str]:
            return "unusable", "no program. curl it"

        def checks(self) -> tuple[Check, ...]:
            return (
                Check(name="phone", status="ok", found="a phone"),
                Check(name="program", status="failed", found="no program.", fix="curl it"),
            )

    attach(mine=Unusable(steady))
    ran = terminal("run", "--device", "./pr/mine.toml", "--model", "net.tflite")
    assert (ran.status, ran.err) == (3, "error: no program.\n  next: curl it\n")


def test_without_a_benchmark_program_the_download_is_the_next_step(
    terminal: Terminal, genuine_adb: GenuineAdb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    genuine_adb.plug(handsets.pixel8(tmp_path / "phone"))
    Path("mine.toml").write_text(MINE.format(name="mine", code="shiba"))
    write_tflite(Path("net.tflite"))
    ran = terminal("run", "--device", "./mine.toml", "--model", "net.tflite")
    assert ran.status == 3
    what, _, step = ran.err.partition("\n  next: ")
    assert what.startswith("error: the TFLite benchmark_model is not here")
    assert "curl" not in what
    assert "mkdir -p" in step
    assert "curl" in step


def nothing_is_exported(*requests: object) -> None:
    raise AssertionError("exported, and then refused")


def test_floats_for_a_unit_of_whole_numbers_are_refused_before_they_are_exported(
    terminal: Terminal, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "export_all", nothing_is_exported)
    attach(pixel8_edgetpu=ScriptedRunner(steady))
    for dry in ((), ("--dry-run",)):
        ran = terminal(*EDGETPU, "--model", "mnv4-conv-s", "--precision", "fp32", *dry)
        assert ran.status == 2
        assert "the EdgeTPU takes int8 graphs alone" in ran.err
        assert "next: measure it in int8: --precision int8" in ran.err
    assert reports("reports") == []


def test_a_finished_float_file_is_sent_to_a_profile_that_takes_it(
    terminal: Terminal, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "export_all", nothing_is_exported)
    attach(pixel8_edgetpu=ScriptedRunner(steady), pixel8_gpu=ScriptedRunner(steady))
    ran = terminal(*EDGETPU, "--model", "net.tflite", "--model", "mnv4-conv-s")
    assert ran.status == 2
    assert "takes int8 graphs alone, and net.tflite is fp32" in ran.err
    assert "--precision" not in ran.err
    assert "--device pixel8-cpu or --device pixel8-gpu" in ran.err
    there = terminal("run", "--device", "pixel8-gpu", "--model", "net.tflite", "--quick")
    assert there.status == 0, there

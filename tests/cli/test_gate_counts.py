"""``mnv4bench gate`` by counted instructions: exact, on the genuine qemu and LiteRT."""

from pathlib import Path

import pytest

from tests.command_line import Terminal
from tests.devices.tiny_models import write_tflite

pytestmark = pytest.mark.usefixtures("emulated_system")
COUNTED = ("--device", "host-instructions", "--metric", "instructions")


@pytest.fixture
def files(terminal: Terminal) -> tuple[str, ...]:
    """A network, the same with a byte behind its end, and one with more work."""
    write_tflite(Path("base.tflite"))
    Path("again.tflite").write_bytes(Path("base.tflite").read_bytes() + b"\0")
    write_tflite(Path("more.tflite"), channels=48)
    return ("gate", "--base", "base.tflite", "--head")


def test_the_same_work_counts_the_same_to_the_digit(
    terminal: Terminal, files: tuple[str, ...]
) -> None:
    ran = terminal(*files, "again.tflite", *COUNTED, "--max-slowdown", "1.001", "--json")
    assert ran.status == 0, ran
    (pair,) = ran.json["pairs"]
    assert (pair["verdict"], pair["ratio"], pair["significant"]) == ("same", 1.0, False)
    assert pair["reason"] == "the counts are the same"
    assert ran.json["metric"] == "instructions"
    assert ran.json["false_alarm_rate"] == 0
    assert ran.json["smallest_detectable_ratio"] == 1.001
    assert "qemu" in ran.json["environment"]["emulator"]


def test_more_work_is_slower_and_said_to_be_a_cost(
    terminal: Terminal, files: tuple[str, ...]
) -> None:
    ran = terminal(*files, "more.tflite", "--device", "host-instructions")
    assert ran.status == 1, ran
    assert "SLOWER on host-instructions" in ran.out
    assert "instr." in ran.out
    assert "It is no latency" in ran.out
    again = terminal(*files, "more.tflite", *COUNTED, "--json").json
    assert terminal(*files, "more.tflite", *COUNTED, "--json").json["pairs"] == again["pairs"]


def test_seconds_and_budgets_are_not_an_emulators(
    terminal: Terminal, files: tuple[str, ...]
) -> None:
    ran = terminal(*files, "more.tflite", "--device", "host-instructions", "--metric", "seconds")
    assert ran.status == 2
    assert "its seconds mean nothing" in ran.err
    ran = terminal(*files, "more.tflite", *COUNTED, "--budget", "base=1ms")
    assert ran.status == 2
    assert "a budget is a time" in ran.err

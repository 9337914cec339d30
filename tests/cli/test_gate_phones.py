"""``mnv4bench gate`` on a phone: the genuine adb and the double of a phone, whose times are set."""

from pathlib import Path

import pytest

from tests.command_line import Terminal
from tests.devices.tiny_models import write_tflite
from tests.phone import programs
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb
from tests.phone.graphs import write_convolutions

MINE = """
device = "mine"
title = "the phone on my desk"
runner = "android"
runtime = "litert"
format = "tflite"
precision = "{precision}"
accelerator = "{accelerator}"
[android]
tool = "classic"
delegate = "{delegate}"
"""


@pytest.fixture
def words(terminal: Terminal, phone: Phone, tmp_path: Path) -> tuple[object, ...]:
    """Two files, a profile, and the program of the double, whose inferences take 2 ms."""
    Path("mine.toml").write_text(
        MINE.format(precision="fp32", accelerator="cpu", delegate="xnnpack")
    )
    phone.set(steady_us=2000.0)
    write_tflite(Path("old.tflite"))
    write_tflite(Path("new.tflite"), channels=24)
    program = programs.write_program(tmp_path / "benchmark_model")
    return ("--device", "./mine.toml", "--benchmark-model", program)


def test_a_budget_on_a_phone(phone: Phone, terminal: Terminal, words: tuple[object, ...]) -> None:
    """Times of the double are what it is told: 2 ms."""
    gate = ("gate", "--head", "new.tflite", *words)
    ran = terminal(*gate, "--budget", "new=2.5ms", "--json")
    assert ran.status == 0, ran
    (budget,) = ran.json["budgets"]
    assert budget["verdict"] == "within"
    assert budget["latency_s"] == pytest.approx(0.002)
    assert "Pixel 8" in ran.json["unit"]
    ran = terminal(*gate, "--budget", "new=1.9ms", "--json")
    assert ran.status == 1, ran
    (budget,) = ran.json["budgets"]
    assert (budget["verdict"], budget["confirmed"]) == ("over", True)
    assert not phone.fixed_performance


def test_a_pulled_cable_keeps_what_was_measured(
    phone: Phone, terminal: Terminal, words: tuple[object, ...]
) -> None:
    phone.at("--graph=", 5, phone.drop)
    ran = terminal("gate", "--base", "old.tflite", "--head", "new.tflite", *words, "--json")
    assert ran.status == 3, ran
    (pair,) = ran.json["pairs"]
    assert pair["verdict"] == "inconclusive"
    assert "stopped before the answer was clear, after 2 processes" in pair["reason"]
    assert len(pair["observed"]) == 2
    assert "went away" in ran.json["notes"][0]


def test_a_phone_that_stays_away_takes_no_answers_with_it(
    phone: Phone,
    genuine_adb: GenuineAdb,
    terminal: Terminal,
    words: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is still in its mode for measuring when the cable is pulled, and nobody plugs it in."""
    monkeypatch.setattr("mnv4bench.devices.android.runner.GIVE_BACK_S", 0.5)
    phone.at("--graph=", 5, lambda: genuine_adb.unplug(phone))
    ran = terminal("gate", "--base", "old.tflite", "--head", "new.tflite", *words, "--json")
    assert ran.status == 3, ran
    (pair,) = ran.json["pairs"]
    assert len(pair["observed"]) == 2
    assert "fixed-performance mode may still be on" in ran.json["notes"][1]


def test_an_npu_that_lies_is_status_5_and_not_green(
    phone: Phone, terminal: Terminal, words: tuple[object, ...]
) -> None:
    Path("mine.toml").write_text(
        MINE.format(precision="int8", accelerator="edgetpu", delegate="nnapi")
        + 'nnapi_accelerator = "google-edgetpu"\n'
    )
    phone.accelerator("google-edgetpu", mode="lies")
    write_convolutions(Path("int8.tflite"), quantised=True)
    ran = terminal("gate", "--head", "int8.tflite", "--budget", "int8=1s", *words)
    assert ran.status == 5, ran

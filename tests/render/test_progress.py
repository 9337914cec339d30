"""The live table: every device in it, whatever thread speaks, and plain lines elsewhere."""

import threading
from io import StringIO
from types import SimpleNamespace

from msgspec.structs import replace
from rich.console import Console

from mnv4bench.cli import measuring
from mnv4bench.cli.measuring import MeasuringBoard
from mnv4bench.errors import DeviceLost
from mnv4bench.records import Measurement, Report
from mnv4bench.render.progress import Board
from tests.render import fixed
from tests.sample_reports import PLAN, PROFILE, artifact, measurement, report, samples


def of(device: str, *models: str) -> Report:
    profile = replace(PROFILE, device=device)
    waiting = (Measurement(artifact=artifact(model)) for model in models)
    return report(*waiting, name=f"r-{device}", profile=profile, finished_at=None, ended=None)


def console(terminal: bool) -> Console:
    return Console(file=StringIO(), force_terminal=terminal, width=100, no_color=True)


def printed(console: Console) -> str:
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def last_table(console: Console) -> str:
    """What a person sees at the end: the live table is redrawn over itself."""
    return printed(console).rsplit("measuring ", 1)[1]


def test_one_table_shows_every_device_and_what_each_does_now() -> None:
    shown = console(terminal=True)
    first, second = of("pixel8-cpu", "a", "b"), of("s23-cpu", "a")
    with MeasuringBoard([first, second], shown) as board:
        board.ear(first).invoked(measurement("a", rounds=2))
        board.ear(first).round_started(2, PLAN)
        board.ear(second).waiting("battery 39.0 °C (limit 37 °C)")
        table = last_table(shown)
    assert table.startswith("2 models on 2 devices")
    assert "device" in table
    rows = [line.split() for line in table.splitlines() if "pixel8-cpu" in line or "s23" in line]
    cells = [[cell for cell in row if cell not in "│┃"] for row in rows if "│" in row]
    assert cells[0][:4] == ["pixel8-cpu", "a", "2.00", "ms"]
    assert [cell[:2] for cell in cells[1:3]] == [["pixel8-cpu", "b"], ["s23-cpu", "a"]]
    assert "pixel8-cpu: round 3 of at most 6" in table
    assert "s23-cpu: waiting: battery 39.0 °C (limit 37 °C)" in table


def test_a_device_whose_turn_has_not_come_says_so() -> None:
    shown = console(terminal=True)
    first, second = of("host-cpu", "a"), of("host-ort-cpu", "a")
    with MeasuringBoard([first, second], shown) as board:
        board.ear(first).now("round 1")
        assert "host-ort-cpu: waiting for its turn" in last_table(shown)


def test_one_device_needs_no_column() -> None:
    shown = console(terminal=True)
    only = of("host-cpu", "a")
    with MeasuringBoard([only], shown) as board:
        board.ear(only).round_started(0, PLAN)
        table = last_table(shown)
    assert table.startswith("1 model on host-cpu, 1 thread")
    assert "device" not in table
    assert "host-cpu: " not in table


def test_lines_elsewhere_name_their_device_where_there_are_several() -> None:
    first, second = of("pixel8-cpu", "a"), of("s23-cpu", "a")
    for reports, prefix in (([first, second], "s23-cpu: "), ([second], "")):
        plain = console(terminal=False)
        with MeasuringBoard(reports, plain) as board:
            ear = board.ear(second)
            ear.round_ended(replace(second, measurements=(measurement("a"),)))
            ear.failed(second.measurements[0], DeviceLost("gone.", "plug it in"))
        lines = printed(plain).splitlines()
        assert lines[0] == f"{prefix}round 3 of at most 6: 1 model without a 95 % interval yet"
        assert lines[1] == f"{prefix}a is given up: gone."


def test_waiting_is_said_now_and_then_where_there_is_no_terminal(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(measuring, "time", SimpleNamespace(monotonic=lambda: now[0]))
    plain = console(terminal=False)
    only = of("s23-cpu", "a")
    with MeasuringBoard([only], plain) as board:
        ear = board.ear(only)
        for second in range(100):
            now[0] = float(second)
            ear.waiting(f"cooling down: {second}")
        ear.round_started(0, PLAN)
        ear.waiting("cooling down: again")
        for windows in range(3):
            done = replace(only.measurements[0], sustained=(samples(0),) * windows)
            ear.sustaining(done, 10.0 * windows, 30.0)
    said = [line.removeprefix("waiting: ") for line in printed(plain).splitlines()]
    assert said == [
        "cooling down: 0", "cooling down: 31", "cooling down: 62", "cooling down: 93",
        "cooling down: again", "a back to back, 0 of 30 s",
    ]  # fmt: skip


def test_any_thread_may_speak() -> None:
    shown = console(terminal=True)
    with Board("busy", ("what",), shown) as board:

        def speak(number: int) -> None:
            for count in range(50):
                board.rows([(f"row {number}",)])
                board.now(f"{count}", f"thread {number}")
                board.line(f"line {number}.{count}")

        threads = [threading.Thread(target=speak, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    text = printed(shown)
    for number in range(4):
        for count in range(50):
            assert f"line {number}.{count}" in text
        assert f"thread {number}: 49" in text


def test_names_in_a_live_table_do_nothing() -> None:
    shown = console(terminal=True)
    only = of("s23-cpu", fixed.HOSTILE)
    with MeasuringBoard([only], shown) as board:
        board.ear(only).invoked(only.measurements[0])
        board.ear(only).waiting(fixed.HOSTILE)
        board.ear(only).line(fixed.HOSTILE)
    assert "\x1b[31m" not in printed(shown)
    assert "\u202e" not in printed(shown)

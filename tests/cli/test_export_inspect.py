"""``export --inspect`` on files of one's own and on what it has just exported."""

from pathlib import Path

from tests.command_line import Terminal
from tests.devices.tiny_models import write_onnx, write_tflite


def test_a_file_of_one_s_own_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    write_onnx(tmp_path / "own.onnx")
    ran = terminal("export", "own.onnx", "--inspect")
    assert ran.status == 0
    assert "In the file: 5 operators" in ran.out
    assert "CPUExecutionProvider" in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.onnx"]


def test_json_is_one_object_for_all_files(terminal: Terminal, tmp_path: Path) -> None:
    write_onnx(tmp_path / "a.onnx")
    write_tflite(tmp_path / "b.tflite", odd=True)
    ran = terminal("export", "a.onnx", "b.tflite", "--inspect", "--json")
    assert ran.status == 0
    first, second = ran.json["inspections"]
    assert (first["file"], second["file"]) == ("a.onnx", "b.tflite")
    assert second["share"]["left"] == {"CUMSUM": 1}
    assert second["gpu"][0]["verdict"] in ("compatible", "unknown")


def test_an_exported_model_is_inspected_and_not_written(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal("export", "mnv4-conv-s", "--format", "onnx", "--inspect", "--json")
    assert ran.status == 0
    (found,) = ran.json["inspections"]
    assert found["file"].endswith("mnv4-conv-s.onnx")
    assert found["graph"]["operators"] == 89
    assert list(tmp_path.iterdir()) == []


def test_with_an_output_it_is_written_as_well(terminal: Terminal, tmp_path: Path) -> None:
    words = ("export", "mnv4-conv-s", "--format", "onnx", "--inspect", "--json")
    ran = terminal(*words, "--output", "here.onnx")
    assert ran.status == 0
    assert len(ran.json["inspections"]) == 1
    assert (tmp_path / "here.onnx").is_file()


def test_a_bad_file_is_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m.onnx").write_text("hello")
    ran = terminal("export", "\x1b[31m.onnx", "--inspect")
    assert ran.status == 4
    assert "\\x1b[31m.onnx is not a whole ONNX model" in ran.err
    assert ran.out == ""


def test_json_without_inspect_has_nothing_to_say(terminal: Terminal) -> None:
    ran = terminal("export", "mnv4-conv-s", "--format", "onnx", "--json")
    assert ran.status == 2
    assert "--inspect" in ran.err

"""One file, every reading of it put together; what cannot be found out is a note."""

import os
import sys
from pathlib import Path

import pytest
from msgspec import json

from mnv4bench import inspection
from mnv4bench.errors import BadFile, MissingExtra, UsageError
from mnv4bench.findings import Inspection
from mnv4bench.inspection import probe
from tests.devices.tiny_models import write_onnx, write_onnx_text, write_tflite, write_tflite_sum
from tests.export.own.test_file import onnx_file


@pytest.fixture(autouse=True)
def _without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its analyzer has tests of its own; importing it takes as long as all of these."""
    really = inspection.find_spec

    def find(name: str):
        return None if name == "tensorflow" else really(name)

    monkeypatch.setattr(inspection, "find_spec", find)


def test_a_tflite_file_that_xnnpack_takes_in_part(tmp_path: Path) -> None:
    found = inspection.inspect(write_tflite(tmp_path / "m.tflite", odd=True))
    assert (found.format, found.notes, found.optimised) == ("tflite", (), None)
    assert found.share is not None
    assert (found.share.taken, found.share.operators, found.share.partitions) == (3, 4, 2)
    assert found.share.left == {"CUMSUM": 1}
    assert {one.operator: one.on_unit for one in found.graph.kinds}["CUMSUM"] == 0
    assert len(found.gpu) == 1


def test_an_onnx_file_before_and_after(tmp_path: Path) -> None:
    found = inspection.inspect(write_onnx(tmp_path / "m.onnx"))
    assert (found.format, found.notes, found.gpu) == ("onnx", (), ())
    assert found.optimised is not None
    assert "Relu" in {one.operator for one in found.graph.kinds}
    assert "Relu" not in {one.operator for one in found.optimised.kinds}  # part of Conv now
    assert found.share is not None
    assert found.share.taken == found.share.operators == 5
    assert found.share.partitions is None


def test_it_says_what_it_does(tmp_path: Path) -> None:
    said: list[str] = []
    inspection.inspect(write_onnx(tmp_path / "m.onnx"), said.append)
    assert said == ["reading", "asking ONNX Runtime"]


def test_all_of_it_survives_json(tmp_path: Path) -> None:
    found = inspection.inspect(write_tflite(tmp_path / "m.tflite"))
    assert json.decode(json.encode(found), type=Inspection) == found


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_of_any_bytes_is_encoded(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tflite"))
    found = inspection.inspect(write_tflite(file))
    assert found.file.endswith("\ufffd.tflite")
    assert json.encode(found)


def test_a_custom_operator_leaves_notes(tmp_path: Path) -> None:
    found = inspection.inspect(write_tflite_sum(tmp_path / "m.tflite", custom="Foo"))
    assert found.share is None
    assert [one.operator for one in found.graph.kinds] == ["custom Foo"]
    assert any("custom op: Foo" in note for note in found.notes)


def test_open_sizes_are_said_to_be_chosen(tmp_path: Path) -> None:
    found = inspection.inspect(write_tflite_sum(tmp_path / "m.tflite"))
    assert found.inputs[0].shape == (-1, -1, 8)
    assert "taken as 1" in found.notes[0]


def test_an_onnx_operator_that_the_runtime_lacks_leaves_a_note(tmp_path: Path) -> None:
    found = inspection.inspect(
        write_onnx_text(tmp_path / "m.onnx", operator="Magic", domain="my.own")
    )
    assert found.optimised is None
    assert any("Magic" in note for note in found.notes)
    assert any(one.operator == "my.own.Magic" for one in found.graph.kinds)


def test_a_runtime_that_crashes_leaves_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = probe.ask

    def crash(question: probe.Question, file: Path, **options: object):
        if question == "onnx graph":
            return really(question, file)
        return probe.Refusal("its process was killed by SIGSEGV")

    monkeypatch.setattr(probe, "ask", crash)
    found = inspection.inspect(write_onnx(tmp_path / "m.onnx"))
    assert "killed by SIGSEGV" in found.notes[0]
    assert found.graph.operators == 5


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("no.onnx", None, UsageError),
        ("empty.tflite", b"", BadFile),
        ("text.onnx", b"hello, world\n" * 50, BadFile),
        ("cut.tflite", b"\x1c\0\0\0TFL3\0\0", BadFile),
        ("onnx.tflite", b"\x08\x08" * 50, BadFile),
    ],
)
def test_bad_files_are_refused(name: str, content, error, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name):
        inspection.inspect(tmp_path / name)


def test_a_file_that_onnx_will_not_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "ask", lambda *_: probe.Refusal("Error parsing message"))
    with pytest.raises(BadFile, match="as an ONNX model: Error parsing message"):
        inspection.inspect(write_onnx(tmp_path / "m.onnx"))


def test_weights_in_another_file_are_read_from_there_or_missed(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "m.onnx", external="w.bin")
    found = inspection.inspect(file)
    assert found.notes == ()
    assert found.size_bytes > file.stat().st_size
    (tmp_path / "w.bin").unlink()
    with pytest.raises(BadFile, match=r"w\.bin"):
        inspection.inspect(file)


def test_weights_of_a_type_that_no_precision_names_are_shown(tmp_path: Path) -> None:
    import numpy as np

    found = inspection.inspect(onnx_file(tmp_path / "m.onnx", dtype=np.float64))
    (cast,) = [one for one in found.graph.kinds if one.operator == "Cast"]
    assert (cast.constants, cast.writes) == ("float64", "float32")


def test_without_the_package_onnx_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        inspection.inspect(write_onnx(tmp_path / "m.onnx"))
    assert "mnv4bench[export]" in caught.value.next_step

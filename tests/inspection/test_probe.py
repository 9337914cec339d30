"""A process that crashes, hangs or chatters costs one answer and no more."""

from pathlib import Path

import pytest

from mnv4bench.inspection import probe
from mnv4bench.inspection.tflite import Delegated
from tests.devices.tiny_models import write_tflite


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """``stub(code)``: a runtime whose interpreter does what ``code`` says."""

    def write(code: str) -> None:
        package = tmp_path / "stub" / "ai_edge_litert"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "interpreter.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return write


def refusal(file: Path, **options: float) -> probe.Refusal:
    answer = probe.ask("litert", file, **options)
    assert isinstance(answer, probe.Refusal)
    return answer


def test_an_answer_comes_with_what_was_printed(tmp_path: Path) -> None:
    answer = probe.ask("litert", write_tflite(tmp_path / "m.tflite"))
    assert isinstance(answer, probe.Answer)
    assert answer.as_(Delegated).operators == 3
    assert "XNNPACK delegate" in answer.log


def test_a_crash_is_named(tmp_path: Path, stub) -> None:
    stub("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    found = refusal(tmp_path / "m.tflite")
    assert found.reason == "its process was killed by SIGSEGV"
    assert found.crashed


def test_a_hang_is_ended(tmp_path: Path, stub) -> None:
    stub("import time\ntime.sleep(60)")
    found = refusal(tmp_path / "m.tflite", limit_s=1.0)
    assert "did not end within 1 s" in found.reason
    assert found.crashed


def test_an_exit_without_a_word_is_no_answer(tmp_path: Path, stub) -> None:
    stub("import os\nos._exit(7)")
    assert "ended with status 7" in refusal(tmp_path / "m.tflite").reason


def test_chatter_on_stdout_does_not_spoil_the_answer(tmp_path: Path, stub) -> None:
    stub("import os\nos.write(1, b'+{}')\nprint('hello')\nraise ValueError('no\\nsuch  file')")
    found = refusal(tmp_path / "m.tflite")
    assert found.reason == "no such file"
    assert not found.crashed
    assert "hello" in found.log


def test_a_damaged_file_is_refused_in_the_runtime_s_words(tmp_path: Path) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(b"\x1c\0\0\0TFL3" + b"\xff" * 500)
    found = refusal(file)
    assert found.reason


def test_modules_beside_the_user_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken in')")
    file = write_tflite(tmp_path / "m.tflite")
    monkeypatch.chdir(tmp_path)
    assert isinstance(probe.ask("litert", Path(file.name)), probe.Answer)


def test_a_name_with_escapes_can_be_asked_about(tmp_path: Path) -> None:
    file = write_tflite(tmp_path / "\x1b[31m - --x.tflite")
    assert isinstance(probe.ask("litert", file), probe.Answer)

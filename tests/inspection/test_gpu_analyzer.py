"""The analyzer's all-clear is believed only where it finds fault with a made-up operator."""

import zlib
from pathlib import Path

import pytest

from mnv4bench.inspection import gpu_analyzer, probe
from mnv4bench.inspection import tflite as inspect_tflite
from mnv4bench.inspection.gpu_analyzer import Analysed, judged
from tests.devices.tiny_models import write_tflite

CAPTURES = Path(__file__).parents[1] / "captures"
CHECKS_NOTHING = (CAPTURES / "tensorflow-2.21.0/analyzer-custom-operator.txt").read_text()
CHECKS = (CAPTURES / "tensorflow-2.17.1/analyzer-custom-operator.txt").read_text()
CLEAR = "Your model looks compatible with GPU delegate on TFLite runtime version 2.17.1."


def test_warnings_make_a_file_incompatible() -> None:
    found = judged(Analysed(CHECKS, CHECKS, "2.17.1"))
    assert found.verdict == "incompatible"
    assert found.reasons == ("Not supported custom op Foo",)  # the summary of warnings is none
    assert "2.17.1" in found.by


def test_repeated_warnings_are_counted() -> None:
    said = "GPU COMPATIBILITY WARNING: SLICE supports for 3 or 4 dimensional tensors only.\n"
    found = judged(Analysed(said * 6, CHECKS, "2.17.1"))
    assert found.reasons == ("SLICE supports for 3 or 4 dimensional tensors only. (6 times)",)


def test_an_all_clear_counts_where_the_made_up_operator_was_found_out() -> None:
    assert judged(Analysed(CLEAR, CHECKS, "2.17.1")).verdict == "compatible"


def test_an_all_clear_for_everything_is_none() -> None:
    found = judged(Analysed(CHECKS_NOTHING, CHECKS_NOTHING, "2.21.0"))
    assert found.verdict == "unknown"
    assert "checks nothing" in found.reasons[0]


def test_silence_is_no_verdict() -> None:
    assert judged(Analysed("", CHECKS, "9.9")).verdict == "unknown"


def test_the_made_up_file_is_a_whole_model_of_one_custom_operator(tmp_path: Path) -> None:
    file = tmp_path / "control.tflite"
    file.write_bytes(zlib.decompress(gpu_analyzer.MADE_UP))
    (operation,) = inspect_tflite.read(file).operations
    assert operation.operator == "custom MnvbenchNoSuchOperator"


def test_this_very_tensorflow_is_judged_by_its_own_words(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip(
        "tensorflow", reason="no tensorflow here: make setup installs it"
    )
    answer = probe.ask("analyzer", write_tflite(tmp_path / "tiny.tflite"))
    assert isinstance(answer, probe.Answer), answer
    analysed = answer.as_(Analysed)
    assert analysed.version == tensorflow.__version__
    assert gpu_analyzer.COMPATIBLE in analysed.text  # the sentence is still what it was
    assert judged(analysed).verdict in ("compatible", "unknown")

"""Which pairs of format and precision there are, and what a refusal says."""

from typing import get_args

import pytest

from mnv4bench.errors import UsageError
from mnv4bench.export import ExportRequest, formats
from mnv4bench.records import Format, Precision

PAIRS = [(format, precision) for format in get_args(Format) for precision in get_args(Precision)]


@pytest.mark.parametrize(("format", "precision"), PAIRS)
def test_a_pair_is_exported_or_refused_with_its_reason(
    format: Format, precision: Precision
) -> None:
    if precision in formats.PRECISIONS[format]:
        recipe = formats.recipe(format, precision)
        assert (recipe.format, recipe.precision) == (format, precision)
        assert recipe.calibrated == (precision == "int8")
    else:
        with pytest.raises(UsageError) as refused:
            formats.recipe(format, precision)
        assert formats.REFUSALS[format, precision] in refused.value.what
        assert ", ".join(formats.PRECISIONS[format]) in refused.value.next_step


def test_no_refusal_stands_beside_a_recipe() -> None:
    assert sorted(formats.REFUSALS) == sorted(
        pair for pair in PAIRS if pair[1] not in formats.PRECISIONS[pair[0]]
    )


def test_choices_that_do_not_concern_a_file_do_not_tell_it_from_others() -> None:
    plain = formats.settled(ExportRequest("m", "tflite", "random"))
    chosen = ExportRequest(
        "m", "tflite", "random", calibration="f", activations="int8", deployment_target="iOS17"
    )
    assert formats.settled(chosen) == plain


def test_settling_makes_the_choices_that_were_left_open() -> None:
    onnx = formats.settled(ExportRequest("m", "onnx", "random", "int8", calibration="f"))
    assert onnx.activations == formats.host_activations()
    assert onnx.calibration == "f"
    assert formats.settled(ExportRequest("m", "coreml", "random", "fp16")).deployment_target == (
        formats.DEFAULT_TARGET
    )


@pytest.mark.parametrize(
    ("machine", "type"), [("x86_64", "uint8"), ("AMD64", "uint8"), ("aarch64", "int8")]
)
def test_activations_are_what_the_processor_multiplies(
    machine: str, type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats.platform, "machine", lambda: machine)
    assert formats.host_activations() == type

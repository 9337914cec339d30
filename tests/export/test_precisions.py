"""Conv-S in every precision of ONNX and TFLite: made from the fp32 file, held to its rounding."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnv4bench import runtimes
from mnv4bench.errors import ExportFailed
from mnv4bench.export import ExportRequest, Exports, Progress, calibration, ensure, formats, parity
from mnv4bench.models.inputs import IMAGENET_MEAN, IMAGENET_STD, sample_input

PAIRS = [
    (format, precision)
    for format in ("onnx", "tflite")
    for precision in formats.PRECISIONS[format]
    if precision != "fp32"
]
REQUESTS = {pair: ExportRequest("mnv4-conv-s", pair[0], "random", pair[1]) for pair in PAIRS}


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def made(exports: Exports, told: list[Progress]) -> Exports:
    return ensure(list(REQUESTS.values()), jobs=2, listen=told.append)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_the_artifact_says_how_it_was_made_and_judged(pair, made: Exports) -> None:
    assert not made.failures
    artifact = made.files[REQUESTS[pair]].artifact
    assert (artifact.format, artifact.precision) == pair
    assert (artifact.calibration is not None) == (artifact.precision == "int8")
    if artifact.calibration:
        assert artifact.calibration.text == "synthetic calibration"
    assert artifact.activations == ("uint8" if pair == ("onnx", "int8") else None)
    assert artifact.parity is not None
    assert artifact.parity.judged_by == "sqnr_db"
    assert "rounding alone" in artifact.parity.tolerance_reason
    assert parity.passes(artifact.parity)
    assert artifact.parity.cosine is not None
    assert artifact.parity.cosine > 0.9
    half = 0.55 if artifact.precision == "fp16" else 0.35
    fp32_bytes = 4 * 3_770_000
    assert artifact.size_bytes < half * fp32_bytes
    assert artifact.preprocessing is not None
    assert artifact.preprocessing.crop_px == 224


def test_two_precisions_of_one_network_never_run_at_once(
    made: Exports, told: list[Progress]
) -> None:
    """The second would convert the fp32 file once more beside the first."""
    running: Counter[str] = Counter()
    for progress in told:
        if progress.phase == "started":
            running[progress.request.format] += 1
        elif progress.phase == "done":
            running[progress.request.format] -= 1
        assert max(running.values(), default=0) <= 1


def test_full_integer_is_int8_in_and_out(made: Exports) -> None:
    loaded = runtimes.load(made.files[REQUESTS["tflite", "int8"]].path, "tflite")
    assert [one.dtype for one in (*loaded.inputs, *loaded.outputs)] == ["int8", "int8"]


@pytest.fixture(scope="module")
def built():
    from mnv4bench.models import build, weights

    return build.build("mnv4-conv-s", weights.parse("random"))


def test_a_file_calibrated_on_other_ranges_is_refused(
    built, made: Exports, exports: Exports, tmp_path: Path
) -> None:
    """Inputs of a hundredth of the contrast: most activations are cut off."""
    from mnv4bench.export import worker

    request = formats.settled(REQUESTS["tflite", "int8"])
    given = calibration.synthetic(built)
    wrong = replace(given, calibration=given.calibration / 100)
    source = exports.files[ExportRequest("mnv4-conv-s", "tflite", "random")].path
    file = tmp_path / "wrong.tflite"
    worker.convert(built, file, request, source, wrong)
    with pytest.raises(ExportFailed, match=r"signal over noise is .*rounding alone"):
        parity.compare(built, file, formats.recipe("tflite", "int8"), given)


def test_a_folder_of_images_is_calibrated_and_compared_on(exports: Exports, tmp_path: Path) -> None:
    folder = tmp_path / "holiday pictures"
    folder.mkdir()
    mean, std = (np.array(one).reshape(3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_STD))
    for index, image in enumerate(sample_input(256, seed=9, count=12).numpy()):
        pixels = ((image * std + mean) * 255).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    request = replace(REQUESTS["tflite", "int8"], calibration=str(folder))
    [file] = ensure([request]).files.values()
    assert file.artifact.calibration is not None
    assert file.artifact.calibration.text == "calibrated on 8 images of holiday pictures"
    assert file.artifact.parity is not None
    assert file.artifact.parity.input_kind == "images of holiday pictures, not calibrated on"
    assert ensure([request]).files[request].cached
    (folder / "0.png").write_bytes((folder / "1.png").read_bytes())
    assert not ensure([request]).files[request].cached  # other images, another file

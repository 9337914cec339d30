"""A file that is wrong does not pass, in whatever way it is wrong."""

import shutil
from io import StringIO
from pathlib import Path

import pytest

from mnv4bench.errors import ExportFailed
from mnv4bench.export import cache, calibration, formats, identity, parity, worker
from tests.export.conftest import CONV_S_ONNX, entries

ONNX = formats.recipe("onnx", "fp32")


@pytest.fixture(scope="module")
def built():
    from mnv4bench.models import build, weights

    return build.build("mnv4-conv-s", weights.parse("random"))


def compare(built, file: Path, recipe: formats.Recipe = ONNX) -> parity.Outcome:
    return parity.compare(built, file, recipe, calibration.synthetic(built))


def changed(source: Path, target: Path, change) -> Path:
    """A copy of an ONNX file in which ``change`` was made to one convolution's weights."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    weight = next(each for each in model.graph.initializer if len(each.dims) == 4)
    values = numpy_helper.to_array(weight).copy()
    change(values)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, target)
    return target


def test_the_right_file_passes(built, conv_s_onnx: Path) -> None:
    outcome = compare(built, conv_s_onnx)
    assert outcome.input_shape == (1, 3, 224, 224)
    assert outcome.parity.inputs >= 2
    assert outcome.parity.cosine == pytest.approx(1, abs=1e-6)
    assert outcome.parity.sqnr_db is not None
    assert outcome.parity.sqnr_db > 80  # 24 bits of fp32 less what sums lose


def test_one_weight_that_is_off_fails_and_both_numbers_are_named(
    built, conv_s_onnx: Path, tmp_path: Path
) -> None:
    def off(values):
        values[0] *= 1.1

    with pytest.raises(ExportFailed, match=r"differs from torch by .* tolerance is 0.0001"):
        compare(built, changed(conv_s_onnx, tmp_path / "m.onnx", off))


def test_nan_fails(built, conv_s_onnx: Path, tmp_path: Path) -> None:
    def broken(values):
        values[:] = float("nan")

    with pytest.raises(ExportFailed, match="NaN or infinity"):
        compare(built, changed(conv_s_onnx, tmp_path / "m.onnx", broken))


def test_another_models_file_fails(built, exports) -> None:
    wrong = next(f for r, f in exports.files.items() if r.model == "fastvit-sa12")
    with pytest.raises(ExportFailed, match=r"takes \(1, 3, 256, 256\)"):
        compare(built, wrong.path)


def test_a_refused_file_is_not_cached(
    conv_s_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's own path, with a converter that is quick: it copies a finished file."""
    monkeypatch.setattr(worker, "convert", lambda built, file, *_: shutil.copy(conv_s_onnx, file))
    store = cache.Cache(tmp_path)
    key = identity.key(CONV_S_ONNX)
    monkeypatch.setattr(parity, "EXACT", parity.Tolerance(1e-12, "none"))
    with pytest.raises(ExportFailed, match="It was thrown away"):
        worker.export(CONV_S_ONNX, key, store, StringIO())
    assert entries(tmp_path) == []
    assert list(store.artifacts.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr(worker, "convert", lambda built, file, *_: shutil.copy(conv_s_onnx, file))
    assert worker.export(CONV_S_ONNX, key, store, StringIO()) == cache.digest(conv_s_onnx)
    assert [entry.name for entry in entries(tmp_path)] == [key]


def test_few_outputs_are_held_less_tightly_and_thousands_as_ever() -> None:
    """The ratio of two estimates from n normal errors each scatters as said, by trial."""
    import numpy as np

    assert parity.scatter_db(4000) == 0
    draw = np.random.default_rng(0)
    for outputs in (8, 40, 400):
        powers = (draw.standard_normal((2, 4000, outputs)) ** 2).mean(axis=2)
        seen = 10 * np.log10(powers[0] / powers[1])
        allowed = parity.scatter_db(outputs) + parity.HELD_DB
        assert 2.5 * seen.std() < allowed < 3.5 * seen.std()

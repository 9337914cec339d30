"""A TensorFlow model becomes a TFLite file, through TensorFlow's own converter.

Knows: the converter's settings, and how the file is compared with TensorFlow. Does not know: how a
model is opened (tensorflow_model), torch. Imported by the export's own process alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench import runtimes
from mnv4bench.errors import ExportFailed, UsageError
from mnv4bench.export import ExportRequest, Phase, cache, formats, identity, parity
from mnv4bench.export.own import file as own_file
from mnv4bench.export.own import shapes as input_shapes
from mnv4bench.export.own import tensorflow_model
from mnv4bench.export.own.name import FAMILY, as_text, name_of
from mnv4bench.export.own.shapes import Shape
from mnv4bench.export.own.tensorflow_model import Opened, reason
from mnv4bench.export.parity import Tolerance
from mnv4bench.records import Artifact, Calibration, Parity, Precision, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = list[NDArray[Any]]
    Named = dict[str, NDArray[Any]]

CALIBRATION_INPUTS, CALIBRATION_SEED = 64, 2
HELD_OUT_INPUTS, HELD_OUT_SEED = 4, 1
INPUT_KIND = "seeded normal numbers"
# Rounding is not simulated for TensorFlow, so these are coarser than what torch's networks are held
# to. Weights in half precision keep 66 dB each, of which networks lose up to 30. For 8 bits: the
# outputs of an unrelated network leave no more than 0 dB.
TOLERANCES: dict[Precision, Tolerance] = {
    "fp32": parity.EXACT,
    "fp16": Tolerance(30.0, "half precision keeps 66 dB of a weight", in_db=True),
    "int8": Tolerance(3.0, "an unrelated network leaves 0 dB", in_db=True),
    "int8-dynamic": Tolerance(3.0, "an unrelated network leaves 0 dB", in_db=True),
}


def export(
    request: ExportRequest, key: str, store: cache.Cache, say: Callable[[Phase], None]
) -> str:
    """Open, convert, compare and put into the cache; returns the digest of the file.

    Raises MissingExtra without TensorFlow, UsageError for an open size, BadFile for a model that
    cannot or must not be opened, ExportFailed when it cannot be converted or the file is wrong.
    """
    tensorflow = tensorflow_model.tensorflow()
    path = Path(request.model)
    name, recipe = name_of(path), formats.recipe_of(request)
    model = tensorflow_model.opened(path)
    shapes = input_shapes.settle(
        as_text(path.name), model.inputs, input_shapes.parse(request.shapes)
    )
    if identity.key(request) != key:
        raise ExportFailed(f"{path} changed while it was being exported.", "run the command again")
    function = _function(tensorflow, model, shapes)
    inputs = _inputs(model, shapes, CALIBRATION_INPUTS, CALIBRATION_SEED)
    calibration = [dict(zip(shapes, one, strict=True)) for one in inputs]
    with store.staging() as staged:
        file = staged / cache.file_name(name, "tflite")
        say("converting")
        file.write_bytes(_converted(tensorflow, model, function, request, calibration))
        _refuse_unrounded(file, request)
        say("comparing")
        compared = _compared(model, shapes, function, file, request)
        say("writing")
        artifact = Artifact(
            model=name,
            family=FAMILY,
            format="tflite",
            precision=request.precision,
            sha256=cache.digest(file),
            size_bytes=file.stat().st_size,
            weights=Weights(kind="own", detail=as_text(path.name), sha256=identity.spec(request)),
            input_shape=next(iter(shapes.values())) if len(shapes) == 1 else None,
            params=model.params,
            spec_sha256=identity.spec(request),
            exporter=formats.versions(recipe) | {"keras": metadata.version("keras")},
            parity=compared,
            calibration=_said(calibration) if recipe.calibrated else None,
        )
        store.commit(staged, key, artifact)
    return artifact.sha256


def _function(tensorflow: Any, model: Opened, shapes: dict[str, Shape]) -> Any:
    """The model as one function of fixed shapes."""
    specs = [
        tensorflow.TensorSpec(shape, dtype, name=name)
        for (name, shape), dtype in zip(shapes.items(), model.dtypes, strict=True)
    ]
    try:
        return tensorflow.function(model.call).get_concrete_function(*specs)
    except Exception as error:  # noqa: BLE001 - as above
        said = ", ".join(f"{name} {'x'.join(map(str, one))}" for name, one in shapes.items())
        raise UsageError(
            f"The model does not take {said}: {reason(error)}.", "give other sizes with --shape"
        ) from None


def _converted(
    tensorflow: Any, model: Opened, function: Any, request: ExportRequest, calibration: list[Named]
) -> bytes:
    lite = tensorflow.lite
    converter = lite.TFLiteConverter.from_concrete_functions([function], model.keeper)
    if request.precision != "fp32":
        converter.optimizations = [lite.Optimize.DEFAULT]
    if request.precision == "fp16":
        converter.target_spec.supported_types = [tensorflow.float16]
    if request.precision == "int8":
        converter.representative_dataset = lambda: iter(calibration)
        converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    try:
        return bytes(converter.convert())
    except Exception as error:  # noqa: BLE001 - the converter raises what it likes
        lacking = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
        why = f"TFLite has no {', '.join(lacking)}" if lacking else reason(error)
        raise ExportFailed(
            f"TensorFlow's converter cannot write {as_text(Path(request.model).name)} as TFLite in "
            f"{request.precision}: {why}.",
            "take out the operators that TFLite lacks, or try another --precision",
        ) from None


def _refuse_unrounded(file: Path, request: ExportRequest) -> None:
    """The converter leaves weights of less than 1,024 numbers as they are, and says nothing."""
    wanted = "int8" if request.precision == "int8-dynamic" else request.precision
    if (stored := own_file.stored_precision(file)) != wanted:
        raise ExportFailed(
            f"TensorFlow's converter left most weights of {as_text(Path(request.model).name)} in "
            f"{stored}, so its file is not in {request.precision}.",
            f"take --precision {stored}",
        )


def _compared(
    model: Opened, shapes: dict[str, Shape], function: Any, file: Path, request: ExportRequest
) -> Parity:
    """Run TensorFlow and the file on the same inputs; raises ExportFailed when they disagree."""
    import numpy as np

    loaded = runtimes.load(file, "tflite")
    # The converter orders inputs as it likes; their names begin with the signature's.
    places = {f"serving_default_{name}:0": place for place, name in enumerate(shapes)}
    order = [places.get(one.name, place) for place, one in enumerate(loaded.inputs)]
    expected, actual = [], []
    for inputs in _inputs(model, shapes, HELD_OUT_INPUTS, HELD_OUT_SEED):
        given = [np.asarray(one) for one in function(*_constants(inputs))]
        values = loaded.floats([inputs[place] for place in order])
        # An output's name ends with its number.
        numbered = sorted(zip(map(_number, loaded.outputs), values, strict=True), key=_first)
        taken = [value for _, value in numbered]
        if [one.shape for one in taken] != [one.shape for one in given]:
            raise _refused(request, "gives outputs of other shapes than TensorFlow")
        expected.append(np.concatenate([one.ravel() for one in given]).astype(np.float64))
        actual.append(np.concatenate([one.ravel() for one in taken]))
    if not np.isfinite(expected).all() or not np.any(expected):
        raise _refused(request, "cannot be checked: TensorFlow itself gives NaN, infinity or zeros")
    if not np.isfinite(actual).all():
        raise _refused(request, "gives NaN or infinity where TensorFlow does not")
    limit = TOLERANCES[request.precision]
    outcome = parity.measured(
        np.stack(expected), np.stack(actual), limit, loaded.runtime, INPUT_KIND, _version()
    )
    if not parity.passes(outcome):
        raise _refused(request, parity.difference(outcome))
    return outcome


def _refused(request: ExportRequest, why: str) -> ExportFailed:
    return ExportFailed(
        f"The TFLite file of {as_text(Path(request.model).name)} in {request.precision} {why}. "
        "It was thrown away.",
        "convert it yourself and bring the file: run --model FILE.tflite",
    )


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _version() -> str:
    return f"TensorFlow {metadata.version(formats.tensorflow())}"


def _constants(inputs: Arrays) -> list[Any]:
    import tensorflow

    return [tensorflow.constant(one) for one in inputs]


def _number(output: Any) -> int:
    end = output.name.rpartition(":")[2]
    return int(end) if end.isdecimal() else 0


def _inputs(model: Opened, shapes: dict[str, Shape], count: int, seed: int) -> list[Arrays]:
    """``count`` times an array for every input, in order: floats normal, whole numbers 0 or 1.

    What the model expects is not known; whole numbers are indices more often than not, and any
    table has two rows.
    """
    import numpy as np

    draw = np.random.default_rng(seed)

    def one(shape: Shape, dtype: str) -> NDArray[Any]:
        if np.issubdtype(np.dtype(dtype), np.floating):
            return draw.standard_normal(shape).astype(dtype)
        return draw.integers(0, 2, shape).astype(dtype)

    pairs = list(zip(shapes.values(), model.dtypes, strict=True))
    return [[one(*pair) for pair in pairs] for _ in range(count)]


def _said(calibration: list[Named]) -> Calibration:
    sha256 = hashlib.sha256()
    for one in (one for arrays in calibration for one in arrays.values()):
        sha256.update(one.tobytes())
    return Calibration(
        kind="synthetic",
        detail=f"seed {CALIBRATION_SEED}",
        count=len(calibration),
        sha256=sha256.hexdigest(),
    )

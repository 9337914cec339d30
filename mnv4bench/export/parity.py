"""The proof that a file computes what torch computes: both are run on this machine and compared.

Knows: the tolerance, its reason, and how each runtime runs a file once. Does not know: exporters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from mnv4bench.errors import ExportFailed
from mnv4bench.export.formats import Recipe
from mnv4bench.records import Parity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnv4bench.models.build import BuiltModel

# fp32 rounds to 6e-8. Folded batch norms and other orders of summation add up over some hundred
# layers to at most 1.8e-5 of the largest output, measured over the 17 models of the catalog in
# both formats. A wrong layer, padding or epsilon lies above 1e-3: room on both sides. What this
# cannot see is a branch that the weights themselves all but switch off, such as one behind a
# layer scale of 1e-5.
TOLERANCE = 1e-4
TOLERANCE_REASON = "fp32 sums in another order, over some hundred layers"
# More than one, so that an output that happens to hide a difference does not decide.
INPUTS = 4
SEED = 1  # not the seed of the example that the exporters trace with


@dataclass(frozen=True)
class Outcome:
    """A comparison that went well."""

    parity: Parity
    input_shape: tuple[int, ...]  # as the file wants it


@dataclass(frozen=True)
class _Runnable:
    """A file loaded in its runtime."""

    input_shape: tuple[int, ...]
    run: "Callable[[NDArray[Any]], NDArray[Any]]"


def compare(built: "BuiltModel", file: Path, recipe: Recipe) -> Outcome:
    """Run torch and the file on the same seeded inputs.

    The error that counts is the largest absolute difference over the largest absolute torch
    output. Raises ExportFailed beyond TOLERANCE, for NaN or infinity, and for another shape.
    """
    import numpy as np
    import torch

    from mnv4bench.models.build import sample_input

    inputs = sample_input(built.input_px, seed=SEED, count=INPUTS)  # (N, 3, H, W)
    with torch.no_grad():
        expected = np.concatenate([built.net(one[None]).numpy() for one in inputs])
    loaded = load(file, recipe)
    layout = (0, 1, 2, 3) if recipe.layout == "NCHW" else (0, 2, 3, 1)
    batches = [np.ascontiguousarray(one[None].numpy().transpose(layout)) for one in inputs]
    if loaded.input_shape != batches[0].shape:
        raise _refused(built, recipe, f"takes {loaded.input_shape}, not {batches[0].shape}")
    actual = np.concatenate([loaded.run(batch) for batch in batches])
    if actual.shape != expected.shape:
        raise _refused(built, recipe, f"gives {actual.shape}, torch {expected.shape}")
    if not np.isfinite(expected).all() or not expected.any():
        raise _refused(
            built, recipe, "cannot be checked: torch itself gives NaN, infinity or zeros"
        )
    if not np.isfinite(actual).all():
        raise _refused(built, recipe, "gives NaN or infinity where torch does not")
    absolute = float(np.abs(actual.astype(np.float64) - expected).max())
    relative = absolute / float(np.abs(expected).max())
    if relative > TOLERANCE:
        raise _refused(
            built,
            recipe,
            f"differs from torch by {absolute:.2g}, which is {relative:.2g} of the largest output; "
            f"the tolerance is {TOLERANCE:.2g} ({TOLERANCE_REASON})",
        )
    parity = Parity(
        max_abs_error=absolute,
        max_rel_error=relative,
        tolerance=TOLERANCE,
        tolerance_reason=TOLERANCE_REASON,
        inputs=INPUTS,
        runtime=f"{recipe.runtime} {metadata.version(recipe.runtime)}",
    )
    return Outcome(parity=parity, input_shape=loaded.input_shape)


def load(file: Path, recipe: Recipe) -> _Runnable:
    """The file in the runtime that measures it later, one thread."""
    match recipe.format:
        case "onnx":
            return _onnxruntime(file)
        case "tflite":
            return _litert(file)
        case "coreml":
            raise AssertionError("formats.recipe refuses Core ML before any process is started")
        case _:
            assert_never(recipe.format)


def _onnxruntime(file: Path) -> _Runnable:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    (wanted,) = session.get_inputs()

    def run(batch: "NDArray[Any]") -> "NDArray[Any]":
        (output,) = session.run(None, {wanted.name: batch})
        return output  # type: ignore[no-any-return]

    return _Runnable(tuple(wanted.shape), run)


def _litert(file: Path) -> _Runnable:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    (wanted,) = interpreter.get_input_details()
    (given,) = interpreter.get_output_details()

    def run(batch: "NDArray[Any]") -> "NDArray[Any]":
        interpreter.set_tensor(wanted["index"], batch)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])  # type: ignore[no-any-return]

    return _Runnable(tuple(int(side) for side in wanted["shape"]), run)


def _refused(built: "BuiltModel", recipe: Recipe, why: str) -> ExportFailed:
    return ExportFailed(
        f"The {recipe.format} file of {built.entry.model} {why}. It was thrown away.",
        "measure it with the other runtime, or see whether other versions of "
        f"{', '.join(recipe.packages)} agree",
    )

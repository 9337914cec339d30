"""The proof that a file computes what torch computes: both are run on this machine and compared.

Knows: the tolerances and their reasons. Does not know: exporters, or how a runtime runs a file
(runtimes).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench import runtimes
from mnv4bench.errors import BadFile, ExportFailed
from mnv4bench.export.calibration import Inputs
from mnv4bench.export.formats import Recipe
from mnv4bench.records import Parity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnv4bench.models.build import BuiltModel


@dataclass(frozen=True)
class Tolerance:
    """What a file is held to."""

    limit: float
    reason: str
    in_db: bool = False  # of the ratio of signal to noise; else of the largest relative error


# fp32 rounds to 6e-8. Folded batch norms and other orders of summation add up over some hundred
# layers to at most 1.8e-5 of the largest output, measured over the 17 models of the catalog in
# both formats. A wrong layer, padding or epsilon lies above 1e-3: room on both sides. What this
# cannot see is a branch that the weights themselves all but switch off, such as one behind a
# layer scale of 1e-5.
EXACT = Tolerance(1e-4, "fp32 sums in another order, over some hundred layers")
# A runtime rounds in other places than the simulation and calibrates on more inputs. Files of the
# catalog come out at most 1 dB below it; 3 dB are twice the noise.
MARGIN_DB = 3.0
# Of n outputs a ratio of signal to noise in decibels scatters by 4.34 * sqrt(2 / n), where errors
# are normal: three such deviations of the difference of two are this over the root of n. Of four
# inputs and a thousand classes that is 0.4 dB, which the margin holds; of ten classes 4.1 dB.
SCATTER_DB = 26.0
HELD_DB = 0.5
# A file of zeros has 0 dB. Below this a limit would tell hardly more.
LEAST_DB = 1.0


def tolerance(built: "BuiltModel", recipe: Recipe, given: Inputs) -> Tolerance:
    """What a file of ``built`` is held to: equality in fp32, else what rounding alone does to it.

    Raises ExportFailed when rounding alone leaves so little that nothing could be told.
    """
    import torch

    from mnv4bench.export.rounding import rounded_outputs

    if recipe.precision == "fp32":
        return EXACT
    with torch.no_grad():
        expected = torch.cat([built.net(one[None]) for one in given.held_out])
    rounded = rounded_outputs(built.net, recipe.precision, given.calibration, given.held_out)
    alone = _sqnr_db(expected.numpy(), rounded.numpy())
    if alone is None or alone - MARGIN_DB < LEAST_DB:
        raise _refused(
            built,
            recipe,
            "cannot be told from a wrong one: rounding alone leaves a signal over noise of "
            f"{alone or 0.0:.1f} dB, simulated in torch",
        )
    reason = f"rounding alone, simulated in torch, leaves {alone:.1f} dB; {MARGIN_DB:.0f} dB less"
    if extra := scatter_db(expected.numel()):
        reason += f" and {extra:.1f} dB for the scatter of no more than {expected.numel()} outputs"
    return Tolerance(max(alone - MARGIN_DB - extra, LEAST_DB), reason, in_db=True)


def scatter_db(outputs: int) -> float:
    """By how much so few outputs alone may move the ratio beyond the margin; 0 of thousands."""
    return max(0.0, SCATTER_DB / math.sqrt(outputs) - HELD_DB)


@dataclass(frozen=True)
class Outcome:
    """A comparison that went well."""

    parity: Parity
    input_shape: tuple[int, ...]  # as the file wants it


def compare(built: "BuiltModel", file: Path, recipe: Recipe, given: Inputs) -> Outcome:
    """Run torch in fp32 and the file on the same held-out inputs, one at a time.

    Quantised inputs and outputs are encoded and decoded by the file's own scales. Raises
    ExportFailed beyond the tolerance, for NaN or infinity, and for another shape.
    """
    import numpy as np
    import torch

    with torch.no_grad():
        expected = np.concatenate([built.net(one[None]).numpy() for one in given.held_out])
    loaded = runtimes.load(file, recipe.format)
    layout = (0, 1, 2, 3) if recipe.layout == "NCHW" else (0, 2, 3, 1)
    batches = [np.ascontiguousarray(one[None].numpy().transpose(layout)) for one in given.held_out]
    wanted = tuple(one.shape for one in loaded.inputs)
    if wanted != (batches[0].shape,):
        taken = ", ".join(map(str, wanted))
        raise _refused(built, recipe, f"takes {taken}, not {batches[0].shape}")
    try:
        actual = np.concatenate([loaded.floats([batch])[0] for batch in batches])
    except BadFile as error:
        raise _refused(built, recipe, f"does not run: {error.what.rstrip('.')}") from None
    if actual.shape != expected.shape:
        raise _refused(built, recipe, f"gives {actual.shape}, torch {expected.shape}")
    if not np.isfinite(expected).all() or not expected.any():
        raise _refused(
            built, recipe, "cannot be checked: torch itself gives NaN, infinity or zeros"
        )
    if not np.isfinite(actual).all():
        raise _refused(built, recipe, "gives NaN or infinity where torch does not")
    limit = tolerance(built, recipe, given)
    parity = measured(expected, actual, limit, loaded.runtime, given.held_out_kind)
    if not passes(parity):
        raise _refused(built, recipe, difference(parity))
    return Outcome(parity=parity, input_shape=loaded.inputs[0].shape)


def measured(
    expected: "NDArray[Any]",
    actual: "NDArray[Any]",
    limit: Tolerance,
    runtime: str,
    input_kind: str,
    reference: str = "torch",
) -> Parity:
    """How far outputs (N, classes) are from those that ``reference`` gave for the same inputs."""
    import numpy as np

    absolute = float(np.abs(actual.astype(np.float64) - expected).max())
    return Parity(
        max_abs_error=absolute,
        max_rel_error=absolute / float(np.abs(expected).max()),
        cosine=_cosine(expected, actual),
        sqnr_db=_sqnr_db(expected, actual),
        tolerance=limit.limit,
        judged_by="sqnr_db" if limit.in_db else "max_rel_error",
        tolerance_reason=limit.reason,
        inputs=len(expected),
        input_kind=input_kind,
        runtime=runtime,
        reference=reference,
    )


def passes(parity: Parity) -> bool:
    """Whether the outcome lies within its own tolerance."""
    if parity.judged_by == "sqnr_db":
        return parity.sqnr_db is None or parity.sqnr_db >= parity.tolerance
    return parity.max_rel_error <= parity.tolerance


def _cosine(expected: "NDArray[Any]", actual: "NDArray[Any]") -> float:
    """The smallest over the inputs, of outputs (N, classes) taken as vectors."""
    import numpy as np

    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    cosines = (expected * actual).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)
    return float(cosines.min().clip(-1, 1))


def _sqnr_db(expected: "NDArray[Any]", actual: "NDArray[Any]") -> float | None:
    """Signal over noise of all outputs (N, classes) in decibels; None for no noise at all.

    Both are taken around their mean over the classes: what is the same for every class changes
    neither a softmax nor a ranking, and would pass for signal. A sole output is taken as it is.
    """
    import numpy as np

    signal, given = expected.astype(np.float64), actual.astype(np.float64)
    if expected.shape[1] > 1:
        signal -= signal.mean(axis=1, keepdims=True)
        given -= given.mean(axis=1, keepdims=True)
    noise = given - signal
    power = float((noise**2).sum())
    return 10 * float(np.log10((signal**2).sum() / power)) if power else None


def difference(parity: Parity) -> str:
    """What is wrong with an outcome beyond its tolerance, to follow the file's name."""
    if parity.judged_by == "sqnr_db":
        what = (
            f"differs from {parity.reference} in fp32: signal over noise is "
            f"{parity.sqnr_db:.1f} dB, and at least {parity.tolerance:.1f} dB are asked for"
        )
    else:
        what = (
            f"differs from {parity.reference} by {parity.max_abs_error:.2g}, which is "
            f"{parity.max_rel_error:.2g} of the largest output; the tolerance is "
            f"{parity.tolerance:.2g}"
        )
    return f"{what} ({parity.tolerance_reason})"


def _refused(built: "BuiltModel", recipe: Recipe, why: str) -> ExportFailed:
    return ExportFailed(
        f"The {recipe.format} file of {built.entry.model} in {recipe.precision} {why}. "
        "It was thrown away.",
        "measure it in another format or precision, or see whether other versions of "
        f"{', '.join(recipe.packages)} agree",
    )

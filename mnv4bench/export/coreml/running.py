"""A package is run where Core ML is, and compared with what its program means.

Its weights may be stored so small that the network is another one: with 16 values a tensor and
random weights, Conv-S is left with as much noise as signal. Compared with torch's network no error
could be told from that. So outputs are compared with those of the very program, worked out in
torch with the file's own weights, which ``structure`` has held against torch's.

Knows: how far float16 alone moves the outputs. Does not know: how Core ML runs a file (runtimes).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnv4bench import runtimes
from mnv4bench.errors import BadFile
from mnv4bench.export import parity
from mnv4bench.export.calibration import Inputs
from mnv4bench.export.coreml.in_torch import UnknownOperatorError, work_out
from mnv4bench.export.coreml.package import open_package
from mnv4bench.export.coreml.structure import refused
from mnv4bench.export.formats import Recipe
from mnv4bench.records import Parity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnv4bench.models.build import BuiltModel

# Core ML rounds in other places than torch, on the processor as on the Neural Engine; a wrong
# operator leaves some 10 dB where float16 leaves 35 to 55. Chosen, not measured: that takes a Mac.
MARGIN_DB = 6.0
REFERENCE = "its own program, worked out in torch"


def compare(built: BuiltModel, file: Path, recipe: Recipe, given: Inputs) -> parity.Outcome:
    """Run the package on the held-out inputs.

    A program with an operator that is not written out in torch is compared with torch's network, as
    other formats are. Raises ExportFailed beyond the tolerance, NotMeasured off a Mac.
    """
    import numpy as np

    package = open_package(file)
    try:
        exact = work_out(package, given.held_out, {}).numpy()  # only the weights are rounded
        rounded = work_out(package, given.held_out).numpy()
    except UnknownOperatorError:
        return parity.compare(built, file, recipe, given)
    loaded = runtimes.load(file, "coreml")
    try:
        actual = np.concatenate([loaded.floats([one[None].numpy()])[0] for one in given.held_out])
    except BadFile as error:
        raise refused(built, f"does not run: {error.what.rstrip('.')}") from None
    if actual.shape != exact.shape or not np.isfinite(actual).all():
        raise refused(built, f"gives {actual.shape}, or what is no number; torch {exact.shape}")

    def measured(outputs: NDArray[Any], limit: parity.Tolerance) -> Parity:
        about = loaded.runtime, given.held_out_kind, REFERENCE
        return parity.measured(exact, outputs, limit, *about)

    alone = measured(rounded, parity.EXACT).sqnr_db or math.inf
    reason = f"rounding to float16 alone leaves {alone:.1f} dB; {MARGIN_DB:.0f} dB less"
    found = measured(actual, parity.Tolerance(alone - MARGIN_DB, reason, in_db=True))
    if not parity.passes(found):
        raise refused(built, parity.difference(found))
    return parity.Outcome(found, loaded.inputs[0].shape)

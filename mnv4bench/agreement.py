"""What a TFLite file answers elsewhere, held against what the processor answers.

Knows: LiteRT's interpreter and its two sets of processor kernels, quantised outputs, how far apart
answers may be. Does not know: where the others come from, processes, what follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Sums come out in another order, over some hundred layers, as in the comparison with torch.
TOLERANCE = 1e-4
TOLERANCE_REASON = "fp32 sums in another order, over some hundred layers"
# Of a quantised file a GPU accelerator leaves out some of the processor's rounding. LiteRT's two
# sets of processor kernels round differently as well, both rightly: a file on which they are far
# apart cannot tell whether the GPU is right, unless it is much farther off. Conv-S in dynamic int8:
# kernels 0.72 apart, the GPU 0.70 off, and 2e-5 off a float file with the same weights dequantised;
# in static int8: kernels 15 steps apart, the GPU 8 off.
KERNEL_DISTANCES = 2.0


class Difference(Struct, frozen=True):
    """Outputs elsewhere against those of the processor, dequantised."""

    max_abs_error: float
    largest: float  # largest |output| of the processor
    cosine: float  # the smallest over the outputs
    kernels: float  # largest distance between LiteRT's two sets of processor kernels

    @property
    def agrees(self) -> bool | None:
        """None: the file cannot tell, since the processor's own kernels are as far apart."""
        if self.max_abs_error <= TOLERANCE * self.largest:
            return True
        return None if self.max_abs_error <= KERNEL_DISTANCES * self.kernels else False


def difference(path: Path, inputs: Mapping[int, Array], outputs: Mapping[int, Array]) -> Difference:
    """``outputs`` of ``inputs``, both by tensor, against the processor's on the same.

    Raises ValueError for outputs that are not finite, and whatever LiteRT raises for the file.
    """
    import numpy as np

    places = tuple(outputs)
    reference, scales = _on_processor(path, inputs, places)
    other, _ = _on_processor(path, inputs, places, delegate=False)

    def real(values: Mapping[int, Array]) -> list[NDArray[np.float64]]:
        return [_real(values[place], scales[place]) for place in places]

    ours, theirs, others = real(outputs), real(reference), real(other)
    if not all(np.isfinite(one).all() for one in (*ours, *theirs, *others)):
        raise ValueError("its outputs on seeded inputs are not finite")
    return Difference(
        max_abs_error=max(map(_distance, ours, theirs)),
        largest=max(float(np.abs(one).max()) for one in theirs),
        cosine=min(map(_cosine, ours, theirs)),
        kernels=max(map(_distance, others, theirs)),
    )


def _on_processor(
    path: Path, inputs: Mapping[int, Array], outputs: Sequence[int], *, delegate: bool = True
) -> tuple[dict[int, Array], dict[int, tuple[float, int]]]:
    """The outputs by place, and their (scale, zero point); with or without XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kernels = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter: Any = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    for index, value in inputs.items():
        interpreter.set_tensor(index, value)
    interpreter.invoke()
    scales = {one["index"]: one["quantization"] for one in interpreter.get_output_details()}
    return {place: interpreter.get_tensor(place) for place in outputs}, scales


def _real(values: Array, scaled: tuple[float, int]) -> NDArray[np.float64]:
    scale, zero = scaled
    flat = values.astype("float64").ravel()
    return (flat - zero) * scale if scale else flat


def _distance(one: Array, other: Array) -> float:
    return float(abs(one - other).max())


def _cosine(one: Array, other: Array) -> float:
    import numpy as np

    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / norms if norms else float(np.array_equal(one, other))

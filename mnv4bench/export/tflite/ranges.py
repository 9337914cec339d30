"""The ranges that the activations of a TFLite file take, as XNNPACK's int8 kernels want them.

Knows: how the quantiser observes a file, and what XNNPACK's delegate asks of scales and zero
points (LiteRT 2.3, tflite/delegates/xnnpack/xnnpack_delegate.cc). Does not know: where the
inputs come from.
"""

from typing import TYPE_CHECKING, Any

from mnv4bench.export.tflite.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Tensor name -> {"min": ..., "max": ...}, arrays of one value
Ranges = dict[str, Any]

# Operators whose result has the scale of what they read (first input).
CARRIED = ("RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "GATHER", "PAD")
# The delegate takes an ADD or SUB whose inputs have at least 1/1024 of the result's scale.
LEAST_SCALE = 1 / 512


def observed(content: bytes, inputs: "NDArray[np.float32]") -> Ranges:
    """Least and largest value of every tensor over all ``inputs`` (N, H, W, 3).

    The quantiser's own default is a moving average, in which the first input weighs most.
    """
    from ai_edge_quantizer import calibrator, recipe, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    seen = calibrator.Calibrator(
        content,
        num_threads=1,
        # Looks at tensors inside the runtime; the other way keeps all of them for Python to see,
        # with the same figures in the end, in four times the time and twice the memory.
        mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        qsv_update_func=qsv_utils.min_max_update,
    )
    ((signature, sides),) = seen.get_signature_list().items()
    (wanted,) = sides["inputs"]
    rules = recipe_manager.RecipeManager()
    rules.load_quantization_recipe(recipe.static_wi8_ai8())
    seen.calibrate({signature: [{wanted: one[None]} for one in inputs]}, rules)
    ranges: Ranges = seen.get_model_qsvs()
    return ranges


def suit(ranges: Ranges, graph: Graph) -> None:
    """Widen ranges, in place, where XNNPACK would otherwise leave the operator to the interpreter.

    The second operand of a BATCH_MATMUL needs zero point 0 (in Hybrid-M: 13 instead of 478
    microseconds for one product). What is next to nothing beside what it is added to needs no
    scale of its own, if nobody else reads it.
    """
    makers, readers = graph.makers(), graph.readers()
    for one in graph.operators:
        kind = graph.kind(one)
        if kind == "BATCH_MATMUL":
            for tensor in _same_scale(graph, makers, int(one.inputs[1])):
                _make_symmetric(ranges[graph.name(tensor)])
        elif kind in ("ADD", "SUB"):
            least = _span(ranges[graph.name(int(one.outputs[0]))]) * LEAST_SCALE
            for operand in map(int, one.inputs):
                related = _same_scale(graph, makers, operand)
                if all(len(readers[tensor]) == 1 for tensor in related):
                    for tensor in related:
                        _widen(_range(ranges, graph, tensor), least)


def _same_scale(graph: Graph, makers: dict[int, Any], tensor: int) -> list[int]:
    """``tensor`` and those before it whose scale it has."""
    found = [tensor]
    while tensor in makers and graph.kind(makers[tensor]) in CARRIED:
        tensor = int(makers[tensor].inputs[0])
        found.append(tensor)
    return found


def _range(ranges: Ranges, graph: Graph, tensor: int) -> Any:
    """The tensor's own range; of a constant too, at which the quantiser looks only later."""
    name, values = graph.name(tensor), graph.constant(tensor)
    if name not in ranges and values is not None:
        shaped = values.reshape(graph.shape(tensor))
        ranges[name] = {"min": shaped.min(keepdims=True), "max": shaped.max(keepdims=True)}
    return ranges[name]


def _span(values: Any) -> float:
    """From the least to the largest value, zero among them."""
    return max(0.0, float(values["max"].max())) - min(0.0, float(values["min"].min()))


def _make_symmetric(values: Any) -> None:
    """As many steps below zero as above, of the 127 and 128 that int8 has."""
    most = max(float(abs(values["min"]).max()), float(abs(values["max"]).max()))
    values["max"] = values["max"] * 0 + most
    values["min"] = values["min"] * 0 - most * 128 / 127


def _widen(values: Any, span: float) -> None:
    if _span(values) < span:
        values["max"] = values["max"] * 0 + span + min(0.0, float(values["min"].min()))

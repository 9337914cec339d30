"""Activations are written out in a TFLite file that is going to be int8.

XNNPACK takes HARD_SWISH and RELU in float only: in int8 LiteRT's interpreter computes them, so
slowly that MobileNetV3 took twice as long in int8 as in fp32. What it does take is a MUL with its
RELU, and x * relu6(x + 3) / 6 as an ADD with its RELU6 and a MUL, whose sixth goes into the weights
that come next.

Knows: which operators hand a factor on and which have weights to take it. Does not know:
quantisers.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnv4bench.export.tflite.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# A factor before one of these is a factor behind it.
LINEAR = ("MEAN", "SUM", "PAD", "RESHAPE", "TRANSPOSE", "AVERAGE_POOL_2D")


def write_out(graph: Graph) -> None:
    """Replace every RELU and HARD_SWISH, in place; the graph computes the same but for rounding."""
    _write_out_relus(graph)
    _write_out_hard_swishes(graph)


def _write_out_relus(graph: Graph) -> None:
    import numpy as np

    relus = [one for one in graph.operators if graph.kind(one) == "RELU"]
    one = graph.add_constant("relu/one", np.array([1.0], np.float32)) if relus else 0
    for operator in relus:
        (x,), (y,) = operator.inputs, operator.outputs
        graph.replace(operator, [graph.multiply(x, one, y, relu=True)])


def _write_out_hard_swishes(graph: Graph) -> None:
    import numpy as np

    three = sixth = None
    for operator in [one for one in graph.operators if graph.kind(one) == "HARD_SWISH"]:
        (x,), (y,) = operator.inputs, operator.outputs
        if three is None:
            three = graph.add_constant("hard_swish/three", np.array([3.0], np.float32))
        gate = graph.add_like(x, f"{graph.name(y)}/relu6")
        written = [graph.add(x, three, gate, relu6=True)]
        takers = _Takers(graph)
        if takers.reached_from(y):
            for values in takers.weights:
                values /= 6
            written.append(graph.multiply(x, gate, y))
        else:
            if sixth is None:
                sixth = graph.add_constant("hard_swish/sixth", np.array([1 / 6], np.float32))
            part = graph.add_like(x, f"{graph.name(y)}/sixth")
            written += [graph.multiply(x, sixth, part), graph.multiply(part, gate, y)]
        graph.replace(operator, written)


@dataclass
class _Takers:
    """The weights that a factor on a tensor reaches, if all of its ways end in some."""

    graph: Graph
    weights: "list[NDArray[np.float32]]" = field(default_factory=list)
    scaled: set[int] = field(default_factory=set)

    def reached_from(self, tensor: int) -> bool:
        """Walk on from ``tensor``; False where a way ends in anything that cannot take a factor."""
        self.scaled.add(tensor)
        readers = self.graph.readers().get(tensor, [])
        return (
            bool(readers)
            and tensor not in self.graph.outputs
            and all(self._handed_on(one, tensor) for one in readers)
        )

    def _handed_on(self, reader: Any, tensor: int) -> bool:
        kind = self.graph.kind(reader)
        if kind in WITH_WEIGHTS:
            return self._taken(reader, tensor)
        if kind == "MUL":
            first, second = reader.inputs
            other = second if first == tensor else first
            if other in self.scaled:  # the factor would count twice
                return False
        elif kind not in LINEAR:
            return False
        activation = getattr(reader.builtinOptions, "fusedActivationFunction", 0)
        return not activation and self.reached_from(int(reader.outputs[0]))

    def _taken(self, reader: Any, tensor: int) -> bool:
        data, weights = int(reader.inputs[0]), int(reader.inputs[1])
        values = self.graph.constant(weights)
        if data != tensor or values is None or not self.graph.read_once(weights):
            return False
        self.weights.append(values)
        return True

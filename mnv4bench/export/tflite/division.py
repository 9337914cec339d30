"""A network that divides by what it computes does so in 16 bits where the rest is int8.

EfficientViT's linear attention divides one sum over all positions by another. Both run over three
decades, so that 8 bits leave most of them a step or two, and many divisors none: LiteRT then stops
("data[i] != zero_point was not true"). With 16 bits in the products, the sums and the division the
outputs are as good as with these in float, and the file is still one of integers alone.

Knows: which operators that concerns, and how a divisor stays above zero. Does not know: quantisers.
"""

from typing import Any

from mnv4bench.export.tflite.graph import Graph
from mnv4bench.export.tflite.ranges import Ranges

# What lies between queries, keys and values on one side and the division on the other.
BEFORE_DIVISION = ("BATCH_MATMUL", "SUM", "MUL", "ADD", "RESHAPE", "TRANSPOSE")
STEPS = 32767  # of a symmetric 16-bit range, to either side
# Added to a divisor: more than the half that rounding takes away.
LEAST_STEPS = 1.5


def operators(graph: Graph) -> list[Any]:
    """Divisions by a computed divisor, with the products and sums that go into them."""
    makers = graph.makers()
    found: dict[int, Any] = {}
    ahead = [one for one in graph.operators if graph.kind(one) == "DIV" and one.inputs[1] in makers]
    while ahead:
        one = ahead.pop()
        if id(one) not in found:
            found[id(one)] = one
            before = [makers[int(tensor)] for tensor in one.inputs if int(tensor) in makers]
            ahead += [maker for maker in before if graph.kind(maker) in BEFORE_DIVISION]
    return list(found.values())


def keep_from_zero(graph: Graph, ranges: Ranges) -> list[Any]:
    """Add a step and a half to every divisor that is never negative; returns the additions.

    By so little the quotient of a divisor in the middle of its range is not changed at all, and
    one that would be zero stands beside a dividend that is zero as well.
    """
    import numpy as np

    added = []
    for division in [one for one in operators(graph) if graph.kind(one) == "DIV"]:
        divisor = int(division.inputs[1])
        seen = ranges[graph.name(divisor)]
        if seen["min"].min() < 0:
            continue
        little = np.array([seen["max"].max() * LEAST_STEPS / STEPS], np.float32)
        name = f"{graph.name(divisor)}/never_zero"
        constant = graph.add_constant(f"{name}/little", little)
        above = graph.add_like(divisor, name)
        ranges[f"{name}/little"] = {"min": little, "max": little}
        ranges[name] = {"min": seen["min"], "max": seen["max"] + little.item()}
        division.inputs = [int(division.inputs[0]), above]
        added.append(graph.add(divisor, constant, above))
        graph.replace(division, [added[-1], division])
    return added

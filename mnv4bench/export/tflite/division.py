"""A network that divides by what it computes does so in 16 bits where the rest is int8.

EfficientViT's linear attention divides one sum over all positions by another. Both run over three
decades, so that 8 bits leave most of them a step or two, and many divisors none: LiteRT then stops
("data[i] != zero_point was not true"). A layer norm divides by a deviation that differs from image
to image. With 16 bits in the division and in the products and sums before it, the outputs are as
good as with these in float, and the file is still one of integers alone.

Knows: which operators that concerns, and how a divisor stays above zero. Does not know: quantisers.
"""

from collections.abc import Iterable
from typing import Any

from mnv4bench.export.tflite.graph import Graph
from mnv4bench.export.tflite.ranges import Ranges

# What lies between the convolutions and a division; and, of a norm, from there to its last sum.
BEFORE = ("BATCH_MATMUL", "SUM", "MEAN", "MUL", "ADD", "SUB", "RESHAPE", "TRANSPOSE")
BEHIND_ROOT = ("MUL", "SUB", "RESHAPE")
STEPS = 32767  # of a symmetric 16-bit range, to either side
# Divisors below this are one: what is rounded to a few steps says nothing about the quotient, and
# the largest root has to leave steps to the least. 16 to 256 do equally well in EfficientViT.
LEAST_STEPS = 32


def write_squares_out(graph: Graph) -> None:
    """Write squared differences as a SUB and a MUL, in place: it has no kernel in 16 bits."""
    for operator in [one for one in graph.operators if graph.kind(one) == "SQUARED_DIFFERENCE"]:
        (result,) = operator.outputs
        difference = graph.add_like(result, f"{graph.name(result)}/difference")
        first, second = operator.inputs
        subtract = graph.subtract(first, second, difference)
        graph.replace(operator, [subtract, graph.multiply(difference, difference, result)])


def operators(graph: Graph) -> list[Any]:
    """Reciprocal roots, with the products and sums around them."""
    makers, readers = graph.makers(), graph.readers()
    found: dict[int, Any] = {}

    def reach(one: Any) -> None:
        if id(one) not in found:
            found[id(one)] = one
            for tensor in one.inputs:
                maker = makers.get(int(tensor))
                if maker is not None and _of_the_division(graph, maker):
                    reach(maker)

    def follow(ahead: Iterable[Any]) -> None:
        for one in ahead:
            if graph.kind(one) in (*BEHIND_ROOT, "ADD"):
                reach(one)
            if graph.kind(one) in BEHIND_ROOT:
                follow(readers.get(int(one.outputs[0]), []))

    for one in graph.operators:
        if graph.kind(one) == "RSQRT":
            reach(one)
            follow(readers[int(one.outputs[0])])
    return list(found.values())


def _of_the_division(graph: Graph, maker: Any) -> bool:
    """Whether it is a sum or product of what is computed, not an activation with its constant."""
    kind = graph.kind(maker)
    constant = any(graph.constant(int(tensor)) is not None for tensor in maker.inputs)
    return kind in BEFORE and not (kind == "MUL" and constant)


def divide_by_roots(graph: Graph, ranges: Ranges) -> None:
    """a / b becomes a * rsqrt(b) * rsqrt(b) wherever b is computed and never negative, in place.

    LiteRT's division of 16-bit numbers takes 28 ns each and stops at the first divisor that was
    rounded to zero. A root is taken of the divisors alone, sixteen times fewer in EfficientViT,
    spans half as many decades, and of zero is the largest there is; the dividend beside it is
    zero as well.
    """
    import numpy as np

    roots: dict[int, int] = {}  # divisor -> the reciprocal of its root
    for division in [one for one in graph.operators if graph.kind(one) == "DIV"]:
        dividend, divisor = map(int, division.inputs)
        seen = ranges.get(graph.name(divisor))
        if seen is None or graph.constant(divisor) is not None or seen["min"].min() < 0:
            continue
        written = []
        most = seen["max"]
        if divisor not in roots:
            roots[divisor] = graph.add_like(divisor, f"{graph.name(divisor)}/rsqrt")
            written.append(graph.reciprocal_root(divisor, roots[divisor]))
            least = np.maximum(most * LEAST_STEPS / STEPS, np.finfo(np.float32).tiny)
            ranges[graph.name(roots[divisor])] = {"min": most * 0, "max": 1 / np.sqrt(least)}
        (result,) = map(int, division.outputs)
        half = graph.add_like(result, f"{graph.name(result)}/half")
        # A quotient times the divisor's root; no larger than both at their largest.
        wide = {
            end: values * np.sqrt(most.max()) for end, values in ranges[graph.name(result)].items()
        }
        ranges[graph.name(half)] = wide
        written += [
            graph.multiply(dividend, roots[divisor], half),
            graph.multiply(half, roots[divisor], result),
        ]
        graph.replace(division, written)

"""How LiteRT shows which operators a delegate took over.

Knows: the graph that ai_edge_litert 2.3's Python interpreter lists, before and after delegates are
in place. Does not know: what is concluded from it (devices judges a placement, export shows a
file), nor how an interpreter is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Printed once per process by LiteRT when its default delegate comes to life (2.3.0, all systems).
XNNPACK_LOG = "Created TensorFlow Lite XNNPACK delegate"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a LiteRT graph: its operator and the tensors that it reads and writes."""

    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def nodes(interpreter: Any) -> tuple[Node, ...] | None:
    """The graph of the main subgraph; None where this version's private listing is gone.

    Before allocation it is as it stands in the file; after it, delegates are in place.
    """
    listing = getattr(interpreter, "_get_ops_details", None)
    if listing is None:
        return None
    return tuple(
        Node(
            operator=node["op_name"],
            inputs=tuple(int(tensor) for tensor in node["inputs"]),
            outputs=tuple(int(tensor) for tensor in node["outputs"]),
        )
        for node in listing()
    )


def delegated(originals: Sequence[Node], delegates: Sequence[Node]) -> frozenset[int]:
    """Indices of the original operators that the delegate nodes replaced.

    LiteRT keeps the originals in its list and appends one node per delegated part. What a part
    replaced is found by walking from its outputs back to its inputs.
    """
    writer = {tensor: index for index, node in enumerate(originals) for tensor in node.outputs}
    taken: set[int] = set()
    for part in delegates:
        boundary = frozenset(part.inputs)
        open_tensors = list(part.outputs)
        while open_tensors:
            tensor = open_tensors.pop()
            index = writer.get(tensor)
            if tensor in boundary or index is None or index in taken:
                continue
            taken.add(index)
            open_tensors.extend(originals[index].inputs)
    return frozenset(taken)

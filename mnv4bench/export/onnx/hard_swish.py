"""Hard-swish and hard-sigmoid are written out in an ONNX file that is going to be int8.

ONNX Runtime has int8 kernels for neither: HardSwish it splits into a HardSigmoid and a Mul in
float, with a change of type before and after (a quarter of EfficientViT-B0's time). An addition and
a product it has, and x * clip(x + 3, 0, 6) / 6 needs no more: the clipping is done by the range of
the sum, the sixth by reading its steps as a sixth of their size.

Knows: ONNX graphs before and after the quantiser. Does not know: ranges, inputs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

THREE, ZERO, SIX, SIXTH = (f"hard_swish/{name}" for name in ("three", "zero", "six", "sixth"))


def write_out(graph: "GraphProto") -> None:
    """Replace every HardSwish and HardSigmoid by Add, Clip and Mul, in place.

    For the quantiser to see; in float this would be slower.
    """
    import numpy as np
    from onnx import numpy_helper

    if not any(_gate(node) for node in graph.node):
        return
    for name, value in ((THREE, 3), (ZERO, 0), (SIX, 6), (SIXTH, 1 / 6)):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    nodes = []
    for node in graph.node:
        nodes += _written_out(node, graph) if _gate(node) else [node]
    del graph.node[:]
    graph.node.extend(nodes)


def _gate(node: "NodeProto") -> bool:
    if node.op_type == "HardSigmoid":  # ONNX leaves its slope and offset open
        settings: dict[str, float] = {one.name: one.f for one in node.attribute}
        slope, offset = settings.get("alpha", 0.2), settings.get("beta", 0.5)
        return abs(slope * 6 - 1) < 1e-6 and offset == 0.5
    return str(node.op_type) == "HardSwish"


def _written_out(node: "NodeProto", graph: "GraphProto") -> "list[NodeProto]":
    from onnx import helper

    (x,), (y,) = node.input, node.output
    whole = node.op_type == "HardSwish"
    total, gate, sixth = f"{y}/sum", f"{y}/gate", f"{y}/sixth" if whole else y
    for name in (total, gate, sixth) if whole else (total, gate):
        made = graph.value_info.add()
        made.CopyFrom(next(value for value in graph.value_info if value.name == y))
        made.name = name
    nodes = [
        helper.make_node("Add", [x, THREE], [total], f"{node.name}/sum"),
        helper.make_node("Clip", [total, ZERO, SIX], [gate], f"{node.name}/gate"),
        helper.make_node("Mul", [gate, SIXTH], [sixth], f"{node.name}/sixth"),
    ]
    if whole:
        nodes.append(helper.make_node("Mul", [x, sixth], [y], f"{node.name}/product"))
    return nodes


def merge_sixths(graph: "GraphProto") -> None:
    """Let the quantised gate be read as a sixth of itself, in place of multiplying it.

    For a graph in which the quantiser put QuantizeLinear and DequantizeLinear around everything.
    """
    import numpy as np
    from onnx import numpy_helper

    makers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    values = {tensor.name: tensor for tensor in graph.initializer}
    gone = []
    for multiply in graph.node:
        if multiply.op_type != "Mul" or not multiply.name.endswith("/sixth"):
            continue
        before = makers[multiply.input[0]]  # the gate as floats
        (after,) = readers[multiply.output[0]]  # its sixth to steps
        (sixth,) = readers[after.output[0]]  # and back
        steps, scale, zero_point = before.input
        smaller = numpy_helper.to_array(values[scale]) / np.float32(6)
        values[sixth.input[1]].CopyFrom(numpy_helper.from_array(smaller, sixth.input[1]))
        same = numpy_helper.to_array(values[zero_point])
        values[sixth.input[2]].CopyFrom(numpy_helper.from_array(same, sixth.input[2]))
        sixth.input[0] = steps
        gone += [before, multiply, after]
    for node in gone:
        graph.node.remove(node)

"""A torch module becomes an ONNX file, through torch's own exporter.

Knows: torch.onnx's settings and what of its notes must not leave this machine. Does not know:
whether the file is right (parity).
"""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx_ir import Graph

    from mnv4bench.models.build import BuiltModel

# The first opset with Gelu as one operator; ONNX Runtime takes it since 1.17. In opset 18 each GELU
# is five operators, and FastViT-T8 is 14 % slower in ONNX Runtime 1.31. Otherwise 18, 20 and 21
# give the same graphs for these models; 23 fails on attention with one key/value head.
OPSET = 20
INPUT_NAME = "input"
OUTPUT_NAME = "logits"
# torch writes where each node comes from: stack traces hold this machine's folder names, and the
# fx node repeats the graph. The module path ("namespace", "...name_scopes") stays: per-layer
# figures are joined by it.
PRIVATE_NOTES = (
    "pkg.torch.onnx.stack_trace",
    "pkg.torch.onnx.fx_node",
    "pkg.torch.onnx.class_hierarchy",
)


def convert(built: "BuiltModel", file: Path) -> None:
    """Write one self-contained file: ``input`` (1, 3, H, W) to ``logits`` (1, classes)."""
    import torch

    from mnv4bench.export.folding import folded
    from mnv4bench.export.lowering import lowered
    from mnv4bench.models.build import sample_input

    example = sample_input(built.input_px, seed=0, count=1)
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns about its own internals; whether the file is right is compared afterwards.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            lowered(folded(built.net, example), "NCHW"),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            external_data=False,
            verbose=False,
        )
    assert program is not None
    write_products_out(program.model.graph)
    pool(program.model.graph)
    for node in program.model.graph.all_nodes():
        for note in PRIVATE_NOTES:
            node.metadata_props.pop(note, None)
    program.save(str(file), external_data=False)


# Batched products of two matrices, in einsum's words: the second one as it is, or transposed.
PLAIN = re.compile(r"(\w+)(\w)(\w),\1\3(\w)->\1\2\4")
TRANSPOSED = re.compile(r"(\w+)(\w)(\w),\1(\w)\3->\1\2\4")


def write_products_out(graph: "Graph") -> None:
    """Einsum nodes that are matrix products become MatMul, in place; any other stays.

    The networks say einsum because that lowers best to TFLite. ONNX Runtime runs an Einsum node as
    it stands, transposing the whole second matrix first; behind a MatMul it lets the product read
    it transposed (FusedMatMul).
    """
    import onnx_ir

    for node in list(graph.all_nodes()):
        if node.op_type != "Einsum":
            continue
        equation = node.attributes["equation"].as_string().replace(" ", "")
        second = node.inputs[1]
        if match := TRANSPOSED.fullmatch(equation):
            batches = len(match[1])
            turned = onnx_ir.node(
                "Transpose", [second], {"perm": (*range(batches), batches + 1, batches)}
            )
            turned.metadata_props.update(node.metadata_props)
            node.prepend(turned)
            node.replace_input_with(1, turned.outputs[0])
        elif not PLAIN.fullmatch(equation):
            continue
        node.op_type = "MatMul"
        node.attributes.clear()


def pool(graph: "Graph") -> None:
    """Means over a whole image become GlobalAveragePool, in place.

    ONNX Runtime pools in the blocked layout of its convolutions and in int8; for ReduceMean it
    turns the image back, and leaves int8. MobileNetV3-Small takes 0.98 of its time, and in int8
    MobileNetV3-Large took 1.15 times as long with the nine means in float.
    """
    for node in list(graph.all_nodes()):
        if node.op_type != "ReduceMean" or len(node.inputs) != 2:
            continue
        image, axes = node.inputs
        over = axes.const_value if axes is not None else None
        if over is None or image is None or image.shape is None or len(image.shape) != 4:
            continue
        kept = "keepdims" not in node.attributes or node.attributes["keepdims"].as_int()
        if kept and sorted(axis % 4 for axis in over.numpy().tolist()) == [2, 3]:
            node.op_type = "GlobalAveragePool"
            node.resize_inputs(1)
            node.attributes.clear()

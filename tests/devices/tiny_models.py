"""Real model files of a few kilobytes, written operator by operator; made in milliseconds.

The TFLite net is an image convolution, a mean and a fully connected layer. ``odd`` puts CUMSUM in
between, which LiteRT's XNNPACK delegate does not take, so a partial placement is real.
"""

from pathlib import Path

import numpy as np

SIZE = 64  # pixels
CHANNELS = 16
CLASSES = 10


def write_tflite(
    path: Path,
    *,
    odd: bool = False,
    only_odd: bool = False,
    channels: int = CHANNELS,
    pointwise: int = 0,
) -> Path:
    """NHWC float32 input (1, 64, 64, 3). ``only_odd``: nothing but the operator XNNPACK leaves.

    ``pointwise``: so many 1 x 1 convolutions more, of 32 * 32 * channels * channels MACs each.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    rng = np.random.default_rng(1)
    builtin = schema.BuiltinOperator
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    model.operatorCodes, graph.tensors, graph.operators = [], [], []

    def tensor(name, shape, data=None):
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, list(shape), 0
        made.type = schema.TensorType.INT32 if data is not None and data.dtype == np.int32 else 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def weights(name, *shape):
        return tensor(name, shape, rng.standard_normal(shape).astype(np.float32) / 8)

    def integers(name, *values):
        return tensor(name, (len(values),), np.array(values, np.int32))

    def operator(code, options_type, options, inputs, output):
        kind = schema.OperatorCodeT()
        kind.builtinCode = code
        kind.deprecatedBuiltinCode = min(code, 127)  # the older field holds one byte
        kind.version = 1
        model.operatorCodes.append(kind)
        made = schema.OperatorT()
        made.opcodeIndex = len(model.operatorCodes) - 1
        made.builtinOptionsType, made.builtinOptions = options_type, options
        made.inputs, made.outputs = inputs, [output]
        graph.operators.append(made)
        return output

    def cumsum(source, shape):
        return operator(
            builtin.CUMSUM,
            schema.BuiltinOptions.CumsumOptions,
            schema.CumsumOptionsT(),
            [source, tensor("axis", (), np.array(1, np.int32))],
            tensor("summed", shape),
        )

    image = tensor("image", (1, SIZE, SIZE, 3))
    graph.inputs = [image]
    if only_odd:
        graph.outputs = [cumsum(image, (1, SIZE, SIZE, 3))]
    else:
        half = (1, SIZE // 2, SIZE // 2, channels)
        convolution = schema.Conv2DOptionsT()
        convolution.strideH = convolution.strideW = 2
        convolution.dilationHFactor = convolution.dilationWFactor = 1
        convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU
        features = operator(
            builtin.CONV_2D,
            schema.BuiltinOptions.Conv2DOptions,
            convolution,
            [image, weights("kernel", channels, 3, 3, 3), weights("bias", channels)],
            tensor("features", half),
        )
        for index in range(pointwise):
            same = schema.Conv2DOptionsT()
            same.strideH = same.strideW = same.dilationHFactor = same.dilationWFactor = 1
            kernel = weights(f"kernel{index}", channels, 1, 1, channels)
            features = operator(
                builtin.CONV_2D,
                schema.BuiltinOptions.Conv2DOptions,
                same,
                [features, kernel, weights(f"bias{index}", channels)],
                tensor(f"features{index}", half),
            )
        if odd:
            features = cumsum(features, half)
        pooled = operator(
            builtin.MEAN,
            schema.BuiltinOptions.ReducerOptions,
            schema.ReducerOptionsT(),
            [features, integers("axes", 1, 2)],
            tensor("pooled", (1, channels)),
        )
        logits = operator(
            builtin.FULLY_CONNECTED,
            schema.BuiltinOptions.FullyConnectedOptions,
            schema.FullyConnectedOptionsT(),
            [pooled, weights("classifier", CLASSES, channels), weights("offset", CLASSES)],
            tensor("logits", (1, CLASSES)),
        )
        graph.outputs = [logits]

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


def write_onnx(
    path: Path, *, batch: int | str = 1, pixels: int | str = SIZE, channels: int = CHANNELS
) -> Path:
    """NCHW float32 input (batch, 3, pixels, pixels); a name instead of a size leaves it open."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng = np.random.default_rng(1)

    def weights(name, *shape):
        values = rng.standard_normal(shape).astype(np.float32) / 8
        return numpy_helper.from_array(values, name)

    graph = helper.make_graph(
        [
            helper.make_node(
                "Conv", ["image", "kernel", "bias"], ["features"], strides=[2, 2], pads=[1] * 4
            ),
            helper.make_node("Relu", ["features"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "classifier", "offset"], ["logits"], transB=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, pixels, pixels])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])],
        [
            weights("kernel", channels, 3, 3, 3),
            weights("bias", channels),
            weights("classifier", CLASSES, channels),
            weights("offset", CLASSES),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    save(model, str(path))
    return path


def write_tflite_sum(path: Path, *, custom: str = "") -> Path:
    """left + right, float32 (open, open, 8) each; or the operator ``custom`` in place of ADD."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, graph, kind = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    kind.builtinCode = schema.BuiltinOperator.CUSTOM if custom else schema.BuiltinOperator.ADD
    kind.deprecatedBuiltinCode, kind.version = kind.builtinCode, 1
    kind.customCode = custom or None
    graph.tensors = []
    for name in ("left", "right", "sum"):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.shapeSignature = name, [1, 1, 8], [-1, -1, 8]
        tensor.buffer, tensor.type = 0, schema.TensorType.FLOAT32
        graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1], [2]
    if not custom:
        operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
        operator.builtinOptions = schema.AddOptionsT()
    graph.operators, graph.inputs, graph.outputs = [operator], [0, 1], [2]
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    model.operatorCodes = [kind]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


def write_onnx_text(path: Path, *, operator: str = "Gather", domain: str = "") -> Path:
    """A language model in small: ids and segments int64, mask bool, each (batch, length), and a
    scale of half precision (1). The table of segments has two rows."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng = np.random.default_rng(1)

    def table(name, rows):
        return numpy_helper.from_array(rng.standard_normal((rows, 8)).astype(np.float32), name)

    def tokens(name, kind):
        return helper.make_tensor_value_info(name, kind, ["batch", "length"])

    graph = helper.make_graph(
        [
            helper.make_node(operator, ["words", "ids"], ["word"], domain=domain),
            helper.make_node("Gather", ["kinds", "segments"], ["kind"]),
            helper.make_node("Add", ["word", "kind"], ["sum"]),
            helper.make_node("Cast", ["mask"], ["kept"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["kept", "last"], ["column"]),
            helper.make_node("Mul", ["sum", "column"], ["masked"]),
            helper.make_node("Cast", ["scale"], ["factor"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["masked", "factor"], ["answer"]),
        ],
        "text",
        [
            tokens("ids", TensorProto.INT64),
            tokens("segments", TensorProto.INT64),
            tokens("mask", TensorProto.BOOL),
            helper.make_tensor_value_info("scale", TensorProto.FLOAT16, [1]),
        ],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["batch", "length", 8])],
        [table("words", 100), table("kinds", 2), numpy_helper.from_array(np.array([2]), "last")],
    )
    opsets = [helper.make_opsetid("", 18)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    save(helper.make_model(graph, opset_imports=opsets, ir_version=10), str(path))
    return path


def write_program(path: Path, *, channels: int = 8, opened: bool = False) -> Path:
    """A program of torch.export: NCHW float32 (1, 3, 64, 64); ``opened``: any batch."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, channels, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, 1, 1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, CLASSES),
    ).eval()
    shapes = ({0: torch.export.Dim("batch")},) if opened else None
    image = torch.randn(2 if opened else 1, 3, SIZE, SIZE)
    torch.export.save(torch.export.export(net, (image,), dynamic_shapes=shapes), path)
    return path

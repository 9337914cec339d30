"""Two small TFLite files for benchmarks on a phone's double: the same convolutions in float32 and
in int8, some tenths of a millisecond each on a host, so that a twentieth of it is still a time.

Knows: the flatbuffer, operator by operator. Does not know: accuracy; the weights are made up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZE = 48  # pixels
CHANNELS = 32


def write_convolutions(path: Path, *, quantised: bool, layers: int = 5) -> Path:
    """NHWC input (1, 48, 48, 32), int8 with a scale where ``quantised``, float32 where not."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    chance = np.random.default_rng(1)
    model, graph, kind = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    kind.builtinCode = kind.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    kind.version = 3 if quantised else 1
    model.operatorCodes, graph.tensors, graph.operators = [kind], [], []
    integer = schema.TensorType.INT8

    def tensor(name: str, shape: tuple[int, ...], scale: float, kind: int, data=None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, list(shape), 0
        made.type = kind if quantised else schema.TensorType.FLOAT32
        if quantised:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    shape = (1, SIZE, SIZE, CHANNELS)
    features = tensor("image", shape, 0.05, integer)
    graph.inputs = [features]
    for layer in range(layers):
        kernel = chance.integers(-99, 99, (CHANNELS, 3, 3, CHANNELS)).astype(np.int8)
        offsets = np.zeros(CHANNELS, np.int32)
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = 1
        options.dilationHFactor = options.dilationWFactor = 1
        options.padding = schema.Padding.SAME
        node = schema.OperatorT()
        node.opcodeIndex = 0
        node.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
        node.builtinOptions = options
        weights = kernel if quantised else kernel.astype(np.float32) / 1000
        bias = offsets if quantised else offsets.astype(np.float32)
        node.inputs = [
            features,
            tensor(f"kernel{layer}", kernel.shape, 0.001, integer, weights),
            tensor(f"bias{layer}", (CHANNELS,), 0.05 * 0.001, schema.TensorType.INT32, bias),
        ]
        features = tensor(f"features{layer}", shape, 0.05, integer)
        node.outputs = [features]
        graph.operators.append(node)
    graph.outputs = [features]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path

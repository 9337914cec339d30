"""The files that the benchmark programs write: their result and the model's runtime info.

Knows: the messages of tflite/tools/benchmark/proto/benchmark_result.proto (proto2, floats in ms)
and tflite/profiling/proto/model_runtime_info.proto, written with Google's own protobuf so that a
reader of ours is held to the real encoding. Does not know: how the numbers came about.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tflite.tools.benchmark"
Field = descriptor_pb2.FieldDescriptorProto
KINDS = {"float": Field.TYPE_FLOAT, "int32": Field.TYPE_INT32, "int64": Field.TYPE_INT64}
LATENCIES = (
    "avg_ms", "min_ms", "max_ms", "stddev_ms", "median_ms", "p5_ms", "p95_ms", "init_ms",
    "first_inference_ms", "average_warm_up_ms",
)  # fmt: skip
# Fields in the order of their numbers, from 1.
MESSAGES = {
    "LatencyMetrics": dict.fromkeys(LATENCIES, "float"),
    "MemoryMetrics": {
        "init_footprint_kb": "int64",
        "overall_footprint_kb": "int64",
        "peak_mem_mb": "float",
    },
    "MiscMetrics": {
        "model_size_mb": "float",
        "num_runs": "int32",
        "num_warmup_runs": "int32",
        "model_throughput_in_mb_per_sec": "float",
    },
    "BenchmarkResult": {
        "name": "string",
        "latency_metrics": "LatencyMetrics",
        "memory_metrics": "MemoryMetrics",
        "misc_metrics": "MiscMetrics",
    },
}


def _result_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="benchmark_result.proto", package=PACKAGE, syntax="proto2"
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in enumerate(fields.items(), 1):
            field = message.field.add(name=field_name, number=number, label=Field.LABEL_OPTIONAL)
            if kind in KINDS:
                field.type = KINDS[kind]
            elif kind == "string":
                field.type = Field.TYPE_STRING
            else:
                field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.BenchmarkResult"))


BenchmarkResult = _result_class()


def write_result(
    path: Path,
    init_us: int,
    warm_up: Any,
    measured: Any,
    size_mb: float,
    init_kb: int,
    overall_kb: int,
    input_bytes: int,
) -> None:
    """Write the result; ``warm_up`` and ``measured`` are `benchmark_model.Times`."""
    result = BenchmarkResult()
    latency, memory, misc = result.latency_metrics, result.memory_metrics, result.misc_metrics
    latency.init_ms = init_us / 1e3
    latency.first_inference_ms = warm_up.first / 1e3
    latency.average_warm_up_ms = warm_up.mean / 1e3
    latency.avg_ms = measured.mean / 1e3
    latency.min_ms = min(measured.all, default=0) / 1e3
    latency.max_ms = max(measured.all, default=0) / 1e3
    latency.stddev_ms = measured.deviation / 1e3
    latency.p5_ms = measured.percentile(5) / 1e3
    latency.median_ms = measured.percentile(50) / 1e3
    latency.p95_ms = measured.percentile(95) / 1e3
    memory.init_footprint_kb, memory.overall_footprint_kb = init_kb, overall_kb
    misc.model_size_mb = size_mb
    misc.num_runs, misc.num_warmup_runs = len(measured.all), len(warm_up.all)
    if measured.mean:
        misc.model_throughput_in_mb_per_sec = input_bytes / measured.mean * 1e6 / 2**20
    path.write_bytes(result.SerializeToString())


def write_runtime_info(path: Path, model: Path, runner: Any, placed: Any) -> None:
    """Write the graph as it stands once delegates are in place (one subgraph, nodes only)."""
    from ai_edge_litert import model_runtime_info_pb2 as schema

    details = schema.ModelRuntimeDetails(model_name=model.name)
    subgraph = details.subgraphs.add(subgraph_id=0, subgraph_type=1, name="main")
    total = len(runner.listing)
    if placed.kernels:
        # What an accelerator took is made up: the first operators, in equal parts.
        step = -(-placed.taken // placed.kernels)
        parts = [
            list(range(start, min(start + step, placed.taken)))
            for start in range(0, placed.taken, step)
        ]
        delegate = placed.delegate
    else:
        parts, delegate = runner.xnnpack(), "TfLiteXNNPackDelegate"
    went_to = {index: total + part for part, indices in enumerate(parts) for index in indices}
    for index, node in enumerate(runner.listing):
        made = subgraph.nodes.add(id=index, name=node["op_name"], type=node["op_name"])
        made.inputs.extend(int(tensor) for tensor in node["inputs"])
        made.outputs.extend(int(tensor) for tensor in node["outputs"])
        if index in went_to:
            made.delegated_to_node_id = went_to[index]
            made.type = f"Delegate/{node['op_name']}"
        else:
            subgraph.execution_plan.append(index)
    for part, indices in enumerate(parts):
        made = subgraph.nodes.add(id=total + part, name=delegate, type=delegate)
        made.delegate_node_details.delegate_name = delegate
        made.delegate_node_details.tflite_node_ids_replaced.extend(indices)
        subgraph.execution_plan.append(total + part)
    path.write_bytes(details.SerializeToString())

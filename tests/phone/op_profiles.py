"""The file that the classic program writes with ``--enable_op_profiling``: what each operator took.

Knows: LiteRT's own message (profiling_info_pb2), and how the program fills it (tflite/profiling/
profile_summarizer.cc, profile_summary_formatter.cc): an operator in TFLite's kernels is called
"[its outputs]:its place", one inside XNNPACK "Delegate/its kind:its number", and a delegate that
tells nothing of itself has one row. Does not know: how long an operator really takes: what was
measured of the whole is dealt out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

# XNNPACK's names of what the tests' graphs hold; what it makes part of another has none.
KINDS = {
    "CONV_2D": "Convolution (NHWC, F32) IGEMM",
    "DEPTHWISE_CONV_2D": "Convolution (NHWC, F32) DWConv",
    "FULLY_CONNECTED": "Fully Connected (NC, F32) GEMM",
    "MEAN": "Mean (ND) Reduce2",
    "ADD": "Add (ND)",
    "GELU": "GELU (NC)",
    "RESHAPE": "Static Reshape (NC)",
}
FUSED = ("PAD", "DEQUANTIZE")


def write_op_profile(path: Path, model: Path, runner: Any, placed: Any, times: Any) -> None:
    """Write what the program would; ``times`` are `timed_model.Times` of the profiled runs."""
    from ai_edge_litert import profiling_info_pb2 as schema

    data = schema.BenchmarkProfilingData(model_name=model.name)
    started = data.init_profile.subgraph_profiles.add(subgraph_index=0)
    _row(started, "AllocateTensors/0", "AllocateTensors", 0, [120])
    graph = data.runtime_profile.subgraph_profiles.add(subgraph_index=0, subgraph_name="main")
    rows = list(_rows(runner, placed))
    for order, (name, kind) in enumerate(rows):
        _row(graph, name, kind, order, [max(0, one // len(rows)) for one in times.all])
    path.write_bytes(data.SerializeToString())


def _rows(runner: Any, placed: Any) -> Iterator[tuple[str, str]]:
    """(name, kind) of each operator in the order in which they run."""
    total = len(runner.listing)
    if placed.kernels:
        parts = [list(range(placed.taken))[k :: placed.kernels] for k in range(placed.kernels)]
    else:
        parts = runner.xnnpack()
    first = {min(part): index for index, part in enumerate(parts) if part}
    taken = {node for part in parts for node in part}
    for place, node in enumerate(runner.listing):
        if place in first:
            yield from _part(runner, placed, parts[first[place]], total + first[place])
        if place not in taken:
            yield f"[{_written(runner, node)}]:{place}", str(node["op_name"])


def _part(runner: Any, placed: Any, part: list[int], place: int) -> Iterator[tuple[str, str]]:
    if placed.kernels:
        yield f"[{_written(runner, runner.listing[part[-1]])}]:{place}", placed.delegate
        return
    kinds = [runner.listing[node]["op_name"] for node in part]
    shown = [KINDS[kind] for kind in kinds if kind not in FUSED]
    for number, kind in enumerate(shown):
        yield f"Delegate/{kind}:{number}", kind


def _written(runner: Any, node: Any) -> str:
    return ", ".join(runner.name_of(int(tensor)) for tensor in node["outputs"])


def _row(graph: Any, name: str, kind: str, order: int, times: list[int]) -> None:
    row = graph.per_op_profiles.add(name=name, node_type=kind, run_order=order, times_called=1)
    stat = row.inference_microseconds
    stat.first, stat.last, stat.min, stat.max = times[0], times[-1], min(times), max(times)
    stat.sum, stat.count = sum(times), len(times)
    stat.avg = stat.sum // stat.count

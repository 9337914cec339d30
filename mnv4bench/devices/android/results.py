"""What a benchmark program says of one run: its result file first, its text second.

Knows: the protobuf messages BenchmarkResult, ModelRuntimeDetails and BenchmarkProfilingData (field
numbers from tflite/tools/benchmark/proto/benchmark_result.proto, model_runtime_info.proto and
profiling_info.proto of tflite/profiling/proto, LiteRT 2.3.0) and the lines of both programs, with
and without their prefixes. Does not know: phones, or what follows for placement. Times are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from mnv4bench.records import MAX_SECONDS, Spread

_PACKAGE = "mnv4bench.android"
# name -> (number, type); a message type by its name, "*" behind it: repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Latency": {
        "avg_ms": (1, "float"),
        "min_ms": (2, "float"),
        "max_ms": (3, "float"),
        "stddev_ms": (4, "float"),
        "median_ms": (5, "float"),
        "p5_ms": (6, "float"),
        "p95_ms": (7, "float"),
        "init_ms": (8, "float"),
        "first_inference_ms": (9, "float"),
        "average_warm_up_ms": (10, "float"),
    },
    "Memory": {"peak_mem_mb": (3, "float")},
    "Misc": {"num_runs": (2, "int32"), "num_warmup_runs": (3, "int32")},
    "Result": {"latency": (2, "Latency"), "memory": (3, "Memory"), "misc": (4, "Misc")},
    "Delegation": {"delegate_name": (1, "string"), "replaced": (2, "int32*")},
    "Node": {
        "id": (1, "int32"),
        "name": (2, "string"),
        "delegation": (8, "Delegation"),
        "delegated_to": (9, "int32"),
    },
    "Subgraph": {"nodes": (3, "Node*")},
    "RuntimeInfo": {"subgraphs": (2, "Subgraph*")},
    "Stat": {
        "min": (6, "int64"),
        "max": (7, "int64"),
        "sum": (8, "int64"),
        "count": (9, "int64"),
    },
    "Row": {
        "node_type": (1, "string"),
        "microseconds": (2, "Stat"),
        "times_called": (4, "int64"),
        "name": (5, "string"),
        "run_order": (6, "int64"),
    },
    "SubgraphRows": {"index": (2, "int32"), "operators": (3, "Row*")},
    "DelegateRows": {"operators": (2, "Row*")},
    "RunRows": {"subgraphs": (1, "SubgraphRows*"), "delegates": (2, "DelegateRows*")},
    "OperatorProfile": {"runtime": (3, "RunRows")},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run in seconds. ``mean_s`` is over ``inferences``."""

    mean_s: float
    inferences: int
    load_s: float | None
    first_s: float | None
    warmup_s: float | None  # the mean over ``warmups``
    warmups: int | None
    spread: Spread | None
    peak_memory_bytes: int | None
    source: str  # "result file" or "text"


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """How many of the graph's operators which delegate took, as the runtime wrote it down."""

    operators: int
    taken: dict[str, int]  # delegate -> operators of the graph
    parts: tuple[tuple[str, tuple[int, ...]], ...] = ()  # of each delegate node, what it took


def from_result_file(data: bytes) -> Outcome | None:
    """The outcome in a BenchmarkResult; None when ``data`` is none, or holds no measurement."""
    result = parsed("Result", data)
    if result is None or not result.HasField("latency"):
        return None
    latency, misc = result.latency, result.misc
    mean_s = _seconds(latency, "avg_ms")
    if mean_s is None or misc.num_runs < 1:
        return None
    peak_mb = result.memory.peak_mem_mb
    return Outcome(
        mean_s=mean_s,
        inferences=misc.num_runs,
        load_s=_seconds(latency, "init_ms"),
        first_s=_seconds(latency, "first_inference_ms"),
        warmup_s=_seconds(latency, "average_warm_up_ms"),
        warmups=max(misc.num_warmup_runs, 0) or None,
        spread=Spread(
            median_s=_seconds(latency, "median_ms"),
            p5_s=_seconds(latency, "p5_ms"),
            p95_s=_seconds(latency, "p95_ms"),
            min_s=_seconds(latency, "min_ms"),
            max_s=_seconds(latency, "max_ms"),
            std_s=_seconds(latency, "stddev_ms"),
        ),
        peak_memory_bytes=int(peak_mb * 2**20) if 0 < peak_mb < 2**20 else None,
        source="result file",
    )


def runtime_info(data: bytes) -> RuntimeInfo | None:
    """What a ModelRuntimeDetails says of the main subgraph; None when ``data`` is none."""
    details = parsed("RuntimeInfo", data)
    if details is None or not details.subgraphs:
        return None
    nodes = details.subgraphs[0].nodes
    delegates = {node.id: node for node in nodes if node.HasField("delegation")}
    taken: dict[str, int] = {}
    for node in nodes:
        if node.id not in delegates and node.HasField("delegated_to"):
            by = delegates.get(node.delegated_to)
            name = (by.delegation.delegate_name or by.name) if by is not None else "unknown"
            taken[name] = taken.get(name, 0) + 1
    count = len(nodes) - len(delegates)
    parts = tuple(
        (
            one.delegation.delegate_name or one.name or "unknown",
            tuple(sorted(index for index in one.delegation.replaced if 0 <= index < count)),
        )
        for _, one in sorted(delegates.items())
    )
    return RuntimeInfo(operators=count, taken=taken, parts=parts)


_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"  # microseconds; old builds print 1.22373e+05


def _line(pattern: str) -> re.Pattern[str]:
    """``pattern`` with ``{name}`` standing for a number of that name."""
    return re.compile(
        re.sub(r"\{(\w+)\}", rf"(?P<\1>{_NUMBER.replace(chr(92), chr(92) * 2)})", pattern)
    )


_COUNT = _line(
    r"count=(?P<count>\d{1,9})(?: first={begin})? curr={curr}"
    r"(?:\(all same\)| min={min} max={max} avg={avg} std={std})?"
    r"(?: p5={p5} median={median} p95={p95})?"
)
_CLASSIC = _line(
    r"Inference timings in us: Init: {init}, First inference: {first}, "
    r"Warmup \(avg\): {warmup}, Inference \(avg\): {avg}"
)
_OLDEST = _line(
    r"Average inference timings in us: Warmup: {warmup}, Init: {init}, Inference: {avg}"
)
_LITERT = {
    "init": re.compile(r"Model initialization: (\d+\.?\d*) ms"),
    "first": re.compile(r"Warmup \(first\): +(\d+\.?\d*) ms"),
    "warmup": re.compile(r"Warmup \(avg\): +(\d+\.?\d*) ms \((\d{1,9}) runs\)"),
    "avg": re.compile(r"Inference \(avg\): +(\d+\.?\d*) ms \((\d{1,9}) runs\)"),
    "min": re.compile(r"Inference \(min\): +(\d+\.?\d*) ms"),
    "max": re.compile(r"Inference \(max\): +(\d+\.?\d*) ms"),
}


def from_text(text: str) -> Outcome | None:
    """The outcome in a program's lines, of either program, old or new; None when there is none.

    Read where there is no result file. LiteRT's program prints hundredths of a millisecond.
    """
    return _classic(text) or _litert(text)


def unknown_flags(text: str) -> str | None:
    """The flags that the program did not know and only warned about; None when it knew all."""
    found = re.search(r"Unconsumed cmdline flags: *(.*)", text)
    return found[1].strip() if found else None


def _classic(text: str) -> Outcome | None:
    last = _CLASSIC.search(text) or _OLDEST.search(text)
    counts = list(_COUNT.finditer(text))
    if last is None or not counts:
        return None
    timed, facts = counts[-1], last.groupdict()
    warm = counts[0] if len(counts) > 1 else None
    mean_s = _micro(facts["avg"])
    if mean_s is None or int(timed["count"]) < 1:
        return None
    return Outcome(
        mean_s=mean_s,
        inferences=int(timed["count"]),
        load_s=_micro(facts["init"]),
        first_s=_micro(facts.get("first")),
        warmup_s=_micro(facts["warmup"]),
        warmups=int(warm["count"]) if warm else None,
        spread=Spread(
            median_s=_micro(timed["median"] or (timed["curr"] if timed["avg"] is None else None)),
            p5_s=_micro(timed["p5"]),
            p95_s=_micro(timed["p95"]),
            min_s=_micro(timed["min"]),
            max_s=_micro(timed["max"]),
            std_s=_micro(timed["std"]),
        ),
        peak_memory_bytes=None,
        source="text",
    )


def _litert(text: str) -> Outcome | None:
    found = {name: pattern.search(text) for name, pattern in _LITERT.items()}
    mean, warm = found["avg"], found["warmup"]
    seconds = {name: _believed(float(hit[1]) / 1e3) for name, hit in found.items() if hit}
    mean_s = seconds.get("avg")
    if "BENCHMARK RESULTS" not in text or mean is None or mean_s is None or int(mean[2]) < 1:
        return None
    return Outcome(
        mean_s=mean_s,
        inferences=int(mean[2]),
        load_s=seconds.get("init"),
        first_s=seconds.get("first"),
        warmup_s=seconds.get("warmup"),
        warmups=int(warm[2]) if warm else None,
        spread=Spread(min_s=seconds.get("min"), max_s=seconds.get("max")),
        peak_memory_bytes=None,
        source="text",
    )


def _micro(value: str | None) -> float | None:
    return _believed(float(value) / 1e6) if value else None


def _seconds(message: Any, name: str) -> float | None:
    return _believed(getattr(message, name) / 1e3) if message.HasField(name) else None


def _believed(seconds: float) -> float | None:
    """A time that can be one; zero is what the programs say for "none"."""
    return seconds if 0 < seconds <= MAX_SECONDS else None


def parsed(name: str, data: bytes) -> Any:
    """``data`` as the message ``name``; None where it is none. Unknown fields are passed over."""
    from google.protobuf.message import DecodeError

    if not data:
        return None
    try:
        return _classes()[name].FromString(data)
    except DecodeError:
        return None


@cache
def _classes() -> dict[str, Any]:
    """The message classes. Their own descriptors: no package that phones' users need ships them."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    types = {
        "float": field.TYPE_FLOAT,
        "int32": field.TYPE_INT32,
        "int64": field.TYPE_INT64,
        "string": field.TYPE_STRING,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="mnv4bench_android.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            plain = kind.removesuffix("*")
            added = message.field.add(
                name=key,
                number=number,
                label=field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL,
                type=types.get(plain, field.TYPE_MESSAGE),
            )
            if plain not in types:
                added.type_name = f".{_PACKAGE}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }

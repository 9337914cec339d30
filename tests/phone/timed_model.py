"""A model in the real LiteRT on the host, timed as the benchmark programs time it.

Knows: loading, what the real XNNPACK delegate took, the timed loop and its statistics. Does not
know: what is printed of it (`benchmark_model`). Source of the loop and of the statistics: LiteRT's
tflite/tools/benchmark/benchmark_model.cc and tflite/profiling/stats_calculator.h.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from tests.phone.benchmark_flags import Flags
from tests.phone.delegates import Failed, Graph, Log, Placed, seen


class Times:
    """Durations in whole microseconds, with the statistics that the programs print."""

    def __init__(self) -> None:
        self.all: list[int] = []

    @property
    def first(self) -> int:
        return self.all[0] if self.all else 0

    @property
    def mean(self) -> float:
        return sum(self.all) / len(self.all) if self.all else 0.0

    @property
    def deviation(self) -> int:
        """Of the population, truncated."""
        if not self.all:
            return 0
        squares = sum(value * value for value in self.all) / len(self.all)
        return int(math.sqrt(max(0.0, squares - self.mean**2)))

    def percentile(self, percent: int) -> int:
        """Nearest rank, no interpolation; 0 of nothing."""
        return sorted(self.all)[len(self.all) * percent // 100] if self.all else 0

    def line(self, *, percentiles: bool) -> str:
        """The ``count=`` line."""
        if not self.all:
            text = "count=0"
        elif min(self.all) == max(self.all):
            same = "(all same)" if len(self.all) > 1 else ""
            text = f"count={len(self.all)} curr={self.all[-1]}{same}"
        else:
            text = (
                f"count={len(self.all)} first={self.first} curr={self.all[-1]} "
                f"min={min(self.all)} max={max(self.all)} avg={self.mean:g} std={self.deviation}"
            )
        if percentiles:
            ranks = {"p5": 5, "median": 50, "p95": 95}
            text += "".join(f" {name}={self.percentile(rank)}" for name, rank in ranks.items())
        return text


class Runner:
    """The model in the real LiteRT."""

    def __init__(self, model: Path, flags: Flags, steady_us: float = 0.0) -> None:
        self._steady_us = steady_us
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._interpreter_class, self._model, self._flags = Interpreter, model, flags
        self._plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.failed = False
        try:
            listed = Interpreter(str(model), experimental_op_resolver_type=self._plain)
        except ValueError as error:
            raise Failed(f"Failed to load model {seen(model)}") from error
        self.listing = listed._get_ops_details()  # as they stand in the file
        integers = ("int8", "uint8")
        self.graph = Graph(
            [node["op_name"] for node in self.listing],
            any(
                tensor["dtype"].__name__ in integers
                and len(tensor["quantization_parameters"]["scales"])
                for tensor in listed.get_tensor_details()
            ),
        )
        self._names = {one["index"]: one["name"] for one in listed.get_tensor_details()}
        self._interpreter: Any = None

    def name_of(self, tensor: int) -> str:
        """What a tensor is called in the file."""
        return str(self._names.get(tensor, "Unknown"))

    def prepare(self) -> None:
        """Make the interpreter that is measured, with seeded inputs."""
        import numpy as np

        if self._interpreter is None:
            threads = int(self._flags["num_threads"])
            self._interpreter = self._interpreter_class(
                str(self._model),
                num_threads=threads if threads > 0 else None,
                **({"experimental_op_resolver_type": self._plain} if self._reference() else {}),
            )
            self._interpreter.allocate_tensors()
        chance = np.random.default_rng(0)
        self.input_bytes = 0
        for tensor in self._interpreter.get_input_details():
            value = chance.random(tensor["shape"], dtype=np.float32)
            if tensor["dtype"] != np.float32:
                value = (value * 127).astype(tensor["dtype"])
            self.input_bytes += value.nbytes
            self._interpreter.set_tensor(tensor["index"], value)

    def _reference(self) -> bool:
        flags = self._flags
        return "use_xnnpack" in flags.given and not flags["use_xnnpack"]

    def xnnpack(self) -> list[list[int]]:
        """The operators that the real XNNPACK delegate took, one list for each of its nodes."""
        self.prepare()
        writers = {t: i for i, node in enumerate(self.listing) for t in node["outputs"]}
        parts = []
        for part in self._interpreter._get_ops_details():
            if part["op_name"] != "DELEGATE":
                continue
            taken: set[int] = set()
            waiting = list(part["outputs"])
            while waiting:
                index = writers.get(waiting.pop())
                if index is None or index in taken:
                    continue
                taken.add(index)
                waiting += [t for t in self.listing[index]["inputs"] if t not in part["inputs"]]
            parts.append(sorted(taken))
        return parts

    def time(
        self, least: int, seconds: float, longest: float, speed: float, placed: Placed, log: Log
    ) -> Times:
        """The programs' loop: at least so many and so long, never longer than ``longest``.

        ``speed`` is by how much this phone's inference is longer than the host's. What is counted
        lasts as long as the program did, as on a phone: of a fast accelerator, one inference of
        the host stands for several; on a slow phone, the rest of one is waited for.
        """
        log.info(
            f"Running benchmark for at least {least} iterations and at least {seconds:g} seconds "
            f"but terminate if exceeding {longest:g} seconds."
        )
        times, began = Times(), time.perf_counter()
        now = began
        while (len(times.all) < least or now < began + seconds) and now <= began + longest:
            start = time.perf_counter_ns()
            self._interpreter.invoke()
            took_us = self._steady_us or (time.perf_counter_ns() - start) / 1e3
            if speed > 1:
                time.sleep(took_us * (speed - 1) / 1e6)
            times.all += [max(1, round(took_us * speed))] * max(1, round(1 / speed))
            if placed.mode == "fails":
                self.failed = True
                log.runtime(
                    "ERROR: NN API returned error ANEURALNETWORKS_MISSED_DEADLINE_TRANSIENT"
                )
            if (delay := float(self._flags["run_delay"])) > 0:
                time.sleep(delay)
            now = time.perf_counter()
        return times

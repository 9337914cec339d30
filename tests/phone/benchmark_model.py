"""Doubles of both benchmark programs: their flags and their output, over the real LiteRT.

Knows: the order of their lines, the timed loop, the statistics, the result file. The model runs on
the host's CPU; where the phone has an accelerator, its times are the host's divided by its factor,
since there is no accelerator here. Does not know: how delegates answer (`delegates`). Source of the
lines: LiteRT's tflite/tools/benchmark/ and litert/tools/benchmark_litert_model.{h,cc}.

``classic``: newer builds, with prefixes, percentiles and a result file. ``classic-old``: builds of
about TF 2.4, without the three, everything on stderr. ``litert``: the CompiledModel program, whose
results are on stderr, where LiteRT logs.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.phone import delegates
from tests.phone.benchmark_flags import FLAVOURS, Flags, read, usage
from tests.phone.delegates import Failed, Graph, Placed, seen


class Lines:
    """Where lines go, in the manner of a flavour."""

    def __init__(self, flavour: str) -> None:
        self._old = flavour == "classic-old"

    def _put(self, severity: str, text: str) -> None:
        to_stderr = self._old or severity in ("ERROR", "FATAL")
        stream = sys.stderr if to_stderr else sys.stdout
        print(text if self._old else f"{severity}: {text}", file=stream, flush=True)

    def info(self, text: str) -> None:
        self._put("INFO", text)

    def warn(self, text: str) -> None:
        self._put("WARN", text)

    def error(self, text: str) -> None:
        self._put("ERROR", text)

    def runtime(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


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


def main(flavour: str, arguments: list[str]) -> int:
    """Run as the program would; its exit status."""
    log, flags = Lines(flavour), read(flavour, arguments[1:])
    _library_trouble(_phone(), flags, arguments[0])
    log.info("STARTING!")
    try:
        with _running():
            _run(flavour, arguments[0], flags, log)
    except Failed as failure:
        if str(failure):
            log.error(str(failure))
        log.error("Benchmarking failed.")
        return 1
    return 0


@contextlib.contextmanager
def _running() -> Iterator[None]:
    """A mark that this process runs, for tests that look for leftovers."""
    mark = Path(os.environ["PHONE_FOLDER"]) / "running" / str(os.getpid())
    mark.parent.mkdir(exist_ok=True)
    mark.touch()
    try:
        yield
    finally:
        mark.unlink()


def _phone() -> dict[str, Any]:
    return json.loads((Path(os.environ["PHONE_FOLDER"]) / "state.json").read_text())


def _run(flavour: str, program: str, flags: Flags, log: Lines) -> None:
    for complaint in flags.wrong:
        log.error(complaint)
    if flags.wrong or flags["help"] is True or flags.unconsumed[:1] == ["--help"]:
        raise Failed(usage(flavour, seen(program)))
    if flags.unconsumed:
        log.warn("Unconsumed cmdline flags: " + " ".join(map(seen, flags.unconsumed)))
    if flavour != "litert" and not flags["graph"]:
        raise Failed("Please specify the name of your TF Lite input file with --graph")
    log.info(f"Log parameter values verbosely: [{int(bool(flags['verbose']))}]")
    for name, _, label in FLAVOURS[flavour]:
        if label and (flags["verbose"] or name in flags.given):
            log.info(f"{label}: [{_plain(flags[name])}]")
    phone = _phone()
    began = time.perf_counter_ns()
    memory_before = _resident_kb()
    model = Path(str(flags["graph"]))
    if flavour == "litert":
        log.runtime(f"INFO: [benchmark_litert_model.cc:185] Loading model from: {seen(model)}")
        if not model.is_file():
            raise Failed("[benchmark_litert_model.cc:187] Failed to load model.")
        if flags["use_cpu"] and flags["require_full_delegation"]:
            log.runtime(
                "ERROR: [benchmark_litert_model.cc:60] Requesting full delegation and CPU "
                "acceleration are incompatible."
            )
            sys.stdout.flush()
            os.abort()
    else:
        log.info(f"Graph: [{seen(model)}]")
        log.info("Signature to run: []")
        if not model.is_file():
            log.runtime(f"ERROR: Could not open '{seen(model)}'.")
            raise Failed(f"Failed to load model {seen(model)}")
        log.info(f"Loaded model {seen(model)}")
    runner = Runner(model, flags, phone["steady_us"])
    placed = _place(flavour, flags, runner, phone, log)
    runner.prepare()
    init_us = int((time.perf_counter_ns() - began) / 1e3)
    init_kb = _resident_kb() - memory_before
    _trouble(placed, log)
    if path := flags["model_runtime_info_output_file"]:
        from tests.phone.result_files import write_runtime_info

        write_runtime_info(Path(str(path)), model, runner, placed)
    size_mb = model.stat().st_size / 1e6
    log.info(f"The input model file size (MB): {size_mb:g}")
    log.info(f"Initialized session in {init_us / 1e3:g}ms.")
    dry = bool(flags["dry_run"])
    speed = phone["slowdown"] / placed.factor / phone["accelerators"]["cpu"]["factor"]
    percentiles = flavour != "classic-old"
    longest = float(flags["max_secs"])
    timed = []
    for count, seconds in (("warmup_runs", "warmup_min_secs"), ("num_runs", "min_secs")):
        times = runner.time(
            0 if dry else int(flags[count]),
            -1.0 if dry else float(flags[seconds]),
            longest,
            speed,
            placed,
            log,
        )
        log.info(times.line(percentiles=percentiles) + "\n")
        timed.append(times)
        if runner.failed:
            raise Failed("")
    warm_up, measured = timed
    _count(phone, placed, len(warm_up.all) + len(measured.all))
    _spend(phone, began)
    overall_kb = _resident_kb() - memory_before
    shown = _litert_results if flavour == "litert" else _classic_results
    shown(log, init_us, warm_up, measured, init_kb, overall_kb, runner.input_bytes)
    if (path := flags["result_file_path"]) and placed.mode != "no-result-file":
        from tests.phone.result_files import write_result

        where = "[benchmark_litert_model.h:150] " if flavour == "litert" else ""
        tell = (lambda text: log.runtime(f"INFO: {text}")) if flavour == "litert" else log.info
        tell(f"{where}Saving benchmark result to: {seen(path)}")
        write_result(
            Path(str(path)), init_us, warm_up, measured, size_mb, init_kb, overall_kb,
            runner.input_bytes,
        )  # fmt: skip
        tell(f"{where}Saved benchmark result to: {seen(path)}")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else seen(value)


def _library_trouble(phone: dict[str, Any], flags: Flags, program: str) -> None:
    """A program whose libraries are missing does not even start."""
    accelerator = phone["accelerators"].get(delegates.wanted(flags), {"mode": "works"})
    if accelerator["mode"] == "missing-library":
        print(
            f'CANNOT LINK EXECUTABLE "{seen(program)}": library "libc++_shared.so" not found: '
            "needed by main executable",
            file=sys.stderr,
        )
        sys.exit(1)


def _place(flavour: str, flags: Flags, runner: Runner, phone: dict[str, Any], log: Lines) -> Placed:
    total = len(runner.graph.operators)
    if flavour == "litert":
        return delegates.litert(flags, runner.graph, phone, log)
    full = bool(flags["require_full_delegation"])
    applied = delegates.classic(flags, runner.graph, phone, log)
    cpu_mode = phone["accelerators"].get("cpu", {}).get("mode", "works")
    explicit = bool(flags["use_xnnpack"])
    if explicit:
        log.info("XNNPACK delegate created.")
    if len(applied) + explicit >= 2:
        log.info(f"Going to apply {len(applied) + explicit} delegates one after another.")
    if not applied and not explicit and full:
        raise Failed("Disallowed CPU fallback detected.")
    for placed in applied:
        delegates.verdict(delegates.name_of(placed), placed, total, full=full, log=log)
    if explicit:
        parts = runner.xnnpack()
        taken, kernels = sum(map(len, parts)), len(parts)
        if taken:
            log.runtime(
                f"VERBOSE: Replacing {taken} out of {total} node(s) with delegate "
                f"(TfLiteXNNPackDelegate) node, yielding {kernels} partitions for subgraph 0 "
                "(main)."
            )
        own = Placed(mode=cpu_mode, delegate="TfLiteXNNPackDelegate", taken=taken, kernels=kernels)
        if not any(placed.kernels for placed in applied):
            delegates.verdict("XNNPACK", own, total, full=full, log=log)
        applied.append(own)
    working = [placed for placed in applied if placed.accelerator != "cpu"]
    return working[0] if working else Placed(mode=cpu_mode)


def _trouble(placed: Placed, log: Lines) -> None:
    if placed.mode == "segfault":
        delegates.segfault()
    if placed.mode == "hang":
        log.info("Running benchmark for at least 1 iterations")
        time.sleep(86_400)
    if placed.mode == "garbage":
        print("\x1b[31m\x00 7fff2c3d01 ~~ delegate trace ~~\nresult => 3.1 parsecs")
        sys.exit(0)


class Runner:
    """The model in the real LiteRT."""

    def __init__(self, model: Path, flags: Flags, steady_us: float) -> None:
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
        self._interpreter: Any = None

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
        self, least: int, seconds: float, longest: float, speed: float, placed: Placed, log: Lines
    ) -> Times:
        """The programs' loop: at least so many and so long, never longer than ``longest``."""
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
            times.all.append(int(took_us * speed))
            if placed.mode == "fails":
                self.failed = True
                log.runtime(
                    "ERROR: NN API returned error ANEURALNETWORKS_MISSED_DEADLINE_TRANSIENT"
                )
            if (delay := float(self._flags["run_delay"])) > 0:
                time.sleep(delay)
            now = time.perf_counter()
        return times


def _classic_results(
    log: Lines, init_us: int, warm_up: Times, measured: Times, init_kb: int, overall_kb: int, _: int
) -> None:
    log.info(
        f"Inference timings in us: Init: {init_us}, First inference: {warm_up.first}, "
        f"Warmup (avg): {warm_up.mean:g}, Inference (avg): {measured.mean:g}"
    )
    log.info(
        "Note: as the benchmark tool itself affects memory footprint, the following is only "
        "APPROXIMATE to the actual memory footprint of the model at runtime. Take the information "
        "at your discretion."
    )
    log.info(
        f"Memory footprint delta from the start of the tool (MB): init={init_kb / 1024:g} "
        f"overall={overall_kb / 1024:g}"
    )


def _litert_results(
    log: Lines,
    init_us: int,
    warm_up: Times,
    measured: Times,
    init_kb: int,
    overall_kb: int,
    input_bytes: int,
) -> None:
    def put(line: int, text: str) -> None:
        log.runtime(f"INFO: [benchmark_litert_model.h:{line}] {text}")

    put(72, "\n========== BENCHMARK RESULTS ==========")
    put(73, f"Model initialization: {init_us / 1e3:.2f} ms")
    put(74, f"Warmup (first):       {warm_up.first / 1e3:.2f} ms")
    put(76, f"Warmup (avg):         {warm_up.mean / 1e3:.2f} ms ({len(warm_up.all)} runs)")
    put(78, f"Inference (avg):      {measured.mean / 1e3:.2f} ms ({len(measured.all)} runs)")
    if measured.all:
        put(82, f"Inference (min):      {min(measured.all) / 1e3:.2f} ms")
        put(84, f"Inference (max):      {max(measured.all) / 1e3:.2f} ms")
        put(86, f"Inference (std):      {measured.deviation / 1e3:.2f}")
    else:
        put(89, "No inference runs were performed.")
    if measured.mean:
        put(94, f"Throughput:           {input_bytes / measured.mean * 1e6 / 2**20:.2f} MB/s")
    put(103, "\nMemory Usage:")
    put(104, f"Init footprint:       {init_kb / 1024:.2f} MB")
    put(106, f"Overall footprint:    {overall_kb / 1024:.2f} MB")
    put(114, "Peak memory usage not available. (peak_mem_mb <= 0)")
    put(118, "======================================\n")


def _resident_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _count(phone: dict[str, Any], placed: Placed, inferences: int) -> None:
    """Raise the accelerator's counter, where the phone shows one."""
    if not phone["counter"] or not placed.counted:
        return
    file = Path(os.environ["PHONE_FOLDER"]) / "root" / phone["counter"].lstrip("/")
    first, *others = file.read_text().split()
    file.write_text(" ".join([str(int(first) + inferences), *others]) + "\n")


def _spend(phone: dict[str, Any], began_ns: int) -> None:
    """The CPUs that ran this spent the time at their highest step, in ticks of 10 ms."""
    used = os.environ.get("PHONE_CPUS", " ".join(map(str, phone["cpus"]))).split()
    root = Path(os.environ["PHONE_FOLDER"]) / "root/sys/devices/system/cpu/cpufreq"
    ticks = max(1, (time.perf_counter_ns() - began_ns) // 10**7)
    for policy in root.glob("policy*"):
        if not set((policy / "related_cpus").read_text().split()) & set(used):
            continue
        file = policy / "stats/time_in_state"
        *rows, last = file.read_text().splitlines()
        step, spent = last.split()
        file.write_text("\n".join([*rows, f"{step} {int(spent) + ticks}"]) + "\n")

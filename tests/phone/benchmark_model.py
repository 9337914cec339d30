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
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.phone import delegates
from tests.phone.benchmark_flags import FLAVOURS, Flags, read, usage
from tests.phone.delegates import Failed, Placed, seen
from tests.phone.timed_model import Runner, Times


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
    _write_op_profile(flags, model, runner, placed, measured)
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


def _write_op_profile(
    flags: Flags, model: Path, runner: Runner, placed: Placed, measured: Times
) -> None:
    """Of the two other modes (a table on stdout, the same as CSV) nobody here asks for any."""
    path = flags["op_profiling_output_file"]
    if not flags["enable_op_profiling"] or flags["op_profiling_output_mode"] != "proto" or not path:
        return
    if placed.mode == "no-op-profile":
        return
    if placed.mode == "garbled-op-profile":
        Path(str(path)).write_bytes(b"\xff\x07 this is none \x00" * 40)
        return
    from tests.phone.op_profiles import write_op_profile

    write_op_profile(Path(str(path)), model, runner, placed, measured)


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

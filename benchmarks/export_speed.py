"""Are our artifacts at least as fast as the best file that any other path gives of the same net?

    python benchmarks/export_speed.py [MODEL ...] [--format onnx tflite] [--processes 7]
        [--work DIR] [--python onnx2tf=DIR/bin/python keras=... onnxslim=... onnxsim=...]

competitors.py has the paths and says what a person would type; what needs an environment of its
own is left out, with the command that makes one, unless --python names it. Files are kept in
--work and not made again.

All files of a model in a format are loaded into one fresh process, one thread each, and timed in
alternating blocks of ten calls, so that drift hurts all alike. The clock is the thread's processor
time, which stands still while another program has the core; on a quiet machine it is the time on
the wall, as these runs have one thread. A process gives the ratio of ours to each other's median;
printed are the median and the range of that ratio over the processes, which take turns in who is
loaded first. "best" is the path with the least median. Goal: at most 1.00. The exit status is 1
where every process found ours slower than the best by more than NOISE, by which two sessions of
one and the same file differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from competitors import ENVIRONMENTS, PATHS, WEIGHTS

from mnv4bench.export import ExportRequest, ensure
from mnv4bench.models import catalog

PER_BLOCK = 10  # alternating call by call would time cold caches
WARM_UP_CALLS = 10
MIN_BLOCKS, MAX_BLOCKS = 6, 60
PROCESS_S = 12.0  # of timing in each process
NOISE = 0.01  # ratio of two sessions of the same file, alternating blocks, quiet machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=[row.model for row in catalog.entries()])
    parser.add_argument("--format", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--processes", type=int, default=7)
    parser.add_argument("--work", type=Path, help="folder in which the others' files are kept")
    parser.add_argument("--python", nargs="+", default=[], metavar="PATH=PYTHON")
    options = parser.parse_args()
    pythons = dict(each.split("=", 1) for each in options.python)
    for path in ENVIRONMENTS.keys() - pythons.keys():
        print(f"{path} is left out; make it with: {ENVIRONMENTS[path]}", file=sys.stderr)
    print("| model | format | ours, ms | best | ours / best | ours / others |\n|" + "---|" * 6)
    slower = False
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for model in options.models:
            for kind in options.format:
                slower |= compare(model, kind, work, pythons, options.processes)
    return int(slower)


def compare(model: str, kind: str, work: Path, pythons: dict[str, str], processes: int) -> bool:
    """Print the table's row; whether ours is slower than the best beyond doubt."""
    request = ExportRequest(model, kind, WEIGHTS)
    exports = ensure([request])
    if request in exports.failures:
        sys.exit(f"{model} {kind}: {exports.failures[request]}")
    files = {"ours": exports.files[request].path}
    for path in PATHS[kind]:
        if path in ENVIRONMENTS and path not in pythons:
            continue
        file = work / f"{model}.{path}.{kind}"
        refusal = file.with_suffix(".refused")
        if not file.exists() and not refusal.exists():
            refused = made(path, model, file, pythons.get(path))
            if refused:
                refusal.write_text(refused)
        if file.exists():
            files[path] = file
        else:
            print(f"{model} {kind}: no file by {path}: {refusal.read_text()}", file=sys.stderr)
    runs = []
    names = list(files)
    for process in range(processes):
        order = names[process % len(names) :] + names[: process % len(names)]
        runs.append(json.loads(again("--time", *(f"{name}={files[name]}" for name in order))))
    others = {name: median(run[name] for run in runs) for name in names[1:]}
    best = min(others, key=others.__getitem__)
    ratios = {name: sorted(run["ours"] / run[name] for run in runs) for name in others}
    said = {
        name: f"{median(each):.3f} [{each[0]:.3f}, {each[-1]:.3f}]" for name, each in ratios.items()
    }
    rest = ", ".join(f"{name} {text}" for name, text in said.items() if name != best)
    ours = median(run["ours"] for run in runs) * 1e3
    print(f"| {model} | {kind} | {ours:.2f} | {best} | {said[best]} | {rest} |", flush=True)
    return ratios[best][0] > 1.0 + NOISE


def made(path: str, model: str, file: Path, python: str | None) -> str:
    """Have a competitor's file written in a fresh process; why there is none, or ""."""
    script = str(Path(__file__).with_name("competitors.py"))
    command = [sys.executable, script, path, model, str(file), *([python] if python else [])]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ran.stderr.strip().splitlines() or ["it ended without a word"]
    return lines[-1] if ran.returncode else ""


def again(*words: str) -> str:
    """The last line that this script prints in a fresh process."""
    command = [sys.executable, __file__, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ran.stderr[-3000:]}")
    return ran.stdout.splitlines()[-1]


def time_all(files: dict[str, Path]) -> None:
    """Prints name -> median seconds per call, from alternating blocks."""
    runs = {name: runnable(file) for name, file in files.items()}
    samples: dict[str, list[float]] = {name: [] for name in files}
    for run in runs.values():
        timed(run, WARM_UP_CALLS)
    per_round = PER_BLOCK * sum(median(timed(run, PER_BLOCK)) for run in runs.values())
    blocks = int(min(MAX_BLOCKS, max(MIN_BLOCKS, PROCESS_S / per_round)))
    for _ in range(blocks):
        for name, run in runs.items():
            samples[name] += timed(run, PER_BLOCK)
    print(json.dumps({name: median(each) for name, each in samples.items()}))


def timed(run: Callable[[], object], calls: int) -> list[float]:
    durations = []
    for _ in range(calls):
        start = time.thread_time()
        run()
        durations.append(time.thread_time() - start)
    return durations


def runnable(file: Path) -> Callable[[], object]:
    """One inference on a seeded input, one thread. The image is the same in either layout."""
    import numpy as np

    def image(shape: tuple[int, ...]) -> "np.ndarray":
        side = max(shape)
        pixels = np.random.default_rng(0).standard_normal((1, side, side, 3), dtype=np.float32)
        return pixels if shape[-1] == 3 else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))

    if file.suffix == ".onnx":
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(file), settings, providers=["CPUExecutionProvider"]
        )
        (wanted,) = session.get_inputs()
        feed = {wanted.name: image(tuple(wanted.shape))}
        return lambda: session.run(None, feed)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    (wanted,) = interpreter.get_input_details()
    pixels = image(tuple(wanted["shape"]))
    if wanted["dtype"] is np.int8:
        scale, zero_point = wanted["quantization"]
        pixels = (np.round(pixels / scale) + zero_point).clip(-128, 127).astype(np.int8)
    interpreter.set_tensor(wanted["index"], pixels)
    return interpreter.invoke


if __name__ == "__main__":
    if sys.argv[1:2] == ["--time"]:
        time_all({name: Path(file) for name, _, file in (w.partition("=") for w in sys.argv[2:])})
    else:
        sys.exit(main())

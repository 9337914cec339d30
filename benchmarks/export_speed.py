"""Are our artifacts at least as fast as the plain exports of the same nets by the same tools?

    python benchmarks/export_speed.py [MODEL ...] [--format onnx tflite] [--processes 7]

Plain means what a person types first: ``torch.onnx.export(net, (x,), path, dynamo=True)`` and
``litert_torch.convert(net, (x,))``, of timm's module with the same weights in the same deployed
form. Both files are loaded into one fresh process, one thread each, and timed in alternating
blocks of ten calls, so that drift hurts both alike. A process gives the ratio of its two medians;
printed are the median and the range of that ratio over the processes, which take turns in who is
loaded first. Goal: at most 1.00. The exit status is 1 where every process found ours slower by
more than NOISE, by which two sessions of one and the same file differ.
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

from mnv4bench.export import ExportRequest, ensure
from mnv4bench.models import catalog

MODELS = ("mnv4-conv-s", "mnv4-hybrid-m", "mobilenetv3-large", "efficientvit-b1", "fastvit-t8")
FORMATS = ("onnx", "tflite")
WEIGHTS = "random"
PER_BLOCK = 10  # alternating call by call would time cold caches
WARM_UP_CALLS = 10
MIN_BLOCKS, MAX_BLOCKS = 6, 60
PROCESS_S = 8.0  # of timing in each process
NOISE = 0.01  # ratio of two sessions of the same file, alternating blocks, quiet machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--processes", type=int, default=7)
    options = parser.parse_args()
    requests = [
        ExportRequest(model, kind, WEIGHTS) for model in options.models for kind in options.format
    ]
    exports = ensure(requests, listen=lambda p: print(p.request.model, p.phase, file=sys.stderr))
    slower = False
    with tempfile.TemporaryDirectory() as work:
        for request, ours in exports.files.items():
            plain = Path(work, f"{request.model}.{request.format}")
            again("export", request.model, str(plain))
            ratios = []
            for process in range(options.processes):
                first = "ours" if process % 2 else "plain"
                ratios.append(json.loads(again("pair", str(ours.path), str(plain), first)))
            ratio = sorted(own / other for own, other in ratios)
            slower |= ratio[0] > 1.0 + NOISE
            print(
                f"{request.model:18} {request.format:6} "
                f"ours {median(own for own, _ in ratios) * 1e3:7.3f} ms  "
                f"plain {median(other for _, other in ratios) * 1e3:7.3f} ms  "
                f"ours/plain {median(ratio):.3f} [{ratio[0]:.3f}, {ratio[-1]:.3f}]",
                flush=True,
            )
    for request, failure in exports.failures.items():
        print(f"{request.model} {request.format}: {failure}", file=sys.stderr)
    return 1 if slower or exports.failures else 0


def again(*words: str) -> str:
    """The last line that this script prints in a fresh process."""
    command = [sys.executable, __file__, f"--{words[0]}", *words[1:]]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ran.stderr[-3000:]}")
    return ran.stdout.splitlines()[-1]


def export_plainly(model: str, file: Path) -> None:
    """What a person types first, of timm's module with the weights that ours has."""
    import torch

    from mnv4bench.models import baselines, build, weights

    built = build.build(model, weights.parse(WEIGHTS))
    net = built.net
    if catalog.definition(model).network:  # ours is written out; timm's has the same names
        net = baselines.create(catalog.arch(model))
        net.load_state_dict(built.net.state_dict(), strict=True)
    net.eval()
    example = (build.sample_input(built.input_px, seed=0, count=1),)
    if file.suffix == ".onnx":
        torch.onnx.export(net, example, str(file), dynamo=True, external_data=False)
    else:
        import litert_torch

        litert_torch.convert(net, example).export(str(file))
    print("done")


def pair(ours: Path, plain: Path, first: str) -> None:
    """Prints [ours, plain]: the medians in seconds per call, from alternating blocks."""
    files = {"ours": ours, "plain": plain}
    order = [first, *(name for name in files if name != first)]
    runs = {name: runnable(files[name]) for name in order}
    samples: dict[str, list[float]] = {name: [] for name in order}
    for run in runs.values():
        timed(run, WARM_UP_CALLS)
    per_pair = PER_BLOCK * sum(median(timed(run, PER_BLOCK)) for run in runs.values())
    blocks = int(min(MAX_BLOCKS, max(MIN_BLOCKS, PROCESS_S / per_pair)))
    for _ in range(blocks):
        for name, run in runs.items():
            samples[name] += timed(run, PER_BLOCK)
    print(json.dumps([median(samples["ours"]), median(samples["plain"])]))


def timed(run: Callable[[], object], calls: int) -> list[float]:
    durations = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        durations.append(time.perf_counter() - start)
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
    interpreter.set_tensor(wanted["index"], image(tuple(wanted["shape"])))
    return interpreter.invoke


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--export", model, file]:
            export_plainly(model, Path(file))
        case ["--pair", ours, plain, first]:
            pair(Path(ours), Path(plain), first)
        case _:
            sys.exit(main())

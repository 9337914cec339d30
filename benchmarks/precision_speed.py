"""How fast is each precision beside fp32, in the same format and runtime?

    python benchmarks/precision_speed.py [MODEL ...] [--format onnx tflite] [--processes 5]

Our artifacts of one model and format are loaded into one fresh process and timed as in
export_speed.py: one thread, alternating blocks of ten calls, the thread's processor time. A process
gives the ratio of each precision's median to fp32's; printed are the median and the range of that
ratio over the processes, which take turns in who is loaded first. Goal: below 1. The exit status is
1 where every process found a precision slower than fp32 by more than NOISE.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median

from export_speed import NOISE, WEIGHTS, again

from mnv4bench.export import ExportRequest, ensure, formats
from mnv4bench.models import catalog

FORMATS = ("onnx", "tflite")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=[row.model for row in catalog.entries()])
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--processes", type=int, default=5)
    options = parser.parse_args()
    slower = False
    print("| model | format | fp32, ms | precision over fp32 |\n|" + "---|" * 4)
    for model in options.models:
        for format in options.format:
            slower |= compare(model, format, options.processes)
    return int(slower)


def compare(model: str, format: str, processes: int) -> bool:
    """Print the table's row; whether a precision is slower than fp32 beyond doubt."""
    requests = [ExportRequest(model, format, WEIGHTS, one) for one in formats.PRECISIONS[format]]
    exports = ensure(requests)
    for request, failure in exports.failures.items():
        print(f"{model} {format} {request.precision}: {failure}", file=sys.stderr)
    files: dict[str, Path] = {one.precision: made.path for one, made in exports.files.items()}
    names = list(files)
    runs = []
    for process in range(processes):
        order = names[process % len(names) :] + names[: process % len(names)]
        runs.append(json.loads(again("--time", *(f"{name}={files[name]}" for name in order))))
    ratios = {
        name: sorted(run[name] / run["fp32"] for run in runs) for name in names if name != "fp32"
    }
    said = ", ".join(
        f"{name} {median(each):.2f} [{each[0]:.2f}, {each[-1]:.2f}]"
        for name, each in ratios.items()
    )
    base = median(run["fp32"] for run in runs) * 1e3
    print(f"| {model} | {format} | {base:.2f} | {said} |", flush=True)
    return any(each[0] > 1 + NOISE for each in ratios.values())


if __name__ == "__main__":
    sys.exit(main())

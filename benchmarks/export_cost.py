"""What exporting costs: the default set into an empty cache, then again from it, and the memory.

    python benchmarks/export_cost.py [MODEL ...] [--format tflite] [--precision fp32]

Runs the program as a user does, with a cache and an output folder that are thrown away. Goals: the
second time under 1 s in all; no exporting process over 6 GB.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

from mnv4bench import units
from mnv4bench.models import catalog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=catalog.DEFAULT_MODELS)
    parser.add_argument("--format", default="tflite")
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "mnv4bench", "export", *options.models),
            *("--format", options.format, "--precision", options.precision),
            *("--output", f"{folder}/exported"),
        ]
        environment = {**os.environ, "MNV4BENCH_CACHE": f"{folder}/cache"}
        cold, warm = seconds(command, environment), seconds(command, environment)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{len(options.models)} models to {options.format} in {options.precision}: cold "
        f"{cold:.1f} s, from the cache {warm:.2f} s; the largest process {units.size(largest)}"
    )


def seconds(command: list[str], environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

"""How much base over head scatters from process to process, by the way that two sides are timed.

The same file on both sides, so the true ratio is 1 and what is left is noise: in one process (what
the gate does with one interpreter), in two processes that take turns block by block (with two), and
in two processes one after the other (what is left where nothing else can be done, as on phones).
The three take turns, so that the machine is the same to all of them.

    python benchmarks/gate_environments.py FILE --base-env ./venv-a --head-env ./venv-b --count 40

Two environments with the same packages give the noise; with different ones, the difference too.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from math import exp, log
from pathlib import Path

from mnv4bench import profiles
from mnv4bench.bench.gating import GATE_TIMING
from mnv4bench.devices import Options, Session, host, open_runner, pairing
from mnv4bench.devices.interpreter import Interpreter, ask
from mnv4bench.errors import BenchError
from mnv4bench.export.own import file as own_file
from mnv4bench.records import Paired


def ratio_of(paired: Paired) -> float:
    """A process's one number, as the gate has it: the logarithm of head over base."""
    pairs = zip(paired.base_s, paired.head_s, strict=True)
    return statistics.median(log(head / base) for base, head in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--base-env", required=True)
    parser.add_argument("--head-env", required=True)
    parser.add_argument("--count", type=int, default=40, help="processes (or pairs) of each way")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    exported = own_file.open_file(words.file)
    device = "host-cpu" if exported.artifact.format == "tflite" else "host-ort-cpu"
    from msgspec.structs import replace

    profile = replace(profiles.load(device), threads=words.threads)

    def session(python: Interpreter) -> Session:
        runner = open_runner(profile, Options(python=python))
        return runner.install(exported.path, exported.artifact)

    needed = (*host.NEEDED, "ai-edge-litert", "onnxruntime")
    base_python = ask(words.base_env, "--base-env", needed)
    head_python = ask(words.head_env, "--head-env", needed)
    base, head = session(base_python), session(head_python)
    with_base = session(base_python)
    ways = {
        "one process": lambda first: base.beside(with_base, GATE_TIMING, base_first=first),
        "two, block by block": lambda first: base.beside(head, GATE_TIMING, base_first=first),
        "two, in turn": lambda first: pairing.in_turn(base, head, GATE_TIMING, base_first=first),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    blocks: dict[str, int] = {}
    for number in range(words.count):
        for way in random.sample(list(ways), len(ways)):
            try:
                paired = ways[way](number % 2 == 0)
            except BenchError as error:
                print(f"{way}: {error}", file=sys.stderr)
                return 3
            found[way].append(ratio_of(paired))
            blocks[way] = len(paired.base_s)
    print(
        f"{words.file.name} on {device}: {dict(base_python.packages)} {dict(head_python.packages)}"
    )
    print("way                     processes  blocks  head/base  scatter %  scatter by quartiles %")
    for way, values in found.items():
        low, _, high = statistics.quantiles(values, n=4)
        robust = (high - low) / 1.349  # of a normal distribution: its standard deviation
        print(
            f"{way:22s} {len(values):10d} {blocks[way]:7d} {exp(statistics.median(values)):10.4f} "
            f"{statistics.stdev(values) * 100:10.2f} {robust * 100:12.2f}"
        )
    if words.out:
        words.out.write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

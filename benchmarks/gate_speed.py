"""How long a gate takes in which nothing changed: MNv4-Conv-S, LiteRT, default power.

The whole process as a user starts it, from the command to its verdict. Head is base's file with one
byte more behind its end, which no reader looks at: so the files differ and the work does not.

Run from the repository: python benchmarks/gate_speed.py [GATES]
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "mnv4-conv-s"
GOAL_S = 60
PROGRAM = (sys.executable, "-m", "mnv4bench")


def main() -> None:
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [*PROGRAM, "export", MODEL, "--device", "host-cpu", "--output", folder], check=True
        )
        (base,) = folder.glob("*.tflite")
        head = folder / "head.tflite"
        head.write_bytes(base.read_bytes() + b"\0")
        for _ in range(gates):
            begun = time.perf_counter()
            ran = subprocess.run(
                [*PROGRAM, "gate", "--base", base, "--head", head, "--json"],
                stdout=subprocess.PIPE,
                check=False,
            )
            seconds.append(time.perf_counter() - begun)
            (pair,) = json.loads(ran.stdout)["pairs"]
            print(
                f"{pair['verdict']}: ratio {pair['ratio']:.4f}, {pair['processes']} processes, "
                f"{seconds[-1]:.1f} s"
            )
    print(
        f"{gates} gates of {MODEL}: {statistics.median(seconds):.1f} s in the middle, "
        f"{max(seconds):.1f} s at most (goal: under {GOAL_S} s)"
    )


if __name__ == "__main__":
    main()

"""`mnv4bench --help` against `python -c "import typer, rich"`, in alternating runs of one session.

Run from the repository: python benchmarks/startup.py [RUNS]
"""

import statistics
import subprocess
import sys
import time

OURS = [sys.executable, "-m", "mnv4bench", "--help"]
BASE = [sys.executable, "-c", "import typer, rich"]


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds(OURS), seconds(BASE)
    pairs = [(seconds(OURS), seconds(BASE)) for _ in range(runs)]
    ratios = sorted(ours / base for ours, base in pairs)
    print(
        f"mnv4bench --help {statistics.median(p[0] for p in pairs):.3f} s, "
        f"import typer, rich {statistics.median(p[1] for p in pairs):.3f} s, "
        f"ratio {statistics.median(ratios):.2f} "
        f"[{ratios[0]:.2f}..{ratios[-1]:.2f}] over {runs} pairs (goal: at most 1.5)"
    )


if __name__ == "__main__":
    main()

"""Time and memory of getting data out of a store that grows: 100 and 1,000 reports.

Each report holds 20 measurements of 6 invocations with 60 samples (reading_scale). `show` writes
each table as CSV and as Parquet; `mnv4bench.load` makes each frame. Beside them stands reading
alone: the same reports, decoded and forgotten.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reading_scale import MEASUREMENTS, write_store

KINDS = ("measurements", "invocations", "samples")
READ = (
    "from mnv4bench import store\nimport sys\nfor _ in store.walk([store.Path(sys.argv[1])]): pass"
)
LOAD = "import sys, mnv4bench\nmnv4bench.load(sys.argv[1], rows=sys.argv[2])"


def run(*words: object) -> tuple[float, float]:
    """(wall seconds, peak MB) of a whole Python process."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, (words, status)
    return time.perf_counter() - begun, usage.ru_maxrss / 1024  # Linux: kilobytes


def main() -> None:
    print(f"{'measurements':>12} {'what':<28} {'wall s':>7} {'peak MB':>8} {'file MB':>8}")
    for reports in (100, 1000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "reports")
            folder.mkdir()
            write_store(folder, reports)

            def say(what: str, taken: tuple[float, float], file: Path | None, count: int) -> None:
                size = f"{file.stat().st_size / 1e6:8.1f}" if file else ""
                print(f"{count:>12,} {what:<28} {taken[0]:7.2f} {taken[1]:8.0f} {size}", flush=True)

            count = reports * MEASUREMENTS
            say("read and forget", run("-c", READ, folder), None, count)
            for kind in KINDS:
                for suffix in ("csv", "parquet"):
                    out = Path(name, f"{kind}.{suffix}")
                    words = ("-m", "mnv4bench", "show", folder, "--out", out, "--rows", kind)
                    say(f"show, {kind}, {suffix}", run(*words), out, count)
                    out.unlink()
                say(f"load, {kind}", run("-c", LOAD, folder, kind), None, count)


if __name__ == "__main__":
    main()

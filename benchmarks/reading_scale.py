"""Time and memory of `mnv4bench pareto` over a store that grows: 250, 500, 1000 reports.

Each report holds 20 measurements of 6 invocations with 60 samples, about what `run` writes.

"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench import codec
from mnv4bench.models import catalog
from tests.sample_reports import artifact, measurement, report, samples

MEASUREMENTS, INVOCATIONS, SAMPLES = 20, 6, 60


def write_store(directory: Path, reports: int) -> int:
    """The bytes written."""
    rng = random.Random(0)
    models = [entry.model for entry in catalog.entries()]
    names = [*models, *(f"{model}-b" for model in models)][:MEASUREMENTS]
    written = 0
    for number in range(reports):
        measurements = []
        for index, name in enumerate(names):
            centre = 0.001 * (index + 1)
            measurements.append(
                measurement(
                    artifact=replace(artifact(name), sha256=f"{number * 100 + index:064x}"),
                    invocations=tuple(
                        samples(
                            round,
                            *(round_to_ns(rng.gauss(centre, centre / 50)) for _ in range(SAMPLES)),
                        )
                        for round in range(INVOCATIONS)
                    ),
                )
            )
        made = report(
            *measurements,
            name=f"r{number:05d}",
            started_at=f"2026-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}T00:00:00+00:00",
        )
        data = codec.encode_report(made)
        (directory / f"{made.report}.json").write_bytes(data)
        written += len(data)
    return written


def round_to_ns(seconds: float) -> float:
    return round(seconds, 9)


def run(directory: Path) -> tuple[float, float]:
    """(wall seconds, peak MB) of the whole process."""
    command = [sys.executable, "-m", "mnv4bench", "pareto", str(directory), "--out"]
    command.append(str(directory / "front"))
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, status
    return wall, usage.ru_maxrss / 1024  # Linux: kilobytes


def main() -> None:
    print(f"{'reports':>8} {'MB':>6} {'wall s (best of 3)':>20} {'peak MB':>8}")
    for reports in (1, 250, 500, 1000):
        with tempfile.TemporaryDirectory() as folder:
            written = write_store(Path(folder), reports)
            runs = [run(Path(folder)) for _ in range(3)]
            wall, memory = min(r[0] for r in runs), max(r[1] for r in runs)
            print(f"{reports:>8} {written / 1e6:>6.1f} {wall:>20.2f} {memory:>8.0f}", flush=True)


if __name__ == "__main__":
    main()

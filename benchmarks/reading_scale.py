"""Time and memory of the reading verbs over stores that grow.

`pareto` over 250, 500 and 1,000 reports of 20 measurements with 6 invocations of 60 samples, about
what `run` writes; then every verb over 10,000 and 100,000 small reports (`small` as the first
argument: those alone), as a CI makes them over years: 17 models on 5 devices, 3 invocations of 5
samples each. Memory is that of the largest process.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench import codec
from mnv4bench.models import catalog
from tests.sample_reports import PROFILE, artifact, measurement, report, samples

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


VERBS = {
    "show": (),
    "show --json": ("--json",),
    "show --format csv": ("--format", "csv"),
    "pareto": ("--out", "front"),
    "pareto --universality": ("--universality", "--out", "front"),
    "history": ("--out", "front"),
    "report": ("--out", "page.html"),
}
DEVICES = 5


def write_small(directory: Path, reports: int) -> int:
    """The bytes written: one measurement each, in folders of a thousand."""
    rng = random.Random(0)
    names = [entry.model for entry in catalog.entries()]
    begun = datetime(2020, 1, 1, tzinfo=UTC)
    written = 0
    for number in range(reports):
        model, device = names[number % len(names)], number // len(names) % DEVICES
        centre = 0.001 * (1 + number % len(names)) * (1 + device)
        at = (begun + number * timedelta(minutes=20)).isoformat()
        made = report(
            measurement(
                model,
                invocations=tuple(
                    samples(
                        round,
                        *(round_to_ns(rng.gauss(centre, centre / 50)) for _ in range(5)),
                        started_at=at,
                    )
                    for round in range(3)
                ),
            ),
            name=f"r{number:06d}",
            started_at=at,
            profile=replace(PROFILE, device=f"device-{device}"),
        )
        data = codec.encode_report(made)
        folder = directory / f"{number // 1000:03d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{made.report}.json").write_bytes(data)
        written += len(data)
    return written


def run(directory: Path, verb: str = "pareto") -> tuple[float, float]:
    """(wall seconds, peak MB) of the whole process."""
    with tempfile.TemporaryDirectory() as elsewhere:
        return _run(directory, verb, elsewhere)


def _run(directory: Path, verb: str, elsewhere: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "mnv4bench", verb.split()[0], str(directory), *VERBS[verb]]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=elsewhere)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, status
    return wall, usage.ru_maxrss / 1024  # Linux: kilobytes


def main() -> None:
    if sys.argv[1:] != ["small"]:
        large()
    small()


def small() -> None:
    print(f"{'reports':>8} {'MB':>6} {'verb':<24} {'wall s':>8} {'peak MB':>8}")
    for reports in (10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            written = write_small(Path(folder), reports)
            for verb in VERBS:
                wall, memory = run(Path(folder), verb)
                row = f"{reports:>8,} {written / 1e6:>6.1f} {verb:<24} {wall:>8.1f} {memory:>8.0f}"
                print(row, flush=True)


def large() -> None:
    print(f"{'reports':>8} {'MB':>6} {'wall s (best of 3)':>20} {'peak MB':>8}")
    for reports in (1, 250, 500, 1000):
        with tempfile.TemporaryDirectory() as folder:
            written = write_store(Path(folder), reports)
            runs = [run(Path(folder)) for _ in range(3)]
            wall, memory = min(r[0] for r in runs), max(r[1] for r in runs)
            print(f"{reports:>8} {written / 1e6:>6.1f} {wall:>20.2f} {memory:>8.0f}", flush=True)


if __name__ == "__main__":
    main()

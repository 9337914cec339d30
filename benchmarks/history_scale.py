"""Time and memory of `mnv4bench history` over a store that grows: 100, 1,000 and 10,000 reports.

Each report holds 5 measurements of 6 invocations with 60 samples, one night after the other; every
model changes by 5 % three times, and the runtime is another one from the middle on.

"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench import codec
from mnv4bench.models import catalog
from tests.sample_reports import ENVIRONMENT, artifact, measurement, report, samples

MEASUREMENTS, INVOCATIONS, SAMPLES = 5, 6, 60
BEGUN = datetime(1999, 1, 1, tzinfo=UTC)


def write_store(directory: Path, reports: int) -> int:
    """The bytes written."""
    rng = random.Random(0)
    names = [entry.model for entry in catalog.entries()][:MEASUREMENTS]
    within = [exp(rng.gauss(0, 0.01)) for _ in range(SAMPLES)]
    written = 0
    for number in range(reports):
        at = BEGUN + timedelta(days=number)
        share = number / reports
        made = []
        for index, name in enumerate(names):
            level = 0.001 * (index + 1) * 1.05 ** sum(share >= step for step in (0.2, 0.4, 0.8))
            level *= exp(rng.gauss(0, 0.02))
            made.append(
                measurement(
                    artifact=artifact(name),
                    invocations=tuple(
                        samples(
                            round_number,
                            *(round(level * shift * one, 9) for one in within),
                            started_at=at.isoformat(),
                        )
                        for round_number in range(INVOCATIONS)
                        for shift in [exp(rng.gauss(0, 0.005))]
                    ),
                )
            )
        environment = replace(
            ENVIRONMENT,
            commit=f"{rng.getrandbits(160):040x}",
            runtime_version="2.2.0" if share < 0.5 else "2.3.0",
        )
        whole = report(
            *made,
            name=f"{at:%Y%m%dT%H%M%SZ}-host-cpu-{number:05d}",
            environment=environment,
            started_at=at.isoformat(),
        )
        data = codec.encode_report(whole)
        (directory / f"{whole.report}.json").write_bytes(data)
        written += len(data)
    return written


def run(directory: Path) -> tuple[float, float, int]:
    """(wall seconds, peak MB of the main process, change points) of the whole program."""
    command = [sys.executable, "-m", "mnv4bench", "history", str(directory), "--out"]
    command.append(str(directory / "drawn" / "history"))
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, status
    found = json.loads((directory / "drawn" / "history.json").read_text())
    changes = sum(len(one["changes"]) for one in found["series"])
    (directory / "drawn" / "history.json").unlink()
    return wall, usage.ru_maxrss / 1024, changes  # Linux: kilobytes


def main() -> None:
    planted = 3 * MEASUREMENTS
    print(f"{'reports':>8} {'MB':>6} {'wall s (best of 3)':>20} {'peak MB':>8} {'changes':>10}")
    for reports in (100, 1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            written = write_store(Path(folder), reports)
            runs = [run(Path(folder)) for _ in range(3)]
            wall, memory = min(r[0] for r in runs), max(r[1] for r in runs)
            changes = f"{runs[0][2]} of {planted}"
            row = f"{reports:>8} {written / 1e6:>6.1f} {wall:>20.2f} {memory:>8.0f} {changes:>10}"
            print(row, flush=True)


if __name__ == "__main__":
    main()

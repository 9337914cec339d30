"""Every model in every format and precision: exported, checked, and written down as a table.

    python benchmarks/export_matrix.py [MODEL ...] [--format FORMAT ...] > docs/formats.md

Each cell is what the artifact says of itself: its size, and how near its outputs are to torch's in
fp32 (signal over noise in decibels; for Core ML, which runs on a Mac alone, how near its weights
are). A file that was refused stands there with the reason. All with random weights and synthetic
calibration: this tells exporters apart, and says nothing about the accuracy of trained networks.
"""

import argparse
import resource
import sys
import time

from mnv4bench import units
from mnv4bench.errors import BenchError
from mnv4bench.export import ExportRequest, ensure, formats
from mnv4bench.models import catalog
from mnv4bench.records import Artifact

WEIGHTS = "random"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=[one.model for one in catalog.entries()])
    parser.add_argument("--format", nargs="+", choices=list(formats.PRECISIONS))
    options = parser.parse_args()
    pairs = [
        (format, precision)
        for format, precisions in formats.PRECISIONS.items()
        for precision in precisions
        if format in (options.format or formats.PRECISIONS)
    ]
    requests = [
        ExportRequest(model, format, WEIGHTS, precision)
        for model in options.models
        for format, precision in pairs
    ]
    begun = time.monotonic()
    exports = ensure(
        requests,
        listen=lambda p: print(
            f"{p.request.model} {p.request.format} {p.request.precision} {p.phase} {p.seconds:.1f}",
            file=sys.stderr,
        ),
    )
    seconds = time.monotonic() - begun
    print("| model | " + " | ".join(f"{format} {precision}" for format, precision in pairs) + " |")
    print("|---" * (len(pairs) + 1) + "|")
    reasons: list[str] = []
    for model in options.models:
        cells = []
        for format, precision in pairs:
            request = ExportRequest(model, format, WEIGHTS, precision)
            if request in exports.files:
                cells.append(cell(exports.files[request].artifact))
            else:
                cells.append(f"refused ({len(reasons) + 1})")
                reasons.append(reason(exports.failures[request]))
        print(f"| {model} | " + " | ".join(cells) + " |")
    print()
    for number, text in enumerate(reasons, 1):
        print(f"{number}. {text}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{len(exports.files)} files and {len(exports.failures)} refusals in {seconds:.0f} s; the "
        f"largest exporting process took {units.size(peak)}",
        file=sys.stderr,
    )


def cell(artifact: Artifact) -> str:
    size = units.size(artifact.size_bytes)
    if artifact.parity is not None:
        return f"{size}, {units.decibels(artifact.parity.sqnr_db)}"
    assert artifact.structure is not None
    return f"{size}, weights within {artifact.structure.max_weight_error:.1e}"


def reason(error: BenchError) -> str:
    return " ".join(error.what.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()

"""Table 6 of the MobileNetV4 paper: 25 models on 7 devices, as published.

The file ``published.csv`` keeps the table's form: one row a model, one column a device, times in
milliseconds as printed, "failed" where the paper says so and "not_benchmarked" for its dashes.

Knows: the table, our ids for its rows and columns. Does not know: measurements of ours, fronts.
Input sizes are the paper's for MobileNetV4 and follow from model names and MACs for the others,
because Table 6 itself does not print them. EfficientViT is MIT's throughout (arXiv:2205.14756).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal

from mnv4bench.records import Precision, PublishedLatency

CITATION = "arXiv:2404.10518v2 Table 6"

# Columns of the table with the precision that each was measured in (the paper's Appendix B).
DEVICES: dict[str, Precision] = {
    "pixel6-cpu": "int8",  # TFLite, XNNPACK
    "pixel8-edgetpu": "int8",  # TFLite
    "iphone13-ane": "fp16",  # Core ML
    "pixel4-hexagon": "int8",  # TFLite
    "pixel7-gpu": "fp16",  # TFLite
    "s23-cpu": "int8",  # TFLite, XNNPACK
    "s23-gpu": "fp16",  # TFLite
}


@cache
def table() -> tuple[PublishedLatency, ...]:
    """All 175 cells, the paper's order: model by model, in each the seven devices."""
    lines = Path(__file__).with_name("published.csv").read_text("utf-8").splitlines()
    return tuple(
        _cell(row, device, precision)
        for row in csv.DictReader(lines)
        for device, precision in DEVICES.items()
    )


def _cell(row: dict[str, str], device: str, precision: Precision) -> PublishedLatency:
    printed = row[device]
    status: Literal["ok", "failed", "not_benchmarked"] = "ok"
    latency_s = printed_to_s = None
    match printed:
        case "failed" | "not_benchmarked":
            status = printed
        case _:  # read as decimal text: 2.4 ms is the double nearest to 0.0024, not 2.4 / 1000
            latency_s = float(f"{printed}e-3")
            printed_to_s = float(f"1e{-3 - len(printed.partition('.')[2])}")
    return PublishedLatency(
        model=row["model"],
        family=row["family"],
        device=device,
        status=status,
        latency_s=latency_s,
        printed_to_s=printed_to_s,
        top1=float(row["top1"]),
        input_px=int(row["input_px"]),
        precision=precision,
        citation=CITATION,
        confidence=row["confidence"],
    )

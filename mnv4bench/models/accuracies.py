"""ImageNet-1k top-1 of the catalog's models, each with its training and its citation.

Two published sources, kept apart: the paper's Table 6, and timm's results file, which evaluates
timm's public checkpoints. ``accuracies.csv`` marks one row a model and source as the default: for
timm the plain ImageNet-1k training, without distillation or extra images, at the catalog's
input size. The other rows serve whoever brings that very checkpoint.

Knows: published figures. Does not know: accuracies measured here, files, torch.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal, cast

from mnv4bench.records import Accuracy, Weights


@cache
def _rows() -> dict[str, tuple[tuple[Accuracy, bool], ...]]:
    """model -> (accuracy, whether it is its source's default), the file's order."""
    lines = Path(__file__).with_name("accuracies.csv").read_text("utf-8").splitlines()
    found: dict[str, tuple[tuple[Accuracy, bool], ...]] = {}
    for row in csv.DictReader(lines):
        accuracy = Accuracy(
            top1=float(row["top1"]),
            source=cast(Literal["paper", "timm"], row["source"]),
            weights=row["weights"],
            input_px=int(row["input_px"]),
            citation=row["citation"],
        )
        found[row["model"]] = (*found.get(row["model"], ()), (accuracy, row["default"] == "yes"))
    return found


def of(model: str) -> tuple[Accuracy, ...]:
    """All published accuracies of ``model``: default rows first (paper, timm), then by top-1.

    Empty for a model without any, such as ``timm:NAME`` or a user's own file.
    """
    return tuple(
        accuracy
        for accuracy, _ in sorted(
            _rows().get(model, ()),
            key=lambda row: (not row[1], row[0].source != "paper", -row[0].top1),
        )
    )


def default(model: str, source: Literal["paper", "timm"]) -> Accuracy | None:
    """The accuracy that stands for the architecture in ``source``, or None if it lists none."""
    for accuracy, is_default in _rows().get(model, ()):
        if is_default and accuracy.source == source:
            return accuracy
    return None


def choose(
    model: str, input_px: int | None, source: Literal["paper", "timm"], weights: Weights
) -> Accuracy | None:
    """The published accuracy that an artifact may be drawn with, or None: unknown.

    A timm checkpoint has its own row, which only the source "timm" shows. Random weights stand
    for the architecture, so they take the source's default row. Weights that a user brought have
    no published accuracy. A row counts only at the artifact's own input size.
    """
    match weights.kind:
        case "timm":
            own = [row for row in of(model) if row.weights == weights.detail]
            rows = [row for row in own if row.source == source]
        case "random":
            row = default(model, source)
            rows = [row] if row else []
        case "file" | "own":
            rows = []
    return next((row for row in rows if row.input_px == input_px), None)

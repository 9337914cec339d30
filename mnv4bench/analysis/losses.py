"""What a model that takes less time may have paid for it: its accuracy, its place on the chip.

Knows: which of two placements is worth more, and evaluations of two files on the same images. Does
not know: latencies, what a verdict becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mnv4bench.analysis.accuracy import compare
from mnv4bench.findings import Comparison
from mnv4bench.records import UNREADABLE, Evaluation, Verdict

_WORTH: dict[Verdict, int] = {"full": 2, "partial": 1, "none": 0, "unproven": 0}

Evaluations = Mapping[str, Sequence[Evaluation]]  # the finished ones of each file, by digest


class Judged(NamedTuple):
    """Of two files: both on the same images where they were, and the evaluation of each."""

    comparison: Comparison | None
    before: Evaluation | None
    after: Evaluation | None


def remarks(
    second: str,
    placements: tuple[Verdict, Verdict],
    accuracy: Comparison | None,
    *,
    say_unknown: bool,
) -> Iterator[tuple[str, bool]]:
    """(what a reader must know beside the ratio, whether ``second`` has lost something by it)."""
    before, after = placements
    if _WORTH[before] != _WORTH[after]:
        yield f"placement went from {before} to {after}", _WORTH[after] < _WORTH[before]
    if accuracy is not None:
        if accuracy.high < 0:
            yield f"{second} is less accurate on the same images", True
        elif accuracy.low > 0:
            yield f"{second} is more accurate on the same images", False
    elif say_unknown:
        yield "the files differ; their accuracies were not measured on the same images", False


def on_same_images(first: str, second: str, evaluations: Evaluations) -> Judged:
    """The accuracies of two files, by their digests; of several data sets that of most images."""

    def worth(one: Evaluation) -> tuple[int, str]:
        return (len(one.ranks), one.started_at)

    mine, theirs = (
        {one.dataset.sha256: one for one in sorted(evaluations.get(digest, ()), key=worth)}
        for digest in (first, second)
    )
    common = [mine[one] for one in mine if one in theirs and _images(mine[one], theirs[one])]
    if common:
        before = max(common, key=worth)
        after = theirs[before.dataset.sha256]
        return Judged(None if first == second else compare(before, after), before, after)
    return Judged(
        None,
        max(mine.values(), key=worth, default=None),
        max(theirs.values(), key=worth, default=None),
    )


def _images(first: Evaluation, second: Evaluation) -> bool:
    """Whether any image could be read for both."""
    pairs = zip(first.ranks, second.ranks, strict=False)
    return any(UNREADABLE not in pair for pair in pairs)

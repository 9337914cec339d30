"""Evaluations in figures: top-1 and top-5 with intervals, and two artifacts on the same images.

Knows: proportions and paired proportions. Does not know: how images were ranked, files, fronts.
Confidences and p-values are fractions; accuracies and their differences are percent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import sqrt

from mnv4bench.analysis.stats import INTERVAL_CONFIDENCE
from mnv4bench.findings import Comparison, Evaluated, Skipped
from mnv4bench.records import UNREADABLE, Artifact, Evaluation

# The normal quantile of a two-sided interval at INTERVAL_CONFIDENCE.
Z = 1.959963984540054
TOP = 5


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a proportion, as fractions: Wilson's score interval (1927).

    Closed, inside 0..1, and on average as confident as it says, at few images and near 0 and 1 too
    (Brown, Cai and DasGupta 2001, Stat. Sci. 16, 101); Clopper and Pearson's never falls short
    and is wider for it.
    """
    if not count:
        raise ValueError("the interval of a proportion of nothing was asked for")
    share, squared = right / count, Z * Z
    middle = share + squared / (2 * count)
    reach = Z * sqrt(share * (1 - share) / count + squared / (4 * count * count))
    whole = 1 + squared / count
    # At the ends the interval is closed exactly; rounding would put it a hair outside.
    low = 0.0 if right == 0 else (middle - reach) / whole
    high = 1.0 if right == count else (middle + reach) / whole
    return low, high


def paired_interval(only_first: int, only_second: int, count: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two paired proportions, second less first.

    Bonett and Price (2012, J. Educ. Behav. Stat. 37, 479): Wald's, with an image added to each
    of the two kinds of disagreement; Fagerland et al. (2014, Stat. Med. 33, 2850) recommend it.
    """
    first, second = (only_first + 1) / (count + 2), (only_second + 1) / (count + 2)
    difference = second - first
    reach = Z * sqrt((first + second - difference**2) / (count + 2))
    return max(difference - reach, -1.0), min(difference + reach, 1.0)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's test, from the binomial distribution, in exact integers.

    Twice P(Binomial(n, 1/2) <= smaller) of the n images that only one of the two got right, at
    most 1; 1 when there are none.
    """
    count, smaller = only_first + only_second, min(only_first, only_second)
    term = tail = 1  # comb(count, 0), and the sum so far
    for k in range(1, smaller + 1):
        term = term * (count - k + 1) // k
        tail += term
    return min(1.0, 2 * tail / (1 << count))


def choose(evaluations: Iterable[Evaluated]) -> tuple[dict[str, Evaluated], tuple[Skipped, ...]]:
    """The evaluation that stands for each artifact, by digest, and those that do not.

    That on the data set of most artifacts, so that as many as can be are compared on the same
    images; then that on the most images; of equal ones the latest.
    """
    found = list(evaluations)
    pairs = {(one.dataset_sha256, one.artifact_sha256) for one in found}
    artifacts = Counter(dataset for dataset, _ in pairs)

    def worth(one: Evaluated) -> tuple[int, int, str, str]:
        return (artifacts[one.dataset_sha256], one.images, one.evaluated_at, one.path)

    chosen: dict[str, Evaluated] = {}
    skipped = []
    for one in sorted(found, key=worth):
        if loser := chosen.get(one.artifact_sha256):
            reason = f"{one.path}, on {one.images} images of {one.dataset}, stands for the file"
            skipped.append(Skipped(path=loser.path, reason=reason))
        chosen[one.artifact_sha256] = one
    return chosen, tuple(skipped)


def summarise(evaluation: Evaluation, path: str = "") -> Evaluated:
    """The evaluation in figures. It must be sealed, and some image must have been readable."""
    artifact, environment = evaluation.artifact, evaluation.environment
    ranks = [rank for rank in evaluation.ranks if rank != UNREADABLE]
    count = len(ranks)
    right1, right5 = ranks.count(0), sum(rank < TOP for rank in ranks)
    low1, high1 = wilson(right1, count)
    low5, high5 = wilson(right5, count)
    several = evaluation.classes > TOP
    runtime = " ".join(filter(None, (environment.runtime_name, environment.runtime_version)))
    return Evaluated(
        path=path,
        artifact_sha256=artifact.sha256,
        model=artifact.model,
        family=artifact.family,
        format=artifact.format,
        precision=artifact.precision,
        weights=artifact.weights,
        calibration=artifact.calibration.text if artifact.calibration else None,
        dataset=evaluation.dataset.name,
        dataset_sha256=evaluation.dataset.sha256,
        numbering=evaluation.dataset.numbering,
        images=count,
        unreadable=evaluation.unreadable,
        classes=evaluation.classes,
        top1=100 * right1 / count,
        top1_low=100 * low1,
        top1_high=100 * high1,
        top5=100 * right5 / count if several else None,
        top5_low=100 * low5 if several else None,
        top5_high=100 * high5 if several else None,
        confidence=INTERVAL_CONFIDENCE,
        preprocessing=evaluation.preprocessing,
        runtime=runtime,
        evaluated_at=evaluation.finished_at or evaluation.started_at,
    )


def answers(evaluation: Evaluation) -> bytes:
    """Of each image, in the data set's order: 1 where the file was right, 0 wrong, 2 unreadable.

    As ``resampling`` draws them.
    """
    return bytes(2 if rank == UNREADABLE else int(rank == 0) for rank in evaluation.ranks)


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Both on the images that could be read for both; they must be of the same data set."""
    assert first.dataset.sha256 == second.dataset.sha256
    pairs = [
        (one == 0, other == 0)
        for one, other in zip(first.ranks, second.ranks, strict=True)
        if UNREADABLE not in (one, other)
    ]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    low, high = paired_interval(only_first, only_second, len(pairs))
    names = [_name(one.artifact) for one in (first, second)]
    if names[0] == names[1]:
        names = [
            f"{name} {one.artifact.sha256[:8]}"
            for name, one in zip(names, (first, second), strict=True)
        ]
    return Comparison(
        first=names[0],
        second=names[1],
        images=len(pairs),
        both_right=pairs.count((True, True)),
        only_first=only_first,
        only_second=only_second,
        neither=pairs.count((False, False)),
        difference=100 * (only_second - only_first) / len(pairs),
        low=100 * low,
        high=100 * high,
        confidence=INTERVAL_CONFIDENCE,
        p_value=mcnemar(only_first, only_second),
    )


def _name(artifact: Artifact) -> str:
    return f"{artifact.model} {artifact.format} {artifact.precision}"

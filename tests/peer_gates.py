"""Rules by which people gate on latency today, each at its defaults, for many gates at once.

Each takes times of shape (gates, processes, blocks) of base and of head and says for each gate
whether it alarms that head is slower. Written from the sources named, no line taken from them. All
but the first two are asked two-sided, as their tools ask, and alarm on the slower side alone.
"""

from __future__ import annotations

from math import erfc, lgamma, pi, sqrt

import numpy as np


def previous_and_5_percent(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The mean of one run over that of the run before, above 1.05.

    pytest-benchmark's ``--benchmark-compare-fail=mean:5%``; github-action-benchmark's alert
    threshold, of 200 % by default, set to 105 %.
    """
    return head[:, 0].mean(1) > 1.05 * base[:, 0].mean(1)


def static_3_percent(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The same at 3 %, with the best of a run in place of its mean (rustc-perf keeps minima)."""
    return head[:, 0].min(1) > 1.03 * base[:, 0].min(1)


def google_benchmark(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Mann and Whitney's U on the repetitions of one process, two-sided, p < 0.05.

    google/benchmark, tools/gbench/report.py: scipy's mannwhitneyu, utest_alpha 0.05; nine or more
    repetitions are recommended, and repetitions run within one process.
    """
    p, slower = mann_whitney(base[:, 0], head[:, 0])
    return (p < 0.05) & slower


def asv(base: np.ndarray, head: np.ndarray, factor: float = 1.1) -> np.ndarray:
    """Medians apart by the factor, and U on the samples of two processes at p < 0.002.

    airspeed-velocity: ``asv continuous --factor`` is 1.1; asv/statistics.py, is_different, has
    p_threshold 0.002; two processes a benchmark, ten samples each.
    """
    before, after = (side[:, :2, :10].reshape(len(side), -1) for side in (base, head))
    p, slower = mann_whitney(before, after)
    apart = np.median(after, 1) > factor * np.median(before, 1)
    return apart & (p < 0.002) & slower


def asv_at_3_percent(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """asv with the factor set to what is to be found."""
    return asv(base, head, 1.03)


def bencher_t_test(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """One new run above the 0.99 quantile of Student's t about the mean of the runs before.

    bencherdev/bencher, lib/bencher_boundary: StudentsT(mean, standard deviation over n, n - 1), an
    upper boundary of 0.99 as in its documentation, at most 64 runs of history.
    """
    history, new = base.mean(2)[:, -64:], head[:, 0].mean(1)
    limit = student_quantile(0.99, history.shape[1] - 1)
    return new > history.mean(1) + limit * history.std(1)


def otava(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """One step of E-divisive over all runs of base and then of head, and a t-test at p < 0.001.

    apache/otava (Hunter; Fleming et al. 2023, doi 10.1145/3578244.3583719): the split of largest
    energy distance (Matteson and James 2014), then Student's t on both parts, two-sided, p < 0.001,
    no least magnitude. Its window slides over a history; here it is the whole series.
    """
    series = np.concatenate([base.mean(2), head.mean(2)], 1)
    count = series.shape[1]
    distances = np.abs(series[:, :, None] - series[:, None, :])
    # within[k]: of all pairs of the first k values; total - ...: of the others.
    corner = np.cumsum(np.cumsum(distances, 1), 2)
    at = np.arange(1, count)  # the second part begins here
    left = corner[:, at - 1, at - 1] / 2
    across = corner[:, at - 1, -1] - 2 * left
    right = (corner[:, -1, -1][:, None] - 2 * across - 2 * left) / 2
    n, m = at, count - at
    with np.errstate(divide="ignore", invalid="ignore"):
        q = 2 / count * across
        q = q - np.where(n > 1, 2 * m / count / (n - 1) * left, 0)
        q = q - np.where(m > 1, 2 * n / count / (m - 1) * right, 0)
    split = np.argmax(q, 1)[:, None] + 1
    first = np.arange(count) < split
    n1, n2 = first.sum(1), (~first).sum(1)
    mean1 = (series * first).sum(1) / n1
    mean2 = (series * ~first).sum(1) / n2
    squares = np.where(first, series - mean1[:, None], series - mean2[:, None]) ** 2
    doubt = np.sqrt(squares.sum(1) / (count - 2)) * np.sqrt(1 / n1 + 1 / n2)
    return mean2 - mean1 > student_quantile(1 - 0.0005, count - 2) * doubt


RULES = {
    "previous + 5 %": previous_and_5_percent,
    "minimum + 3 %": static_3_percent,
    "google/benchmark, U test": google_benchmark,
    "asv, factor 1.1": asv,
    "asv, factor 1.03": asv_at_3_percent,
    "Bencher, t_test": bencher_t_test,
    "Otava": otava,
}


def mann_whitney(base: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(two-sided p, whether head tends to be larger), by the normal approximation with ties."""
    n, m = base.shape[1], head.shape[1]
    u = (head[:, :, None] > base[:, None, :]).sum((1, 2)) + 0.5 * (
        head[:, :, None] == base[:, None, :]
    ).sum((1, 2))
    both = np.sort(np.concatenate([base, head], 1), 1)
    total = n + m
    ties = np.zeros(len(both))
    for row in np.flatnonzero((np.diff(both) == 0).any(1)):
        counts = np.unique(both[row], return_counts=True)[1].astype(float)
        ties[row] = (counts**3 - counts).sum()
    spread = np.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    off = np.maximum(np.abs(u - n * m / 2) - 0.5, 0)
    z = np.divide(off, spread, out=np.zeros(len(u)), where=spread > 0)
    return np.array([erfc(one / sqrt(2)) for one in z]), u > n * m / 2


def student_quantile(p: float, freedom: int) -> float:
    """Of Student's t, for p above 1/2, by bisection on its integral."""
    scale = np.exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * pi)
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        x = np.linspace(0, middle, 20_001)
        density = scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2)
        area = np.trapezoid(density, x)
        low, high = (middle, high) if 0.5 + area < p else (low, middle)
    return (low + high) / 2

"""The latency of a network on a device that is not attached, from networks that were timed there.

The time of a network is the roofline's, with one efficiency for each class of layer, a cost for
each layer (its launch) and one for the whole call:

    T = sum over layers of e(class) * max(MACs / ridge, bytes)  +  layers * l  +  c

None of them below nothing. They are fitted to the anchors by least squares of relative errors; the
classes lean towards one efficiency (LEANING), since a dozen anchors cannot settle six numbers.

**How good it is** is found by leaving each anchor out in turn and predicting it from the others:
the errors, the rank correlation and the interval are of those, never of the fit itself. The
interval is the factor that held so many of the left-out anchors as the rule of conformal prediction
asks for COVERAGE of one more network (12 of 13). It needs no distribution of errors, but a network
that is like the anchors; that of left-out fits it holds nearly, and not as a theorem (the jackknife
of Barber et al., arXiv:1905.02928).

Refused: networks with something that no anchor explains (see roofline.explained), or far smaller or
larger than all anchors.

Knows: layers and latencies. Does not know: devices, files, torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from math import ceil, exp, log
from statistics import fmean, median
from typing import TYPE_CHECKING

from mnv4bench.analysis.roofline import WIDTHS, Known, explained, rank_correlation
from mnv4bench.findings import LeftOneOut, Predicted, Predictor
from mnv4bench.records import Costs, Origin, Precision

if TYPE_CHECKING:
    from numpy import ndarray

FEWEST = 8  # anchors: of so many the interval at COVERAGE is the worst of all
COVERAGE = 0.8
# A network may have so much less than the least, or more than the most, MACs of all anchors.
REACH = 2.0
# How strongly the classes' efficiencies are drawn together, in relative errors. Of 0.01 to 1,
# the least gave the smallest errors on six of the seven devices of the paper's Table 6.
LEANING = 0.01
_RIDGES = tuple(10 ** (0.5 + index / 10) for index in range(26))  # 3.2 to 1,000 MACs per byte
_CLASSES = {"convolution": 0, "pointwise": 0, "linear": 0, "depthwise": 1, "matmul": 2}
_TERMS = 5  # dense, depthwise, matmul, layers, once


def fit(
    device: str,
    precision: Precision,
    known: Sequence[Known],
    *,
    origin: Origin,
    source: str,
) -> Predictor | None:
    """What ``known`` says of ``device``; None where fewer than FEWEST of them count."""
    import numpy as np

    anchors, left_out = explained(known)
    if len(anchors) < FEWEST:
        return None
    terms = np.array([_terms(one.costs, WIDTHS[precision]) for one in anchors])
    latencies = np.array([one.latency_s for one in anchors])
    macs = [one.costs.macs for one in anchors]
    found = []
    for index, one in enumerate(anchors):
        others = np.arange(len(anchors)) != index
        ridge, factors = _solve(terms[others], latencies[others])
        found.append(
            LeftOneOut(
                model=one.model,
                macs=one.costs.macs,
                latency_s=one.latency_s,
                predicted_s=float(terms[index, ridge] @ factors),
                by_macs_s=one.costs.macs * _seconds_per_mac(anchors[:index] + anchors[index + 1 :]),
            )
        )
    ridge, factors = _solve(terms, latencies)
    errors = [abs(one.predicted_s / one.latency_s - 1) for one in found]
    by_macs = [abs(one.by_macs_s / one.latency_s - 1) for one in found]
    off = sorted(abs(log(one.predicted_s / one.latency_s)) for one in found)
    rank = ceil(COVERAGE * (len(found) + 1))
    return Predictor(
        device=device,
        precision=precision,
        origin=origin,
        source=source,
        ridge_macs_per_byte=_RIDGES[ridge],
        dense_s_per_byte=float(factors[0]),
        depthwise_s_per_byte=float(factors[1]),
        matmul_s_per_byte=float(factors[2]),
        layer_s=float(factors[3]),
        fixed_s=float(factors[4]),
        anchors=tuple(found),
        left_out=left_out,
        mean_error=fmean(errors),
        worst_error=max(errors),
        rank_correlation=rank_correlation(
            [one.predicted_s for one in found], [one.latency_s for one in found]
        ),
        mean_error_macs=fmean(by_macs),
        rank_correlation_macs=rank_correlation(macs, latencies.tolist()),
        spread=exp(off[rank - 1]),
        coverage=COVERAGE,
        s_per_mac=_seconds_per_mac(anchors),
        least_macs=min(macs),
        most_macs=max(macs),
    )


def refusal(predictor: Predictor, costs: Costs) -> str | None:
    """Why nothing is predicted for ``costs``; None where something is."""
    if costs.unexplained:
        return (
            f"{', '.join(costs.unexplained)} take a time that depends on how a runtime does them, "
            "not on work and traffic"
        )
    if not predictor.least_macs / REACH <= costs.macs <= predictor.most_macs * REACH:
        return (
            f"{costs.macs / 1e6:,.0f} M MACs are far from all anchors, which have "
            f"{predictor.least_macs / 1e6:,.0f} to {predictor.most_macs / 1e6:,.0f} M"
        )
    return None


def predict(predictor: Predictor, model: str, input_px: int, costs: Costs) -> Predicted:
    """The latency of a network that is not refused.

    An anchor is predicted from the others, as in judging: a fit that has seen it is no prediction.
    """
    wide, ridge = WIDTHS[predictor.precision], predictor.ridge_macs_per_byte
    rates = (
        predictor.dense_s_per_byte,
        predictor.depthwise_s_per_byte,
        predictor.matmul_s_per_byte,
    )
    layers = sum(
        rates[_CLASSES[one.kind]] * max(one.macs / ridge, float(one.moved_bytes(wide)))
        for one in costs.layers
    )
    latency_s = layers + predictor.layer_s * len(costs.layers) + predictor.fixed_s
    by_macs_s = costs.macs * predictor.s_per_mac
    anchor = next(
        (one for one in predictor.anchors if (one.model, one.macs) == (model, costs.macs)), None
    )
    if anchor is not None:
        latency_s, by_macs_s = anchor.predicted_s, anchor.by_macs_s
    return Predicted(
        device=predictor.device,
        model=model,
        precision=predictor.precision,
        input_px=input_px,
        macs=costs.macs,
        latency_s=latency_s,
        low_s=latency_s / predictor.spread,
        high_s=latency_s * predictor.spread,
        coverage=predictor.coverage,
        by_macs_s=by_macs_s,
        known_s=None if anchor is None else anchor.latency_s,
    )


def _seconds_per_mac(anchors: Sequence[Known]) -> float:
    return median(one.latency_s / one.costs.macs for one in anchors)


def _terms(costs: Costs, wide: int) -> ndarray:
    """(ridges, 5): what each of the five factors is multiplied with, at each ridge point."""
    import numpy as np

    macs = np.array([one.macs for one in costs.layers], dtype=float)
    moved = np.array([one.moved_bytes(wide) for one in costs.layers], dtype=float)
    kinds = np.array([_CLASSES[one.kind] for one in costs.layers])
    times = np.maximum(macs[None, :] / np.array(_RIDGES)[:, None], moved[None, :])
    found = np.empty((len(_RIDGES), _TERMS))
    for kind in range(3):
        found[:, kind] = times[:, kinds == kind].sum(axis=1)
    found[:, 3], found[:, 4] = len(costs.layers), 1.0
    return found


def _solve(terms: ndarray, latencies: ndarray) -> tuple[int, ndarray]:
    """(index of the ridge point, the five factors) of least squared relative error.

    ``terms`` is (anchors, ridges, 5).
    """
    import numpy as np

    best: tuple[float, int, ndarray] | None = None
    for ridge in range(terms.shape[1]):
        shares = terms[:, ridge] / latencies[:, None]  # of the measured time, for each factor
        scale = shares.mean(axis=0)
        scale[:3] = shares[:, :3].sum(axis=1).mean()  # so that equal factors are equal efficiencies
        scale[scale == 0] = 1.0
        factors = _non_negative(*_leaning(shares / scale)) / scale
        error = float(np.square(shares @ factors - 1).mean())
        if best is None or error < best[0]:
            best = (error, ridge, factors)
    assert best is not None
    return best[1], best[2]


def _leaning(shares: ndarray) -> tuple[ndarray, ndarray]:
    """The equations of the anchors, and those that draw factors together."""
    import numpy as np

    count = len(shares)
    weight = LEANING * count**0.5
    together = np.zeros((5, _TERMS))
    together[:3, :3] = weight * (np.eye(3) - 1 / 3)  # to the classes' mean
    together[3, 3] = together[4, 4] = 0.3 * weight  # to nothing
    return np.vstack([shares, together]), np.concatenate([np.ones(count), np.zeros(5)])


@cache
def _supports() -> tuple[tuple[int, ...], ...]:
    return tuple(
        chosen for size in range(1, _TERMS + 1) for chosen in combinations(range(_TERMS), size)
    )


def _non_negative(equations: ndarray, wanted: ndarray) -> ndarray:
    """Least squares with no factor below nothing: the best of all supports, since five are few."""
    import numpy as np

    square, right = equations.T @ equations, equations.T @ wanted
    best, least = np.zeros(_TERMS), 0.0
    for chosen in _supports():
        index = np.array(chosen)
        part = square[np.ix_(index, index)]
        try:
            found = np.linalg.solve(part, right[index])
        except np.linalg.LinAlgError:
            continue
        # Of the squared error what depends on the factors; below nothing they are no answer.
        gained = -float(right[index] @ found)
        if (found >= 0).all() and gained < least:
            best, least = np.zeros(_TERMS), gained
            best[index] = found
    return best

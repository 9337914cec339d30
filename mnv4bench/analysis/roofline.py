"""The roofline of the MobileNetV4 paper, section 3: which of work and traffic a layer waits for.

A layer takes max(MACs / peak MACs, bytes / peak bandwidth), a network the sum of its layers, and of
the two peaks only their ratio, the ridge point, changes which network is faster. A ridge point of 0
is hardware whose memory is free: latency is proportional to MACs.

Knows: layers, latencies. Does not know: where either comes from. Choices that the paper leaves
open: a layer reads its inputs and writes its outputs (records.Layer.moved_bytes), numbers are as
wide as the precision, and a fit is the one of least squared logarithms, so that a network of 3 ms
weighs as much as one of 80.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mnv4bench.findings import FittedModel, LeftOut, Placed, RidgeFit, Roofline, Sweep, Swept
from mnv4bench.records import Costs, Origin, Precision

if TYPE_CHECKING:
    from numpy import ndarray

WIDTHS: dict[Precision, int] = {"fp32": 4, "fp16": 2, "int8": 1, "int8-dynamic": 1}  # bytes
SWEPT_TO = 500.0  # the paper's highest expected value, MACs per byte
FEWEST = 4  # latencies that a ridge point and a scale are fitted to
_LEAST, _MOST, _STEPS = 1.0, 2000.0, 400  # of the ridge points that are tried
NEARLY = 1.1  # an error that large over the least is as good


class Known(NamedTuple):
    """A network whose latency on a device is known."""

    model: str
    costs: Costs
    latency_s: float


def width(precision: Precision) -> int | None:
    """Bytes of a number in ``precision``; None where weights and activations differ."""
    return WIDTHS.get(precision)


def place(model: str, input_px: int, costs: Costs, precision: Precision, ridge: float) -> Roofline:
    """Each layer of ``costs`` on hardware of the ridge point ``ridge``, in MACs per byte."""
    wide = WIDTHS[precision]
    times = [max(one.macs / ridge, float(one.moved_bytes(wide))) for one in costs.layers]
    total = sum(times)
    placed = tuple(
        Placed(
            layer=layer,
            moved_bytes=(moved := layer.moved_bytes(wide)),
            intensity=layer.macs / moved,
            share=time / total,
            bound="compute" if layer.macs >= ridge * moved else "memory",
        )
        for layer, time in zip(costs.layers, times, strict=True)
    )
    return Roofline(
        model=model,
        input_px=input_px,
        precision=precision,
        ridge_macs_per_byte=ridge,
        macs=costs.macs,
        moved_bytes=costs.moved_bytes(wide),
        memory_bound_share=sum(one.share for one in placed if one.bound == "memory"),
        layers=placed,
        unexplained=costs.unexplained,
    )


def sweep(
    networks: Sequence[tuple[str, Costs]], precision: Precision, ridges: Sequence[float]
) -> Sweep:
    """The time of each network over the first one's, at each of ``ridges``; 0 is MACs alone."""
    wide = WIDTHS[precision]
    times = [
        [_time(costs, wide, ridge) if ridge else float(costs.macs) for ridge in ridges]
        for _, costs in networks
    ]
    return Sweep(
        precision=precision,
        reference=networks[0][0],
        ridges=tuple(ridges),
        models=tuple(
            Swept(
                model=name,
                relative=tuple(one / first for one, first in zip(row, times[0], strict=True)),
            )
            for (name, _), row in zip(networks, times, strict=True)
        ),
    )


def _time(costs: Costs, wide: int, ridge: float) -> float:
    """In units of one byte's transfer."""
    return sum(max(one.macs / ridge, float(one.moved_bytes(wide))) for one in costs.layers)


def fit(
    device: str,
    precision: Precision,
    known: Sequence[Known],
    *,
    origin: Origin,
    source: str,
) -> RidgeFit | None:
    """The ridge point and scale nearest to ``known``; None with fewer than FEWEST that count.

    A network with something in it whose time does not follow from work and traffic is left out.
    """
    import numpy as np

    wide = WIDTHS[precision]
    used, left_out = explained(known)
    if len(used) < FEWEST:
        return None
    ridges = np.geomspace(_LEAST, _MOST, _STEPS)
    logs = np.log([one.latency_s for one in used])
    times = np.array([_times(one.costs, wide, ridges) for one in used])  # networks x ridges
    residuals = logs[:, None] - np.log(times)
    errors = residuals.std(axis=0)
    best = int(errors.argmin())
    nearly = ridges[errors <= errors[best] * NEARLY]
    scale = float(np.exp(residuals[:, best].mean()))  # seconds for each byte
    macs = np.array([one.costs.macs for one in used], dtype=float)
    latencies = [one.latency_s for one in used]
    ridge = float(ridges[best])
    return RidgeFit(
        device=device,
        precision=precision,
        origin=origin,
        source=source,
        ridge_macs_per_byte=ridge,
        ridge_low=float(nearly.min()),
        ridge_high=float(nearly.max()),
        peak_macs_per_s=ridge / scale,
        peak_bytes_per_s=1 / scale,
        error=float(errors[best]),
        error_macs=float((logs - np.log(macs)).std()),
        rank_correlation=rank_correlation(times[:, best].tolist(), latencies),
        rank_correlation_macs=rank_correlation(macs.tolist(), latencies),
        models=tuple(
            FittedModel(model=one.model, latency_s=one.latency_s, fitted_s=float(time * scale))
            for one, time in zip(used, times[:, best], strict=True)
        ),
        left_out=left_out,
    )


def explained(known: Sequence[Known]) -> tuple[list[Known], tuple[LeftOut, ...]]:
    """Those whose time may follow from work and traffic, and the others with the reason."""
    used = [one for one in known if not one.costs.unexplained]
    left_out = tuple(
        LeftOut(model=one.model, reason=f"has {', '.join(one.costs.unexplained)}")
        for one in known
        if one.costs.unexplained
    )
    return used, left_out


def _times(costs: Costs, wide: int, ridges: ndarray) -> ndarray:
    """Of one network at each of ``ridges``, in units of one byte's transfer."""
    import numpy as np

    macs = np.array([one.macs for one in costs.layers], dtype=float)
    moved = np.array([one.moved_bytes(wide) for one in costs.layers], dtype=float)
    total: ndarray = np.maximum(macs[None, :] / ridges[:, None], moved[None, :]).sum(axis=1)
    return total


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's: the correlation of ranks, equal values sharing theirs. 0 where all are equal."""
    one, other = _ranks(first), _ranks(second)
    middle = (len(one) - 1) / 2
    across = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    squares = [sum((rank - middle) ** 2 for rank in ranks) for ranks in (one, other)]
    product = squares[0] * squares[1]
    return float(across / product**0.5) if product else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    first = {value: index for index, value in reversed(list(enumerate(order)))}
    return [first[value] + (order.count(value) - 1) / 2 for value in values]

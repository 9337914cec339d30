"""What a reader must know of a panel of rungs, in sentences: weights, placement, taint, intervals.

Knows: the rows of a panel. Does not know: where the sentences stand, or how wide a line is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mnv4bench import units
from mnv4bench.findings import Shape, ShapeGroup
from mnv4bench.render.listing import listed
from mnv4bench.render.untrusted import visible

INTERVAL = 0.95


def sentences(group: ShapeGroup, own: Sequence[str], most: int) -> list[str]:
    """The figure's ``own``, then what holds of any; of the ``most`` rows that are drawn."""
    rows = group.rows[:most]
    said = list(own)
    random = [visible(row.model) for row in rows if row.weights.startswith("random")]
    if random:
        which = "" if len(random) == len(rows) else f": {listed(random)}"
        said.append(f"Measured with random weights{which}.")
    for verdict in ("partial", "unproven", "none"):
        names = [visible(row.model) for row in rows if row.placement == verdict]
        if names:
            said.append(f"Placement {verdict} ({len(names)}): {listed(names)}.")
    alone = [visible(row.model) for row in rows if row.low_s is None]
    if alone:
        said.append(f"A single invocation, so no interval ({len(alone)}): {listed(alone)}.")
    said += _reached([row for row in rows if row.low_s is not None])
    reasons: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for reason in row.tainted:
            # Up to the first digit: what comes behind is one measurement's own reading.
            kind = reason.split(":")[0].split(",")[0].rstrip("0123456789.% ")
            reasons[visible(kind)].append(visible(row.model))
    for reason, names in reasons.items():
        said.append(f"Tainted, {reason} ({len(names)}): {listed(names)}.")
    if len(group.rows) > most:
        more = units.plural(len(group.rows) - most, "slower model")
        said.append(f"{more} in the JSON beside.")
    return said


def _reached(rows: Sequence[Shape]) -> list[str]:
    """What the intervals reach: under six invocations even their whole range is not at 95 %."""
    if not rows:
        return []
    by_confidence: dict[float, list[str]] = defaultdict(list)
    for row in rows:
        by_confidence[min(row.confidence, INTERVAL)].append(visible(row.model))
    if len(by_confidence) == 1:
        [confidence] = by_confidence
        few = ", for want of invocations" if confidence < INTERVAL else ""
        return [f"Intervals of the median at {units.percent(confidence)}{few}."]
    said = []
    for confidence, names in sorted(by_confidence.items()):
        if confidence < INTERVAL:
            which = f"{units.percent(confidence)}, for want of invocations ({len(names)})"
            said.append(f"Interval at {which}: {listed(names)}.")
    return [f"Intervals of the median at {units.percent(INTERVAL)}.", *said]

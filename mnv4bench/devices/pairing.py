"""Two sessions timed side by side where no process can hold both files: in turn.

Knows: whose turn it is. Does not know: devices. One block of each side, as near in time as two
processes can be.
"""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median

from mnv4bench.devices import Session
from mnv4bench.records import Paired, Timing


def in_turn(base: Session, head: Session, timing: Timing, *, base_first: bool) -> Paired:
    """One invocation of each. Raises as ``Session.invoke`` does."""
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    order = (base, head) if base_first else (head, base)
    ran = [one.invoke(timing, round=0, position=place) for place, one in enumerate(order)]
    of_base, of_head = ran if base_first else ran[::-1]
    (base_samples, base_placement), (head_samples, head_placement) = of_base, of_head
    counts = [
        len(one.latencies_s) * one.inferences_per_value for one in (base_samples, head_samples)
    ]
    return Paired(
        started_at=started_at,
        base_s=(median(base_samples.latencies_s),),
        head_s=(median(head_samples.latencies_s),),
        base_first=base_first,
        inferences_per_block=min(counts),
        base_placement=base_placement,
        head_placement=head_placement,
        noise=ran[-1][0].noise,
        tainted=tuple(dict.fromkeys((*base_samples.tainted, *head_samples.tainted))),
    )

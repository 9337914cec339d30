"""What a model must keep to be the best one: its options, and the value that they stand for.

Knows: how a limit is typed, and of which front it can be asked. Does not know: which model is best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import Limits, Objective

MaxLatencyOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help='Name the best model that takes no longer, e.g. "5ms".'),
]
MinTop1Option = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        min=0,
        max=100,
        help="Name the best model that is at least as accurate.",
    ),
]


def limits(
    max_latency: str | None, min_top1: float | None, objective: Objective = "latency"
) -> Limits | None:
    """None where nothing is limited. Raises UsageError for what no front can be asked."""
    if max_latency is None and min_top1 is None:
        return None
    from mnv4bench import units
    from mnv4bench.findings import Limits

    longest = None
    if max_latency is not None:
        longest = units.duration(max_latency)
        if longest is None:
            raise UsageError(
                f'--max-latency "{max_latency}" is no time above 0 with its unit.',
                "--max-latency 5ms",
            )
        if objective != "latency":
            raise UsageError(
                f"--max-latency limits a latency, and this front is over {objective}.",
                "leave out --x, or use --min-top1 alone",
            )
    return Limits(max_latency_s=longest, min_top1=min_top1)

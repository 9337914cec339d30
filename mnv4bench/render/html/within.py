"""The best models within limits, as data of a page.

Knows: that each panel has its own answer, and each basis of accuracies one of its own. Does not
know: how the best one was found, or what it looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnv4bench import units
from mnv4bench.findings import Front
from mnv4bench.render import sureness
from mnv4bench.render.html.tables import Table, rounded
from mnv4bench.render.html.words import Words


def limits(found: Front, words: Words) -> dict[str, Any] | None:
    """What was asked for, in words and on the axes of the panels over latency; None: nothing."""
    asked = found.limits
    if asked is None:
        return None
    return {
        "text": words(sureness.asked(asked)),
        "ms": rounded(asked.max_latency_s, 1e-3),
        "top1": rounded(asked.min_top1),
    }


def picks(found: Front, words: Words) -> dict[str, Sequence[Any]]:
    """A row for each panel and basis of accuracies that limits apply to."""
    rows = Table("group", "model", "share", "best", "next", "none", "said")
    for number, group in enumerate(found.groups):
        answers = sureness.answers(group, found.limits)
        chosen = group.certainty.picks if group.certainty else ()
        for one, said in zip(chosen if answers else (), answers, strict=True):
            rows.add(
                number,
                words(one.model),
                rounded(one.share, digits=4),
                words("" if one.share is None else units.share(one.share)),
                words(_with_share(one.runner_up, one.runner_up_share)),
                words(units.share(one.none_share) if one.none_share else ""),
                words(said),
            )
    return rows.columns()


def _with_share(model: str | None, share: float | None) -> str:
    """``"mnv4-conv-m (0.5 %)"``: in how many resamples it is the best one."""
    return f"{model} ({units.share(share)})" if model and share else model or ""

"""A history as data of a page: what changed, and the sessions that it rests on.

Knows: the words of a change. Does not know: how it was found.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mnv4bench import units
from mnv4bench.over_time import ChangePoint, History, Series
from mnv4bench.render import histories
from mnv4bench.render.html.tables import rounded
from mnv4bench.render.html.words import Words

# With fewer sessions a series has no course to look at.
LEAST_SESSIONS = 3


def history(found: History | None, words: Words) -> dict[str, Any] | None:
    """Series with a course, those that changed last first; None where there is none."""
    if found is None:
        return None
    shown = [one for one in found.series if len(one.moments) >= LEAST_SESSIONS]
    if not shown:
        return None
    return {
        "notes": [words(line) for line in histories.summary(found)],
        "series": [_series(one, words) for one in shown],
    }


def _series(one: Series, words: Words) -> dict[str, Any]:
    return {
        "model": words(histories.title(one)),
        "family": words(one.family),
        "device": words(one.device),
        "precision": words(one.precision),
        "origin": words(one.origin),
        "machine": words(f"{one.machine}; {histories.circumstances(one)}"),
        "moments": [
            [
                _epoch_ms(moment.at),
                rounded(moment.latency_s, 1e-3, 5),
                words(units.seconds(moment.latency_s)),
                words(histories.date(moment.at)),
                words(histories.commit(moment.commit)),
                words(moment.unused or ""),
            ]
            for moment in one.moments
        ],
        "levels": [
            [
                _epoch_ms(level.start),
                _epoch_ms(level.end),
                rounded(level.latency_s, 1e-3, 5),
                words(
                    f"{units.seconds(level.latency_s)}, "
                    f"{units.plural(level.measurements, 'session')}"
                    + (f"; {histories.key_changes(level.changed)}" if level.changed else "")
                ),
            ]
            for level in one.segments
        ],
        "changes": [_change(change, words) for change in one.changes],
    }


def _change(one: ChangePoint, words: Words) -> list[Any]:
    low, high = units.change(one.ratio_low), units.change(one.ratio_high)
    return [
        _epoch_ms(one.at),
        words(histories.date(one.at)),
        words(histories.commit(one.commit)),
        words(one.direction),
        rounded(one.ratio, digits=5),
        words(f"{units.change(one.ratio)} ({low} to {high})"),
        words(f"{units.seconds(one.before_s)} to {units.seconds(one.after_s)}"),
        words(units.certainty(one.p_value)),
        words(histories.key_changes(one.along)),
        one.p_value,
    ]


def _epoch_ms(at: str) -> int | None:
    """For an axis of time. A date that a person edited into nonsense has no place on one."""
    try:
        return round(datetime.fromisoformat(at).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None

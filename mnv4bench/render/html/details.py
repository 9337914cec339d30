"""What a model's own page shows of each measurement, as data: file, invocations, report.

Knows: which columns these tables have. Does not know: what a point of a front is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from mnv4bench import units
from mnv4bench.overview import Exhibit, Setting, Step
from mnv4bench.render.html import evidence
from mnv4bench.render.html.tables import Table, columns_of, rounded
from mnv4bench.render.html.words import Words

_STEADY = {None: 0, True: 1, False: 2}


class Details:
    """A row for each of ``exhibits``, in their order, and one for each of their invocations.

    ``settings`` are the places of reports among theirs.
    """

    def __init__(
        self, exhibits: Sequence[Exhibit], settings: Mapping[str, int], words: Words
    ) -> None:
        self._words, self._settings = words, settings
        # The texts that most rows name come first: their places have fewer digits.
        self.steps = _steps([step for one in exhibits for step in one.steps], words)
        table = Table(
            "report", "setting", "facts", "taints", "unit", "signals", "firstStep", "steps",
            "sustained",
        )  # fmt: skip
        # Most measurements have the same kinds of facts: their names stand here once.
        self.kinds: list[list[int]] = []
        self._kinds: dict[tuple[str, ...], int] = {}
        first = 0
        for one in exhibits:
            self._add(one, first, table)
            first += len(one.steps)
        self.columns = table.columns()

    def _add(self, one: Exhibit, first: int, table: Table) -> None:
        words, placement = self._words, one.placement
        tainted = one.figures.tainted if one.figures else ()
        facts = evidence.facts(one)
        table.add(
            words(one.report),
            self._settings.get(one.report, -1),
            [self._kind(tuple(name for name, _ in facts)), *(words(value) for _, value in facts)],
            [words(reason) for reason in (*tainted, *([one.failure] if one.failure else []))],
            words(evidence.placement(placement)),
            [
                [words(signal.name), words(signal.evidence), words(signal.says)]
                for signal in (placement.signals if placement else ())
            ],
            first,
            len(one.steps),
            [rounded(value, 1e-3, 4) for value in one.sustained_s],
        )

    def _kind(self, names: tuple[str, ...]) -> int:
        """The place of these names among the kinds of facts."""
        if names not in self._kinds:
            self._kinds[names] = len(self.kinds)
            self.kinds.append([self._words(name) for name in names])
        return self._kinds[names]


def _steps(steps: Sequence[Step], words: Words) -> dict[str, Sequence[Any]]:
    """A row for each invocation, a column at a time: of a large store there are the most."""

    def column(value: Callable[[Step], Any]) -> list[Any]:
        return list(map(value, steps))

    def courses(values: Sequence[Sequence[float]]) -> list[list[float | None]]:
        if not any(values):
            return [[]] if values else []  # for all, without a list for each
        return [[rounded(value, 1e-3, 4) for value in course] for course in values]

    return columns_of(
        {
            "round": column(lambda one: one.round),
            "at": column(lambda one: words(_when(one.at))),
            "ms": column(lambda one: rounded(one.latency_s, 1e-3, 5)),
            "text": column(lambda one: words(units.seconds(one.latency_s))),
            "taint": column(lambda one: words("; ".join(one.tainted)) if one.tainted else 0),
            "steady": column(lambda one: _STEADY[one.warmup_steady]),
            "before": column(lambda one: rounded(one.temperature_before_c, digits=4)),
            "after": column(lambda one: rounded(one.temperature_after_c, digits=4)),
            "more": column(lambda one: words(evidence.circumstances(one))),
            "warm": courses([one.warmup_s for one in steps]),
            "timed": courses([one.timed_s for one in steps]),
        }
    )


def setting(one: Setting, words: Words) -> dict[str, Any]:
    """One report's circumstances."""
    facts: Sequence[tuple[str, Any]] = [
        (field.name.replace("_", " "), getattr(one.environment, field.name))
        for field in msgspec.structs.fields(one.environment)
    ]
    about = [
        ("report", one.report),
        ("device profile", one.title),
        ("began", _when(one.started_at)),
        ("ended", _when(one.finished_at or "not finished")),
        ("why it ended", one.ended or "stopped before its end"),
        ("seed of the order", str(one.seed)),
        ("rounds", str(one.rounds)),
    ]
    return {
        "about": [[words(name), words(value)] for name, value in about],
        "environment": [
            [words(name), words(evidence.fact(name, value))]
            for name, value in facts
            if value is not None
        ],
        "notes": [words(note) for note in one.notes],
    }


def _when(at: str) -> str:
    """To the second, as a person reads it."""
    return at[:19].replace("T", " ")

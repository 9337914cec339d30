"""A gate as rows of text, for every place outside a terminal that shows one.

Knows: which outcome a model, a budget or a file that was left out has, which of them is graver, and
the sentence that stands above them all. Does not know: Markdown, XML, GitHub or colours. What it
returns may hold names from files and words from devices, so whoever shows it makes it harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from mnv4bench import units
from mnv4bench.findings import Budget, Gate, Pair
from mnv4bench.render import gates

# The gravest first.
Outcome = Literal[
    "slower",
    "over budget",
    "not measured",
    "inconclusive",
    "placement unproven",
    "faster",
    "same",
    "within budget",
    "identical",
]
GRAVITY: tuple[Outcome, ...] = get_args(Outcome)
ALARMS: frozenset[Outcome] = frozenset({"slower", "over budget"})
UNANSWERED: frozenset[Outcome] = frozenset({"not measured", "inconclusive", "placement unproven"})


class Row(NamedTuple):
    """One question and its answer; all figures are text already, "" where there is none."""

    name: str
    outcome: Outcome
    ratio: str
    interval: str
    base: str
    head: str
    why: str
    facts: tuple[tuple[str, str], ...] = ()  # for machines: names and values


def rows(found: Gate) -> list[Row]:
    """Models, then budgets, then what was left out, each in the order of the findings."""
    answers = [_of_pair(pair) for pair in found.pairs]
    answers += [_of_budget(budget) for budget in found.budgets]
    return answers + [
        Row(one.path, "not measured", "", "", "", "", one.reason) for one in found.skipped
    ]


def gravest_first(found: Sequence[Row]) -> list[Row]:
    """What a reader must not miss comes first; equals stay in their order."""
    return sorted(found, key=lambda row: GRAVITY.index(row.outcome))


def said(found: Gate, status: int) -> str:
    """The whole gate in a few words, as its exit status (DESIGN.md) and its verdict have it."""
    match status:
        case 0 | 1:
            return gates.headline(found).lower()
        case 3:
            if not (found.pairs or found.budgets):
                return "not measured"
            return "not everything measured" if found.skipped else "inconclusive"
        case 5:
            return "placement unproven"
        case 130:
            return "interrupted"
        case _:
            return "not measured"


def counted(found: Gate) -> str:
    """``"1 slower, 2 same"``; the reason where nothing has an outcome."""
    counts: dict[str, int] = {}
    for row in gravest_first(rows(found)):
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items()) or found.reason


def reason(found: Gate, status: int) -> str:
    """Why the gate as a whole ended as it did, where its rows do not say."""
    return found.reason or "; ".join(found.notes) or f"exit status {status}"


def _of_pair(pair: Pair) -> Row:
    unknown = pair.low is None and pair.high is None
    figures = (
        ("ratio", pair.ratio),
        ("low", pair.low),
        ("high", pair.high),
        ("base_s", pair.base_s),
        ("head_s", pair.head_s),
        ("smallest_detectable_ratio", pair.smallest_detectable_ratio),
    )
    return Row(
        pair.model,
        _outcome(pair),
        "" if pair.ratio is None else units.quotient(pair.ratio),
        "" if unknown else gates.interval(pair.low, pair.high),
        gates.side(pair, "base"),
        gates.side(pair, "head"),
        "; ".join((gates.why(pair), *pair.notes)),
        (
            *((name, repr(value)) for name, value in figures if value is not None),
            ("processes", str(pair.processes)),
            ("base_artifact_sha256", pair.base_artifact_sha256),
            ("head_artifact_sha256", pair.head_artifact_sha256),
        ),
    )


def _outcome(pair: Pair) -> Outcome:
    if pair.verdict == "slower":
        return "slower"
    if pair.unproven:
        return "placement unproven"
    if pair.verdict != "same":
        return pair.verdict
    # A file against itself has a ratio although no process was started.
    return "same" if pair.processes else "identical"


def _of_budget(budget: Budget) -> Row:
    outcomes: dict[str, Outcome] = {
        "over": "over budget",
        "within": "placement unproven" if budget.unproven else "within budget",
        "inconclusive": "placement unproven" if budget.unproven else "inconclusive",
    }
    unknown = budget.low_s is None and budget.high_s is None
    return Row(
        f"{budget.model} (budget {units.seconds(budget.budget_s)})",
        outcomes[budget.verdict],
        "",
        "" if unknown else gates.seconds_interval(budget.low_s, budget.high_s),
        "",
        units.seconds(budget.latency_s) if budget.latency_s else "",
        budget.reason,
        (
            ("budget_s", repr(budget.budget_s)),
            *((("latency_s", repr(budget.latency_s)),) if budget.latency_s else ()),
            ("processes", str(budget.processes)),
        ),
    )

"""A gate on a terminal: the verdict, each model's ratio with its interval, and why.

Knows: columns, colours and words. Does not know: how anything was judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Group, RenderableType

from mnv4bench import units
from mnv4bench.findings import Budget, Gate, Pair
from mnv4bench.render.terminal import View, Write, left_out, plain_table
from mnv4bench.render.untrusted import visible

# What a count is not.
INSTRUCTIONS = (
    "Instructions per inference under an emulator: exact, without noise, and a cost. It is no "
    "latency: an emulator has no caches, no memory to wait for and no pipeline."
)
_BUDGET_STYLE = {"over": "bold red", "inconclusive": "yellow", "within": "green"}
_OF_BUDGETS = {
    "over": "over its budget",
    "inconclusive": "not clearly within its budget",
    "within": "within its budget",
}
_STYLE = {"slower": "bold red", "inconclusive": "yellow", "faster": "green", "same": "green"}


def gate(found: Gate) -> View:
    """The verdict first, then a row a model, then what it rests on."""

    def build(write: Write) -> RenderableType:
        on = f" on {found.device}" if found.device else ""
        head = write(f"{headline(found)}{on}: {_in_words(found)}", _STYLE[found.verdict])
        table = plain_table(
            write,
            ("Model", "left"),
            ("Verdict", "left"),
            ("Head / base", "right"),
            ("Interval", "right"),
            ("Base", "right"),
            ("Head", "right"),
            ("Proc.", "right"),
            names=(pair.model for pair in found.pairs),
        )
        for pair in found.pairs:
            table.add_row(
                write(pair.model, "bold"),
                write(pair.verdict, _STYLE[pair.verdict]),
                write(units.quotient(pair.ratio)),
                write(interval(pair.low, pair.high)),
                write(side(pair, "base")),
                write(side(pair, "head")),
                write(str(pair.processes)),
            )
        parts: list[RenderableType] = [table] if found.pairs else []
        if found.budgets:
            parts += [write(""), _budgets(found.budgets, write)]
        notes = [write(line, "dim") for line in _notes(found)]
        return Group(head, write(""), *parts, *notes, *left_out(found.skipped, write))

    return View(build)


def headline(found: Gate) -> str:
    """The verdict in capitals; where only budgets were looked at, in their words."""
    compared = any(pair.processes for pair in found.pairs)
    if found.verdict == "slower" and all(pair.verdict != "slower" for pair in found.pairs):
        return "OVER BUDGET"
    if found.verdict == "same" and found.budgets and not compared:
        return "WITHIN BUDGET"
    return found.verdict.upper()


def _budgets(budgets: Sequence[Budget], write: Write) -> RenderableType:
    table = plain_table(
        write,
        ("Model", "left"),
        ("Budget", "right"),
        ("Verdict", "left"),
        ("Latency", "right"),
        ("Interval", "right"),
        ("Proc.", "right"),
        names=(one.model for one in budgets),
    )
    for one in budgets:
        table.add_row(
            write(one.model, "bold"),
            write(units.seconds(one.budget_s)),
            write(one.verdict, _BUDGET_STYLE[one.verdict]),
            write(units.seconds(one.latency_s)),
            write(seconds_interval(one.low_s, one.high_s)),
            write(str(one.processes)),
        )
    return table


def side(pair: Pair, which: Literal["base", "head"]) -> str:
    """What one side took: a time, or a count of instructions; empty where nothing was measured."""
    seconds = pair.base_s if which == "base" else pair.head_s
    if seconds:
        return units.seconds(seconds)
    counted = [getattr(one, which) for one in pair.observed]
    return f"{counted[0]:,.0f} instr." if counted and pair.confidence == 1 else ""


def seconds_interval(low_s: float | None, high_s: float | None) -> str:
    """``"2.31 ms..2.35 ms"``; unknown where too few processes can say."""
    if low_s is None and high_s is None:
        return units.UNKNOWN
    return f"{units.seconds(low_s)}..{units.seconds(high_s)}"


def interval(low: float | None, high: float | None) -> str:
    """``"0.991..1.004"``; open where too few processes can say."""
    if low is None and high is None:
        return units.UNKNOWN
    return f"{units.quotient(low)}..{units.quotient(high)}"


def _in_words(found: Gate) -> str:
    counts: dict[str, int] = {}
    for pair in found.pairs:
        counts[pair.verdict] = counts.get(pair.verdict, 0) + 1
    for one in found.budgets:
        words = _OF_BUDGETS[one.verdict]
        counts[words] = counts.get(words, 0) + 1
    parts = [f"{units.plural(count, 'model')} {verdict}" for verdict, count in counts.items()]
    return ", ".join(parts) or found.reason


def _notes(found: Gate) -> list[str]:
    lines = [f"{visible(pair.model)}: {why(pair)}" for pair in found.pairs]
    for pair in found.pairs:
        lines += [f"{visible(pair.model)}: {visible(note)}" for note in pair.notes]
    lines += [f"{visible(one.model)}: {visible(one.reason)}" for one in found.budgets]
    lines += [visible(note) for note in found.notes]
    return lines + promises(found)


def promises(found: Gate) -> list[str]:
    """What the figures rest on: how often such a gate errs, and what it could have seen."""
    if found.metric == "instructions":
        return [INSTRUCTIONS]
    compared = any(pair.processes for pair in found.pairs)
    held = any(one.processes or one.processes_tainted for one in found.budgets)
    if not (compared or held):
        return []
    quiet = ["nothing changed"] * compared + ["every budget kept"] * held
    alarms = units.at_most(found.false_alarm_rate)
    lines = [f"With {' and '.join(quiet)}, a gate like this alarms in at most {alarms} of times."]
    seen = found.smallest_detectable_ratio
    if compared:
        lines.append(
            f"This session would have found a slowdown of {units.quotient(seen)} about 95 times of "
            "100."
            if seen
            else "This session was too short or too wild to say what it would have found."
        )
    return lines


def why(pair: Pair) -> str:
    """The reason of a verdict, with what more would help and what was measured first."""
    more = f" (needs about {pair.needs_more} more processes)" if pair.needs_more else ""
    first = f" (first measurement {units.quotient(pair.first_ratio)})" if pair.first_ratio else ""
    return f"{pair.reason}{more}{first}"

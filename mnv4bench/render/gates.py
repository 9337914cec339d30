"""A gate on a terminal: the verdict, each model's ratio with its interval, and why.

Knows: columns, colours and words. Does not know: how anything was judged.
"""

from __future__ import annotations

from rich.console import Group, RenderableType

from mnv4bench import units
from mnv4bench.findings import Gate, Pair
from mnv4bench.render.terminal import View, Write, left_out, plain_table
from mnv4bench.render.untrusted import visible

_STYLE = {"slower": "bold red", "inconclusive": "yellow", "faster": "green", "same": "green"}


def gate(found: Gate) -> View:
    """The verdict first, then a row a model, then what it rests on."""

    def build(write: Write) -> RenderableType:
        on = f" on {found.device}" if found.device else ""
        head = write(f"{found.verdict.upper()}{on}: {_in_words(found)}", _STYLE[found.verdict])
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
                write(units.seconds(pair.base_s) if pair.base_s else ""),
                write(units.seconds(pair.head_s) if pair.head_s else ""),
                write(str(pair.processes)),
            )
        notes = [write(line, "dim") for line in _notes(found)]
        return Group(head, write(""), table, *notes, *left_out(found.skipped, write))

    return View(build)


def interval(low: float | None, high: float | None) -> str:
    """``"0.991..1.004"``; open where too few processes can say."""
    if low is None and high is None:
        return units.UNKNOWN
    return f"{units.quotient(low)}..{units.quotient(high)}"


def _in_words(found: Gate) -> str:
    counts: dict[str, int] = {}
    for pair in found.pairs:
        counts[pair.verdict] = counts.get(pair.verdict, 0) + 1
    parts = [f"{units.plural(count, 'model')} {verdict}" for verdict, count in counts.items()]
    return ", ".join(parts) or found.reason


def _notes(found: Gate) -> list[str]:
    lines = [f"{visible(pair.model)}: {_why(pair)}" for pair in found.pairs]
    for pair in found.pairs:
        lines += [f"{visible(pair.model)}: {visible(note)}" for note in pair.notes]
    lines += [visible(note) for note in found.notes]
    if any(pair.processes for pair in found.pairs):
        alarms = units.percent(found.false_alarm_rate)
        lines.append(f"With nothing changed, a gate like this alarms in at most {alarms} of times.")
        seen = found.smallest_detectable_ratio
        lines.append(
            f"This session would have found a slowdown of {units.quotient(seen)} about 95 times "
            "of 100."
            if seen
            else "This session was too short or too wild to say what it would have found."
        )
    return lines


def _why(pair: Pair) -> str:
    more = f" (needs about {pair.needs_more} more processes)" if pair.needs_more else ""
    first = f" (first measurement {units.quotient(pair.first_ratio)})" if pair.first_ratio else ""
    return f"{pair.reason}{more}{first}"

"""A comparison of stored reports as a table on a terminal.

Knows: columns and warnings. Does not know: how a verdict was reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mnv4bench import units
from mnv4bench.over_time import Compared, Comparisons, Side
from mnv4bench.render.histories import commit, key_changes
from mnv4bench.render.terminal import View, Write, left_out, plain_table

_UNITS = {"invocations": "processes", "sessions": "sessions"}
_STYLE = {
    "same": "",
    "faster": "green",
    "slower": "bold red",
    "inconclusive": "yellow",
    "not comparable": "yellow",
}


def table(found: Comparisons) -> View:
    """A row for each model, the reasons beneath, and what no interval holds."""

    def build(write: Write) -> RenderableType:
        shown = plain_table(
            write,
            ("Model", "left"),
            ("A", "right"),
            ("B", "right"),
            ("B over A", "right"),
            ("Interval", "right"),
            ("Of", "left"),
            ("Placement", "left"),
            ("Top-1", "left"),
            ("Verdict", "left"),
            names=(one.model for one in found.models),
        )
        for one in found.models:
            shown.add_row(*_row(one, write))
        parts: list[RenderableType] = [shown]
        parts += [Padding(Group(*_reasons(found, write)), (0, 0, 1, 0))]
        tally = Counter(one.verdict for one in found.models)
        counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items()))
        limit = units.change(found.max_slowdown)
        parts.append(
            write(f"{units.plural(len(found.models), 'model')}: {counted} (limit {limit}).", "bold")
        )
        parts += [write(note, "yellow") for note in found.notes]
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def _row(one: Compared, write: Write) -> Iterator[Text]:
    yield write(one.model, "bold")
    yield write(units.seconds(one.a.latency_s))
    yield write(units.seconds(one.b.latency_s))
    yield write("-" if one.ratio is None else units.quotient(one.ratio))
    known = one.ratio is not None and one.low is not None and one.high is not None
    yield write(f"{units.quotient(one.low)}..{units.quotient(one.high)}" if known else "-")
    yield write(f"{one.a.values} and {one.b.values} {_UNITS[one.rests_on]}")
    yield write(_moved(one.a.placement, one.b.placement))
    yield write(_accuracy(one))
    yield write(one.verdict, _STYLE[one.verdict])


def _moved(before: str, after: str) -> str:
    return after if before == after else f"{before} to {after}"


def _accuracy(one: Compared) -> str:
    if one.accuracy is not None:
        difference = one.accuracy
        return (
            f"{units.points(difference.difference)} points "
            f"({units.points(difference.low)}..{units.points(difference.high)})"
        )
    if one.a.artifact_sha256 == one.b.artifact_sha256:
        return "same file"
    before, after = units.top1(one.a.top1), units.top1(one.b.top1)
    return _moved(before, after) if one.a.top1 or one.b.top1 else "not measured"


def _reasons(found: Comparisons, write: Write) -> Iterator[Text]:
    """One line for each reason; models that share it share the line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in found.models:
        reasons.setdefault((one.verdict, one.reason), []).append(one.model)
    for (verdict, reason), models in reasons.items():
        names = "" if len(models) == len(found.models) > 1 else f"{', '.join(models)}: "
        yield write(f"{names}{verdict}: {reason}.", _STYLE[verdict])
    circumstances = {
        (one.a.device, one.a.machine, one.b.device, one.b.machine) for one in found.models
    }
    for device, machine, other, other_machine in sorted(circumstances):
        side = f"{device}, {machine}"
        if (other, other_machine) == (device, machine):
            yield write(f"On {side}.", "dim")
        else:
            yield write(f"A on {side}; B on {other}, {other_machine}.", "dim")
    for sides in sorted({(_where(one.a), _where(one.b)) for one in found.models})[:8]:
        yield write(f"A: {sides[0]}. B: {sides[1]}.", "dim")
    differing = sorted({key_changes(one.differing) for one in found.models if one.differing})
    allowed = "--anyway" if found.anyway else " ".join(f"--across {key}" for key in found.across)
    for text in differing:
        yield write(f"Not the same on both sides, allowed by {allowed}: {text}.", "yellow")
    levels = sorted({one.confidence for one in found.models if one.confidence})
    if levels:
        yield write(
            f"Interval: Hodges and Lehmann's ratio with the order statistics of the quotients, "
            f"{units.percent(levels[0])} confidence or more.",
            "dim",
        )


def _where(side: Side) -> str:
    first = side.reports[-1]
    more = f" and {len(side.reports) - 1:,} before" if len(side.reports) > 1 else ""
    return f"{first}{more}, {commit(side.commit)}"

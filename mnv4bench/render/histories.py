"""A history as tables on a terminal: what changed, and what is steady.

Knows: columns and warnings. Does not know: how a change was found, or how it is drawn.
"""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.padding import Padding

from mnv4bench import units
from mnv4bench.over_time import ChangePoint, Fact, History, KeyChange, Segment, Series
from mnv4bench.render.terminal import View, Write, left_out, plain_table

COMMIT_DIGITS = 9
# Series without a change, the others first: more lines would hide what changed.
MAX_STEADY = 40
MAX_CHANGED = 60
_DIRECTION_STYLE = {"slower": "bold red", "faster": "green"}


def table(found: History) -> View:
    """The series that changed, each with its levels; then a line for each steady one."""

    def build(write: Write) -> RenderableType:
        stepped = [one for one in found.series if len(one.segments) > 1]
        steady = [one for one in found.series if len(one.segments) <= 1]
        parts: list[RenderableType] = [_levels(one, write) for one in stepped[:MAX_CHANGED]]
        if len(stepped) > MAX_CHANGED:
            more = units.plural(len(stepped) - MAX_CHANGED, "more series", "more series")
            parts.append(write(f"{more} with several levels; --json has them all\n"))
        if steady:
            parts.append(_steady(steady, write))
        parts += [write(line) for line in summary(found)]
        return Group(*parts, *left_out(found.skipped, write))

    return View(build)


def summary(found: History) -> list[str]:
    """How many changes, how sure they are, and how many would be there by chance."""
    if not found.series:
        return ["Nothing to show: no measurement was found."]
    changes = sum(len(one.changes) for one in found.series)
    slower = sum(change.direction == "slower" for one in found.series for change in one.changes)
    head = (
        f"{units.plural(changes, 'change point')} ({slower} slower, {changes - slower} faster) in "
        f"{units.plural(len(found.series), 'series', 'series')}."
    )
    if not found.judged:
        return [head, "No part of one environment has the six sessions that a change takes."]
    expected = found.judged * found.false_alarms
    chance = (
        f"A part of a series without any change shows one with a chance of "
        f"{units.percent(found.false_alarms)}, where sessions are independent: of "
        f"{units.plural(found.judged, 'part')} judged, {expected:.2g} or fewer by chance. "
        f"Changes under {units.percent(found.least_change - 1)} are not reported."
    )
    lines = [head, chance]
    alike = [one for one in found.series if one.alike > 0]
    if alike:
        lines.append(
            f"In {units.plural(len(alike), 'series', 'series')} sessions close in time are alike "
            "beyond chance; they count as fewer there, and the chance is above the stated one."
        )
    return lines


def title(series: Series) -> str:
    """``"mnv4-conv-s"``, with what tells it apart where machines take turns."""
    return f"{series.model} ({series.apart})" if series.apart else series.model


def circumstances(series: Series) -> str:
    """``"fp32 tflite, random (seed 0), 224 px"``."""
    size = f"{series.input_px} px" if series.input_px else "input size unknown"
    return ", ".join(
        (f"{series.precision} {series.format}", series.weights, series.chosen_shapes or size)
    )


def key_changes(changed: tuple[KeyChange, ...]) -> str:
    """``"runtime_version 2.2.0 to 2.3.0, cpu_count 2 to 4"``."""
    return ", ".join(
        f"{change.key} {value(change.before)} to {value(change.after)}" for change in changed
    )


def value(fact: Fact) -> str:
    """A fact of an environment in words."""
    return "unknown" if fact is None else str(fact)


def date(at: str) -> str:
    """``"2026-11-22 15:00"``, UTC."""
    return at[:16].replace("T", " ")


def commit(name: str | None) -> str:
    """The beginning of a commit's digest."""
    return name[:COMMIT_DIGITS] if name else "no commit"


def unused(series: Series) -> str:
    """``"3 not used: placement unproven (1), tainted (2)"``, or nothing."""
    reasons = Counter((one.unused or "").split(":")[0] for one in series.moments if one.unused)
    if not reasons:
        return ""
    listed = ", ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    return f"{sum(reasons.values()):,} not used: {listed}"


def _levels(series: Series, write: Write) -> RenderableType:
    heading = write(title(series), "bold") + write(f"  {series.device}  {circumstances(series)}  ")
    heading += write(series.origin.upper(), "bold cyan")
    shown = plain_table(
        write,
        ("From", "left"),
        ("Commit", "left"),
        ("Sessions", "right"),
        ("Level", "right"),
        ("Interval", "right"),
        ("What happened", "left"),
        names=(),
        title=heading,
    )
    changes = {change.report: change for change in series.changes}
    for segment in series.segments:
        width = _half(segment)
        shown.add_row(
            write(date(segment.start)),
            write(commit(segment.commit)),
            write(f"{segment.measurements:,}"),
            write(units.seconds(segment.latency_s, width)),
            write(units.spread(segment.latency_s, segment.low_s, segment.high_s) if width else "-"),
            _event(segment, changes.get(segment.first), write),
        )
    notes = [write(series.machine, "dim")]
    if unused(series):
        notes.append(write(unused(series)[0].upper() + unused(series)[1:] + ".", "yellow"))
    return Group(shown, Padding(Group(*notes), (0, 0, 1, 0)))


def _half(segment: Segment) -> float | None:
    if segment.low_s is None or segment.high_s is None:
        return None
    return units.half_width(segment.latency_s, segment.low_s, segment.high_s)


def _event(segment: Segment, change: ChangePoint | None, write: Write):  # type: ignore[no-untyped-def]
    if segment.began == "environment":
        return write(f"other environment: {key_changes(segment.changed)}", "cyan")
    if segment.began == "first" or change is None:
        return write("first", "dim")
    text = write(f"{change.direction} ", _DIRECTION_STYLE[change.direction])
    text += write(
        f"{units.change(change.ratio)}: ratio "
        f"{units.quotient(change.ratio, change.ratio_low, change.ratio_high)}, certainty "
        f"{units.certainty(change.p_value)}; last before: {commit(change.commit_before)}"
    )
    if change.along:
        text += write(f"; with it {key_changes(change.along)}", "dim")
    return text


def _steady(series: list[Series], write: Write) -> RenderableType:
    shown = plain_table(
        write,
        ("Steady", "left"),
        ("Device", "left"),
        ("Measured as", "left"),
        ("Sessions", "right"),
        ("Level", "right"),
        ("Interval", "right"),
        ("Not used", "left"),
        names=(title(one) for one in series),
    )
    ordered = sorted(series, key=lambda one: (one.device, one.precision, one.model, one.apart))
    for one in ordered[:MAX_STEADY]:
        segment = one.segments[0] if one.segments else None
        width = _half(segment) if segment else None
        shown.add_row(
            write(title(one), "bold"),
            write(one.device),
            write(f"{circumstances(one)}, {one.origin}"),
            write(f"{segment.measurements:,}" if segment else "0"),
            write(units.seconds(segment.latency_s, width) if segment else "-"),
            write(
                units.spread(segment.latency_s, segment.low_s, segment.high_s)
                if segment and width
                else "-"
            ),
            write(unused(one).partition(": ")[2], "yellow"),
        )
    if len(ordered) > MAX_STEADY:
        more = write(f"and {len(ordered) - MAX_STEADY:,} more; --json lists them all")
        return Group(shown, Padding(more, (0, 0, 1, 0)))
    return Group(shown, write(""))

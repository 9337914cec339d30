"""How sure a front is, in sentences: for the table, and for the notes beneath a panel.

Knows: what each figure of a Certainty means to a reader. Does not know: tables, pages, fronts.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnv4bench import units
from mnv4bench.findings import Certainty, Contested, Group, Hypervolume, Limits, Pick, Point
from mnv4bench.render import objectives
from mnv4bench.render.listing import listed

# More sentences than this hide the table above them; --json has them all.
MAX_CONTESTED = 5
# Between these a reader has to be told; beyond, a front is as good as certain of a point.
DOUBTFUL = (0.05, 0.95)
SCANT = "One or two invocations, so no probability"
FEW = "Three to five invocations, so shares near 0 and 100 % say more than they know"


def is_doubtful(point: Point) -> bool:
    """Whether it is open if the point is on the front."""
    share = point.front_probability
    return share is not None and DOUBTFUL[0] <= share <= DOUBTFUL[1]


def place(point: Point, group: Group) -> str:
    """What keeps a point where it is: ``", by 9.6 ms or 6.1 points"``; empty if nothing does."""
    x, top1 = point.margin_x, point.margin_top1
    if x == 0 and top1 == 0:
        return ", tied, as printed" if point.open else ", tied"
    ways = []
    if x:
        if group.origin == "published":  # no more digits than the printed times have
            ways.append(units.seconds_as_printed(abs(x), point.printed_to_s))
        else:
            ways.append(objectives.text(group.objective, abs(x)))
    if top1:
        ways.append(units.gap(abs(top1)))
    open_text = "; rounding may decide" if point.open else ""
    if not ways:
        return open_text
    if point.status == "front":
        return f", by {' or '.join(ways)}{open_text}"
    noun = objectives.wording(group.objective).noun
    alike = " and as accurate" if top1 == 0 else f" at the same {noun}" if x == 0 else ""
    return f"{alike}; short by {' or '.join(ways)}{open_text}"


def answers(group: Group, limits: Limits | None) -> list[str]:
    """What was asked for with ``limits``: one sentence for each basis of accuracies."""
    found = group.certainty
    if found is None or limits is None:
        return []
    several = len(found.picks) > 1
    return [pick(one, group, limits, several) for one in found.picks]


def sentences(group: Group) -> list[str]:
    """What resampling says of the front."""
    found = group.certainty
    if found is None or not found.hypervolumes:
        return []
    lines = []
    if found.resamples:
        lines.append(how(found))
    elif found.reason:
        lines.append(f"No probability of being on the front: {found.reason}.")
    if found.resamples and found.scant:
        lines.append(f"{SCANT}: {listed(found.scant)}.")
    if found.resamples and found.few:
        lines.append(f"{FEW}: {listed(found.few)}.")
    lines += contested(found)
    several = len(found.hypervolumes) > 1
    lines += [hypervolume(one, group, several) for one in found.hypervolumes]
    return lines


def in_brief(group: Group) -> list[str]:
    """For the notes beneath a panel: what its names and its paleness rest on."""
    found = group.certainty
    if found is None or not found.resamples:
        return []
    count = f"{found.resamples:,} resamples of the invocations"
    count += " and images" if found.evaluated else ""
    several = len(found.hypervolumes) > 1
    lines = [f"Paleness and percentages behind names: share of {count} on the front."]
    if found.scant:
        lines.append(f"{SCANT}: {listed(found.scant)}.")
    return lines + [hypervolume(one, group, several) for one in found.hypervolumes]


def how(found: Certainty) -> str:
    """What a share is a share of."""
    error = units.percent(found.monte_carlo_error)
    return (
        f"On front: in how many of {found.resamples:,} resamples of the invocations"
        f"{images(found)} (seed {found.seed}); standard error from their number at most {error}."
    )


def images(found: Certainty) -> str:
    """What is said of measured accuracies: on whose images they were drawn again."""
    if not found.evaluated:
        return ""
    if found.paired == found.evaluated:
        return " and of the images, the same for all files"
    alone = "" if found.evaluated == 1 else ", for each file by itself"
    if found.paired:
        alone = f", the same for {found.paired:,} of {found.evaluated:,} files"
    return f" and of the images{alone}"


def contested(found: Certainty) -> list[str]:
    """A sentence for each of the most contested pairs."""
    pairs = found.contested
    lines = [f"Contested: {_pair(one)}." for one in pairs[:MAX_CONTESTED]]
    if found.contested_count > MAX_CONTESTED:
        more = units.plural(found.contested_count - MAX_CONTESTED, "contested pair")
        lines.append(f"And {more} more.")
    return lines


def _pair(one: Contested) -> str:
    share = units.share(one.share)
    match one.relation:
        case "first":
            return f"{one.first} dominates {one.second}, but not in {share} of resamples"
        case "second":
            return f"{one.second} dominates {one.first}, but not in {share} of resamples"
        case "neither":
            return (
                f"neither of {one.first} and {one.second} dominates the other, but one does in "
                f"{share} of resamples"
            )


def hypervolume(one: Hypervolume, group: Group, several: bool) -> str:
    """The area, its interval and its reference point."""
    x = objectives.text(group.objective, one.reference_x)
    where = "as given" if one.reference_given else "a doubling and a point beyond the worst here"
    interval = (
        "no interval"
        if one.low is None or one.high is None
        else f"95 % interval {units.area(one.low)}..{units.area(one.high)}"
    )
    of = f" with top-1 {_basis(one)}" if several else ""
    return (
        f"Hypervolume{of} {units.area(one.value)} ({interval}): points of top-1 times doublings "
        f"of {objectives.wording(group.objective).noun}, up to {x} and "
        f"{units.top1(one.reference_top1)} ({where})."
    )


def asked(limits: Limits) -> str:
    """``"latency at most 5.00 ms and top-1 at least 78.0 %"``."""
    parts = []
    if limits.max_latency_s is not None:
        parts.append(f"latency at most {units.seconds(limits.max_latency_s)}")
    if limits.min_top1 is not None:
        parts.append(f"top-1 at least {units.top1(limits.min_top1)}")
    return " and ".join(parts)


def pick(one: Pick, group: Group, limits: Limits, several: bool = False) -> str:
    """The best model within limits, how certain that is, and the next one."""
    of = f", top-1 {_basis(one)}" if several else ""
    wanted = f"With {asked(limits)}{of}"
    if one.model is None:
        text = f"{wanted}: no model"
        if one.runner_up and one.runner_up_share:
            share = units.share(one.runner_up_share)
            text += f", although {one.runner_up} would be the best one in {share} of resamples"
        return f"{text}."
    cheapest = limits.max_latency_s is None
    noun = objectives.wording(group.objective).noun
    best = f"least {noun}" if cheapest else "most accurate"
    text = f"{wanted}: {one.model} ({best})"
    if one.share is not None:
        text += f", the best in {units.share(one.share)} of resamples"
        if one.keeps is not None and one.keeps < DOUBTFUL[1]:
            text += f" (within the limits in {units.share(one.keeps)})"
    else:
        text += ", with unknown certainty"
    if one.runner_up:
        text += f"; next: {one.runner_up}"
        if one.runner_up_share:
            text += f" (the best in {units.share(one.runner_up_share)})"
    if one.none_share:
        text += f"; no model in {units.share(one.none_share)}"
    return f"{text}."


def _basis(one: Pick | Hypervolume) -> str:
    match one.accuracy_source:
        case "measured":
            return f"measured on {one.accuracy_data}"
        case "paper":
            return "from the paper"
        case "table":
            return "from the same table"
        case "timm" | None:
            return "from timm"


def shares(points: Sequence[Point]) -> bool:
    """Whether any of them has a probability."""
    return any(point.front_probability is not None for point in points)

"""What is said beneath the table of a front, in order, wherever the table is written.

Knows: what a reader must be told of a group before its points mean anything. Does not know: tables,
colours, Markdown, figures (their notes have less room: words).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from mnv4bench import units
from mnv4bench.findings import Group, Limits, Point, Summary
from mnv4bench.render import sureness
from mnv4bench.render.listing import listed

RANDOM_MARK = "~"  # behind a name, where only some of a table have random weights
FLOAT_MARK = "float"  # behind an accuracy of the network before it was quantised
FLOAT_ACCURACY = (
    "float: published for the float network; nobody measured this quantised file (mnv4bench eval)."
)
SEVERAL_BASES = (
    "Accuracies of different sources or data sets are not compared: each has a front of its own."
)
RANDOM_WEIGHTS = "Latency measured with random weights; accuracy published for trained weights."
ANY_RANDOM_WEIGHTS = "Random weights; accuracy published for trained weights."

_SOURCE_TITLES = {
    "paper": "the paper",
    "timm": "timm's results",
    "measured": "mnv4bench eval",
    "table": "the same table",
}


class Note(NamedTuple):
    """A sentence, and what it is to the reader."""

    text: str
    tone: Literal["plain", "answer", "aside", "warning"] = "plain"


def notes(group: Group, limits: Limits | None) -> Iterator[Note]:
    """Every sentence beneath the table of ``group``."""
    compared = [point for point in group.points if point.status != "excluded"]
    yield Note(_tally(group, compared))
    yield from (Note(line, "answer") for line in sureness.answers(group, limits))
    yield from (Note(line) for line in sureness.sentences(group))
    where = [group.machine]
    if group.origin == "published":
        where.append(f"as published in {group.environment}")
    known = sources(group)
    if len(known) == 1:
        where.append(f"top-1 from {_SOURCE_TITLES[known[0]]}")
    yield Note(", ".join(filter(None, where)), "aside")
    if len({point.basis for point in compared}) > 1:
        yield Note(SEVERAL_BASES, "warning")
    random = [is_random(point) for point in group.points]
    if any(random):
        mark = "" if all(random) else f"{RANDOM_MARK} "
        text = RANDOM_WEIGHTS if group.objective == "latency" else ANY_RANDOM_WEIGHTS
        yield Note(mark + text, "warning")
    if any(point.float_accuracy for point in compared):
        yield Note(FLOAT_ACCURACY, "warning")
    for text in _measured_on(compared):
        yield Note(f"Top-1 {text}.", "aside")
    yield from (Note(line, "warning") for line in calibrations(compared))


def _tally(group: Group, compared: list[Point]) -> str:
    members = sum(point.status == "front" for point in compared)
    if not compared:
        return f"No front: {units.plural(len(group.points), 'model')}, and each is excluded."
    tally = f"{members} of {units.plural(len(compared), 'model')} on the front"
    if len(compared) < len(group.points):
        tally += f", {len(group.points) - len(compared)} excluded"
    return f"{tally}."


def sources(group: Group) -> list[str]:
    """Whose accuracies its points have."""
    return sorted({one.accuracy_source for one in group.points if one.accuracy_source})


def is_random(point: Point) -> bool:
    """Whether the latency is that of random weights and the accuracy is not."""
    return point.weights.startswith("random") and point.accuracy_source != "measured"


def _measured_on(points: Iterable[Point]) -> list[str]:
    """``"measured on 50,000 images of val (3 files)"``, one for each data set."""
    files = Counter(
        (point.accuracy_data, point.accuracy_images or 0)
        for point in points
        if point.accuracy_source == "measured"
    )
    return [
        f"measured on {units.plural(images, 'image')} of {data} ({units.plural(count, 'file')})"
        for (data, images), count in sorted(files.items())
    ]


def calibrations(found: Iterable[Summary | Point]) -> list[str]:
    """``"Synthetic calibration: a, b."``, for what was calibrated."""
    models: dict[str, list[str]] = defaultdict(list)
    for one in found:
        if one.calibration:
            models[one.calibration].append(one.model)
    return [f"{how[0].upper()}{how[1:]}: {listed(names)}." for how, names in sorted(models.items())]

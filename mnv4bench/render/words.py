"""The words around a panel: its heading, and the notes beneath it.

Knows: what a reader must be told of a group before its points mean anything. Does not know: where
on the page a line comes to stand. Sizes are points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mnv4bench import units
from mnv4bench.findings import Group, Limits, Point
from mnv4bench.records import AccuracySource
from mnv4bench.render import sureness, typeface
from mnv4bench.render.listing import MAX_LISTED, listed
from mnv4bench.render.untrusted import visible

TITLE_SIZE = 9.5
TEXT_SIZE = 7.0
NOTE_SIZE = 6.0
LINE_SPACING = 1.4
MAX_FACTS = 2  # lines under a title, for each origin
# What the names of points that found no place in a panel may take beneath it.
UNNAMED_LINES = 2

RANDOM_WEIGHTS = "Accuracy published for trained weights; latency measured with random weights."
ANY_RANDOM_WEIGHTS = "Accuracy published for trained weights; these have random ones."
FLOAT_ACCURACY = (
    "Accuracy of the float network, as nobody measured that of the quantised file (half filled)"
)
SEVERAL_BASES = (
    "Accuracies of different sources or data sets are not compared: each has a line of its own."
)
_SOURCES: dict[AccuracySource, str] = {
    "paper": "arXiv:2404.10518v2 Table 6",
    "timm": "timm's results tables",
    "table": "the published table itself",
}


def heading(groups: Sequence[Group], room: float) -> list[str]:
    """The title and a line or more for each origin."""
    first = groups[0]
    title = visible(f"{first.device}, {first.precision}")
    lines = [typeface.shortened_within(title, TITLE_SIZE * typeface.BOLD, room)]
    for group in groups:
        text = f"{group.origin.upper()} on {visible(group.machine)}"
        if group.origin == "published":
            unit = f": {visible(group.machine)}" if group.machine else ""
            text = f"PUBLISHED in {visible(group.environment)}{unit}"
        lines += typeface.wrapped(text, TEXT_SIZE, room, MAX_FACTS)
    return lines


def notes(
    groups: Sequence[Group],
    unnamed: Sequence[str],
    room: float,
    limits: Limits | None = None,
) -> list[str]:
    """What a reader must know beneath the plot: sources, weights, placement, what is excluded."""
    paragraphs = []
    points = [point for group in groups for point in group.points]
    drawn = [point for point in points if point.status != "excluded"]
    measured = [
        point
        for group in groups
        if group.origin != "published"
        for point in group.points
        if point.status != "excluded"
    ]
    for group in groups:
        origin = f"{group.origin.capitalize()}: " if len(groups) > 1 else ""
        paragraphs += [origin + visible(line) for line in sureness.answers(group, limits)]
    sources = _sources(measured)
    if sources:
        paragraphs.append(f"Accuracy: {'; '.join(sources)}.")
    if len({point.basis for point in measured}) > 1:
        paragraphs.append(SEVERAL_BASES)
    floats = [visible(point.model) for point in measured if point.float_accuracy]
    if floats:
        everything = "" if len(floats) == len(measured) else f": {listed(floats)}"
        paragraphs.append(f"{FLOAT_ACCURACY}{everything}.")
    calibrations: dict[str, list[str]] = defaultdict(list)
    for point in measured:
        if point.calibration:
            calibrations[visible(point.calibration)].append(visible(point.model))
    for how, models in sorted(calibrations.items()):
        everything = "" if len(models) == len(measured) else f": {listed(models)}"
        paragraphs.append(f"{how[0].upper()}{how[1:]}{everything}.")
    random = [
        visible(point.model)
        for point in measured
        if point.weights.startswith("random") and point.accuracy_source != "measured"
    ]
    over_latency = all(group.objective == "latency" for group in groups)
    if random and len(random) == len(measured):
        paragraphs.append(RANDOM_WEIGHTS if over_latency else ANY_RANDOM_WEIGHTS)
    elif random:
        what = "Latency measured with random weights" if over_latency else "Random weights"
        paragraphs.append(f"{what}: {listed(random)}.")
    for source, models in _lent(groups).items():
        paragraphs.append(
            f"Where the published table prints no accuracy, that of the float network from "
            f"{source}: {listed(models)}."
        )
    partial = [visible(point.model) for point in drawn if point.placement == "partial"]
    if partial:
        paragraphs.append(
            f"Placement partial, some operators outside the asked-for unit ({len(partial)}): "
            f"{listed(partial)}."
        )
    reasons: dict[str, list[str]] = defaultdict(list)
    for point in points:
        if point.status == "excluded":
            # Up to the first colon: what comes behind is one measurement's own sentence.
            reasons[(point.reason or "excluded").split(":")[0]].append(visible(point.model))
    for reason, models in reasons.items():
        paragraphs.append(f"Excluded, {visible(reason)} ({len(models)}): {listed(models)}.")
    for group in groups:
        if group.certainty and group.certainty.resamples:
            paragraphs += [visible(line) for line in sureness.in_brief(group)]
    lines = [
        line for paragraph in paragraphs for line in typeface.wrapped(paragraph, NOTE_SIZE, room)
    ]
    return lines + _not_named(unnamed, room)


def _not_named(unnamed: Sequence[str], room: float) -> list[str]:
    """As many of the names as UNNAMED_LINES hold."""
    lines: list[str] = []
    for most in range(min(len(unnamed), MAX_LISTED), 0, -1):
        text = f"Not named for want of room ({len(unnamed)}): {listed(unnamed, most)}."
        lines = typeface.wrapped(text, NOTE_SIZE, room)
        if len(lines) <= UNNAMED_LINES:
            break
    return lines[:UNNAMED_LINES]


def _sources(points: Sequence[Point]) -> list[str]:
    """Where accuracies are from; of several sources, which models have which."""
    models: dict[str, list[str]] = defaultdict(list)
    for point in points:
        if point.accuracy_source == "measured":
            images = units.plural(point.accuracy_images or 0, "image")
            source = f"measured on {images} of {visible(point.accuracy_data)}"
            models[source].append(visible(point.model))
        elif point.accuracy_source:
            models[_SOURCES[point.accuracy_source]].append(visible(point.model))
    if len(models) == 1 or not any(source.startswith("measured") for source in models):
        return [" and ".join(sorted(models))] if models else []
    return [f"{source} ({listed(names)})" for source, names in sorted(models.items())]


def _lent(groups: Sequence[Group]) -> dict[str, list[str]]:
    """Published latencies that are drawn with an accuracy from elsewhere, by its source."""
    lent: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        if group.origin == "published" and group.environment != _SOURCES["paper"]:
            for point in group.points:
                if point.status != "excluded" and point.accuracy_source in ("timm", "paper"):
                    lent[_SOURCES[point.accuracy_source]].append(visible(point.model))
    return lent

"""An overview as the data of a page: tables of numbers and of places of texts.

Knows: what the page shows and in which words; every number comes with its text, since a page
formats none and computes nothing. Does not know: how it looks, or how data gets into a file.
"""

from __future__ import annotations

from typing import Any

from mnv4bench import units
from mnv4bench.findings import Group, Point, Summary, Tally
from mnv4bench.overview import Exhibit, Overview
from mnv4bench.render import objectives, sureness
from mnv4bench.render.html import over_devices, over_time, within
from mnv4bench.render.html.details import Details, setting
from mnv4bench.render.html.tables import Table, rounded
from mnv4bench.render.html.words import Words
from mnv4bench.render.palette import looks
from mnv4bench.render.untrusted import visible

_STATUS = {"front": 0, "dominated": 1, "excluded": 2}
# Of a point: what a reader must be told of its figures.
RANDOM_WEIGHTS, FLOAT_ACCURACY, MEASURED_ACCURACY, SYNTHETIC, PARTIAL = 1, 2, 4, 8, 16
# Names of members that dominate a point, in its row; the figure shows the others.
MOST_DOMINATORS = 4
# What ECharts calls matplotlib's markers; those that it lacks are paths in a box of two units.
_SYMBOLS = {
    "o": "circle",
    "s": "rect",
    "^": "triangle",
    "D": "diamond",
    "v": "path://M0,0 L2,0 L1,1.8 Z",
    "p": "path://M1,0 L2,0.73 L1.6,1.9 L0.4,1.9 L0,0.73 Z",
    "P": "path://M0.65,0 h0.7 v0.65 h0.65 v0.7 h-0.65 v0.65 h-0.7 v-0.65 h-0.65 v-0.7 h0.65 Z",
    ">": "path://M0,0 L1.8,1 L0,2 Z",
    "<": "path://M1.8,0 L0,1 L1.8,2 Z",
    "*": "path://M1,0 L1.24,0.68 L1.95,0.69 L1.38,1.12 L1.59,1.81 L1,1.4 L0.41,1.81 "
    "L0.62,1.12 L0.05,0.69 L0.76,0.68 Z",
    "X": "path://M0.5,0 L1,0.5 L1.5,0 L2,0.5 L1.5,1 L2,1.5 L1.5,2 L1,1.5 L0.5,2 L0,1.5 L0.5,1 "
    "L0,0.5 Z",
}

Key = tuple[str, str, str, str, str]  # device, precision, origin, environment, label


def payload(whole: Overview, version: str) -> dict[str, Any]:
    """Everything that the page shows, as values that JSON has."""
    words = Words()
    settings = {one.report: place for place, one in enumerate(whole.settings)}
    details = Details(whole.exhibits, settings, words)
    places = {_key(one): place for place, one in enumerate(whole.exhibits)}
    groups = Table(
        "device", "precision", "origin", "machine", "environment", "axis", "column", "measured",
        "notes", "exact", "number",
    )  # fmt: skip
    points = _Points(words)
    figures = {_key(one): one.figures for one in whole.exhibits}
    for number, group in enumerate(whole.front.groups):
        groups.add(*_group(group, words), number)
        for point in group.points:
            key = (group.device, group.precision, group.origin, group.environment, point.model)
            points.add(number, group, point, places.get(key, -1), figures.get(key))
    families = list(dict.fromkeys(p.family for g in whole.front.groups for p in g.points))
    if whole.history is not None:
        families += [one.family for one in whole.history.series if one.family not in families]
    return {
        "about": {"version": version, "lines": about(whole), "stretches": whole.stretches},
        "looks": {
            visible(family): [look.colour, _SYMBOLS[look.marker], look.scale]
            for family, look in looks(families).items()
        },
        "groups": groups.columns(),
        "points": points.table.columns(),
        "details": details.columns,
        "steps": details.steps,
        "kinds": details.kinds,
        "settings": [setting(one, words) for one in whole.settings],
        "limits": within.limits(whole.front, words),
        "picks": within.picks(whole.front, words),
        "universality": [over_devices.table(one, words) for one in whole.front.universality],
        "skipped": [[words(one.path), words(one.reason)] for one in whole.front.skipped],
        "beside": over_devices.beside(whole.front.side_by_side, words),
        "history": over_time.history(whole.history, words),
        "words": words.texts,  # last: all of the above have spoken
    }


def about(whole: Overview) -> list[str]:
    """What the page is about, in a few facts."""
    groups = whole.front.groups
    models = {one.model for one in whole.exhibits} or {p.model for g in groups for p in g.points}
    devices = {group.device for group in groups}
    lines = [
        units.plural(len(whole.exhibits), "measurement"),
        units.plural(len(models), "model"),
        units.plural(len(devices), "device"),
    ]
    dates = [one.started_at[:10] for one in whole.settings]
    if dates:
        first, last = min(dates), max(dates)
        lines.append(visible(first if first == last else f"{first} to {last}"))
    return lines


def _key(one: Exhibit) -> Key:
    return (one.device, one.precision, one.origin, one.environment, one.label)


def _group(group: Group, words: Words) -> tuple[Any, ...]:
    wording = objectives.wording(group.objective)
    return (
        words(group.device),
        words(group.precision),
        words(group.origin),
        words(group.machine),
        words(group.environment),
        words(wording.axis),
        words(wording.column),
        words(group.measured_at[:16].replace("T", " ")),
        [words(line) for line in sureness.sentences(group)],
        int(wording.exact),
    )


class _Points:
    """The rows of all panels."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self.table = Table(
            "group", "model", "family", "status", "x", "low", "high", "top1", "top1Low", "top1High",
            "cost", "spread", "accuracy", "accuracyFrom", "share", "shareText", "placement", "size",
            "sizeText", "reason", "by", "byMore", "flags", "margin", "detail", "p90", "p90Text",
            "weights", "basis",
        )  # fmt: skip

    def add(
        self,
        number: int,
        group: Group,
        point: Point,
        detail: int,
        figures: Summary | Tally | None,
    ) -> None:
        words = self._words
        unit = objectives.wording(group.objective).unit
        cost, (low, high) = point.cost, point.cost_interval
        half = None
        if cost is not None and low is not None and high is not None:
            half = units.half_width(cost, low, high)
        text = objectives.text(group.objective, cost, half)
        if group.origin == "published" and group.objective == "latency":
            text = units.seconds_as_printed(cost, point.printed_to_s)
        self.table.add(
            number,
            words(point.model),
            words(point.family),
            _STATUS[point.status],
            rounded(cost, unit, 5),
            rounded(low, unit, 5),
            rounded(high, unit, 5),
            rounded(point.top1),
            rounded(point.top1_low),
            rounded(point.top1_high),
            words("" if cost is None else text),
            words("" if half is None else units.spread(cost or 0.0, low, high)),
            words("" if point.top1 is None else units.top1(point.top1)),
            words(_accuracy_from(point)),
            rounded(point.front_probability, digits=4),
            words("" if (share := point.front_probability) is None else units.share(share)),
            words(point.placement or ""),
            figures.size_bytes if figures else None,
            words(units.size(figures.size_bytes) if figures else ""),
            words(point.reason or ""),
            [words(name) for name in point.dominated_by[:MOST_DOMINATORS]],
            max(0, len(point.dominated_by) - MOST_DOMINATORS),
            _flags(point),
            words(sureness.place(point, group).lstrip(",; ")),
            detail,
            rounded(figures.p90_s if figures else None, 1e-3, 4),
            words(units.seconds(figures.p90_s) if figures and figures.p90_s else ""),
            words(point.weights),
            words("/".join(point.basis)),
        )


def _accuracy_from(point: Point) -> str:
    match point.accuracy_source:
        case None:
            return ""
        case "measured":
            images = units.plural(point.accuracy_images or 0, "image")
            interval = units.top1_interval(point.top1_low, point.top1_high)
            return f"measured on {images} of {point.accuracy_data}: {interval}"
        case "paper":
            return "published in the paper's Table 6"
        case "timm":
            return "published in timm's results"
        case "table":
            return "published in the same table"


def _flags(point: Point) -> int:
    flags = 0
    if point.weights.startswith("random") and point.accuracy_source not in ("measured", None):
        flags |= RANDOM_WEIGHTS
    if point.float_accuracy:
        flags |= FLOAT_ACCURACY
    if point.accuracy_source == "measured":
        flags |= MEASURED_ACCURACY
    if point.calibration and point.calibration.startswith("synthetic"):
        flags |= SYNTHETIC
    if point.placement == "partial":
        flags |= PARTIAL
    return flags

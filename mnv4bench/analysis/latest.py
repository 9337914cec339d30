"""Which of many measurements count: of each variant the latest, decided before any statistics.

Knows: what makes two measurements the same thing measured again. Does not know: accuracies,
dominance, files. Reports may come in any order; newest first is fastest, because a measurement
that is already superseded is never summarised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mnv4bench.analysis.circumstances import circumstances
from mnv4bench.analysis.counts import tally
from mnv4bench.analysis.stats import (
    Ordered,
    Unmeasured,
    measured_at,
    summarise,
    unmeasured,
)
from mnv4bench.findings import Skipped, Summary, Tally
from mnv4bench.records import Measurement, Origin, Precision, Report, Weights

Candidate = Summary | Tally | Unmeasured


class GroupKey(NamedTuple):
    """Only latencies that agree in all four are compared."""

    device: str
    precision: Precision
    origin: Origin
    environment: str


class Variant(NamedTuple):
    """One point of a group. Equal variants are the same thing measured again."""

    model: str
    input_px: int | None
    weights: str
    # Of the tensors or the file, where a name alone may stand for two different things.
    digest: str
    chosen_shapes: str = ""  # of a file that leaves sizes open


class _Moment(NamedTuple):
    """Later ones count; any measurement counts before a failure."""

    measured: bool
    at: str  # UTC, ISO 8601
    report: str


class Latest:
    """Takes measurements one at a time and keeps the latest of each variant, in figures."""

    def __init__(self) -> None:
        self._groups: dict[GroupKey, dict[Variant, tuple[_Moment, Candidate]]] = defaultdict(dict)
        self._losers: list[tuple[str, GroupKey, Variant]] = []  # (report, what it lost)

    def add(self, report: Report) -> None:
        """Take every measurement of ``report``."""
        for measurement in report.measurements:
            self.take(report, measurement)

    def take(
        self, report: Report, measurement: Measurement, ordered: Ordered | None = None
    ) -> bool:
        """Summarise ``measurement``, unless a later one of its variant is here: then False.

        ``ordered``: see ``stats.ordered_samples``.
        """
        artifact = measurement.artifact
        _, environment = circumstances(report.environment, report.profile)
        device = report.profile.device
        key = GroupKey(device, artifact.precision, measurement.origin, environment)
        variant = _variant(
            artifact.model,
            artifact.input_px,
            artifact.weights,
            artifact.sha256,
            artifact.chosen_shapes,
        )
        at = measured_at(measurement) if measurement.has_figures else report.started_at
        moment = _Moment(measurement.has_figures, at, report.report)
        if self._loses(key, variant, moment):
            return False
        found: Candidate | None = summarise(report, measurement, ordered)
        found = found or tally(report, measurement) or unmeasured(report, measurement)
        assert found is not None  # it has figures or a reason
        self._groups[key][variant] = (moment, found)
        return True

    def offer(self, one: Candidate) -> None:
        """As ``add``, for what is in figures already."""
        key = GroupKey(one.device, one.precision, one.origin, one.environment)
        variant = _variant(
            one.model, one.input_px, one.weights, one.artifact_sha256, one.chosen_shapes
        )
        moment = _Moment(not isinstance(one, Unmeasured), one.at, one.report)
        if not self._loses(key, variant, moment):
            self._groups[key][variant] = (moment, one)

    def merge(self, other: Latest) -> None:
        """Take over what ``other`` gathered from other reports."""
        self._losers += other._losers
        for members in other._groups.values():
            for _, one in members.values():
                self.offer(one)

    def _loses(self, key: GroupKey, variant: Variant, moment: _Moment) -> bool:
        """Compare with what is held, and note which of the two is superseded."""
        held = self._groups[key].get(variant)
        if held is None:
            return False
        newer = held[0] >= moment
        self._losers.append((moment.report if newer else held[0].report, key, variant))
        return newer

    def groups(self) -> Iterator[tuple[GroupKey, str, Mapping[Variant, Candidate]]]:
        """(key, the machine in words, its variants), ordered by key."""
        for key, members in sorted(self._groups.items(), key=lambda item: item[0]):
            _, newest = max(members.values(), key=lambda pair: pair[0])
            yield key, newest.machine, {variant: one for variant, (_, one) in members.items()}

    def summaries(self) -> Iterator[Summary]:
        """The measurements that count and have figures, ordered by group."""
        for _, _, members in self.groups():
            yield from (one for one in members.values() if isinstance(one, Summary))

    def artifacts(self) -> frozenset[str]:
        """Digests of the files that count."""
        held = (one for members in self._groups.values() for _, one in members.values())
        return frozenset(one.artifact_sha256 for one in held)

    def superseded(self) -> tuple[Skipped, ...]:
        """One line per older report: how many of its measurements no longer count, and why."""
        by_report: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for report, key, variant in self._losers:
            winner, _ = self._groups[key][variant]
            by_report[report].append((variant.model, winner.report))
        skipped = []
        for report, lost in sorted(by_report.items()):
            newer = sorted({by for _, by in lost})
            if len(lost) == 1:
                reason = f"{lost[0][0]}: superseded by a later measurement in {newer[0]}"
            else:
                others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
                reason = f"{len(lost)} measurements superseded by later ones in {newer[-1]}{others}"
            skipped.append(Skipped(path=report, reason=reason))
        return tuple(skipped)


def _variant(
    model: str, input_px: int | None, weights: Weights, artifact_sha256: str, chosen_shapes: str
) -> Variant:
    match weights.kind:
        case "random" | "timm":
            digest = ""
        case "file":
            digest = weights.sha256 or artifact_sha256
        case "own":
            digest = artifact_sha256
    return Variant(model, input_px, weights.text, digest, chosen_shapes)


def labels(variants: Sequence[Variant]) -> dict[Variant, str]:
    """The model's name, with whatever tells its variants within one group apart."""
    by_model: dict[str, list[Variant]] = defaultdict(list)
    for variant in variants:
        by_model[variant.model].append(variant)
    named = {}
    for model, alike in by_model.items():
        shapes = len({variant.chosen_shapes for variant in alike}) > 1
        sizes = not shapes and len({variant.input_px for variant in alike}) > 1
        trainings = len({variant.weights for variant in alike}) > 1
        digests = len({variant._replace(digest="") for variant in alike}) < len(alike)
        for variant in alike:
            label = f"{model} @{variant.input_px or 'unknown size'}" if sizes else model
            if shapes:
                label += f" @{variant.chosen_shapes or variant.input_px or 'unknown size'}"
            if trainings:
                label += f", {variant.weights}"
            named[variant] = f"{label} {variant.digest[:8]}" if digests else label
    return named

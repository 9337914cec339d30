"""Latencies over time: each model on each device as a series of levels, and where they change.

Knows: what makes two measurements moments of one series, and which of them count. Does not know:
how a change is found (change_points), files, dates beyond their order. Measurements may come in
any order and more than once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from sys import intern
from typing import NamedTuple

from mnv4bench.analysis import change_points, rank_sums
from mnv4bench.analysis.circumstances import circumstances, facts
from mnv4bench.analysis.stats import (
    Ordered,
    measured_at,
    median,
    median_interval,
    medians,
    why_no_latency,
)
from mnv4bench.findings import Skipped
from mnv4bench.over_time import ChangePoint, Fact, History, KeyChange, Moment, Segment, Series
from mnv4bench.records import Format, Measurement, Origin, Precision, Report

# Which machine it is, as opposed to what is installed on it.
MACHINE_KEYS = ("unit", "soc", "cpu_model", "cpu_count", "architecture", "virtualization")


class SeriesKey(NamedTuple):
    """What agrees in all moments of a series."""

    device: str
    model: str
    precision: Precision
    origin: Origin
    weights: str
    input_px: int | None
    chosen_shapes: str


class Circumstances(NamedTuple):
    """Of one environment: the must-match facts and the machine in words."""

    facts: Mapping[str, Fact]
    machine: str
    threads: int
    format: Format


class Timeline:
    """Takes measurements one at a time and keeps of each what a history needs, no samples."""

    def __init__(self) -> None:
        self._moments: dict[SeriesKey, list[Moment]] = defaultdict(list)
        self._families: dict[str, str] = {}
        self._environments: dict[str, Circumstances] = {}
        self._failures: set[tuple[str, str]] = set()  # (report, sentence)

    def add(self, report: Report, ordered: Sequence[Ordered] | None = None) -> None:
        """All measurements of one report; ``ordered``: of each, see ``stats.ordered_samples``."""
        machine, environment = circumstances(report.environment, report.profile)
        if environment not in self._environments:
            profile = report.profile
            found = facts(report.environment, profile)
            self._environments[environment] = Circumstances(
                found, machine, profile.threads, profile.format
            )
        for place, measurement in enumerate(report.measurements):
            artifact = measurement.artifact
            values, tainted = medians(measurement, ordered[place] if ordered else None)
            if not values:
                why = why_no_latency(measurement)
                self._failures.add((report.report, f"{artifact.model}: {why}"))
                continue
            key = SeriesKey(
                report.profile.device,
                artifact.model,
                artifact.precision,
                measurement.origin,
                artifact.weights.text,
                artifact.input_px,
                artifact.chosen_shapes,
            )
            self._families[artifact.model] = artifact.family
            self._moments[key].append(_moment(report, measurement, environment, values, tainted))

    def merge(self, other: Timeline) -> None:
        """Take over what ``other`` gathered from other reports."""
        for key, moments in other._moments.items():
            self._moments[key] += moments
        self._families |= other._families
        self._environments |= other._environments
        self._failures |= other._failures

    def models(self) -> list[str]:
        """Names, in order."""
        return sorted({key.model for key in self._moments})

    def devices(self) -> list[str]:
        """As ``models``."""
        return sorted({key.device for key in self._moments})

    def repeats(self) -> bool:
        """Whether anything was measured more than once."""
        return any(len(moments) > 1 for moments in self._moments.values())

    def history(
        self,
        *,
        false_alarms: float = change_points.FALSE_ALARMS,
        least: float = change_points.LEAST_CHANGE,
        models: Container[str] | None = None,
        devices: Container[str] | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> History:
        """Every series (of ``models`` on ``devices``) with its levels and changes.

        See ``change_points.detect``. ``skipped``: what could not be read.
        """
        left_out = [Skipped(path=report, reason=why) for report, why in sorted(self._failures)]
        found: list[Series] = []
        judged = 0
        twice: Counter[str] = Counter()
        for key, apart, moments in self._series(twice):
            if models is not None and key.model not in models:
                continue
            if devices is not None and key.device not in devices:
                continue
            series, parts = self._levels(key, apart, moments, false_alarms, least)
            found.append(series)
            judged += parts
        left_out += [
            Skipped(path=report, reason="read more than once; it counts once")
            for report in sorted(twice)
        ]
        # Who looks at a history looks for what changed last.
        found.sort(key=lambda one: max((c.at for c in one.changes), default=""), reverse=True)
        return History(
            series=tuple(found),
            false_alarms=false_alarms,
            judged=judged,
            least_change=least,
            skipped=(*skipped, *left_out),
        )

    def _series(self, twice: Counter[str]) -> Iterator[tuple[SeriesKey, str, list[Moment]]]:
        """(key, what tells it apart, its moments in order), each moment once.

        Machines that take turns are measured side by side, and so are files of one name in one
        report: each is a series. A machine or file that replaced another is not.
        """
        for key, several in sorted(self._moments.items(), key=lambda item: _sortable(item[0])):
            once = {(one.report, one.at, one.artifact_sha256): one for one in several}
            if len(once) < len(several):
                all_of = Counter((one.report, one.at, one.artifact_sha256) for one in several)
                twice.update(report for (report, _, _), count in all_of.items() if count > 1)
            moments = [
                moment for _, moment in sorted(once.items(), key=lambda item: _when(item[1]))
            ]
            in_report = Counter(one.report for one in moments)
            if max(in_report.values()) > 1 and len({one.artifact_sha256 for one in moments}) > 1:
                parts = _parted(moments, lambda one: one.artifact_sha256[:8])
            else:
                parts = self._side_by_side(moments)
            for apart, ones in parts.items():
                yield key, apart, ones

    def _side_by_side(self, moments: Sequence[Moment]) -> dict[str, list[Moment]]:
        """Parts of machines, or of environments on one machine, that take turns; else one part."""
        known = {one.environment: self._environments[one.environment].facts for one in moments}
        varying = [
            key for key in next(iter(known.values())) if len({f[key] for f in known.values()}) > 1
        ]
        machine = [key for key in varying if key in MACHINE_KEYS]

        def named(keys: Sequence[str], moment: Moment) -> str:
            values = known[moment.environment]
            return ", ".join(f"{key} {values[key]}" for key in keys)

        machines = [named(machine, moment) for moment in moments]
        if _returns(machines):
            return _parted(moments, lambda one: named(machine, one))
        # A version that is taken back comes once more; one of a matrix comes every night.
        environments = [one.environment for one in moments]
        if _returns(environments) >= max(2, len(known)):
            return _parted(moments, lambda one: named(varying, one))
        return {"": list(moments)}

    def _levels(
        self,
        key: SeriesKey,
        apart: str,
        moments: Sequence[Moment],
        false_alarms: float,
        least: float,
    ) -> tuple[Series, int]:
        """(the series, how many parts of it were long enough to be judged)."""
        used = [moment for moment in moments if moment.unused is None]
        segments: list[Segment] = []
        changes: list[ChangePoint] = []
        judged, alike = 0, 0.0
        previous: Moment | None = None
        for environment, group in groupby(used, key=attrgetter("environment")):
            part = list(group)
            values = [moment.latency_s for moment in part]
            found = change_points.detect(values, false_alarms=false_alarms, least=least)
            judged += len(part) >= 2 * change_points.MIN_SEGMENT
            alike = max(alike, change_points.likeness(values))
            edges = [0, *(change.at for change in found), len(part)]
            levels = [part[start:end] for start, end in pairwise(edges)]
            changed = self._changed(previous, part[0]) if previous else ()
            for level in levels:
                began = "first" if not segments else "environment"
                if level is not levels[0]:
                    began, changed = "change", ()
                segments.append(
                    self._segment(began, changed, level, self._environments[environment])
                )
            for change, (before, after) in zip(found, pairwise(levels), strict=True):
                changes.append(_change_point(change.p_value, before, after))
            previous = part[-1]
        latest = self._environments[moments[-1].environment]
        series = Series(
            **key._asdict(),
            family=self._families[key.model],
            format=latest.format,
            threads=latest.threads,
            machine=latest.machine,
            apart=apart,
            alike=alike,
            moments=tuple(moments),
            segments=tuple(segments),
            changes=tuple(changes),
        )
        return series, judged

    def _changed(self, before: Moment, after: Moment) -> tuple[KeyChange, ...]:
        one, other = (self._environments[moment.environment].facts for moment in (before, after))
        return differing(one, other)

    def _segment(
        self,
        began: str,
        changed: tuple[KeyChange, ...],
        level: Sequence[Moment],
        known: Circumstances,
    ) -> Segment:
        values = [moment.latency_s for moment in level]
        low, high, confidence = median_interval(values) or (None, None, 0.0)
        return Segment(
            began=began,  # type: ignore[arg-type]
            changed=changed,
            start=level[0].at,
            end=level[-1].at,
            first=level[0].report,
            last=level[-1].report,
            commit=level[0].commit,
            measurements=len(level),
            latency_s=median(values),
            low_s=low,
            high_s=high,
            confidence=confidence,
            machine=known.machine,
            environment=level[0].environment,
        )


def differing(one: Mapping[str, Fact], other: Mapping[str, Fact]) -> tuple[KeyChange, ...]:
    """The keys whose values differ, in the order of their declaration."""
    return tuple(
        KeyChange(key=key, before=value, after=other.get(key))
        for key, value in one.items()
        if value != other.get(key)
    )


def _moment(
    report: Report,
    measurement: Measurement,
    environment: str,
    values: Sequence[float],
    tainted: tuple[str, ...],
) -> Moment:
    low, high, confidence = median_interval(values) or (None, None, 0.0)
    placement = measurement.placement.verdict if measurement.placement else "unproven"
    unused = None
    if placement in ("unproven", "none"):
        unused = f"placement {placement}"
    elif tainted:
        unused = f"tainted: {'; '.join(tainted)}"
    return Moment(
        report=report.report,
        at=measured_at(measurement),
        commit=report.environment.commit,
        latency_s=median(values),
        low_s=low,
        high_s=high,
        confidence=confidence,
        placement=placement,
        artifact_sha256=intern(measurement.artifact.sha256),  # one string for all its nights
        environment=environment,
        unused=unused,
    )


def _change_point(p_value: float, before: Sequence[Moment], after: Sequence[Moment]) -> ChangePoint:
    last, first = before[-1], after[0]
    earlier = [moment.latency_s for moment in before]
    later = [moment.latency_s for moment in after]
    ratio = rank_sums.ratio(earlier, later)
    along = differing(
        {"artifact": last.artifact_sha256[:12], "placement": last.placement},
        {"artifact": first.artifact_sha256[:12], "placement": first.placement},
    )
    return ChangePoint(
        at=first.at,
        report=first.report,
        commit=first.commit,
        at_before=last.at,
        report_before=last.report,
        commit_before=last.commit,
        before_s=median(earlier),
        after_s=median(later),
        ratio=ratio.value,
        ratio_low=ratio.low,
        ratio_high=ratio.high,
        confidence=ratio.confidence,
        certainty=1 - p_value,
        p_value=p_value,
        direction="slower" if ratio.value > 1 else "faster",
        along=along,
    )


def _returns(names: Sequence[str]) -> int:
    """How often one comes back after another."""
    runs = [name for name, _ in groupby(names)]
    return len(runs) - len(set(runs))


def _parted(moments: Sequence[Moment], name: Callable[[Moment], str]) -> dict[str, list[Moment]]:
    parts: dict[str, list[Moment]] = defaultdict(list)
    for moment in moments:
        parts[name(moment)].append(moment)
    return dict(sorted(parts.items()))


def _when(moment: Moment) -> tuple[str, str, str]:
    return (moment.at, moment.report, moment.artifact_sha256)


def _sortable(key: SeriesKey) -> tuple[str, ...]:
    return tuple(str(part) for part in key)

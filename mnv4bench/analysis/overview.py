"""A store of reports as one value: the fronts, what they rest on, and what changed over time.

Knows: what a page about a store needs of every report. Does not know: files, pages, accuracies.
Reports come one at a time, in any order; parts gathered by several processes merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from msgspec import msgpack

from mnv4bench.analysis.history import Timeline
from mnv4bench.analysis.latest import Latest, labels
from mnv4bench.analysis.pareto import AccuracyOf, latest_groups
from mnv4bench.analysis.stats import Unmeasured, median, ordered_medians, ordered_samples
from mnv4bench.findings import Evaluated, Front, Group, Limits, SideBySide, Skipped
from mnv4bench.overview import Exhibit, Overview, Setting, Step
from mnv4bench.records import Measurement, Placement, Report, Samples

# Stretches of one invocation that a time line is drawn of: enough to see a drift or a spike, few
# enough that a page of a thousand invocations stays small.
TIMED_STRETCHES = 24
WARMUP_STRETCHES = 12


class _Evidence(NamedTuple):
    placement: Placement | None
    steps: tuple[Step, ...]
    sustained_s: tuple[float, ...]


class Material:
    """Takes reports one at a time and keeps what an overview needs, no samples."""

    def __init__(self, *, stretches: bool = True) -> None:
        self.latest = Latest()
        self.timeline = Timeline()
        self.stretches = stretches
        self._settings: dict[str, Setting] = {}
        self._evidence: dict[tuple[str, str], _Evidence] = {}  # by report and digest of the file

    def add(self, report: Report) -> None:
        """Take every measurement of ``report``."""
        # Sorting every sample is most of what this costs: once for all three.
        ordered = [ordered_samples(one) for one in report.measurements]
        self.timeline.add(report, ordered)
        self._settings[report.report] = _setting(report)
        for one, runs in zip(report.measurements, ordered, strict=True):
            self.latest.take(report, one, runs)
            medians = ordered_medians(runs)
            self._evidence[report.report, one.artifact.sha256] = _Evidence(
                one.placement,
                tuple(map(partial(step, stretches=self.stretches), one.invocations, medians)),
                tuple(median(window.latencies_s) for window in one.sustained),
            )

    def __getstate__(self) -> dict[str, Any]:
        # Handed from one process to another, the invocations of a large store are most of it:
        # pickled one by one they took as long as reading them.
        return self.__dict__ | {"_evidence": msgpack.encode(list(self._evidence.items()))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        pairs = msgpack.decode(state["_evidence"], type=list[tuple[tuple[str, str], _Evidence]])
        self._evidence = dict(pairs)

    def merge(self, other: Material) -> None:
        """Take over what ``other`` gathered from other reports."""
        self.latest.merge(other.latest)
        self.timeline.merge(other.timeline)
        self._settings |= other._settings
        self._evidence |= other._evidence
        self.stretches = self.stretches and other.stretches

    def overview(
        self,
        accuracy_of: AccuracyOf,
        *,
        published: Sequence[Group] = (),
        side_by_side: SideBySide | None = None,
        evaluations: Sequence[Evaluated] = (),
        skipped: Sequence[Skipped] = (),
        limits: Limits | None = None,
    ) -> Overview:
        """The whole; ``published`` groups stand beside the measured ones.

        ``limits`` are of a latency: what was counted under an emulator has none, and no pick.
        """
        # Resampling needs numpy; whoever only gathers does not wait for it.
        from mnv4bench.analysis.certainty import with_certainty
        from mnv4bench.analysis.universality import across

        groups = [
            with_certainty(one, limits=limits if one.objective == "latency" else None)
            for one in (*self._groups(accuracy_of), *published)
        ]
        exhibits = tuple(self._exhibits())
        used = {one.report for one in exhibits}
        return Overview(
            front=Front(
                groups=tuple(groups),
                skipped=(*skipped, *self.latest.superseded()),
                side_by_side=side_by_side,
                limits=limits,
                universality=across([one for one in groups if one.objective == "latency"])
                + across([one for one in groups if one.objective == "instructions"]),
            ),
            exhibits=exhibits,
            settings=tuple(self._settings[name] for name in sorted(used)),
            stretches=self.stretches,
            evaluations=tuple(evaluations),
            # Where nothing was measured twice there is nothing to say about time.
            history=self.timeline.history() if self.timeline.repeats() else None,
        )

    def _groups(self, accuracy_of: AccuracyOf) -> Iterator[Group]:
        """Over latency, and what was counted under an emulator over instructions."""
        timed = latest_groups(self.latest, accuracy_of)
        yield from (one for one in timed if one.origin != "emulated")
        if any(one.origin == "emulated" for one in timed):
            counted = latest_groups(self.latest, accuracy_of, "instructions")
            yield from (one for one in counted if one.origin == "emulated")

    def _exhibits(self) -> Iterator[Exhibit]:
        for key, _, members in self.latest.groups():
            names = labels(list(members))
            for variant, one in members.items():
                found = self._evidence.get((one.report, one.artifact_sha256))
                yield Exhibit(
                    label=names[variant],
                    figures=None if isinstance(one, Unmeasured) else one,
                    model=one.model,
                    device=key.device,
                    precision=key.precision,
                    origin=key.origin,
                    environment=key.environment,
                    report=one.report,
                    failure=one.reason if isinstance(one, Unmeasured) else None,
                    placement=found.placement if found else None,
                    steps=found.steps if found else (),
                    sustained_s=found.sustained_s if found else (),
                )


def step(samples: Samples, latency_s: float, *, stretches: bool) -> Step:
    """One invocation of this median, its values gathered into stretches where they are kept."""
    noise = samples.noise
    return Step(
        round=samples.round,
        at=samples.started_at,
        latency_s=latency_s,
        samples=len(samples.latencies_s),
        warmup_s=gathered(samples.warmup_s, WARMUP_STRETCHES) if stretches else (),
        timed_s=gathered(samples.latencies_s, TIMED_STRETCHES) if stretches else (),
        warmup_steady=samples.warmup_steady,
        temperature_before_c=noise.temperature_before_c,
        temperature_after_c=noise.temperature_after_c,
        frequency_hz=noise.frequency_mean_hz or noise.frequency_before_hz,
        load_s=samples.load_s,
        peak_memory_bytes=samples.peak_memory_bytes,
        tainted=samples.tainted,
    )


def gathered(values: Sequence[float], most: int) -> tuple[float, ...]:
    """Medians of at most ``most`` neighbouring runs of ``values``, in order; all where few."""
    count = len(values)
    if count <= most:
        return tuple(values)
    edges = [place * count // most for place in range(most + 1)]
    return tuple(median(values[first:last]) for first, last in pairwise(edges))


def _setting(report: Report) -> Setting:
    return Setting(
        report=report.report,
        title=report.profile.title,
        started_at=report.started_at,
        finished_at=report.finished_at,
        ended=report.ended,
        seed=report.plan.seed,
        rounds=_rounds(report.measurements),
        environment=report.environment,
        notes=report.notes,
    )


def _rounds(measurements: Iterable[Measurement]) -> int:
    rounds = [len(one.invocations) or len(one.counts) for one in measurements]
    return max(rounds, default=0)

"""Stored sessions of two sides, and which of them belong together.

Knows: what agrees on both sides before a ratio means anything, and the must-match keys that do not.
Does not know: whether a difference may be, what a ratio is, files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mnv4bench.analysis.circumstances import circumstances, facts
from mnv4bench.analysis.history import differing
from mnv4bench.analysis.stats import measured_at, medians, why_no_latency
from mnv4bench.findings import Skipped
from mnv4bench.over_time import Fact, KeyChange
from mnv4bench.records import Origin, Precision, Report, Verdict


class ModelKey(NamedTuple):
    """What agrees on both sides."""

    model: str
    precision: Precision | None  # None: it may differ
    origin: Origin
    weights: str
    input_px: int | None
    chosen_shapes: str


class Session(NamedTuple):
    """One measurement, in what a comparison needs of it."""

    report: str
    at: str
    commit: str | None
    values: tuple[float, ...]  # medians of its invocations, seconds
    tainted: tuple[str, ...]
    placement: Verdict
    artifact_sha256: str
    precision: Precision
    device: str
    environment: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.report, self.at, self.artifact_sha256)


class Pair(NamedTuple):
    """One model in A and in B; sessions by time, of one environment on each side."""

    key: ModelKey
    a: tuple[Session, ...]
    b: tuple[Session, ...]
    machines: tuple[str, str]
    differing: tuple[KeyChange, ...]


class Sessions:
    """Takes reports one at a time and keeps what a comparison needs of their measurements."""

    def __init__(self) -> None:
        self.found: list[tuple[ModelKey, Session]] = []
        self.environments: dict[str, tuple[Mapping[str, Fact], str]] = {}
        self.failures: set[tuple[str, str]] = set()  # (report, sentence)

    def add(self, report: Report) -> None:
        """All measurements of one report."""
        machine, environment = circumstances(report.environment, report.profile)
        self.environments[environment] = (facts(report.environment, report.profile), machine)
        for one in report.measurements:
            artifact = one.artifact
            values, tainted = medians(one)
            if not values:
                why = why_no_latency(one)
                self.failures.add((report.report, f"{artifact.model}: {why}"))
                continue
            key = ModelKey(
                artifact.model,
                artifact.precision,
                one.origin,
                artifact.weights.text,
                artifact.input_px,
                artifact.chosen_shapes,
            )
            session = Session(
                report.report,
                measured_at(one),
                report.environment.commit,
                tuple(values),
                tainted,
                one.placement.verdict if one.placement else "unproven",
                artifact.sha256,
                artifact.precision,
                report.profile.device,
                environment,
            )
            self.found.append((key, session))

    def merge(self, other: Sessions) -> None:
        """Take over what ``other`` gathered from other reports."""
        self.found += other.found
        self.environments |= other.environments
        self.failures |= other.failures

    def keys(self) -> set[str]:
        """What the must-match keys are called."""
        return {key for known, _ in self.environments.values() for key in known}

    def artifacts(self) -> frozenset[str]:
        """Digests of the files that were measured."""
        return frozenset(session.artifact_sha256 for _, session in self.found)


def match(a: Sessions, b: Sessions, across: frozenset[str]) -> tuple[list[Pair], list[Skipped]]:
    """(models that are on both sides, in order; what is not compared, and why).

    Sessions that are on both sides count for B alone. Of several environments the one that both
    sides have is compared, else the latest of each.
    """
    any_precision = "profile.precision" in across
    mine, theirs = (_by_model(side, any_precision) for side in (a, b))
    pairs: list[Pair] = []
    alone: list[Skipped] = []
    for key in sorted(mine.keys() | theirs.keys(), key=str):
        here, there = mine.get(key, {}), theirs.get(key, {})
        common = sorted(here.keys() & there.keys())
        if not common and len(here) == len(there) == 1:
            common_pairs = [(*here, *there)]
        else:
            common_pairs = [(device, device) for device in common]
        for one, other in common_pairs:
            pairs.append(_pair(key, here[one], there[other], a, b))
        left = [("A", sorted(set(here) - {one for one, _ in common_pairs}))]
        left += [("B", sorted(set(there) - {other for _, other in common_pairs}))]
        for side, devices in left:
            alone += [
                Skipped(path=key.model, reason=f"{side} alone has it on {device}, {_said(key)}")
                for device in devices
            ]
    for failed in (a, b):
        alone += [Skipped(path=report, reason=why) for report, why in sorted(failed.failures)]
    return pairs, alone


def _said(key: ModelKey) -> str:
    size = key.chosen_shapes or (f"{key.input_px} px" if key.input_px else "input size unknown")
    precision = "" if key.precision is None else f"{key.precision}, "
    return f"{precision}{key.weights}, {size}, {key.origin}"


def _by_model(
    side: Sessions, any_precision: bool
) -> dict[ModelKey, dict[str, dict[str, list[Session]]]]:
    """Sessions by model, device and environment, each once."""
    found: dict[ModelKey, dict[str, dict[str, list[Session]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    seen: set[tuple[ModelKey, Session]] = set()
    for key, session in sorted(side.found, key=lambda pair: (pair[1].at, pair[1].report)):
        if (key, session) in seen:
            continue
        seen.add((key, session))
        shared = key._replace(precision=None) if any_precision else key
        found[shared][session.device][session.environment].append(session)
    return found


def _pair(
    key: ModelKey,
    here: Mapping[str, list[Session]],
    there: Mapping[str, list[Session]],
    a: Sessions,
    b: Sessions,
) -> Pair:
    def latest(side: Mapping[str, list[Session]], of: Sequence[str]) -> str:
        return max(of, key=lambda environment: (side[environment][-1].at, environment))

    common = [environment for environment in here if environment in there]
    other = latest(there, common or list(there))
    one = other if common else latest(here, list(here))
    (known, machine), (others, other_machine) = a.environments[one], b.environments[other]
    taken = {session.identity for session in there[other]}
    left = [session for session in here[one] if session.identity not in taken]
    return Pair(
        key,
        tuple(left or here[one]),
        tuple(there[other]),
        (machine, other_machine),
        differing(known, others),
    )

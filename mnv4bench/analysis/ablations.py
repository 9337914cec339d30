"""The paper's arithmetic of its ablations, on measured variants and on its own figures.

Knows: what is compared with what, and that all of a study is taken from one report, whose rounds
its variants shared. Does not know: which networks they are, files, how a figure is shown.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from mnv4bench.analysis.counts import tally
from mnv4bench.analysis.stats import median, summarise, unmeasured
from mnv4bench.findings import Ablation, AblationRow, Arithmetic, Effect, Summary, Tally
from mnv4bench.records import PublishedAblation, Report

DRAWS = 2000
# Fewer processes than have an interval of the median are not resampled either.
MIN_PROCESSES = 6
TAIL = 0.025
# What a variant adds has to be above nothing in so many of the draws before it divides anything.
TOLD_FROM_NOTHING = 0.975


class Wanted(NamedTuple):
    """A study before it is measured: its rows have neither latency nor count yet."""

    study: str
    table: str
    title: str
    citation: str
    kind: Literal["increment", "gain", "none"]
    base: str
    old: str
    new: str
    rows: tuple[AblationRow, ...]
    printed_change: PublishedAblation | None
    notes: tuple[str, ...]


def measured(reports: Iterable[Report], wanted: Sequence[Wanted]) -> tuple[Ablation, ...]:
    """Each study on each device, precision and thread count, from the newest report that serves.

    That is the newest that has every row, else the newest that has the most, of at least two:
    rows of different days would differ by the days.
    """
    best: dict[tuple[str, ...], tuple[tuple[int, str], Ablation]] = {}
    for report in reports:
        for one in wanted:
            found = _study(report, one)
            if found is None:
                continue
            known = sum(_value(row) is not None for row in found.rows)
            key = (one.table, found.device, found.precision, str(found.threads), found.machine)
            rank = (known, report.started_at)
            if key not in best or best[key][0] < rank:
                best[key] = (rank, found)
    order = {one.table: place for place, one in enumerate(wanted)}
    chosen = sorted(best.items(), key=lambda item: (order[item[0][0]], item[0]))
    return tuple(found for _, (_, found) in chosen)


def _study(report: Report, wanted: Wanted) -> Ablation | None:
    """The study as ``report`` has it; None where that is less than two rows."""
    names = {row.model for row in wanted.rows}
    seen: dict[str, Summary | Tally] = {}
    missing: dict[str, str] = {}
    for one in report.measurements:
        if one.artifact.model not in names:
            continue
        figures = summarise(report, one) or tally(report, one)
        if figures is not None:
            seen[one.artifact.model] = figures
        elif failed := unmeasured(report, one):
            missing[one.artifact.model] = failed.reason
    if len(seen) < 2:
        return None
    first = next(iter(seen.values()))
    processes = {
        model: one.medians_s if isinstance(one, Summary) else (float(one.instructions),)
        for model, one in seen.items()
    }
    rows = tuple(
        _row(row, seen.get(row.model), missing.get(row.model, "not in this report"))
        for row in wanted.rows
    )
    return Ablation(
        study=wanted.study,
        table=wanted.table,
        title=wanted.title,
        citation=wanted.citation,
        report=report.report,
        measured_at=first.measured_at,
        device=report.profile.device,
        machine=first.machine,
        format=report.profile.format,
        precision=first.precision,
        origin=first.origin,
        threads=report.profile.threads,
        rows=tuple(_over_base(row, wanted.base, processes) for row in rows),
        arithmetic=_arithmetic(wanted, rows, processes),
        notes=wanted.notes,
    )


def _row(row: AblationRow, found: Summary | Tally | None, why_not: str) -> AblationRow:
    match found:
        case None:
            return replace(row, why_not=why_not)
        case Summary():
            row = replace(row, latency_s=found.latency_s, low_s=found.low_s, high_s=found.high_s)
        case Tally():
            row = replace(row, instructions=found.instructions)
    return replace(
        row,
        invocations=found.invocations,
        weights=found.weights.text,
        placement=found.placement,
        tainted=found.tainted,
    )


def _over_base(
    row: AblationRow, base: str, processes: Mapping[str, Sequence[float]]
) -> AblationRow:
    if row.model == base or row.model not in processes or base not in processes:
        return row
    change = _resampled([processes[row.model], processes[base]], lambda of: of[0] / of[1] - 1)
    return replace(row, over_base=change)


def _arithmetic(
    wanted: Wanted, rows: Sequence[AblationRow], processes: Mapping[str, Sequence[float]]
) -> Arithmetic | None:
    if wanted.kind == "none":
        return None
    compute = increment if wanted.kind == "increment" else gain
    three = (wanted.base, wanted.old, wanted.new)
    by_model = {row.model: row for row in rows}
    here, why_not = None, ""
    if lacking := [model for model in three if model not in processes]:
        why_not = f"{lacking[0]} was not measured"
    else:
        samples = [processes[model] for model in three]
        if wanted.kind == "increment" and not _adds(samples[0], samples[1]):
            why_not = f"what {wanted.old} adds to {wanted.base} is not told from nothing"
        else:
            here = _resampled(samples, lambda of: compute(*of))
    whole = None
    if wanted.old in processes and wanted.new in processes:
        pair = [processes[wanted.old], processes[wanted.new]]
        whole = _resampled(pair, lambda of: of[1] / of[0] - 1)
    figures = [by_model[model].printed for model in three]
    devices = [one.devices if one else {} for one in figures]
    common = [name for name in devices[1] if all(name in one for one in devices)]
    return Arithmetic(
        kind=wanted.kind,
        old=wanted.old,
        new=wanted.new,
        here=here,
        why_not=why_not,
        whole=whole,
        params=_changed(compute, [by_model[model].params for model in three]),
        macs=_changed(compute, [by_model[model].macs for model in three]),
        printed=wanted.printed_change,
        recomputed={name: compute(*(one[name] for one in devices)) for name in common},
        recomputed_whole={name: devices[2][name] / devices[1][name] - 1 for name in common},
    )


def increment(base: float, old: float, new: float) -> float:
    """What ``new`` adds to ``base``, over what ``old`` adds, less one."""
    return (new - base) / (old - base) - 1


def gain(_base: float, old: float, new: float) -> float:
    """By how much ``old`` is above ``new``."""
    return old / new - 1


def _changed(
    compute: Callable[[float, float, float], float], figures: Sequence[int]
) -> float | None:
    base, old, new = figures
    return None if old == base and compute is increment else compute(base, old, new)


def _value(row: AblationRow) -> float | None:
    return row.latency_s if row.latency_s is not None else row.instructions


def _adds(base: Sequence[float], old: Sequence[float]) -> bool:
    """Whether ``old`` is above ``base`` in nearly every draw."""
    if min(len(base), len(old)) < MIN_PROCESSES:
        return median(old) > median(base)
    draws = _draws([base, old])
    return sum(of[1] > of[0] for of in draws) >= TOLD_FROM_NOTHING * len(draws)


def _resampled(
    processes: Sequence[Sequence[float]], compute: Callable[[Sequence[float]], float]
) -> Effect:
    """``compute`` of the medians, with the interval in which it lies when processes are redrawn."""
    value = compute([median(one) for one in processes])
    if min(map(len, processes)) < MIN_PROCESSES:
        return Effect(value=value)
    found = sorted(compute(of) for of in _draws(processes))
    tail = int(TAIL * len(found))
    return Effect(value=value, low=found[tail], high=found[-1 - tail])


def _draws(processes: Sequence[Sequence[float]]) -> list[list[float]]:
    """Medians of processes drawn anew, each model's by itself; the same ones every time."""
    draw = random.Random(0)
    return [[median(draw.choices(one, k=len(one))) for one in processes] for _ in range(DRAWS)]

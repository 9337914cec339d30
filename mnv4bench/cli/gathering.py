"""Reports under paths, gathered for the reading verbs; a large store by all processors at once."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal

from mnv4bench import store
from mnv4bench.analysis import accuracy
from mnv4bench.analysis.latest import Latest
from mnv4bench.cli.reading import DEFAULT_REPORTS
from mnv4bench.errors import BadFile, BenchError, NotMeasured
from mnv4bench.findings import Evaluated, Skipped
from mnv4bench.records import Report

# A process costs about 50 ms, as much as reading this many reports.
FILES_PER_JOB = 50


def reports(
    paths: list[Path] | None, skipped: list[Skipped], *, required: bool = True
) -> Iterator[Report]:
    """The reports under ``paths``, one at a time; those that cannot be read go to ``skipped``.

    Where one is ``required``, raises BadFile when there were files and not one could be read,
    NotMeasured when there is no report at all.
    """
    files, unreadable = store.files(paths or [DEFAULT_REPORTS])
    skipped += _reasons(unreadable)
    found = 0
    for report in _read(files, skipped):
        found += 1
        yield report
    if required:
        _require(found, paths, skipped)


def latest(paths: list[Path] | None, skipped: list[Skipped]) -> Latest:
    """The latest measurement of each variant under ``paths``; see ``reports``.

    A large store is read by all processors, and what draws is loaded in the meantime.
    """
    files, unreadable = store.files(paths or [DEFAULT_REPORTS])
    skipped += _reasons(unreadable)
    jobs = min(os.cpu_count() or 1, len(files) // FILES_PER_JOB)
    if jobs < 2:
        whole, found, bad = _latest_of(files)
    else:
        whole, found, bad = Latest(), 0, []
        # Ctrl-C ends this process, and with it the others; they need not say so themselves.
        with ProcessPoolExecutor(jobs, initializer=signal, initargs=(SIGINT, SIG_IGN)) as pool:
            parts = [pool.submit(_latest_of, files[start::jobs]) for start in range(jobs)]
            import mnv4bench.render.figure
            import mnv4bench.render.terminal  # noqa: F401

            try:
                for part, count, reasons in (future.result() for future in parts):
                    whole.merge(part)
                    found += count
                    bad += reasons
            except BrokenProcessPool:
                raise NotMeasured(
                    "a process that read reports was killed, most likely for want of memory.",
                    "give fewer reports at once",
                ) from None
    skipped += bad
    _require(found, paths, skipped)
    return whole


def evaluated(
    paths: list[Path] | None, skipped: list[Skipped], artifacts: frozenset[str] | None = None
) -> list[Evaluated]:
    """The finished evaluations with the reports under ``paths``, of ``artifacts`` where given."""
    found = []
    for path, one in store.evaluations(paths or [DEFAULT_REPORTS], artifacts):
        if isinstance(one, BenchError):
            skipped += _reasons([(path, one)])
        elif one.finished_at is None:
            reason = f"stopped after {len(one.ranks):,} of {one.dataset.count:,} images"
            skipped.append(Skipped(path=str(path), reason=reason))
        else:
            found.append(accuracy.summarise(one, str(path)))
    return found


def _latest_of(files: list[Path]) -> tuple[Latest, int, list[Skipped]]:
    """(the latest of these files, how many were read, why the others were not)."""
    part, found, skipped = Latest(), 0, list[Skipped]()
    for report in _read(files, skipped):
        found += 1
        for measurement in report.measurements:
            part.add(report, measurement)
    return part, found, skipped


def _read(files: Iterable[Path], skipped: list[Skipped]) -> Iterator[Report]:
    with _without_collector():
        for path in files:
            report = store.read_or_error(path)
            if isinstance(report, BenchError):
                skipped += _reasons([(path, report)])
            else:
                yield report


def _reasons(errors: Iterable[tuple[Path, BenchError]]) -> list[Skipped]:
    """The path stands in its own field; an error's sentence begins with it."""
    return [
        Skipped(path=str(path), reason=error.what.removeprefix(f"{path}: "))
        for path, error in errors
    ]


def _require(found: int, paths: list[Path] | None, skipped: list[Skipped]) -> None:
    if found:
        return
    where = ", ".join(str(path) for path in paths or [DEFAULT_REPORTS])
    if skipped:
        more = f"\n  and {len(skipped) - 20} more" if len(skipped) > 20 else ""
        reasons = "\n".join(f"  {item.path}: {item.reason}" for item in skipped[:20])
        raise BadFile(
            f"no report could be read from {where}:\n{reasons}{more}",
            "copy or restore the files, or measure again: mnv4bench run",
        )
    raise NotMeasured(f"{where} holds no report.", "mnv4bench run measures this machine")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Reports hold no cycles; looking for some among millions of samples took half of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

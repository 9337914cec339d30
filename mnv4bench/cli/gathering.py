"""Reports under paths, gathered for the reading verbs; a large store by all processors at once."""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Protocol, TypeVar

from mnv4bench import store
from mnv4bench.analysis import accuracy
from mnv4bench.analysis.history import Timeline
from mnv4bench.analysis.latest import Latest
from mnv4bench.analysis.matching import Sessions
from mnv4bench.analysis.overview import Material
from mnv4bench.analysis.shapes import LatestShapes
from mnv4bench.cli import waiting
from mnv4bench.cli.reading import DEFAULT_REPORTS
from mnv4bench.errors import BadFile, BenchError, NotMeasured
from mnv4bench.findings import Evaluated, Skipped
from mnv4bench.records import Evaluation, Report

# A process costs about 50 ms, as much as reading this many reports.
FILES_PER_JOB = 50
# Of a larger store, parts are handed over one by one: so it can be said how far it is.
MOST_FILES_A_PART = 500
# Of so much a page shows the course within each invocation, of more their medians alone: about a
# thousand measurements of 12 invocations, which become 4 MB of a page.
MOST_BYTES_WITH_STRETCHES = 30_000_000


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
    whole = Latest()

    def load_what_draws() -> None:
        import mnv4bench.render.figure
        import mnv4bench.render.terminal  # noqa: F401

    for part in _in_parts(paths, skipped, partial(_made_of, Latest), load_what_draws):
        whole.merge(part)
    return whole


def shapes(paths: list[Path] | None, skipped: list[Skipped]) -> LatestShapes:
    """How the latest measurement of each variant under ``paths`` spreads; see ``latest``."""
    whole = LatestShapes()

    def load_what_draws() -> None:
        import mnv4bench.render.ladder  # noqa: F401

    for part in _in_parts(paths, skipped, partial(_made_of, LatestShapes), load_what_draws):
        whole.merge(part)
    return whole


def timeline(paths: list[Path] | None, skipped: list[Skipped]) -> Timeline:
    """Every measurement under ``paths``, without its samples; see ``latest``."""
    whole = Timeline()

    def load_what_draws() -> None:
        import mnv4bench.render.timelines  # noqa: F401

    for part in _in_parts(paths, skipped, partial(_made_of, Timeline), load_what_draws):
        whole.merge(part)
    return whole


def material(paths: list[Path] | None, skipped: list[Skipped]) -> Material:
    """What a page needs of every report under ``paths``; see ``latest``.

    Of a large store the course within each invocation is left out: no page would hold it.
    """
    files, _ = store.files(paths or [DEFAULT_REPORTS])
    size = sum(path.stat().st_size for path in files if path.exists())
    made = partial(Material, stretches=size <= MOST_BYTES_WITH_STRETCHES)
    whole = made()
    for part in _in_parts(paths, skipped, partial(_made_of, made), lambda: None):
        whole.merge(part)
    return whole


def sessions(paths: list[Path], skipped: list[Skipped]) -> Sessions:
    """What a comparison needs of every measurement under ``paths``; see ``latest``."""
    whole = Sessions()
    for part in _in_parts(paths, skipped, partial(_made_of, Sessions), lambda: None):
        whole.merge(part)
    return whole


def evaluations(
    paths: list[Path], skipped: list[Skipped], artifacts: frozenset[str]
) -> dict[str, list[Evaluation]]:
    """The finished evaluations of ``artifacts`` with the reports under ``paths``, by digest."""
    found: dict[str, list[Evaluation]] = defaultdict(list)
    for path, one in store.evaluations(paths, artifacts):
        if isinstance(one, BenchError):
            skipped += _reasons([(path, one)])
        elif one.finished_at is not None:
            found[one.artifact.sha256].append(one)
    return found


Part = TypeVar("Part", bound="_Gathered")
Read = tuple[Part, int, list[Skipped]]  # what was made of files, how many, why not of the others


def _in_parts(
    paths: list[Path] | None,
    skipped: list[Skipped],
    read: Callable[[list[Path]], Read[Part]],
    meanwhile: Callable[[], None],
) -> Iterator[Part]:
    """What ``read`` makes of the files under ``paths``, a part at a time, by all processors."""
    files, unreadable = store.files(paths or [DEFAULT_REPORTS])
    skipped += _reasons(unreadable)
    found, bad = 0, list[Skipped]()
    jobs = min(os.cpu_count() or 1, len(files) // FILES_PER_JOB)
    parts = max(jobs, len(files) // MOST_FILES_A_PART)
    # Neighbours in one part would make a part of large reports and a part of small ones.
    shares = [files[start::parts] for start in range(parts)] if jobs > 1 else _cut(files)
    with waiting.counting("reading reports", len(files)) as counting:
        results = _by_all(shares, read, jobs, meanwhile) if jobs > 1 else map(read, shares)
        for part, count, reasons in results:
            found += count
            bad += reasons
            counting.add(count + len(reasons))
            yield part
    skipped += bad
    _require(found, paths, skipped)


def _cut(files: list[Path]) -> list[list[Path]]:
    return [files[at : at + MOST_FILES_A_PART] for at in range(0, len(files), MOST_FILES_A_PART)]


def _by_all(
    shares: list[list[Path]],
    read: Callable[[list[Path]], Read[Part]],
    jobs: int,
    meanwhile: Callable[[], None],
) -> Iterator[Read[Part]]:
    with ProcessPoolExecutor(jobs, initializer=_begin) as pool:
        waiting_for = [pool.submit(read, share) for share in shares]
        meanwhile()
        try:
            for future in waiting_for:
                yield future.result()
        except BrokenProcessPool:
            raise NotMeasured(
                "a process that read reports was killed, most likely for want of memory.",
                "give fewer reports at once",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    """Of a process that reads for another one."""
    # Ctrl-C ends that one, and with it the others; they need not say so themselves.
    signal(SIGINT, SIG_IGN)
    gc.disable()  # see without_collector; what it read is handed over without it, too


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


class _Gathered(Protocol):
    """What takes reports one at a time, and what another process took."""

    def add(self, report: Report) -> None: ...


def _made_of(kind: Callable[[], Part], files: list[Path]) -> Read[Part]:
    """(a ``kind`` with these files, how many were read, why the others were not)."""
    part, found, skipped = kind(), 0, list[Skipped]()
    for report in _read(files, skipped):
        found += 1
        part.add(report)
    return part, found, skipped


def _read(files: Iterable[Path], skipped: list[Skipped]) -> Iterator[Report]:
    with without_collector():
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
def without_collector() -> Iterator[None]:
    """Reports hold no cycles; looking for some among millions of samples took half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()

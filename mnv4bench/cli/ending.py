"""How a run ends: the table and the front of what was measured, what was not, the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from mnv4bench import store
from mnv4bench.analysis import counts, pareto, stats
from mnv4bench.analysis.accuracy import choose
from mnv4bench.cli import matrix
from mnv4bench.cli.gathering import evaluated
from mnv4bench.cli.given import THE_SAME, Given, resumed_by
from mnv4bench.cli.matrix import Dropped, Job
from mnv4bench.cli.reading import AccuracyTable, accuracy_of, emit, say
from mnv4bench.errors import BenchError, ExitStatus
from mnv4bench.findings import Front, Shown
from mnv4bench.records import DeviceProfile, Measurement, Report
from mnv4bench.render import counts as counted_view
from mnv4bench.render import terminal
from mnv4bench.render.untrusted import visible


def tell(dropped: Dropped, asked: Sequence[DeviceProfile], *, left: int) -> None:
    """Say, before anything slow, which devices take no part; end where none is ``left``.

    Where one alone was asked for, its error goes up as it is.
    """
    if len({profile.device for profile in asked} | dropped.keys()) == 1:
        for error in dropped.values():
            resumed_by(error, THE_SAME)
            raise error
    if left == 0:
        raise typer.Exit(status([], dropped, Given(Path())))
    for device, error in dropped.untold():
        resumed_by(error, THE_SAME)
        typer.echo(f"{device} takes no part: {_shown(error, '  ')}", err=True)


def show(jobs: Sequence[Job], directory: Path, accuracy: AccuracyTable) -> None:
    """The table and the front of this run, whatever of it was measured."""
    several = len(jobs) > 1
    if not several and jobs[0].error is not None:
        return  # its error is all there is to say
    pairs = [(job.report, one) for job in jobs for one in job.report.measurements]
    found = [one for one in (stats.summarise(*pair) for pair in pairs) if one is not None]
    failed = [one for one in (stats.unmeasured(*pair) for pair in pairs) if one is not None]
    counted = [one for one in (counts.tally(*pair) for pair in pairs) if one is not None]
    if counted:
        say(counted_view.listed(counted))
    if counted and not found and all(one.counted for one in failed):
        say_how_it_ended(jobs, directory)  # of counts alone there is no front of latencies
        return
    say(terminal.shown(Shown(measurements=tuple(found))))
    digests = frozenset(one.artifact_sha256 for one in found)
    measured, _ = choose(evaluated([directory], [], digests))
    groups, _ = pareto.measured_groups(found, accuracy_of(accuracy, measured), failed)
    say(terminal.front(Front(groups=groups)))
    say_how_it_ended(jobs, directory)
    emit(f"picture: mnv4bench pareto {directory}/")


def say_how_it_ended(jobs: Sequence[Job], directory: Path) -> None:
    """Notes, why the measuring ended, and where the report lies."""
    for job in jobs:
        of = f"{job.device}: " if len(jobs) > 1 else ""
        report, path = job.report, store.path_of(directory, job.report)
        for note in report.notes:
            emit(f"{of}note: {visible(note)}")
        ended = report.ended or "given up"
        emit(f"{of}ended: {ended} after {_rounds(report)} rounds\n{of}report: {path}")


def _rounds(report: Report) -> int:
    return max((len(one.invocations or one.counts) for one in report.measurements), default=0)


def status(jobs: Sequence[Job], dropped: Dropped, given: Given) -> int:
    """Measured less than was asked for is never fine; nor is a number from an unknown place.

    Said on stderr. An error of the only device goes up as it is.
    """
    several = len({job.device for job in jobs} | dropped.keys()) > 1
    directory = given.reports
    if not several and jobs and (error := jobs[0].error) is not None:
        begun = store.path_of(directory, jobs[0].report).exists()
        resumed_by(error, matrix.resume(jobs, given) if begun else THE_SAME)
        raise error
    for error in dropped.values():
        resumed_by(error, THE_SAME)
    failed = [f"{device}: {_shown(error, '    ')}" for device, error in dropped.items()]
    for job in jobs:
        of = f"{job.device}: " if several else ""
        if job.error is not None:
            failed.append(f"{of}{_shown(job.error, '    ')}")
        for one in job.report.measurements:
            if one.failure:
                failed.append(visible(f"{of}{one.artifact.model}: {one.failure}"))
        failed += [visible(f"{of}{missing}") for missing in job.report.plan.missing]
    elsewhere = [(job, one) for job in jobs for one in job.report.measurements if _unproven(one)]
    if elsewhere:
        names = ", ".join(
            visible(f"{one.artifact.model} ({job.device})" if several else one.artifact.model)
            for job, one in elsewhere
        )
        units = ", ".join(sorted({job.report.profile.accelerator for job, _ in elsewhere}))
        typer.echo(
            f"error: {names} did not provably run where it was asked to ({units}); the numbers "
            "are kept, flagged, and left out of fronts.\n"
            f"  next: mnv4bench show {directory}/ shows the signals",
            err=True,
        )
    if failed:
        steps = ["mend what is named and run these again; the others are in the report"]
        if not jobs:
            steps = ["mend what is named"]
        elif any(job.report.finished_at is None for job in jobs):
            steps.append(f"Go on with: {visible(matrix.resume(jobs, given))}")
        reasons = "".join(f"\n  {one}" for one in failed)
        typer.echo(
            f"error: not everything could be measured:{reasons}\n  next: {'. '.join(steps)}",
            err=True,
        )
        return ExitStatus.NOT_MEASURED
    return ExitStatus.UNPROVEN if elsewhere else ExitStatus.OK


def _shown(error: BenchError, margin: str) -> str:
    """The sentence, and its next step on a line of its own."""
    what = visible(error.what)
    return f"{what}\n{margin}next: {visible(error.next_step)}" if error.next_step else what


def _unproven(measurement: Measurement) -> bool:
    """Whether there are figures from who knows where."""
    placement = measurement.placement
    nowhere = placement is None or placement.verdict in ("none", "unproven")
    return measurement.has_figures and nowhere

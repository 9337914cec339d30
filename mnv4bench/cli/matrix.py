"""Many devices in one run: who is measured beside whom, who waits for whom, who fell out.

Knows: threads, one for each physical device, and that profiles of one device take turns. Does not
know: what a run measures (planning), or how its result is shown (run).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from mnv4bench import bench, store
from mnv4bench.bench import counting
from mnv4bench.cli.given import THE_LAST, THE_SAME, Given, resumed_by
from mnv4bench.cli.measuring import DeviceEar, MeasuringBoard
from mnv4bench.devices import Runner, Session, stopping
from mnv4bench.errors import BenchError, NotMeasured, UsageError
from mnv4bench.records import Report

WAIT_S = 1.0  # how often the main thread may look whether Ctrl-C came


@dataclass
class Job:
    """One device's share of a run: what is known of it so far, and why it ended early."""

    report: Report
    files: tuple[Path, ...]  # in the order of the report's measurements
    runner: Runner
    unit: str | None  # Runner.unit; None: it cannot be reached now, and only its report is begun
    error: BenchError | None = None

    @property
    def device(self) -> str:
        return self.report.profile.device


class Dropped(dict[str, BenchError]):
    """Devices that could not take part, and why."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    @contextmanager
    def kept(self, device: str) -> Iterator[None]:
        """What cannot be measured on ``device`` stands here, and the others go on.

        Everything else (the words of the command are off, a bad file) goes on up.
        """
        try:
            yield
        except NotMeasured as error:
            self[device] = error

    def untold(self) -> Iterator[tuple[str, BenchError]]:
        """Those that were not given out here before."""
        for device, error in self.items():
            if device not in self._told:
                self._told.add(device)
                yield device, error


def measure_all(jobs: Sequence[Job], given: Given) -> None:
    """Measure what each job's report plans; the reports lie where ``given`` says.

    What a device raised stands in its job, and the others go on. Ctrl-C goes up as
    KeyboardInterrupt when every report is saved.
    """
    directory = given.reports
    units: dict[str, list[Job]] = {}
    for job in jobs:
        if job.unit is not None:
            units.setdefault(job.unit, []).append(job)
    with MeasuringBoard([job.report for mine in units.values() for job in mine]) as board:
        try:
            if len(jobs) > 1:  # so that a device whose turn never comes can still be gone on with
                for job in jobs:
                    _begin(job, directory)
            alone = len(jobs) == 1
            turns = [partial(_in_turn, mine, directory, board, alone) for mine in units.values()]
            if len(turns) == 1:
                turns[0]()
            else:
                side_by_side(turns)
        except KeyboardInterrupt:
            if len(jobs) > 1:
                _mark_waiting(jobs, directory)
            board.line(_stopped(jobs, given))
            raise


def _stopped(jobs: Sequence[Job], given: Given) -> str:
    directory = given.reports
    holds = directory if len(jobs) > 1 else store.path_of(directory, jobs[0].report)
    if not holds.exists():
        return "stopped; nothing was measured yet"
    return f"stopped; {holds} holds what was measured. Go on with: {resume(jobs, given)}"


def resume(jobs: Sequence[Job], given: Given) -> str:
    """The command that finishes what is not finished."""
    unfinished = [job for job in jobs if job.report.finished_at is None]
    files = {file for job in unfinished for file in job.files}
    return given.resume([job.report.profile for job in unfinished], files)


def side_by_side(turns: Sequence[Callable[[], None]]) -> None:
    """Each in a thread of its own, until all have ended.

    Ctrl-C and SIGTERM reach the main thread alone: it asks the others to stop, waits until they
    have, and raises KeyboardInterrupt. What else one of them raises goes up when all have ended.
    """
    stopping.forget()
    raised: list[BaseException] = []

    def guarded(turn: Callable[[], None], ended: threading.Event) -> None:
        try:
            turn()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            raised.append(error)
        finally:
            ended.set()

    # Waited for by events of our own: a join() that Ctrl-C interrupts takes the thread for ended
    # although it runs (CPython before 3.13).
    started: list[threading.Event] = []
    interrupted = False
    try:
        for turn in turns:
            ended = threading.Event()
            threading.Thread(target=guarded, args=(turn, ended)).start()
            started.append(ended)
    except KeyboardInterrupt:
        interrupted = True
        stopping.ask()
    while not all(ended.is_set() for ended in started):
        try:
            for ended in started:
                ended.wait(WAIT_S)
        except KeyboardInterrupt:  # a second one changes nothing: they are stopping already
            interrupted = True
            stopping.ask()
    for error in raised:
        if not isinstance(error, KeyboardInterrupt):
            raise error
    if interrupted:
        raise KeyboardInterrupt


def _in_turn(jobs: Sequence[Job], directory: Path, board: MeasuringBoard, alone: bool) -> None:
    """Profiles of one physical device, one after the other. ``alone``: of one, and no other."""
    for job in jobs:
        ear = board.ear(job.report)
        try:
            _measure(job, directory, ear)
            ear.now(f"done: {job.report.ended}")
        except BenchError as error:
            job.error = error
            ear.now("given up")
            if not alone:  # which says so at the end of the run
                resumed_by(error, THE_LAST)
                ear.line(f"given up: {error}")
                _forget_if_hopeless(job, directory)
            if any(one.has_figures for one in job.report.measurements):
                ear.line(f"{store.path_of(directory, job.report)} keeps what was measured")


def _measure(job: Job, directory: Path, ear: DeviceEar) -> None:
    sessions: list[Session] = []
    with job.runner.held():
        try:
            for file, measurement in zip(job.files, job.report.measurements, strict=True):
                sessions.append(job.runner.install(file, measurement.artifact))
            counts = job.report.profile.runner == "emulated"
            (counting.count if counts else bench.measure)(
                job.report,
                sessions,
                job.runner,
                lambda report: _save(job, directory, report),
                ear,
            )
        finally:
            for session in sessions:
                _take_off(session, ear)


def _take_off(session: Session, ear: DeviceEar) -> None:
    """What cannot be taken off a device (it is gone) hides neither figures nor why it is gone."""
    try:
        session.remove()
    except BenchError as error:
        ear.line(f"not everything could be taken off the device: {error}")


def _save(job: Job, directory: Path, report: Report) -> None:
    store.write(directory, report)
    job.report = report


def _begin(job: Job, directory: Path) -> None:
    try:
        _save(job, directory, job.report)
    except NotMeasured as error:
        resumed_by(error, THE_SAME)
        raise


def _mark_waiting(jobs: Sequence[Job], directory: Path) -> None:
    """Those whose turn had not come are as interrupted as the others."""
    for job in jobs:
        if job.report.ended is None:
            with suppress(BenchError):  # a full disk: what is there says the same but for a word
                _save(job, directory, replace(job.report, ended="interrupted"))


def _forget_if_hopeless(job: Job, directory: Path) -> None:
    """A report that was begun for others' sake, and that no --resume could ever finish."""
    empty = not any(one.has_figures for one in job.report.measurements)
    if empty and isinstance(job.error, UsageError):
        store.path_of(directory, job.report).unlink(missing_ok=True)

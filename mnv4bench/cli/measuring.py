"""The display of ``run`` while it measures: it hears what bench does and shows intervals."""

import time
from collections.abc import Sequence

from rich.console import Console

from mnv4bench import units
from mnv4bench.analysis import stats
from mnv4bench.errors import BenchError
from mnv4bench.records import Measurement, Plan, Report
from mnv4bench.render.progress import Board

LINE_EVERY_S = 30.0  # of waiting, where there is no terminal


class MeasuringBoard(Board):
    """A row for each model of each report, with its interval after each invocation.

    ``ear`` gives the bench.Listener of one report. Several may speak at once, from threads.
    """

    def __init__(self, reports: Sequence[Report], console: Console | None = None) -> None:
        self.several = len(reports) > 1
        self._known = {
            (report.profile.device, one.artifact.sha256): one
            for report in reports
            for one in report.measurements
        }
        columns: tuple[str, ...] = ("model", "latency", "interval", "invocations", "tainted")
        counting = {report.profile.runner == "emulated" for report in reports}
        if counting == {True}:
            columns = ("model", "instructions", "range", "processes", "tainted")
        elif True in counting:
            columns = ("model", "latency or instructions", *columns[2:])
        models = len({one.artifact.model for report in reports for one in report.measurements})
        verb = "counting" if counting == {True} else "measuring"
        title = f"{verb} {units.plural(models, 'model')} on "
        if self.several:
            columns = ("device", *columns)
            title += f"{len(reports)} devices"
        else:
            profile = reports[0].profile
            title += f"{profile.device}, {units.plural(profile.threads, 'thread')}"
        super().__init__(title, columns, console)
        if self.several:
            for report in reports:
                self.now("waiting for its turn", report.profile.device)

    def ear(self, report: Report) -> "DeviceEar":
        """Who listens to the measuring of ``report``."""
        return DeviceEar(self, report)

    def known(self, device: str, measurement: Measurement) -> None:
        """``measurement`` holds more than it did."""
        with self._lock:
            self._known[device, measurement.artifact.sha256] = measurement
            self.rows(
                [
                    (device, *_row(one)) if self.several else _row(one)
                    for (device, _), one in self._known.items()
                ]
            )


class DeviceEar:
    """A bench.Listener for one device, on a board that it may share with others."""

    def __init__(self, board: MeasuringBoard, report: Report) -> None:
        self._board, self._plan = board, report.plan
        self._device = report.profile.device
        self._of = self._device if board.several else ""
        self._said_at: float | None = None  # when a wait was last said where there is no terminal

    def now(self, text: str) -> None:
        """What the device does at this moment."""
        self._board.now(text, self._of)

    def line(self, text: str) -> None:
        """A line that stays, with the device where there are several."""
        self._board.line(self._named(text))

    def _named(self, text: str) -> str:
        return f"{self._of}: {text}" if self._of else text

    def _while_it_lasts(self, text: str) -> None:
        self.now(text)
        if self._said_at is None or time.monotonic() - self._said_at > LINE_EVERY_S:
            self._board.line_elsewhere(self._named(text))
            self._said_at = time.monotonic()

    def waiting(self, why: str) -> None:
        self._while_it_lasts(f"waiting: {why}")

    def round_started(self, round: int, plan: Plan) -> None:
        self._said_at = None
        if plan.target:
            stops = f"stops when every interval is within ±{plan.target:.0%}"
        else:
            stops = "counts instructions"
        self.now(f"round {round + 1} of at most {plan.max_rounds}; {stops}")

    def invoked(self, measurement: Measurement) -> None:
        self._board.known(self._device, measurement)

    def sustaining(self, measurement: Measurement, elapsed_s: float, whole_s: float) -> None:
        if not measurement.sustained:
            self._said_at = None
        model = measurement.artifact.model
        self._while_it_lasts(f"{model} back to back, {elapsed_s:.0f} of {whole_s:.0f} s")

    def round_ended(self, report: Report) -> None:
        if any(one.counts for one in report.measurements):
            done = max(len(one.counts) for one in report.measurements)
            self.line(f"round {done} of {self._plan.max_rounds}: counted")
            return
        widths = {
            one.artifact.model: stats.half_width(one)
            for one in report.measurements
            if one.failure is None
        }
        if not widths:
            return
        done = max(len(one.invocations) for one in report.measurements)
        unknown = [model for model, width in widths.items() if width is None]
        if unknown:
            known = f"{units.plural(len(unknown), 'model')} without a 95 % interval yet"
        else:
            model, width = max(widths.items(), key=lambda item: item[1] or 0.0)
            known = f"widest interval ±{width:.1%} ({model})"
        self.line(f"round {done} of at most {self._plan.max_rounds}: {known}")

    def failed(self, measurement: Measurement, error: BenchError) -> None:
        self.line(f"{measurement.artifact.model} is given up: {error}")


def _row(measurement: Measurement) -> tuple[str, ...]:
    model = measurement.artifact.model
    if measurement.failure is not None:
        return (model, "failed", "", str(len(measurement.invocations)), "")
    if measurement.counts:
        return _count_row(measurement)
    if not measurement.invocations:
        return (model, "", "", "0", "")
    medians = [stats.median(one.latencies_s) for one in measurement.invocations]
    width = stats.half_width(measurement)
    tainted = sum(bool(one.tainted) for one in measurement.invocations)
    return (
        model,
        units.seconds(stats.median(medians)),
        f"±{width:.1%}" if width is not None else "",
        str(len(medians)),
        str(tainted) if tainted else "",
    )


def _count_row(measurement: Measurement) -> tuple[str, ...]:
    every = [one for process in measurement.counts for one in process.instructions]
    least, most = min(every), max(every)
    tainted = sum(bool(one.tainted) for one in measurement.counts)
    return (
        measurement.artifact.model,
        units.whole(least),
        "exact" if least == most else units.spread(least, least, most),
        str(len(measurement.counts)),
        str(tainted) if tainted else "",
    )

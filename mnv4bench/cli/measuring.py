"""The display of ``run`` while it measures: it hears what bench does and shows intervals."""

from mnv4bench import units
from mnv4bench.analysis import stats
from mnv4bench.errors import BenchError
from mnv4bench.records import Measurement, Plan, Report
from mnv4bench.render.progress import Board


class MeasuringBoard(Board):
    """A bench.Listener on a Board: a row a model, with its interval after each invocation."""

    def __init__(self, report: Report) -> None:
        self._plan = report.plan
        self._by_digest = {one.artifact.sha256: one for one in report.measurements}
        super().__init__(
            f"measuring {len(self._by_digest)} models on {report.profile.device}, "
            f"{units.plural(report.profile.threads, 'thread')}",
            ("model", "latency", "interval", "invocations", "tainted"),
        )

    def waiting(self, why: str) -> None:
        self.now(f"waiting: {why}")

    def round_started(self, round: int, plan: Plan) -> None:
        self.now(
            f"round {round + 1} of at most {plan.max_rounds}; stops when every interval is "
            f"within ±{plan.target:.0%}"
        )

    def invoked(self, measurement: Measurement) -> None:
        self._by_digest[measurement.artifact.sha256] = measurement
        self.rows([_row(one) for one in self._by_digest.values()])

    def sustaining(self, measurement: Measurement, elapsed_s: float, whole_s: float) -> None:
        self.now(f"{measurement.artifact.model} back to back, {elapsed_s:.0f} of {whole_s:.0f} s")

    def round_ended(self, report: Report) -> None:
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

"""``mnv4bench show``: what was measured, in figures."""

from mnv4bench.cli.reading import AsJson, Paths, emit, say


def command(paths: Paths = None, as_json: AsJson = False) -> None:
    """List the measurements in reports: latency with its interval, samples, placement, taint.

    Example: mnv4bench show reports/ --json
    """
    from mnv4bench import codec
    from mnv4bench.analysis import stats
    from mnv4bench.cli.gathering import evaluated, reports
    from mnv4bench.findings import Shown, Skipped, Summary
    from mnv4bench.render import accuracies, terminal

    measured: list[Summary] = []
    skipped: list[Skipped] = []
    for report in reports(paths, skipped):
        for one in report.measurements:
            if summary := stats.summarise(report, one):
                measured.append(summary)
            elif failure := stats.unmeasured(report, one):
                reason = f"{failure.model}: {failure.reason}"
                skipped.append(Skipped(path=failure.report, reason=reason))
    found = tuple(evaluated(paths, skipped))
    shown = Shown(measurements=tuple(measured), evaluations=found, skipped=tuple(skipped))
    if as_json:
        emit(codec.encode_json(shown))
    else:
        if found:
            say(accuracies.listed(found))
        say(terminal.shown(shown))

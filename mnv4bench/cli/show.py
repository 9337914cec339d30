"""``mnv4bench show``: what was measured, in figures: latencies, and accuracies beside them."""

from mnv4bench.cli.reading import AsJson, Paths, emit, say


def command(paths: Paths = None, as_json: AsJson = False) -> None:
    """List the measurements in reports: latency with its interval, samples, placement, taint.
    Counted instructions stand in a table of their own.

    Accuracies that `mnv4bench eval` measured come first.

    Example: mnv4bench show reports/ --json
    """
    from mnv4bench import codec
    from mnv4bench.analysis import counts, stats
    from mnv4bench.cli.gathering import evaluated, reports
    from mnv4bench.findings import Shown, Skipped, Summary, Tally
    from mnv4bench.render import accuracies, terminal
    from mnv4bench.render import counts as counted_view

    measured: list[Summary] = []
    counted: list[Tally] = []
    skipped: list[Skipped] = []
    not_evaluated: list[Skipped] = []
    found = tuple(evaluated(paths, not_evaluated))
    for report in reports(paths, skipped, required=not found):
        for one in report.measurements:
            if summary := stats.summarise(report, one):
                measured.append(summary)
            elif tally := counts.tally(report, one):
                counted.append(tally)
            elif failure := stats.unmeasured(report, one):
                reason = f"{failure.model}: {failure.reason}"
                skipped.append(Skipped(path=failure.report, reason=reason))
    shown = Shown(
        measurements=(*measured, *counted),
        evaluations=found,
        skipped=(*skipped, *not_evaluated),
    )
    if as_json:
        emit(codec.encode_json(shown))
    else:
        if found:
            say(accuracies.listed(found))
        if counted:
            say(counted_view.listed(counted))
        if measured or shown.skipped or not (found or counted):
            say(terminal.shown(shown))

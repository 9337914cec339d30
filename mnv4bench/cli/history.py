"""``mnv4bench history``: latencies over time, and the commits at which they changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.reading import AsJson, FigureWidth, Paths, WidthOption, emit, say, written
from mnv4bench.errors import NotMeasured, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence


def command(
    paths: Paths = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="Only this model; repeatable."),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", metavar="ID", help="Only this device; repeatable."),
    ] = None,
    certainty: Annotated[
        float,
        typer.Option(help="How sure a change has to be, 0.9 to 0.999999."),
    ] = 0.999,
    min_change: Annotated[
        float, typer.Option(help="Changes by a smaller ratio are not reported.")
    ] = 1.01,
    out: Annotated[
        Path,
        typer.Option(
            help="Where to write, without a suffix: .svg, .png, .pdf and .json are added."
        ),
    ] = Path("history"),
    width: WidthOption = FigureWidth.SCREEN,
    as_json: AsJson = False,
) -> None:
    """Find where the latency of each model changed: commit, date, size and how sure it is.

    A change is one of at least three sessions, so a single spike is none. Another value of a
    must-match key (runtime version, processor, Android build ...) starts a new segment, which is
    not compared with the one before. Tainted and unproven measurements are shown and not used.

    Example: mnv4bench history reports/

    Example: mnv4bench history reports/ --model mnv4-conv-s --device pixel8-edgetpu --json
    """
    from mnv4bench import codec
    from mnv4bench.cli.gathering import timeline
    from mnv4bench.findings import Skipped

    if not 0.9 <= certainty <= 0.999999:
        raise UsageError(f"--certainty {certainty:g} is not within 0.9 and 0.999999.", "0.999")
    if not 1 <= min_change <= 2:
        raise UsageError(f"--min-change {min_change:g} is not within 1 and 2.", "--min-change 1.01")
    skipped: list[Skipped] = []
    found = timeline(paths, skipped)
    _check(model or [], found.models(), "model")
    _check(device or [], found.devices(), "device")
    shown = found.history(
        false_alarms=round(1 - certainty, 9),
        least=min_change,
        models=frozenset(model or found.models()),
        devices=frozenset(device or found.devices()),
        skipped=skipped,
    )
    if not shown.series:
        reasons = "\n".join(f"  {one.path}: {one.reason}" for one in shown.skipped[:20])
        raise NotMeasured(
            f"no measurement of what was asked for has figures:\n{reasons}", "mnv4bench run"
        )
    from mnv4bench.render import histories, timelines

    drawn = written(out, shown, timelines.draw(shown, width.value), width)
    if as_json:
        emit(codec.encode_json(shown))
        return
    say(histories.table(shown))
    emit(drawn)


def _check(asked: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(
                f"--{what} {name}: no report has such a {what}.", nearest(name, list(known))
            )

"""``mnv4bench compare``: two sets of stored reports, model by model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.reading import AsJson, emit, say
from mnv4bench.errors import ExitStatus, NotMeasured, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnv4bench.analysis.matching import Pair
    from mnv4bench.findings import Skipped
    from mnv4bench.over_time import Compared, KeyChange

MAX_LISTED = 8


def command(
    a: Annotated[Path, typer.Argument(metavar="A", help="A report, or a directory of reports.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="What is compared with A.")],
    across: Annotated[
        list[str] | None,
        typer.Option(
            "--across",
            metavar="KEY",
            help="A must-match key that may differ, such as runtime_version; repeatable.",
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare whatever else differs; it is said.")
    ] = False,
    max_slowdown: Annotated[
        float, typer.Option(help="A ratio up to this is not called slower, nor its inverse faster.")
    ] = 1.03,
    as_json: AsJson = False,
) -> None:
    """Compare stored reports, model by model: the ratio B over A with its interval.

    Refuses (status 3) where a must-match key of the environments differs. A faster model that lost
    its placement or accuracy is not called faster. What was not measured in turns cannot be told
    from a change of the machine: with four sessions or more on each side the ratio rests on
    sessions, else on the processes of one session each, and the table says which.

    Exit status: 0 fine, 1 something is slower, 3 refused or nothing comparable, 5 the placement of
    B is unproven.

    Example: mnv4bench compare before/ after/

    Example: mnv4bench compare old.json new.json --across runtime_version
    """
    from mnv4bench import codec
    from mnv4bench.analysis import comparing, matching
    from mnv4bench.cli.gathering import evaluations, sessions
    from mnv4bench.over_time import Comparisons

    if not max_slowdown > 1:
        raise UsageError(f"--max-slowdown {max_slowdown:g} is not above 1.", "--max-slowdown 1.03")
    skipped: list[Skipped] = []
    first, second = sessions([a], skipped), sessions([b], skipped)
    allowed = _keys(across or [], first.keys() | second.keys())
    pairs, alone = matching.match(first, second, allowed)
    if not anyway:
        _refuse(pairs, allowed)
    files = first.artifacts() | second.artifacts()
    known = evaluations([a, b], skipped, files)
    compared = tuple(comparing.judge(pair, known, max_slowdown) for pair in pairs)
    if not compared:
        raise _nothing(a, b, alone)
    found = Comparisons(
        models=compared,
        max_slowdown=max_slowdown,
        across=tuple(sorted(allowed)),
        anyway=anyway,
        notes=comparing.notes(compared),
        skipped=(*alone, *skipped),
    )
    if as_json:
        emit(codec.encode_json(found))
    else:
        from mnv4bench.render import compared as view

        say(view.table(found))
    status = _status(compared)
    if status is not ExitStatus.OK:
        raise typer.Exit(int(status))


def _keys(asked: Sequence[str], known: set[str]) -> frozenset[str]:
    """The keys as they are called; ``threads`` stands for ``profile.threads``."""
    found = set()
    for key in asked:
        full = key if key in known else f"profile.{key}"
        if full not in known:
            raise UsageError(
                f"--across {key}: no must-match key is called so.", nearest(key, sorted(known))
            )
        found.add(full)
    return frozenset(found)


def _refuse(pairs: Sequence[Pair], allowed: frozenset[str]) -> None:
    """Raises NotMeasured where keys differ that nobody allowed to."""
    models: dict[KeyChange, list[str]] = {}
    for pair in pairs:
        for change in pair.differing:
            if change.key not in allowed:
                models.setdefault(change, []).append(pair.key.model)
    if not models:
        return
    lines = [
        f"  {change.key}: {_value(change.before)} in A, {_value(change.after)} in B"
        + ("" if len(names) == len(pairs) else f" ({', '.join(names[:MAX_LISTED])})")
        for change, names in models.items()
    ]
    keys = " ".join(f"--across {key}" for key in dict.fromkeys(one.key for one in models))
    raise NotMeasured(
        "A and B were measured in different circumstances, so their latencies are not compared:\n"
        + "\n".join(lines),
        f"measure both in the same, or say what may differ: {keys} (or --anyway)",
    )


def _value(value: object) -> str:
    return "unknown" if value is None else str(value)


def _nothing(a: Path, b: Path, alone: Sequence[Skipped]) -> NotMeasured:
    reasons = "\n".join(f"  {one.path}: {one.reason}" for one in alone[:MAX_LISTED])
    more = f"\n  and {len(alone) - MAX_LISTED} more" if len(alone) > MAX_LISTED else ""
    return NotMeasured(
        f"{a} and {b} have no model in common (by name, precision, weights, input size):\n"
        f"{reasons}{more}",
        "mnv4bench show PATH lists what each has; --across precision compares precisions",
    )


def _status(compared: Sequence[Compared]) -> ExitStatus:
    """Slower is a finding whatever else is not known; then unproven; then nothing comparable."""
    if any(one.verdict == "slower" for one in compared):
        return ExitStatus.SLOWER
    if any(one.b.placement in ("unproven", "none") for one in compared):
        return ExitStatus.UNPROVEN
    if all(one.verdict == "not comparable" for one in compared):
        return ExitStatus.NOT_MEASURED
    return ExitStatus.OK

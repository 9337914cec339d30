"""What a gate leaves behind: JSON, and for CI step summary, JUnit XML, badge, annotations.

Knows: the options, where GitHub wants what, and that a gate which ends early says so in every
place. Does not know: what stands in them (render/gate_*.py), or how a gate is judged.

**Never a stale green badge.** Before anything is measured, JSON, badge and JUnit file are written
as "not measured", and they are overwritten with what came out. So a gate that is killed, runs out
of memory or meets a bug of ours leaves an error and not the last gate's success; and a place that
cannot be written is known before minutes of measuring, not after them.

**A verdict survives its printing.** Files come first. A reader of stdout that has gone, or a disk
that is full by then, changes no status that says more than "not everything".

**Where annotations go**: the runner of GitHub reads workflow commands from a step's standard output
and from its standard error alike (actions/runner, ``Handlers/ScriptHandler.cs``: one
``OutputManager`` for each). They go to stdout, beside the table; with ``--json`` that holds one
object and nothing else, so they go to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.cli.reading import emit
from mnv4bench.errors import BenchError, ExitStatus, NotMeasured, UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import Gate

SummaryOption = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        metavar="FILE",
        help="Append a summary in Markdown there. [default: $GITHUB_STEP_SUMMARY where set]",
        show_default=False,
    ),
]
JunitOption = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write JUnit XML there.", show_default=False),
]
BadgeOption = Annotated[
    Path | None,
    typer.Option(
        "--badge",
        metavar="FILE",
        help="Write a badge there: .svg, or .json for shields.io.",
        show_default=False,
    ),
]
AnnotationsOption = Annotated[
    bool | None,
    typer.Option(
        "--annotations/--no-annotations",
        help="Print annotations for GitHub. [default: where GITHUB_ACTIONS is true]",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Outlets:
    """Where a gate publishes; None and False: not there."""

    out: Path | None = None
    summary: Path | None = None
    junit: Path | None = None
    badge: Path | None = None
    annotate: bool = False
    annotate_on_stderr: bool = False
    device: str = ""  # as it was asked for, for when nothing more is known


def outlets(
    summary: Path | None,
    junit: Path | None,
    badge: Path | None,
    annotations: bool | None,
    *,
    out: Path | None = None,
    as_json: bool,
    device: str = "",
) -> Outlets:
    """The options, with what the environment of a CI says where they say nothing.

    Raises UsageError for a badge that is neither SVG nor JSON.
    """
    if badge is not None and badge.suffix not in (".svg", ".json"):
        raise UsageError(
            f"--badge {badge} is neither .svg nor .json.",
            "--badge gate.svg for a picture, --badge gate.json for shields.io",
        )
    steps = os.environ.get("GITHUB_STEP_SUMMARY")
    if annotations is None:
        annotations = os.environ.get("GITHUB_ACTIONS") == "true"
    summary = summary or (Path(steps) if steps else None)
    return Outlets(out, summary, junit, badge, annotations, as_json, device)


@contextmanager
def watching(to: Outlets) -> Iterator[None]:
    """A gate that ends here without a verdict is published as that, whatever ended it.

    What ended it goes up as it came. Raises NotMeasured, before anything is measured, when a place
    cannot be written.
    """
    unfinished = _unmeasured("the gate has not ended: it still runs, or was killed", to.device)
    for failure in _files(unfinished, ExitStatus.NOT_MEASURED, to):
        publish_failure(failure.what, ExitStatus.NOT_MEASURED, to)
        raise failure
    try:
        yield
    except BenchError as error:
        publish_failure(error.what, error.exit_status, to)
        raise
    except KeyboardInterrupt:
        publish_failure("the gate was interrupted", ExitStatus.INTERRUPTED, to)
        raise
    except (typer.Exit, typer.Abort):  # published already
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        publish_failure(f"the gate broke off ({what})", ExitStatus.NOT_MEASURED, to)
        raise


def publish(found: Gate, status: int, to: Outlets, show: Callable[[], None]) -> None:
    """Everything that was asked for, from one finding; ``show`` prints it on stdout.

    One place that cannot be written does not keep the others from being written. A gate that was
    green then ends with "could not measure", in badge and JUnit file too; a status that says more
    stands. The JSON keeps what was found.
    """
    failures = [*_files(found, status, to), *_summary(found, status, to)]
    failures += [*_printed(show), *_printed(lambda: _annotate(found, status, to))]
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if failures and status == ExitStatus.OK:
        publish_failure(failures[0].what, ExitStatus.NOT_MEASURED, replace(to, out=None))
        raise typer.Exit(ExitStatus.NOT_MEASURED)


def publish_failure(sentence: str, status: int, to: Outlets) -> None:
    """The same where nothing could be judged: an error in every place, never silence.

    What cannot be written is left: the failure itself is the better sentence.
    """
    found = _unmeasured(sentence, to.device)
    _files(found, status, to)
    _summary(found, status, to)
    _printed(lambda: _annotate(found, status, to))


def _printed(show: Callable[[], None]) -> list[NotMeasured]:
    """Print; a reader that has seen enough is no failure, a full disk is."""
    try:
        show()
    except typer.Exit:  # so `emit` ends a verb whose reader has gone
        pass
    except OSError as error:
        # What is left in the buffer would fail once more at the end, with a status of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return [
            NotMeasured(
                f"the gate could not be printed: {error.strerror}.",
                "make room, or print elsewhere",
            )
        ]
    return []


def _unmeasured(why: str, device: str) -> Gate:
    from mnv4bench.analysis.gating import Rules
    from mnv4bench.findings import Gate

    return Gate(
        verdict="inconclusive",
        pairs=(),
        false_alarm_rate=0.0,
        smallest_detectable_ratio=None,
        max_slowdown=Rules().max_slowdown,
        reason=why,
        device=device,
    )


def _files(found: Gate, status: int, to: Outlets) -> list[NotMeasured]:
    """Write what is replaced whole; the failures come back."""
    from mnv4bench import codec, store
    from mnv4bench.render import gate_badge, gate_junit

    failures = []
    contents: list[tuple[Path | None, Callable[[], str]]] = [
        (to.out, lambda: f"{codec.encode_json(found)}\n"),
        (to.junit, lambda: gate_junit.junit(found, status)),
        (
            to.badge,
            lambda: (
                gate_badge.svg(found, status)
                if to.badge and to.badge.suffix == ".svg"
                else f"{codec.encode_json(gate_badge.endpoint(found, status))}\n"
            ),
        ),
    ]
    for path, content in contents:
        if path is None:
            continue
        try:
            store.replace_file(path, content().encode())
        except NotMeasured as failure:
            failures.append(failure)
    return failures


def _summary(found: Gate, status: int, to: Outlets) -> list[NotMeasured]:
    """Append, as GitHub wants: other commands of the step write to the same file."""
    from mnv4bench.render import gate_summary

    if to.summary is None:
        return []
    try:
        to.summary.parent.mkdir(parents=True, exist_ok=True)
        with to.summary.open("ab") as file:
            text = gate_summary.summary(found, status, gate_summary.LIMIT - file.tell())
            file.write(text.encode())
    except OSError as error:
        return [
            NotMeasured(
                f"the summary could not be appended to {to.summary}: {error.strerror}.",
                "make room, or choose another place with --summary",
            )
        ]
    if not text:
        print(f"note: {to.summary} is full; nothing was appended", file=sys.stderr)
    return []


def _annotate(found: Gate, status: int, to: Outlets) -> None:
    from mnv4bench.render import gate_annotations

    lines = gate_annotations.commands(found, status) if to.annotate else []
    if lines and to.annotate_on_stderr:
        print(*lines, sep="\n", file=sys.stderr)
    elif lines:
        emit("\n".join(lines))

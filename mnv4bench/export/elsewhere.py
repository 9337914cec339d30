"""Exports by another environment's exporters: the process that runs there. Started by ``start``.

Knows: what is to be exported and where each file goes. Does not know: who listens; progress and,
at the end, what failed are lines on stderr, as ``mnv4bench export`` has them.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mnv4bench import export
from mnv4bench.errors import BenchError, ExportFailed
from mnv4bench.export import ExportRequest, Progress, schedule


def command(python: Path, targets: Sequence[tuple[ExportRequest, Path]]) -> tuple[str, ...]:
    """What ``python`` is to run so that each request's file lies at its path."""
    job = json.dumps([[asdict(request), str(path)] for request, path in targets])
    return (str(python), "-P", str(schedule.START), "elsewhere", job)


def main(job: str) -> int:
    """Export and copy out; the exit status, with the sentence on stderr when it is not 0."""
    targets = {_request(words): Path(path) for words, path in json.loads(job)}
    try:
        exports = export.ensure(list(targets), listen=_tell)
        for request, exported in exports.files.items():
            export.copy_out(exported, targets[request])
        if exports.failures:
            first, *others = exports.failures.values()
            more = f" ({len(others)} more of {len(targets)} failed too.)" if others else ""
            raise ExportFailed(first.what + more, first.next_step)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - what it has to say
        return error.exit_status
    return 0


def _request(words: dict[str, Any]) -> ExportRequest:
    """As asdict wrote it."""
    request = ExportRequest(**words)
    return replace(request, shapes=tuple(request.shapes))


def _tell(progress: Progress) -> None:
    request = progress.request
    if progress.phase in ("cached", "started", "done"):
        what = f"{request.model} to {request.format} in {request.precision}"
        print(f"{progress.phase} {what}", file=sys.stderr, flush=True)  # noqa: T201

"""What ``run`` and ``export`` share: exports with a display of their progress."""

from collections.abc import Sequence

from mnv4bench.export import ExportRequest, Exports, Progress
from mnv4bench.render.progress import Board


def export_all(requests: Sequence[ExportRequest]) -> Exports:
    """Every requested file, from the cache or exported now, shown while it goes on."""
    from mnv4bench import export

    phases: dict[ExportRequest, tuple[str, str]] = dict.fromkeys(requests, ("waiting", ""))
    with Board("exporting", ("model", "format", "phase", "seconds")) as board:

        def listen(progress: Progress) -> None:
            request = progress.request
            seconds = f"{progress.seconds:.1f}" if progress.seconds else ""
            phases[request] = (progress.phase, seconds)
            board.rows([(r.model, r.format, phase, spent) for r, (phase, spent) in phases.items()])
            if progress.phase == "done":
                board.line(f"exported {request.model} to {request.format} in {seconds} s")
            elif progress.phase == "failed":
                board.line(f"failed   {request.model} to {request.format}: {progress.detail}")

        return export.ensure(requests, listen=listen)

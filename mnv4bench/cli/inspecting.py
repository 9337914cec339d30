"""What ``export --inspect`` adds: files looked into, with a display of what is going on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench.cli.reading import emit, say
from mnv4bench.render.progress import Board

if TYPE_CHECKING:
    from mnv4bench.findings import Inspection


def inspect_and_show(paths: Sequence[Path], as_json: bool) -> None:
    """Print what is inside each file, whoever made it. Raises what ``inspection`` raises."""
    from mnv4bench import codec
    from mnv4bench.findings import Inspected
    from mnv4bench.render import inspection as views

    found = []
    for path in paths:
        found.append(_inspected(path))
        if not as_json:
            say(views.inspection(found[-1]))
            emit("")
    if as_json:
        emit(codec.encode_json(Inspected(inspections=tuple(found))))


def _inspected(path: Path) -> Inspection:
    from mnv4bench import inspection

    with Board("inspecting", ("file", "doing")) as board:
        return inspection.inspect(path, lambda doing: board.rows([(str(path), doing)]))

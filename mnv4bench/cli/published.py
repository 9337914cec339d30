"""Published tables on the command line: which were asked for, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mnv4bench.errors import UsageError

if TYPE_CHECKING:
    from mnv4bench.findings import SideBySide, Summary
    from mnv4bench.models.published_tables import Table

HELP = (
    "Published tables: the paper's Table 6, or instead each FILE (.toml, .csv) that follows, as in "
    "--published vendor.toml --published paper."
)


def told_apart(
    given: list[Path] | None, published: bool
) -> tuple[list[Path] | None, tuple[str, ...]]:
    """(reports, published tables) among the arguments.

    ``--published`` takes a value or none, which the command line's library cannot express: so it is
    a flag, and the arguments that are tables by name are its values.
    """
    from mnv4bench.models.published_tables import PAPER, SUFFIXES

    paths, tables = [], []
    for path in given or ():
        a_file = path.suffix.lower() in SUFFIXES and not path.is_dir()
        if a_file or (published and str(path) == PAPER):
            tables.append(str(path))
        else:
            paths.append(path)
    if tables and not published:
        raise UsageError(
            f"{tables[0]} is no report; a published table is given with --published.",
            f"--published {tables[0]}",
        )
    if published and not tables:
        tables = [PAPER]
    return (paths or None), tuple(tables)


def beside(measured: Iterable[Summary], tables: Iterable[Table]) -> SideBySide:
    """``measured`` beside ``tables``, device by device."""
    from mnv4bench.analysis import beside as analysis

    read = []
    for one in tables:
        about = analysis.source(
            one.source, one.citation, one.url, one.cells, one.unknown_models, _unknown_devices(one)
        )
        read.append((about, one.cells))
    return analysis.side_by_side(measured, read)


def _unknown_devices(table: Table) -> tuple[str, ...]:
    from mnv4bench import profiles
    from mnv4bench.models.published_tables import PAPER

    if table.source == PAPER:  # tests hold its devices to the profiles
        return ()
    known = {profile.device for profile in profiles.load_all()[0]}
    return tuple(dict.fromkeys(one.device for one in table.cells if one.device not in known))

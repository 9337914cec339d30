"""mnv4bench: know, with proof, how fast a mobile vision model runs on real hardware.

``load`` is the Python interface; the rest is the command line's and may change.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def load(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]] = "reports",
    *,
    rows: Literal["measurements", "invocations", "samples"] = "measurements",
    published: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
) -> polars.DataFrame:
    """Reports as a polars frame: one row a measurement, an invocation or a sample.

    ``paths``: reports, or directories of reports. ``published``: files (docs/published.md), or
    "paper" for the table that ships; their rows stand behind the measured ones, and the column
    ``origin`` tells them apart. docs/data.md has every column with its unit.

    A file that cannot be read is warned of (``mnv4bench.notebook.NotRead``) with the reason. Raises
    ``mnv4bench.errors.BadFile`` when none could be read, NotMeasured when there is none, UsageError
    for a path that does not exist, MissingExtra without polars: ``pip install 'mnv4bench[data]'``.
    """
    from mnv4bench import notebook

    return notebook.load(paths, rows, published)

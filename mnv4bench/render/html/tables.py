"""Rows of one shape as columns: what a page's data is made of.

Knows: that a name for each field of each row would be most of a large page. Does not know: which
tables there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Table:
    """Columns under their names; every row has a value for each."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._columns: list[list[Any]] = [[] for _ in names]

    def add(self, *values: Any) -> int:
        """One row, in the order of the names; its place."""
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
        return len(self._columns[0]) - 1

    def columns(self) -> dict[str, Sequence[Any]]:
        """See ``columns_of``."""
        return columns_of(dict(zip(self._names, self._columns, strict=True)))


def columns_of(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """By name; a column of one value throughout is that value alone."""
    return {
        name: column[:1] if len(column) > 1 and _same(column) else column
        for name, column in columns.items()
    }


def _same(column: Sequence[Any]) -> bool:
    first = column[0]
    return all(type(value) is type(first) and value == first for value in column)


def rounded(value: float | None, scale: float = 1.0, digits: int = 6) -> float | None:
    """``value / scale`` to so many significant digits: what a screen can show, in few bytes."""
    return None if value is None else float(f"{value / scale:.{digits}g}")

"""A long list in JSON that is never held: on the disk beyond some megabytes, until it is printed.

Knows: that nothing may be printed before all was read, since reading may fail. Does not know: what
is listed, reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, Self

from mnv4bench import codec

IN_MEMORY = 16_000_000  # bytes
PIECE = 1_000_000  # characters


class Spool:
    """Values as elements of a list in JSON, in the order they came."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(  # noqa: SIM115
            IN_MEMORY, "w+", encoding="utf-8", newline=""
        )
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, value: Any) -> None:
        """Take one more; it is not kept."""
        self._file.write(f"{',' if self.count else ''}\n{codec.encode_element(value)}")
        self.count += 1

    def pieces(self) -> Iterator[str]:
        """The elements with commas between them, each on a line of its own."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece


def with_elements(text: str, field: str, spools: Iterable[Spool]) -> Iterator[str]:
    """JSON in pieces: ``text``, an object as codec prints it, its empty ``field`` now filled."""
    filled = [spool for spool in spools if spool.count]
    head, found, tail = text.partition(f'"{field}": []')
    assert found
    if not filled:
        yield text
        return
    yield f'{head}"{field}": ['
    for index, spool in enumerate(filled):
        if index:
            yield ","
        yield from spool.pieces()
    yield f"\n ]{tail}"

"""What slow reading says meanwhile: nothing at first, then how far it is, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO, TypeVar

# Sooner, a person has not begun to wonder.
SILENT_S = 2.0
# Away from a terminal each is a line that stays; on one a bar is redrawn.
EVERY_S = 10.0
REDRAWN_S = 0.1
BAR = 20  # characters

T = TypeVar("T")


class Counting:
    """Counts up to ``total``; see ``counting``."""

    def __init__(self, what: str, total: int, *, silent: bool = False) -> None:
        self._what, self._total, self._done = what, total, 0
        self._alone = is_terminal(sys.stderr)
        self._next = float("inf") if silent else monotonic() + SILENT_S
        self._said = ""

    def add(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        now = monotonic()
        if now < self._next or self._done >= self._total:
            return
        self._next = now + (REDRAWN_S if self._alone else EVERY_S)
        self._said = f"{self._what}: {self._done:,} of {self._total:,}"
        if self._alone:
            filled = BAR * self._done // self._total
            self._said += f" [{'=' * filled}{' ' * (BAR - filled)}]"
        sys.stderr.write(f"\r{self._said}" if self._alone else f"{self._said}\n")
        sys.stderr.flush()

    def through(self, items: Iterable[T]) -> Iterator[T]:
        """``items``, each counted when the next one is asked for."""
        for item in items:
            yield item
            self.add(1)

    def clear(self) -> None:
        """Leave a terminal as it was."""
        if self._alone and self._said:
            sys.stderr.write(f"\r{' ' * len(self._said)}\r")
            sys.stderr.flush()


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches ``stream``."""
    return stream.isatty()


@contextmanager
def counting(what: str, total: int, *, silent: bool = False) -> Iterator[Counting]:
    """A line on stderr when it takes long, a bar that is redrawn on a terminal."""
    counter = Counting(what, total, silent=silent)
    try:
        yield counter
    finally:
        counter.clear()

"""What slow reading says meanwhile: nothing at first, then how far it is, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

# Sooner, a person has not begun to wonder.
SILENT_S = 2.0
# Away from a terminal each is a line that stays.
EVERY_S = 10.0


class Counting:
    """Counts up to ``total``; see ``counting``."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._alone = sys.stderr.isatty()
        self._next = monotonic() + SILENT_S
        self._said = ""

    def add(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        now = monotonic()
        if now < self._next or self._done >= self._total:
            return
        self._next = now if self._alone else now + EVERY_S
        self._said = f"{self._what}: {self._done:,} of {self._total:,}"
        sys.stderr.write(f"\r{self._said}" if self._alone else f"{self._said}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave a terminal as it was."""
        if self._alone and self._said:
            sys.stderr.write(f"\r{' ' * len(self._said)}\r")
            sys.stderr.flush()


@contextmanager
def counting(what: str, total: int) -> Iterator[Counting]:
    """A line on stderr when it takes long, redrawn on a terminal."""
    counter = Counting(what, total)
    try:
        yield counter
    finally:
        counter.clear()

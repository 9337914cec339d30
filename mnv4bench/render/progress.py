"""What a person sees of slow work: a live table on a terminal, plain lines elsewhere.

Knows: rich, and that several threads may have something to say. Does not know: what is going on; it
is told rows and lines of text.
"""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mnv4bench.render.untrusted import visible


class Board:
    """A table that is redrawn in place, with what happens now beneath it, or in lines above it.

    Any thread may speak at any time. Everything goes to stderr, so stdout stays free for results.
    Away from a terminal (CI, a pipe) only ``line`` prints. All text is taken literally: names may
    come from files.
    """

    def __init__(self, title: str, columns: Sequence[str], console: Console | None = None) -> None:
        self._title = title
        self._columns = columns
        self._console = console or Console(stderr=True)
        self._rows: Sequence[Sequence[str]] = ()
        self._now: dict[str, str] = {}
        self._lock = threading.RLock()  # a title, rows and lines that belong together
        # Redrawn when there is news and at no other time: a clock would disturb what is measured.
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show these cells, one sequence a row, in the order of the columns."""
        with self._lock:
            self._rows = rows
            self._redraw()

    def now(self, text: str, of: str = "") -> None:
        """Say what happens at this moment; on a terminal only. Each ``of`` has its line."""
        with self._lock:
            self._now[of] = text
            self._redraw()

    def line(self, text: str) -> None:
        """A line that stays, on a terminal and elsewhere."""
        lines = "\n".join(visible(line) for line in text.split("\n"))
        with self._lock:
            self._console.print(Text(lines), soft_wrap=True)

    def line_elsewhere(self, text: str) -> None:
        """``line`` where there is no terminal, and so no table that says it."""
        if not self._console.is_terminal:
            self.line(text)

    def _redraw(self) -> None:
        if not self._live.is_started:
            return
        named = [visible(f"{of}: {text}") for of, text in self._now.items() if of]
        # Above the table: a long one is cut at its end where a terminal is low.
        title = Text("\n".join((self._title, *named)))
        table = Table(title=title, caption=Text(visible(self._now.get("", ""))))
        table.title_justify = "left"
        table.caption_justify = "left"
        for number, column in enumerate(self._columns):
            table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
        for row in self._rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        self._live.update(table, refresh=True)

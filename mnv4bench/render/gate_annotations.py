"""A gate as annotations of GitHub: one workflow command a model that needs a look.

Knows: the commands, their escaping, and how many GitHub shows. Does not know: where they are
printed. What is the same gets none: a gate that is left on is quiet when nothing is wrong.

* Escaping: ``%``, CR and LF in the message, ``:`` and ``,`` as well in properties
  (actions/toolkit, ``packages/core/src/command.ts``; the runner undoes just these,
  ``src/Runner.Common/ActionCommand.cs``). A line is a command only where it begins with ``::``
  behind white space, and the first such command takes the whole line, so a name with a command
  inside is text.
* GitHub keeps 10 errors, 10 warnings and 10 notices of a step and drops the others without a word
  (``_maxIssueCount`` in the runner's ``ExecutionContext.cs``; github.com/orgs/community/
  discussions/26680). A step that fails adds an error of the runner's own, "Process completed with
  exit code 1.", so there is room for 9.
"""

from __future__ import annotations

from typing import Literal

from mnv4bench import units
from mnv4bench.findings import Gate
from mnv4bench.render.gate_rows import ALARMS, UNANSWERED, Row, gravest_first, reason, rows, said
from mnv4bench.render.untrusted import visible

Level = Literal["error", "warning", "notice"]
ROOM: dict[Level, int] = {"error": 9, "warning": 10, "notice": 10}
LONGEST_TITLE = 200  # characters; the checks API takes 255
LONGEST_MESSAGE = 2000


def commands(found: Gate, status: int) -> list[str]:
    """Lines to print, gravest first; none where every model is the same."""
    every = gravest_first(rows(found))
    lines = []
    for level in ROOM:
        of_level = [row for row in every if _level(row) == level]
        room = ROOM[level]
        shown = of_level if len(of_level) <= room else of_level[: room - 1]
        lines += [_line(level, row, found) for row in shown]
        if left := len(of_level) - len(shown):
            lines.append(_more(level, left))
    if not lines and status != 0:
        title = f"latency gate: {said(found, status)}"
        lines = [_command("warning", title, reason(found, status))]
    return lines


def _level(row: Row) -> Level | None:
    if row.outcome in ALARMS:
        return "error"
    if row.outcome in UNANSWERED:
        return "warning"
    return "notice" if row.outcome == "faster" else None


def _line(level: Level, row: Row, found: Gate) -> str:
    on = f" on {found.device}" if found.device else ""
    figures = ""
    if row.ratio:
        between = f" ({row.interval})" if row.interval else ""
        sides = f", {row.base} to {row.head}" if row.base and row.head else ""
        figures = f"head / base {row.ratio}{between}{sides}: "
    elif row.head:
        figures = f"{row.head} ({row.interval}): "
    return _command(level, f"{row.name}: {row.outcome}{on}", f"{figures}{row.why}")


def _more(level: Level, left: int) -> str:
    what = {"error": "slower", "warning": "without an answer", "notice": "faster"}[level]
    return _command(
        level,
        "latency gate",
        f"{units.plural(left, 'more model')} {what}: GitHub shows no more annotations of a step; "
        "the summary has all",
    )


def _command(level: Level, title: str, message: str) -> str:
    return (
        f"::{level} title={_property(_short(visible(title), LONGEST_TITLE))}"
        f"::{_data(_short(visible(message), LONGEST_MESSAGE))}"
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

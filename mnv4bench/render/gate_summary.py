"""A gate as GitHub-flavoured Markdown, for ``$GITHUB_STEP_SUMMARY`` and wherever else it is read.

Knows: how a table and a list are written, how text from outside is kept from acting in them, and
how much GitHub takes. Does not know: how anything was judged, or where the text goes.

GitHub takes 1 MiB of summary a step and drops all of a larger one ("supports content up to a size
of 1024k", as its runner says), so what is too long is cut here, the least grave first, and said:
docs.github.com, "Workflow commands for GitHub Actions", section "Step isolation and limits".

**Names are hostile until shown otherwise.** A backslash does not end the meaning of every
character: a row of a table is split before backslashes are looked at, and GitHub links ``@names``
and addresses afterwards. A numeric reference does ("cannot be used in place of symbols indicating
structure", GitHub Flavored Markdown Spec 0.29, section 6.2), so names are written with those, in a
``<code>``, where GitHub's filters link nothing.
"""

from __future__ import annotations

import re

from mnv4bench import units
from mnv4bench.findings import Gate
from mnv4bench.render.gate_rows import ALARMS, Row, counted, gravest_first, rows, said
from mnv4bench.render.gates import promises
from mnv4bench.render.untrusted import visible

LIMIT = 1024 * 1024  # bytes of one step's summary, all that was written to it together
LONGEST_NAME = 200  # characters; a name is no place for an essay
LONGEST_SENTENCE = 600

_TABLE = (
    "| Model | Verdict | Head / base | Interval | Base | Head | Why |\n"
    "| :-- | :-- | --: | --: | --: | --: | :-- |\n"
)
# Everything of ASCII but what stands for itself anywhere in a line; "." makes a link behind "www"
# and ":" before "//" alone.
_ACTING = re.compile(r"(?<=www)\.|:(?=/)|[^\w\s.,:;/()%+'=-]|_", re.IGNORECASE | re.ASCII)


def summary(found: Gate, status: int, limit: int = LIMIT) -> str:
    """Verdict, table, what was not measured, what it rests on: at most ``limit`` bytes of UTF-8.

    "" where ``limit`` is too small for the verdict itself.
    """
    every = gravest_first(rows(found))
    above, below = _above(found, status), _below(found, status)
    room = limit - _size(above) - _size(below) - _size(_TABLE) - 300  # for the sentence on the cut
    if room < 0:
        return above if _size(above) <= limit else ""
    shown: list[str] = []
    for row in every:
        line = _line(row)
        room -= _size(line)
        if room < 0:
            break
        shown.append(line)
    table = _TABLE + "".join(shown) + "\n" if every else ""
    return above + table + _cut(every[len(shown) :]) + below


def _above(found: Gate, status: int) -> str:
    on = f" on {code(found.device)}" if found.device else ""
    every = rows(found)
    inner = [sentence(counted(found)) + "."] if every else []
    if found.reason and (not every or status not in (0, 1)):
        inner.append(sentence(found.reason))
    return f"### Latency gate: {said(found, status)}{on}\n\n{' '.join(inner)}\n\n"


def _below(found: Gate, status: int) -> str:
    lines = [*(sentence(note) for note in found.notes), *promises(found)]
    unit = f", unit {code(found.unit)}" if found.unit else ""
    at = f", {sentence(found.measured_at)}" if found.measured_at else ""
    limit = units.quotient(found.max_slowdown)
    lines.append(
        f"Slowdown that must not be missed: {limit}; metric: {found.metric}; exit status {status}"
        f"{unit}{at}."
    )
    return "".join(f"* {line}\n" for line in lines) + "\n"


def _line(row: Row) -> str:
    verdict = f"**{row.outcome}**" if row.outcome in ALARMS else row.outcome
    figures = (row.ratio, row.interval, row.base, row.head)
    return f"| {code(row.name)} | {verdict} | {' | '.join(figures)} | {sentence(row.why)} |\n"


def _cut(left: list[Row]) -> str:
    if not left:
        return ""
    counts: dict[str, int] = {}
    for row in left:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    kinds = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    return (
        f"**{units.plural(len(left), 'row')} left out** ({kinds}): GitHub shows "
        f"{units.size(LIMIT)} of a step's summary and no more. The JSON has all of them.\n\n"
    )


def code(text: str) -> str:
    """A name, as itself and nothing else."""
    return f"<code>{_references(_short(visible(text), LONGEST_NAME))}</code>"


def sentence(text: str) -> str:
    """Words that may quote what a device or a file said."""
    inert = _references(_short(visible(text), LONGEST_SENTENCE))
    return inert.replace("&#64;", "<code>&#64;</code>")  # GitHub links @names, but not in code


def _references(text: str) -> str:
    return _ACTING.sub(lambda found: f"&#{ord(found[0])};", text)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _size(text: str) -> int:
    return len(text.encode())

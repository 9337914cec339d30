"""A gate as GitHub-flavoured Markdown, for ``$GITHUB_STEP_SUMMARY`` and wherever else it is read.

Knows: how a table and a list are written, and how much GitHub takes. Does not know: how anything
was judged, or where the text goes.

GitHub takes 1 MiB of summary a step and drops all of a larger one ("supports content up to a size
of 1024k", as its runner says), so what is too long is cut here, the least grave first, and said:
docs.github.com, "Workflow commands for GitHub Actions", section "Step isolation and limits".
"""

from __future__ import annotations

from mnv4bench import units
from mnv4bench.findings import Gate
from mnv4bench.render.gate_rows import ALARMS, Row, counted, gravest_first, rows, said
from mnv4bench.render.gates import promises
from mnv4bench.render.inert import code, sentence

LIMIT = 1024 * 1024  # bytes of one step's summary, all that was written to it together

_TABLE = (
    "| Model | Verdict | Head / base | Interval | Base | Head | Why |\n"
    "| :-- | :-- | --: | --: | --: | --: | :-- |\n"
)


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


def _size(text: str) -> int:
    return len(text.encode())

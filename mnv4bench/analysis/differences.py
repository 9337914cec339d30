"""Two profiles side by side: which block, and what in it, takes longer on one side.

Knows: profiles whose operators were joined to blocks. Does not know: runtimes, files.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from mnv4bench.findings import ComparedProfiles, Difference, OperatorProfile, OperatorRow

MIN_JOINED = 0.5  # of the time; with less there is nothing to compare block by block


def compared(a: OperatorProfile, b: OperatorProfile) -> ComparedProfiles:
    """``a`` less ``b``, by block and by role (the same place in all blocks of a kind)."""
    ratio = a.operators_s / b.operators_s if b.operators_s else None
    plain = a.plain_s / b.plain_s if a.plain_s and b.plain_s else None
    return ComparedProfiles(
        a=a,
        b=b,
        ratio=ratio,
        plain_ratio=plain,
        blocks=_differences(a.operators, b.operators, lambda row: row.block),
        roles=_differences(a.operators, b.operators, lambda row: row.role),
        notes=_notes(a, b),
    )


def _differences(
    a: Sequence[OperatorRow], b: Sequence[OperatorRow], key: Callable[[OperatorRow], str]
) -> tuple[Difference, ...]:
    sides = [_by(rows, key) for rows in (a, b)]
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        if not name:
            continue
        mine, other = (side.get(name) for side in sides)
        a_s = sum(row.seconds for row in mine) if mine else None
        b_s = sum(row.seconds for row in other) if other else None
        found.append(
            Difference(
                name=name,
                a_s=a_s,
                b_s=b_s,
                difference_s=(a_s or 0.0) - (b_s or 0.0),
                ratio=a_s / b_s if a_s is not None and b_s else None,
                a=_operators(mine or ()),
                b=_operators(other or ()),
            )
        )
    return tuple(sorted(found, key=lambda one: (-abs(one.difference_s), one.name)))


def _by(
    rows: Sequence[OperatorRow], key: Callable[[OperatorRow], str]
) -> dict[str, list[OperatorRow]]:
    of: defaultdict[str, list[OperatorRow]] = defaultdict(list)
    for row in rows:
        of[key(row)].append(row)
    return of


def _operators(rows: Sequence[OperatorRow]) -> tuple[str, ...]:
    """ "Conv ×3", those that take longest first."""
    counts = Counter(row.operator for row in rows)
    seconds: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        seconds[row.operator] += row.seconds
    ordered = sorted(counts, key=lambda operator: (-seconds[operator], operator))
    return tuple(f"{name} ×{counts[name]}" if counts[name] > 1 else name for name in ordered)


def _plain(one: OperatorProfile) -> str:
    """A file of one's own is called with its suffix."""
    return one.model.rpartition(".")[0] or one.model if "." in one.model else one.model


def _notes(a: OperatorProfile, b: OperatorProfile) -> tuple[str, ...]:
    notes = []
    for side, one in (("A", a), ("B", b)):
        if one.joined_share < MIN_JOINED:
            notes.append(
                f"of {side} only {one.joined_share:.0%} of the time is known by block, so what "
                "stands below is a part"
            )
    if _plain(a) != _plain(b):
        notes.append(f"A is {a.model} and B is {b.model}: blocks of one name need not do the same")
    elif a.precision != b.precision:
        notes.append(f"A is {a.precision} and B is {b.precision}")
    if a.statistic != b.statistic:
        notes.append(
            f"A's times are by {a.statistic} and B's by {b.statistic}, which are not quite alike"
        )
    return tuple(notes)

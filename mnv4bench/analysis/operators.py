"""What a profiler said of a file, joined to the blocks of the model.

Knows: how runtimes rename operators, and that what they put in belongs to what ran before it. Does
not know: where the times come from, how a path is written, or files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mnv4bench.analysis import alignment, blocks
from mnv4bench.analysis.blocks import Place
from mnv4bench.findings import (
    BlockRow,
    FileOperator,
    Joined,
    KindRow,
    OperatorProfile,
    OperatorRow,
)
from mnv4bench.records import Artifact, DeviceProfile, Operators, OperatorTime

# What ONNX Runtime (1.23 to 1.31) puts around a name when it rewrites an operator: layouts, casts,
# normalisations and transposes that were taken in, and a number where a name came twice.
ORT_AROUND = re.compile(
    r"^InsertedPrecisionFreeCast_|(?:_nchwc|_token_\d+|_quant|_bn|/[A-Z]\w*Fusion/?)$"
)
MAX_FUSED = 8  # operators in a row that become one
# From here on profiling changes so much of what it looks at that a reader must be told.
MAX_COST = 1.2
MAX_BETWEEN = 1.5  # and from here on there is more between operators than a runtime needs
MIN_COST = 0.9
NO_PATHS = (
    "the file names no modules, so no operator can be told to belong to a block; files that "
    "mnv4bench exports do"
)
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class _Match:
    index: int | None  # of the file's operators
    how: Joined


def profile(
    taken: Operators,
    inside: Sequence[FileOperator],
    *,
    file: str,
    artifact: Artifact,
    device: DeviceProfile,
    notes: Sequence[str] = (),
) -> OperatorProfile:
    """``inside``: the operators as they stand in the file; none where it could not be read."""
    matches = match(taken, inside)
    places = blocks.places([one.path for one in inside])
    placed = _placed(taken, matches, places)
    total = sum(one.seconds for one in taken.operators)
    rows = [
        _row(one, found.index, where, inside, taken, total)
        for one, found, where in zip(taken.operators, matches, placed, strict=True)
    ]
    known = sum(row.seconds for row in rows if row.block)
    cost = taken.profiled_s / taken.plain_s if taken.profiled_s and taken.plain_s else None
    return OperatorProfile(
        file=file,
        model=artifact.model,
        format=artifact.format,
        precision=artifact.precision,
        weights=artifact.weights.text,
        sha256=artifact.sha256,
        device=device.device,
        threads=device.threads,
        runtime=taken.runtime,
        source=taken.source,
        statistic=taken.statistic,
        inferences=taken.inferences,
        operators_s=total,
        profiled_s=taken.profiled_s,
        plain_s=taken.plain_s,
        clock=taken.clock,
        cost=cost,
        joined_share=known / total if total else 0.0,
        placement=taken.placement.verdict if taken.placement else None,
        blocks=_blocks(rows, places, total),
        kinds=_kinds(rows, total),
        operators=tuple(rows),
        notes=(*notes, *taken.notes, *_notes(taken, inside, places, rows, cost, total)),
    )


def match(taken: Operators, inside: Sequence[FileOperator]) -> list[_Match]:
    """Which operator of the file each one that ran is."""
    found = [_Match(None, "none")] * len(taken.operators)
    by_name = {name: index for index, one in enumerate(inside) for name in (one.name, *one.outputs)}
    by_name.pop("", None)
    for index, one in enumerate(taken.operators):
        if one.node is not None and one.node < len(inside):
            found[index] = _Match(one.node, "place")
        elif one.part is None and (place := _by_name(one, by_name, inside)) is not None:
            found[index] = _Match(place, "name")
    for part, of in _delegated(taken).items():
        _align(taken, inside, part, of, found)
    return found


def _placed(
    taken: Operators, matches: Sequence[_Match], places: Sequence[Place | None]
) -> list[tuple[Place | None, Joined]]:
    """Each operator's place; of one that was put in, or whose path is not told, its neighbour's."""
    found: list[tuple[Place | None, Joined]] = []
    last: Place | None = None
    for one, hit in zip(taken.operators, matches, strict=True):
        place = None if hit.index is None else places[hit.index]
        if place is not None or one.whole:
            last = place
            found.append((place, hit.how if place else "none"))
        else:
            found.append((last, "neighbour" if last else "none"))
    first = next((place for place, _ in found if place), None)
    for index, (place, _) in enumerate(found):
        if place is not None or taken.operators[index].whole:
            break
        if first is not None:  # what is put in before everything else
            found[index] = (first, "neighbour")
    return found


def _delegated(taken: Operators) -> dict[int | None, list[int]]:
    """Part -> the operators inside it, in order; None: of parts that are not told apart."""
    of: defaultdict[int | None, list[int]] = defaultdict(list)
    for index, one in enumerate(taken.operators):
        if one.whole:
            continue
        if one.part is not None:
            of[one.part].append(index)
        elif one.node is None and taken.parts:
            of[None].append(index)
    return of


def _align(
    taken: Operators,
    inside: Sequence[FileOperator],
    part: int | None,
    of: Sequence[int],
    found: list[_Match],
) -> None:
    if part is not None and part >= len(taken.parts):
        return  # the runtime shows other parts than its profiler
    parts = taken.parts if part is None else taken.parts[part : part + 1]
    nodes = [node for one in parts for node in one.nodes if node < len(inside)]
    ran = [taken.operators[index].operator for index in of]
    places = alignment.aligned(ran, [inside[node].operator for node in nodes])
    for index, place in zip(of, places, strict=True):
        if place is not None:
            found[index] = _Match(nodes[place], "order")


def _by_name(
    one: OperatorTime, by_name: dict[str, int], inside: Sequence[FileOperator]
) -> int | None:
    """The operator of that name, or what writes a value of that name, or what was fused before it.

    A convolution that took what follows it in bears the name of the last of them.
    """
    names = [one.name]
    while (shorter := ORT_AROUND.sub("", names[-1])) != names[-1]:
        names.append(shorter)
    place = next((by_name[name] for name in names if name in by_name), None)
    if place is None:
        return None
    wanted = one.operator.lower()
    back = place
    for _ in range(MAX_FUSED):
        if _alike(inside[back].operator.lower(), wanted):
            return back
        before = next((by_name[name] for name in inside[back].inputs if name in by_name), None)
        if before is None or before >= back:
            break
        back = before
    return place


def _alike(operator: str, wanted: str) -> bool:
    """Whether a rewritten operator was one of this kind: "fusedconv", "qlinearconv", "conv"."""
    return operator in wanted or (operator == "matmul" and wanted == "gemm")


def _row(
    one: OperatorTime,
    index: int | None,
    where: tuple[Place | None, Joined],
    inside: Sequence[FileOperator],
    taken: Operators,
    total: float,
) -> OperatorRow:
    place, joined = where
    stands = None if index is None else inside[index]
    path = blocks.dotted(stands.path) if stands else ""
    name = one.name or (stands.outputs[0] if stands and stands.outputs else "")
    inside_of = one.part if one.part is not None and one.part < len(taken.parts) else None
    return OperatorRow(
        operator=one.operator,
        name=name,
        path=path or (place.path if place else ""),
        block=place.block if place else "",
        role=place.role if place else "",
        seconds=one.seconds,
        share=one.seconds / total if total else 0.0,
        calls=one.calls,
        joined=joined,
        delegate=None if inside_of is None else taken.parts[inside_of].delegate,
        low_s=one.low_s,
        high_s=one.high_s,
    )


def _blocks(
    rows: Sequence[OperatorRow], places: Sequence[Place | None], total: float
) -> tuple[BlockRow, ...]:
    of: defaultdict[str, list[OperatorRow]] = defaultdict(list)
    for row in rows:
        of[row.block].append(row)
    if set(of) == {""}:
        return ()
    paths = {place.block: place.path for place in places if place}
    return tuple(
        BlockRow(
            block=block or UNKNOWN,
            path=paths.get(block, ""),
            seconds=sum(row.seconds for row in some),
            share=sum(row.seconds for row in some) / total if total else 0.0,
            operators=len(some),
        )
        for block, some in of.items()
    )


def _kinds(rows: Sequence[OperatorRow], total: float) -> tuple[KindRow, ...]:
    of: defaultdict[str, list[OperatorRow]] = defaultdict(list)
    for row in rows:
        of[row.operator].append(row)
    made = [
        KindRow(
            operator=operator,
            count=sum(row.calls for row in some),
            seconds=sum(row.seconds for row in some),
            share=sum(row.seconds for row in some) / total if total else 0.0,
        )
        for operator, some in of.items()
    ]
    return tuple(sorted(made, key=lambda one: (-one.seconds, one.operator)))


def _notes(
    taken: Operators,
    inside: Sequence[FileOperator],
    places: Sequence[Place | None],
    rows: Sequence[OperatorRow],
    cost: float | None,
    total: float,
) -> list[str]:
    notes = []
    if inside and not any(places):
        notes.append(NO_PATHS)
    whole = sorted({one.operator for one in taken.operators if one.whole})
    if whole:
        notes.append(
            f"of {', '.join(whole)} only the whole is known: it runs many operators as one and "
            "tells nothing of them"
        )
    if any(row.joined == "order" for row in rows):
        notes.append(
            "operators inside a delegate are told by their order and kind, since it gives them no "
            "other name; a padding, or an activation, that it made part of another has no row"
        )
    if taken.profiled_s and total and taken.profiled_s > MAX_BETWEEN * total:
        notes.append(
            f"with the profiler an inference took {taken.profiled_s / total:.2f} times what its "
            "operators add up to: other programs interrupted it, or the runtime is busy between "
            "operators; what profiling costs is rough then"
        )
    if cost is not None and not MIN_COST <= cost <= MAX_COST:
        notes.append(
            f"an inference takes {cost:.2f} of its time when it is profiled, so shares may be "
            "others without; other programs on the machine are one reason"
        )
    return notes

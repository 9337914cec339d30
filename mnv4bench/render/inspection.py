"""What is inside a file, on a terminal.

Knows: what a reader looks for in a graph, and which words tell it. Does not know: formats,
runtimes, how anything was found out.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group as Parts
from rich.console import RenderableType
from rich.text import Text

from mnv4bench import units
from mnv4bench.findings import (
    Agreement,
    Compatibility,
    Graph,
    Inspection,
    Integer,
    Movement,
    Operators,
    Share,
    Tensor,
)
from mnv4bench.render.terminal import View, Write, plain_table

# More rows than this hide what stands above them; --json has them all.
MAX_ROWS = 12
NAME_PARTS = 2  # of a module path, the innermost
SHORT_DIGEST = 12
_VERDICT_STYLE = {"compatible": "green", "incompatible": "bold red", "unknown": "yellow"}


def inspection(found: Inspection) -> View:
    """Operators with their types, what is moved, and what each runtime or GPU takes."""

    def build(write: Write) -> RenderableType:
        parts: list[RenderableType] = [_head(found, write), *_operators(found, write)]
        parts += _movements(found.graph.movements, write)
        if found.optimised:
            runtime = found.share.runtime if found.share else "the runtime"
            title = f"As {runtime} runs it: {_tally(found.optimised)}"
            parts += [write(title, "bold"), _kinds(found.optimised.kinds, write, None), write("")]
            parts += _movements(found.optimised.movements, write)
        verdicts = [*_integer(found.integer, write), *_gpu(found.gpu, write)]
        verdicts += [write(f"Note: {note}", "yellow") for note in found.notes]
        return Parts(*parts, *verdicts)

    return View(build)


def _head(found: Inspection, write: Write) -> RenderableType:
    digest = found.sha256[:SHORT_DIGEST]
    lines = [
        Text.assemble(
            write(found.file, "bold"),
            write(f"  {found.format}  {units.size(found.size_bytes)}  sha256 {digest}…"),
        ),
        write(found.written_by, "dim"),
    ]
    for word, tensors in (("input", found.inputs), ("output", found.outputs)):
        lines += [write(f"{word} {_tensor(one)}") for one in tensors]
    return Parts(*lines, write(""))


def _tensor(one: Tensor) -> str:
    text = f"{one.name}  {one.type} {_shape(one.shape)}"
    if one.scale is not None:
        text += f", {one.scale:.6g} × (q - {one.zero_point or 0})"
    return text


def _operators(found: Inspection, write: Write) -> list[RenderableType]:
    share = found.share if any(one.on_unit is not None for one in found.graph.kinds) else None
    return [
        write(f"In the file: {_tally(found.graph)}", "bold"),
        _kinds(found.graph.kinds, write, share),
        *([write(*_share(found.share))] if found.share else []),
        write(""),
    ]


def _tally(graph: Graph) -> str:
    text = units.plural(graph.operators, "operator")
    return text if graph.graphs == 1 else f"{text} in {units.plural(graph.graphs, 'graph')}"


def _share(share: Share) -> tuple[str, str]:
    """The sentence on what a unit takes, and its style."""
    some = "all" if share.taken == share.operators else f"{share.taken:,} of"
    operators = f"{some} {units.plural(share.operators, 'operator')}"
    left = ", ".join(f"{operator} ×{count}" for operator, count in share.left.items())
    if share.partitions is None:
        text = f"{share.unit} ({share.runtime}) is assigned {operators}, after a first rewriting."
        return (f"{text} Elsewhere: {left}.", "yellow") if left else (text, "dim")
    parts = units.plural(share.partitions, "partition")
    text = f"{share.unit} ({share.runtime}) takes {operators} in {parts}."
    if not left:
        return text, "dim"
    return f"{text} Left to kernels that are often many times slower: {left}.", "yellow"


def _kinds(kinds: Sequence[Operators], write: Write, share: Share | None) -> RenderableType:
    columns = [("Operator", "left"), ("Count", "right"), ("Computes in", "left")]
    if share:
        columns.append((f"On {share.unit}", "right"))
    names = (one.operator for one in kinds)
    table = plain_table(write, *columns, names=names)
    alike: dict[tuple[str, str], list[Operators]] = {}
    for one in kinds:
        alike.setdefault((one.operator, _types(one)), []).append(one)
    for (operator, types), ones in alike.items():
        count, on_unit = sum(one.count for one in ones), sum(one.on_unit or 0 for one in ones)
        cells = [write(operator), write(f"{count:,}"), write(types)]
        if share:
            whole = on_unit == count
            cells.append(write("all" if whole else f"{on_unit:,}", "" if whole else "yellow"))
        table.add_row(*cells)
    return table


def _types(one: Operators) -> str:
    """ "float32", "float32, int8 constants", "int8 to float32"."""
    text = one.reads
    if one.constants and one.constants != one.reads:
        text += f"{', ' if text else ''}{one.constants} constants"
    if one.writes != one.reads:
        text += f" to {one.writes}" if text else one.writes
    return text


def _movements(movements: Sequence[Movement], write: Write) -> list[RenderableType]:
    if not movements:
        return [write("No operator only moves or converts values."), write("")]
    table = plain_table(
        write,
        ("Moves or converts", "left"),
        ("Count", "right"),
        ("From", "left"),
        ("To", "left"),
        ("Values", "right"),
        ("How", "left"),
        ("First at", "left"),
        names=(one.operator for one in movements[:MAX_ROWS]),
    )
    for one in movements[:MAX_ROWS]:
        table.add_row(
            write(one.operator),
            write(f"{one.count:,}"),
            write(_shape(one.reads)),
            write(_shape(one.writes)),
            write(units.count(one.values)),
            write(one.detail),
            write(_place(one.first), "dim"),
        )
    rest = len(movements) - MAX_ROWS
    more = [write(f"and {rest:,} more; --json lists them all", "dim")] if rest > 0 else []
    return [table, *more, write("")]


def _shape(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return units.UNKNOWN
    return "×".join("?" if side < 0 else str(side) for side in shape) or "scalar"


def _place(name: str) -> str:
    """The innermost modules of a name; converters write the whole path, classes included."""
    modules = [part.rsplit(".", 1)[-1] for part in name.split(";", 1)[0].split("/")]
    return "/".join(modules[-NAME_PARTS:])


def _integer(integer: Integer | None, write: Write) -> list[Text]:
    if integer is None:
        return []
    if integer.in_8_bits:
        return [write("Full integer in 8 bits: every operator, input and output.", "green")]
    word = "Full integer, but not in 8 bits" if integer.full else "Not full integer"
    return [write(f"{word}: {', '.join(integer.reasons)}.", "yellow")]


def _gpu(judged: Sequence[Compatibility], write: Write) -> list[Text]:
    lines = []
    for one in judged:
        style = _VERDICT_STYLE[one.verdict]
        if one.agreement and one.agreement.agrees is not True:
            style = "yellow"
        lines.append(write(f"GPU, by the {one.by}: {one.verdict}", style))
        lines += [write(f"  {reason}") for reason in one.reasons]
        if one.agreement:
            lines.append(_agreement(one.agreement, write))
        if one.remark:
            lines.append(write(f"  {one.remark}", "dim"))
    return lines


def _agreement(found: Agreement, write: Write) -> Text:
    def relative(distance: float) -> str:
        return f"{distance / found.largest:.1e}" if found.largest else f"{distance:.1e} (of zero)"

    text = (
        f"largest difference {relative(found.max_abs_error)} of the largest output (at most "
        f"{found.tolerance:.0e}: {found.tolerance_reason}), cosine {found.cosine:.6f}"
    )
    if found.agrees:
        return write(f"  run to completion, agrees with the processor: {text}")
    apart = relative(found.kernels_apart)
    if found.agrees is None:
        text += (
            f"; the processor's own two sets of kernels are {apart} apart, so this file cannot tell"
        )
        return write(f"  run to completion, not equal to the processor: {text}", "yellow")
    text += f"; the processor's own two sets of kernels are {apart} apart"
    return write(f"  run to completion, does not agree with the processor: {text}", "bold red")

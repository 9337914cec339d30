"""From what a runtime shows about itself to which operators ran where.

Knows: the evidence of LiteRT (delegate nodes, log) and of ONNX Runtime (providers, assignment).
Does not know: how the evidence is fetched; everything here is a pure function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from mnv4bench import gpu_delegate
from mnv4bench.delegation import XNNPACK_LOG, Node, delegated
from mnv4bench.records import Placement, Signal, Verdict

XNNPACK_UNIT = "cpu (XNNPACK)"


def litert_placement(originals: Sequence[Node], delegates: Sequence[Node]) -> Placement:
    """What the interpreter's own graph says; ``with_litert_log`` adds the second signal.

    Operators outside XNNPACK run in LiteRT's built-in kernels: on the processor as well, and
    often many times slower.
    """
    taken = delegated(originals, delegates)
    left = Counter(node.operator for i, node in enumerate(originals) if i not in taken)
    verdict = _share(len(taken), len(originals))
    evidence = (
        f"{len(taken)} of {len(originals)} operators replaced by {len(delegates)} delegate node"
        f"{'' if len(delegates) == 1 else 's'}"
    )
    if left:
        evidence += f"; left to the built-in kernels: {_listed(left)}"
    return Placement(
        verdict=verdict,
        unit=XNNPACK_UNIT,
        operators=len(originals),
        on_unit=len(taken),
        signals=(Signal(name="delegate nodes", evidence=evidence, says=verdict),),
    )


def with_litert_log(placement: Placement, log: str) -> Placement:
    """``placement`` with what the runtime printed while loading.

    The graph shows that a delegate took operators, the log which delegate it was. Without the
    log's line a claim on XNNPACK is unproven; a graph without delegates needs no second witness.
    """
    line = next((line.strip() for line in log.splitlines() if XNNPACK_LOG in line), None)
    signal = Signal(
        name="runtime log",
        evidence=line or f"no line with {XNNPACK_LOG!r}",
        says=placement.verdict if line else "unproven",
    )
    verdict: Verdict = placement.verdict if line or placement.verdict == "none" else "unproven"
    return msgspec.structs.replace(placement, verdict=verdict, signals=(*placement.signals, signal))


def with_gpu_log(placement: Placement, log: str) -> Placement:
    """``placement`` with the adapter that LiteRT's GPU accelerator said it took.

    Without that line nobody knows which of a machine's GPUs it was, or whether it was one.
    """
    adapter, interface = gpu_delegate.adapter(log), gpu_delegate.interface(log)
    signal = Signal(
        name="runtime log",
        evidence=adapter.line if adapter else "no line with 'Selected adapter'",
        says=placement.verdict if adapter else "unproven",
    )
    unit = placement.unit
    if adapter:
        unit = f"gpu ({interface or 'LiteRT'} on {adapter.name})"
    return msgspec.structs.replace(
        placement,
        verdict=placement.verdict if adapter else "unproven",
        unit=unit,
        signals=(*placement.signals, signal),
    )


def provider_placement(
    asked: str, offered: Sequence[str], nodes: Sequence[tuple[str, str]] | None
) -> Placement:
    """What an ONNX Runtime session says about itself.

    ``offered``: its providers in order. ``nodes``: (provider, operator) of every node of the graph
    as it was assigned, None where the version cannot tell. An asked-for provider that is missing
    from the build costs only a warning there, and the model runs elsewhere.
    """
    present = asked in offered
    alone = present and len(offered) == 1
    by_list: Verdict = "full" if alone else "unproven" if present else "none"
    signals = [
        Signal(
            name="session providers",
            evidence=f"asked for {asked}, session has {', '.join(offered) or 'none'}",
            says=by_list,
        )
    ]
    operators = on_unit = None
    verdict = by_list
    if nodes is not None:
        operators, on_unit = len(nodes), sum(provider == asked for provider, _ in nodes)
        by_nodes = _share(on_unit, operators)
        evidence = f"{on_unit} of {operators} nodes assigned to {asked}"
        left = Counter(f"{op} on {provider}" for provider, op in nodes if provider != asked)
        if left:
            evidence += f"; elsewhere: {_listed(left)}"
        signals.append(Signal(name="node assignment", evidence=evidence, says=by_nodes))
        if present:
            verdict = by_nodes
    return Placement(
        verdict=verdict,
        unit=f"cpu ({asked})",
        operators=operators,
        on_unit=on_unit,
        signals=tuple(signals),
    )


def _share(taken: int, operators: int) -> Verdict:
    if operators == 0:
        return "unproven"
    return "full" if taken == operators else "partial" if taken else "none"


def _listed(counts: Counter[str]) -> str:
    ordered: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
    return ", ".join(f"{name} x{count}" for name, count in ordered)

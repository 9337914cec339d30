"""Placement is judged from evidence alone, so every judgement is tested without a runtime."""

import pytest

from mnv4bench.delegation import XNNPACK_LOG, Node
from mnv4bench.devices.placement import litert_placement, provider_placement, with_litert_log

#        0 --A--> 1 --B--> 2 --C--> 3 --D--> 4
CHAIN = tuple(Node(name, (i,), (i + 1,)) for i, name in enumerate("ABCD"))
CPU = "CPUExecutionProvider"
XNN = "XnnpackExecutionProvider"
LOG = f"some line\nINFO: {XNNPACK_LOG} for CPU.\n"


def part(inputs: tuple[int, ...], *outputs: int) -> Node:
    return Node("DELEGATE", inputs, outputs)


@pytest.mark.parametrize(
    ("parts", "verdict", "on_unit"),
    [((), "none", 0), ((part((0,), 2),), "partial", 2), ((part((0,), 4),), "full", 4)],
)
def test_litert_verdict_counts_operators_not_parts(parts, verdict, on_unit) -> None:
    placement = litert_placement(CHAIN, parts)
    assert (placement.verdict, placement.operators, placement.on_unit) == (verdict, 4, on_unit)


def test_operators_left_behind_are_named() -> None:
    evidence = litert_placement(CHAIN, [part((0,), 2)]).signals[0].evidence
    assert "2 of 4" in evidence
    assert "C x1, D x1" in evidence


def test_an_empty_graph_proves_nothing() -> None:
    assert litert_placement((), ()).verdict == "unproven"


@pytest.mark.parametrize(
    ("parts", "log", "verdict"),
    [
        ((part((0,), 4),), LOG, "full"),
        ((part((0,), 2),), LOG, "partial"),
        ((part((0,), 4),), "", "unproven"),  # a delegate took it, nobody says which
        ((), LOG, "none"),  # it came to life and took nothing
        ((), "", "none"),
    ],
)
def test_graph_and_log_have_to_agree(parts, log, verdict) -> None:
    placement = with_litert_log(litert_placement(CHAIN, parts), log)
    assert placement.verdict == verdict
    assert [signal.name for signal in placement.signals] == ["delegate nodes", "runtime log"]


@pytest.mark.parametrize(
    ("asked", "offered", "nodes", "verdict", "counts"),
    [
        (CPU, [CPU], [(CPU, "Conv"), (CPU, "Relu")], "full", (2, 2)),
        (CPU, [CPU], None, "full", (None, None)),  # nowhere else to go
        (XNN, [CPU], [(CPU, "Conv")], "none", (1, 0)),  # asked for, silently not there
        (XNN, [CPU], None, "none", (None, None)),
        (XNN, [XNN, CPU], None, "unproven", (None, None)),
        (XNN, [XNN, CPU], [(XNN, "Conv"), (CPU, "Gelu")], "partial", (2, 1)),
        (XNN, [XNN, CPU], [(XNN, "Conv")], "full", (1, 1)),
        (XNN, [XNN, CPU], [(CPU, "Conv")], "none", (1, 0)),
        (CPU, [], None, "none", (None, None)),
    ],
)
def test_onnx_runtime_verdicts(asked, offered, nodes, verdict, counts) -> None:
    placement = provider_placement(asked, offered, nodes)
    assert placement.verdict == verdict
    assert (placement.operators, placement.on_unit) == counts


def test_nodes_elsewhere_are_named_with_their_provider() -> None:
    placement = provider_placement(XNN, [XNN, CPU], [(XNN, "Conv"), (CPU, "Gelu")])
    assert f"Gelu on {CPU} x1" in placement.signals[1].evidence

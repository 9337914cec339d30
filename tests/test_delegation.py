"""Delegate nodes of a LiteRT graph lead back to the operators that they replaced."""

import pytest

from mnv4bench.delegation import Node, delegated

#        0 --A--> 1 --B--> 2 --C--> 3 --D--> 4
CHAIN = tuple(Node(name, (i,), (i + 1,)) for i, name in enumerate("ABCD"))


def part(inputs: tuple[int, ...], *outputs: int) -> Node:
    return Node("DELEGATE", inputs, outputs)


@pytest.mark.parametrize(
    ("parts", "taken"),
    [
        ((), set()),
        ((part((0,), 4),), {0, 1, 2, 3}),
        ((part((0,), 2), part((3,), 4)), {0, 1, 3}),
        ((part((1,), 2, 3),), {1, 2}),  # two outputs, one within the way to the other
    ],
)
def test_operators_between_a_part_s_inputs_and_outputs_were_replaced(parts, taken) -> None:
    assert delegated(CHAIN, parts) == taken


def test_a_branch_that_starts_outside_is_not_counted() -> None:
    # 0 --A--> 1, 0 --B--> 2, (1, 2) --C--> 3: the part took A and C and reads what B writes.
    graph = (Node("A", (0,), (1,)), Node("B", (0,), (2,)), Node("C", (1, 2), (3,)))
    assert delegated(graph, [part((0, 2), 3)]) == {0, 2}


def test_absent_optional_tensors_are_no_operators() -> None:
    graph = (Node("A", (0, -1), (1,)), Node("B", (1,), (2,)))
    assert delegated(graph, [part((1,), 2)]) == {1}

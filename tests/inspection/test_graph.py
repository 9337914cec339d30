"""Counting what stands in a graph: pure, so every rule is tested on a graph written by hand."""

from msgspec.structs import replace

from mnv4bench.inspection.graph import Contents, Operation, Value, counted, integer, left, tensors


def contents(*operations: Operation, values: dict[str, Value], **changes: object) -> Contents:
    made = Contents(
        written_by="hand",
        values=tuple(values.values()),
        operations=operations,
        main=len(operations),
        inputs=(0,),
        outputs=(len(values) - 1,),
    )
    return replace(made, **changes)


VALUES = {
    name: Value(name, kind, shape, constant)
    for name, kind, shape, constant in (
        ("image", "float32", (1, 8, 8, 3), False),
        ("weights", "float32", (4, 3), True),
        ("order", "int32", (4,), True),
        ("a", "float32", (1, 8, 8, 4), False),
        ("b", "float32", (1, 4, 8, 8), False),
        ("q", "int8", (1, 4, 8, 8), False),
        ("answer", "float32", (1, 4, 8, 8), False),
    )
}
IMAGE, WEIGHTS, ORDER, A, B, Q, ANSWER = range(7)
CONV = Operation("CONV_2D", (IMAGE, WEIGHTS), (A,))
TURN = Operation("TRANSPOSE", (A, ORDER), (B,), moves=True, detail="permutation 0 3 1 2")
QUANTIZE = Operation("QUANTIZE", (B,), (Q,), moves=True)
RELU = Operation("RELU", (Q,), (Q,))
BACK = Operation("DEQUANTIZE", (Q,), (ANSWER,), moves=True)


def test_operators_of_the_same_types_are_one_row() -> None:
    graph = counted(contents(CONV, CONV, TURN, QUANTIZE, values=VALUES), taken=[0, 2])
    rows = [(one.operator, one.count, one.on_unit) for one in graph.kinds]
    assert rows == [("CONV_2D", 2, 1), ("QUANTIZE", 1, 0), ("TRANSPOSE", 1, 1)]
    conv, quantize, turn = graph.kinds
    assert (conv.reads, conv.constants, conv.writes) == ("float32", "float32", "float32")
    assert (quantize.reads, quantize.constants, quantize.writes) == ("float32", "", "int8")
    assert turn.constants == ""  # the order of axes is no weight
    assert graph.operators == 4


def test_without_a_runtime_nobody_knows_where_operators_run() -> None:
    assert counted(contents(CONV, values=VALUES)).kinds[0].on_unit is None


def test_movements_alike_are_one_row_and_transposes_come_first() -> None:
    pad = Operation("PAD", (IMAGE,), (A,), moves=True)
    graph = counted(contents(CONV, pad, TURN, TURN, values=VALUES))
    turn, pad_row = graph.movements
    assert (turn.operator, turn.count, turn.values) == ("TRANSPOSE", 2, 2 * 4 * 8 * 8)
    assert (turn.reads, turn.writes, turn.detail) == (
        (1, 8, 8, 4),
        (1, 4, 8, 8),
        "permutation 0 3 1 2",
    )
    assert turn.first == "b"  # it has no name of its own
    assert pad_row.operator == "PAD"


def test_a_conversion_says_from_what_to_what() -> None:
    movements = counted(contents(QUANTIZE, BACK, values=VALUES)).movements
    details = {one.operator: one.detail for one in movements}
    assert details == {"QUANTIZE": "float32 to int8", "DEQUANTIZE": "int8 to float32"}


def test_what_is_made_of_constants_is_not_moved_while_running() -> None:
    load = Operation("DEQUANTIZE", (WEIGHTS,), (A,), moves=True)
    graph = counted(contents(load, values=VALUES))
    assert graph.movements == ()
    assert (graph.kinds[0].reads, graph.kinds[0].constants) == ("", "float32")


def test_an_open_side_leaves_the_number_of_values_unknown() -> None:
    values = VALUES | {"b": Value("b", "float32", (1, 4, -1, 8)), "answer": VALUES["answer"]}
    (turn,) = counted(contents(replace(TURN, outputs=(B,)), CONV, values=values)).movements
    assert turn.writes == (1, 4, -1, 8)
    # Nothing of what it writes is known, but it writes as many as it reads.
    assert turn.values == 8 * 8 * 4


def test_a_float_network_has_no_verdict_on_integers() -> None:
    assert integer(contents(CONV, TURN, values=VALUES)) is None


def test_integer_weights_alone_make_no_integer_network() -> None:
    values = VALUES | {"weights": Value("weights", "int8", (4, 3), constant=True)}
    assert integer(contents(CONV, values=values)) is None


def test_a_float_edge_and_float_operators_are_named() -> None:
    found = integer(contents(CONV, CONV, QUANTIZE, RELU, BACK, values=VALUES))
    assert found is not None
    assert not found.full
    assert found.reasons == (
        "2 CONV_2D in float",
        "input image is float32",
        "output answer is float32",
    )


def test_integers_from_end_to_end_are_full() -> None:
    found = integer(contents(RELU, values=VALUES, inputs=(Q,), outputs=(Q,)))
    assert found is not None
    assert (found.full, found.in_8_bits, found.reasons) == (True, True, ())


def test_wider_integers_are_integers_that_not_every_accelerator_takes() -> None:
    values = VALUES | {"a": Value("a", "int16", (4,)), "b": Value("b", "int16", (4,))}
    add, widen = Operation("ADD", (A,), (B,)), Operation("QUANTIZE", (Q,), (A,), moves=True)
    found = integer(contents(RELU, widen, add, values=values, inputs=(Q,), outputs=(Q,)))
    assert found is not None
    assert (found.full, found.in_8_bits, found.reasons) == (True, False, ("1 ADD in 16 bits",))


def test_what_is_left_is_counted_in_the_main_graph_alone() -> None:
    graph = contents(CONV, TURN, TURN, RELU, values=VALUES, main=3)
    assert left(graph, {0}) == {"TRANSPOSE": 2}


def test_tensors_carry_their_scale() -> None:
    values = VALUES | {"q": Value("q", "int8", (1, 4, 8, 8), scale=0.5, zero_point=3)}
    (tensor,) = tensors(contents(RELU, values=values), [Q])
    assert (tensor.scale, tensor.zero_point) == (0.5, 3)

"""XNNPACK's operators beside those of the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.analysis import alignment

CONV = "Convolution (NHWC, F32) IGEMM"
DEPTHWISE = "Convolution (NHWC, F32) DWConv"
DENSE = "Fully Connected (NC, F32) GEMM"


def test_what_is_made_part_of_another_has_no_row() -> None:
    ran = [CONV, DENSE, DEPTHWISE, "Add (ND)"]
    operators = ["PAD", "CONV_2D", "CONV_2D", "PAD", "DEPTHWISE_CONV_2D", "ADD"]
    assert alignment.aligned(ran, operators) == [1, 2, 4, 5]


def test_what_is_put_in_belongs_to_none() -> None:
    ran = ["Convert (NC, F32, QDU8)", DENSE, "Mean (ND) Reduce2", "Static Reshape (NC)", DENSE]
    operators = ["CONV_2D", "MEAN", "FULLY_CONNECTED"]
    assert alignment.aligned(ran, operators) == [None, 0, 1, None, 2]


@pytest.mark.parametrize(
    ("ran", "operator"),
    [
        ("HardSwish (NC, F32)", "HARD_SWISH"),
        ("Sigmoid (NC)", "LOGISTIC"),
        ("Multiply (ND)", "MUL"),
        ("Transpose (ND, X32) Transpose", "TRANSPOSE"),
        ("Static Reshape (NC)", "RESHAPE"),
        ("Copy (NC, X32)", "CONCATENATION"),
        ("Batch Matrix Multiply (NC, F32)", "BATCH_MATMUL"),
        ("Softmax (NC, F32)", "SOFTMAX"),
        ("GELU (NC)", "GELU"),
        ("Constant Pad (ND, X32)", "PAD"),
        ("Average Pooling (NHWC, F32)", "AVERAGE_POOL_2D"),
    ],
)
def test_words(ran: str, operator: str) -> None:
    assert alignment.aligned([ran], [operator]) == [0]


def test_another_kind_is_not_taken() -> None:
    assert alignment.aligned(["Softmax (NC, F32)"], ["ADD"]) == [None]


def test_more_than_can_be_laid_side_by_side_is_not_told() -> None:
    many = ["Add (ND)"] * 3000
    assert alignment.aligned(many, ["ADD"] * 3000) == [None] * 3000


KINDS = st.sampled_from([(CONV, "CONV_2D"), ("Add (ND)", "ADD"), ("GELU (NC)", "GELU")])


@given(st.lists(st.tuples(KINDS, st.booleans()), max_size=30))
def test_what_is_left_out_moves_nothing_else(network: list[tuple[tuple[str, str], bool]]) -> None:
    """Paddings anywhere: every operator that ran finds its own."""
    operators, ran, wanted = [], [], []
    for (name, operator), padded in network:
        operators += ["PAD"] if padded else []
        wanted.append(len(operators))
        operators.append(operator)
        ran.append(name)
    assert alignment.aligned(ran, operators) == wanted


@given(st.lists(st.text(max_size=8), max_size=12), st.lists(st.sampled_from(["ADD", "PAD"])))
def test_names_may_be_anything(ran: list[str], operators: list[str]) -> None:
    places = alignment.aligned(ran, operators)
    assert len(places) == len(ran)
    known = [place for place in places if place is not None]
    assert known == sorted(set(known))

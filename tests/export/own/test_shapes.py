import pytest

from mnv4bench.errors import UsageError
from mnv4bench.export.own.shapes import Declared, parse, settle

IMAGE = Declared("image", ("batch", 3, "height", "width"))
IDS = Declared("ids", ("batch", "length"))
MASK = Declared("mask", ("batch", "length"))
NAMELESS = Declared("x", ("?", "?", 8))


def test_words_are_shapes_by_name() -> None:
    words = ["1x3x224X224", "ids=1x128", "a=b:0=7"]
    assert parse(words) == {"": (1, 3, 224, 224), "ids": (1, 128), "a=b:0": (7,)}


@pytest.mark.parametrize(
    "word",
    ["", "x", "1x", "x1", "0x3", "-1x3", "1,3", "1 x 3", "ids=", "1x3.5", "9999999999", "٣x٣"],
)
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is not a shape") as caught:
        parse([word])
    assert "--shape ids=1x128" in caught.value.next_step


@pytest.mark.parametrize("words", [["1x3", "1x4"], ["ids=1x3", "ids=1x3"]])
def test_a_shape_given_twice_is_refused(words) -> None:
    with pytest.raises(UsageError, match="twice"):
        parse(words)


@pytest.mark.parametrize(
    ("inputs", "given", "settled"),
    [
        ([Declared("x", (1, 3))], {}, [(1, 3)]),
        ([Declared("x", ())], {}, [()]),
        ([Declared("x", ("batch", 3))], {}, [(1, 3)]),
        ([IMAGE], {"": (1, 3, 8, 9)}, [(1, 3, 8, 9)]),
        ([IMAGE], {"image": (1, 3, 8, 9), "other": (1,)}, [(1, 3, 8, 9)]),
        ([NAMELESS], {"": (1, 5, 8)}, [(1, 5, 8)]),
        ([Declared("x", None)], {"": (4, 4)}, [(4, 4)]),
        # what the file calls by one name is one number
        ([IDS, MASK], {"ids": (1, 7)}, [(1, 7), (1, 7)]),
        ([IDS, MASK], {"mask": (2, 7)}, [(2, 7), (2, 7)]),
        ([IDS, Declared("count", ("batch",))], {"ids": (1, 7)}, [(1, 7), (1,)]),
        ([Declared("count", ("batch",)), IMAGE], {"image": (2, 3, 8, 8)}, [(2,), (2, 3, 8, 8)]),
    ],
)
def test_open_sizes_are_settled(inputs, given, settled) -> None:
    found = settle("net", inputs, given)
    assert list(found) == [one.name for one in inputs]
    assert list(found.values()) == settled


@pytest.mark.parametrize(
    ("inputs", "given", "what", "option"),
    [
        ([IMAGE], {}, "image open: batch x 3 x height x width", "--shape image=1x3xNxN"),
        ([IDS, MASK], {}, "ids open: batch x length", "--shape ids=1xN --shape mask=1xN"),
        # two sizes without a name need not be the same
        ([NAMELESS, Declared("y", ("?", "?", 8))], {"x": (1, 4, 8)}, "y open", "--shape y=1xNx8"),
        ([Declared("lengths", ("n",))], {}, "lengths open: n", "--shape lengths=N"),
        ([Declared("x", None)], {}, "x open: of any shape", "--shape x=N"),
        ([Declared("a b", ("n", "n"))], {}, "a b open", "--shape 'a b'=1xN"),
        ([IDS, MASK], {"": (1, 7)}, "2 inputs (ids, mask)", "--shape ids=1xN"),
        ([IDS, MASK], {"ids": (1, 7), "mask": (1, 8)}, "mask of net", "--shape mask=1xN"),
        ([IMAGE], {"": (1, 4, 8, 8)}, "1x4x8x8 does not fit", "--shape image=1x3xNxN"),
        ([IMAGE], {"": (1, 3, 8)}, "1x3x8 does not fit", "--shape image=1x3xNxN"),
        ([Declared("x", (1, 3))], {"x": (2, 3)}, "which is 1 x 3", "--shape x=1x3"),
    ],
)
def test_what_is_open_or_wrong_names_the_input_and_the_option(inputs, given, what, option) -> None:
    with pytest.raises(UsageError) as caught:
        settle("net", inputs, given)
    assert what in caught.value.what
    assert option in caught.value.next_step

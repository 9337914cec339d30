"""What a file must be like to be evaluated, and how scores become ranks."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper

from mnv4bench.accuracy import classifier
from mnv4bench.accuracy.evaluate import rank
from mnv4bench.errors import BadFile, UsageError


def write(
    path: Path,
    *,
    input=(1, 3, 8, 8),
    output=(1, 3),
    kind=TensorProto.FLOAT,
    extra=(),
    pixels=False,
    identity=False,
):
    """A file whose scores are the means of the three channels; or all ``pixels``; or the image."""
    channels_last = input[-1] == 3
    axes = [1, 2] if channels_last else [2, 3]
    flat = helper.make_node("Flatten", ["float"], ["scores"])
    means = helper.make_node("ReduceMean", ["float", "axes"], ["scores"], keepdims=0)
    same = helper.make_node("Identity", ["float"], ["scores"])
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        same if identity else flat if pixels else means,
        *(helper.make_node("Identity", ["scores"], [name]) for name in extra),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("image", kind, input)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, output)
         for name in ("scores", *extra)],
        [helper.make_tensor("axes", TensorProto.INT64, [2], axes)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)
    return path


def image() -> np.ndarray:
    return np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("input", "output"),
    [
        ((1, 3, 8, 8), (1, 3)),
        ((1, 8, 8, 3), (1, 3)),
        (("batch", 3, 8, 8), ("batch", 3)),
        ((4, 3, 8, 8), (4, 3)),
        (("batch", 3, "side", "side"), ("batch", "classes")),
    ],
)
def test_layouts_batches_and_open_sizes(input: tuple, output: tuple, tmp_path: Path) -> None:
    net = classifier.load(write(tmp_path / "f.onnx", input=input, output=output), "onnx", 8)
    assert (net.classes, net.batch) == (3, 4 if input[0] == 4 else 1)
    assert net.input_px == (None if "side" in input else 8)
    many = [image(), image()[::-1].copy()][: net.batch]
    scores = net.scores(many)
    assert scores.shape == (len(many), 3)
    assert list(scores[0]) == [0, 1, 2]
    if net.batch == 4:
        assert list(scores[1]) == [2, 1, 0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input": (1, 1, 8, 8)}, "no square RGB image"),
        ({"input": (1, 3, 8, 9)}, "no square RGB image"),
        ({"input": (1, 3, 8, 8, 1), "output": (1, 3, 1)}, "no square RGB image"),
        ({"kind": TensorProto.UINT8}, "takes uint8 without a scale"),
        ({"extra": ("second",)}, "1 inputs and 2 outputs"),
        ({"identity": True, "output": (1, 3, 8, 8)}, "gives 1 x 3 x 8 x 8 numbers, not one score"),
        (
            {"identity": True, "output": ("batch", "c", "h", "w")},
            "gives 1 x 3 x 8 x 8 numbers, not one score",
        ),
        (
            {"identity": True, "input": (4, 3, 8, 8), "output": (4, 3, 8, 8)},
            "gives 4 x 3 x 8 x 8 numbers",
        ),
    ],
)
def test_what_is_no_classifier_is_refused(changes: dict, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=sentence):
        classifier.load(write(tmp_path / "f.onnx", **changes), "onnx")


def test_an_open_size_has_to_be_given(tmp_path: Path) -> None:
    sides = (1, 3, "side", "side")
    file = write(tmp_path / "f.onnx", input=sides, output=(1, "classes"), pixels=True)
    assert classifier.load(file, "onnx", 8).classes == 3 * 8 * 8
    with pytest.raises(UsageError, match="leaves the size of its input open") as refused:
        classifier.load(file, "onnx")
    assert "--shape" in refused.value.next_step


@given(
    arrays.arrays(np.float32, st.integers(2, 12), elements=st.integers(-3, 3).map(float)),
    st.data(),
)
def test_a_rank_is_the_place_in_a_stable_sort(scores: np.ndarray, data) -> None:
    own = data.draw(st.integers(0, len(scores) - 1))
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    assert rank(scores, own) == order.index(own)
    assert (rank(scores, own) == 0) == (int(scores.argmax()) == own)


def test_a_file_that_overflows_is_never_right() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        scores = np.array([bad, 1, 2], np.float32)
        assert [rank(scores, own) for own in range(3)] == [3, 3, 3]


def test_sides_of_one_are_no_classes(tmp_path: Path) -> None:
    file = write(tmp_path / "f.onnx", input=(2, 3, 1, 1), output=(2, 3, 1, 1), identity=True)
    assert classifier.load(file, "onnx").classes == 3

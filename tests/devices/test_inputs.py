import numpy as np
import pytest

from mnv4bench.devices.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec, fixed_shape, seeded

NHWC = InputSpec("image", (1, 32, 32, 3), "float32")
NCHW = InputSpec("image", (1, 3, 32, 32), "float32")


def make(spec: InputSpec, seed: int = 0, buffer: int = 0) -> np.ndarray:
    return seeded(spec, seed=seed, buffer=buffer)


def test_the_same_seed_gives_the_same_values_and_every_buffer_its_own() -> None:
    assert np.array_equal(make(NHWC), make(NHWC))
    assert not np.array_equal(make(NHWC), make(NHWC, seed=1))
    assert not np.array_equal(make(NHWC), make(NHWC, buffer=1))


def test_two_inputs_of_one_model_differ() -> None:
    assert not np.array_equal(make(NHWC), make(InputSpec("other", NHWC.shape, NHWC.dtype)))


@pytest.mark.parametrize(("spec", "axis"), [(NHWC, 3), (NCHW, 1)])
def test_floats_look_like_normalised_images_channel_by_channel(spec: InputSpec, axis: int) -> None:
    values = make(spec)
    assert values.dtype == np.float32
    assert values.shape == spec.shape
    for channel in range(3):
        plane = values.take(channel, axis=axis) * IMAGENET_STD[channel] + IMAGENET_MEAN[channel]
        assert plane.min() >= -1e-6
        assert plane.max() <= 1 + 1e-6
        assert plane.mean() == pytest.approx(0.5, abs=0.05)
        assert plane.std() == pytest.approx(12**-0.5, abs=0.03)  # of a uniform distribution


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_small_integers_use_their_whole_range(dtype: str) -> None:
    values = make(InputSpec("image", (1, 64, 64, 3), dtype))
    limits = np.iinfo(dtype)
    assert values.dtype == dtype
    assert values.min() < limits.min + (limits.max - limits.min) * 0.01
    assert values.max() > limits.max - (limits.max - limits.min) * 0.01


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "int64", "bool"])
def test_other_types_are_neither_empty_nor_constant(dtype: str) -> None:
    values = make(InputSpec("tokens", (1, 128), dtype))
    assert values.dtype == dtype
    assert len(np.unique(values)) > 1
    assert np.isfinite(values.astype(np.float64)).all()


def test_a_type_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="complex64, which is no number"):
        make(InputSpec("wave", (4,), "complex64"))
    with pytest.raises(ValueError, match="float7, unknown here"):
        make(InputSpec("wave", (4,), "float7"))


def test_wide_integers_are_pixels_in_an_image_and_stay_inside_any_table_elsewhere() -> None:
    assert set(np.unique(make(InputSpec("ids", (1, 128), "int64")))) == {0, 1}
    assert make(InputSpec("image", (1, 64, 64, 3), "int32")).max() == 255


@pytest.mark.parametrize(
    ("declared", "chosen", "fixed"),
    [
        ((1, 3, 8, 8), None, (1, 3, 8, 8)),
        ((None, 3, 8, 8), None, (1, 3, 8, 8)),
        ((None, 3, None, None), (1, 3, 8, 8), (1, 3, 8, 8)),
        ((None, 3), (4, 3), (4, 3)),
        ((), None, ()),
        ((), (2, 2), (2, 2)),  # a file may declare no shape at all
    ],
)
def test_open_sizes_are_filled(declared, chosen, fixed) -> None:
    assert fixed_shape("x", declared, {"x": chosen} if chosen else {"y": (1,)}) == fixed


def test_an_open_size_that_nothing_fills_is_shown() -> None:
    with pytest.raises(ValueError, match=r"x is \? x 3 x \? x 8, with nothing chosen"):
        fixed_shape("x", (None, 3, None, 8), {})


@pytest.mark.parametrize("chosen", [(2, 3, 16, 9), (2, 3, 16)])
def test_what_the_file_fixes_stays(chosen) -> None:
    with pytest.raises(ValueError, match=r"x is 2 x 3 x \? x 8, not 2 x 3 x 16"):
        fixed_shape("x", (2, 3, None, 8), {"x": chosen})

"""Seeded images are like photographs where it matters to a quantiser: spectrum, colour, range."""

import torch

from mnv4bench.models.inputs import IMAGENET_MEAN, IMAGENET_STD, sample_input

MEAN = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
STD = torch.tensor(IMAGENET_STD).view(3, 1, 1)


def test_they_are_seeded() -> None:
    images = sample_input(96, seed=4, count=3)
    assert images.shape == (3, 3, 96, 96)
    assert images.dtype == torch.float32
    assert torch.equal(images, sample_input(96, seed=4, count=3))
    assert not torch.equal(images, sample_input(96, seed=5, count=3))


def test_their_pixels_fill_the_range_of_a_camera() -> None:
    images = sample_input(96, seed=4, count=32)
    pixels = images * STD + MEAN
    assert -1e-6 < float(pixels.min()) < 0.01
    assert 0.99 < float(pixels.max()) < 1 + 1e-6
    assert (pixels.mean((0, 2, 3)) - MEAN.flatten()).abs().max() < 0.1
    brightness = images.mean((1, 2, 3))
    assert brightness.std() > 0.2  # pictures differ as wholes too


def test_their_channels_move_together() -> None:
    channels = sample_input(96, seed=4, count=32).transpose(0, 1).flatten(1)
    correlation = torch.corrcoef(channels)
    assert 0.8 < float(correlation.min()) < 0.97


def test_their_amplitude_falls_with_the_frequency() -> None:
    """A straight line of slope -1 through log amplitude over log frequency; white noise: 0."""
    px = 128
    spectrum = torch.fft.rfft2(sample_input(px, seed=4, count=16)).abs().mean((0, 1))  # (H, W/2+1)
    row = torch.arange(2, px // 4)
    amplitude = spectrum[row, 0]
    x, y = row.float().log(), amplitude.log()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    assert -1.25 < slope < -0.75

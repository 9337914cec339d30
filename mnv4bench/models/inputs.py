"""Seeded images with the statistics of photographs, normalised as the models were trained.

Knows: what photographs have in common, ImageNet's normalisation. Does not know: files, models,
devices.

Uniform noise would do to compare two runtimes, but not to calibrate with: a network's activations
have other ranges on it than on pictures. What pictures share is a spectrum whose amplitude falls
with the frequency (Field 1987, J. Opt. Soc. Am. A 4, 2379), channels that mostly move together
(Ruderman et al. 1998, J. Opt. Soc. Am. A 15, 2036), and brightness and contrast that differ from
picture to picture.
"""

from __future__ import annotations

from typing import TypeAlias

import torch

# Per channel, of ImageNet-1k training pixels in 0..1: what the catalog models were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Of a pixel's deviation: what all three channels share, and what is left to each (their squares
# sum to 1, so that the channels correlate at 0.9, as those of photographs do).
SHARED, OWN = 0.9**0.5, 0.1**0.5
# Contrast of one picture over that of the whole set, drawn evenly between these.
CONTRAST = (0.6, 1.2)
# Spread of the brightness of whole pictures, in units of the set's deviation.
BRIGHTNESS = 0.4


Channels: TypeAlias = tuple[float, float, float]


def sample_input(
    input_px: int,
    seed: int,
    count: int,
    mean: Channels = IMAGENET_MEAN,
    std: Channels = IMAGENET_STD,
) -> torch.Tensor:
    """``count`` images (N, 3, H, W), float32, less ``mean`` over ``std``; never zeros.

    The same arguments give the same tensor, to the rounding of the machine's Fourier transform.
    """
    draw = torch.Generator().manual_seed(seed)
    size = (count, 3, input_px, input_px)
    common = _pink(torch.randn(count, 1, input_px, input_px, generator=draw))  # (N, 1, H, W)
    own = _pink(torch.randn(size, generator=draw))  # (N, 3, H, W)
    contrast = torch.empty(count, 1, 1, 1).uniform_(*CONTRAST, generator=draw)  # (N, 1, 1, 1)
    brightness = BRIGHTNESS * torch.randn(count, 1, 1, 1, generator=draw)  # (N, 1, 1, 1)
    deviation = contrast * (SHARED * common + OWN * own) + brightness  # (N, 3, H, W)
    pixels = _per_channel(IMAGENET_MEAN) + _per_channel(IMAGENET_STD) * deviation  # (N, 3, H, W)
    seen = pixels.clamp(0, 1)  # as a camera clips
    images: torch.Tensor = (seen - _per_channel(mean)) / _per_channel(std)  # (N, 3, H, W)
    return images


def _per_channel(values: Channels) -> torch.Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)


def _pink(white: torch.Tensor) -> torch.Tensor:
    """White noise (N, C, H, W) with its amplitudes divided by frequency: mean 0, deviation 1."""
    height, width = white.shape[-2:]
    rows = torch.fft.fftfreq(height)[:, None]  # (H, 1)
    columns = torch.fft.rfftfreq(width)[None, :]  # (1, W / 2 + 1)
    frequency = (rows**2 + columns**2).sqrt()  # (H, W / 2 + 1)
    frequency[0, 0] = torch.inf  # no constant part
    pink: torch.Tensor = torch.fft.irfft2(torch.fft.rfft2(white) / frequency, s=(height, width))
    pink /= pink.std(dim=(-2, -1), keepdim=True)  # (N, C, H, W)
    return pink

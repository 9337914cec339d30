"""Seeded images in the range that the models were trained on.

Knows: ImageNet's normalisation. Does not know: files, models, devices.
"""

from __future__ import annotations

import torch

# Per channel, of ImageNet-1k training pixels in 0..1: what the catalog models were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def sample_input(input_px: int, seed: int, count: int) -> torch.Tensor:
    """``count`` images (N, 3, H, W), float32: uniform pixels 0..1, normalised like ImageNet's.

    The same arguments give the same tensor on every machine; never zeros.
    """
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand(count, 3, input_px, input_px, generator=generator)  # (N, 3, H, W)
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (pixels - mean) / std  # (N, 3, H, W)

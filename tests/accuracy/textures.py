"""A small data set of real image files: seeded textures in six classes, JPEG and PNG, odd sizes.

A class is a hue and a fineness of pattern. Hue, period, angle, brightness and noise are drawn for
each picture and their ranges overlap, so that no classifier is always right.
"""

import colorsys
from pathlib import Path

import numpy as np
from PIL import Image

HUES = {"blue": 0.62, "green": 0.38, "red": 0.02}
PERIODS = {"coarse": 40.0, "fine": 10.0}  # pixels
CLASSES = tuple(f"{hue} {period}" for hue in HUES for period in PERIODS)  # in sorted order
HUE_SPREAD = 0.09


def write(folder: Path, per_class: int, seed: int) -> Path:
    """``folder/<class>/<number>.jpg`` or ``.png``; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            picture = Image.fromarray(pixels(name, rng))
            if number % 2:
                picture.save(folder / name / f"{number:03}.png")
            else:
                picture.save(folder / name / f"{number:03}.jpg", quality=90)
    return folder


def pixels(name: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8: waves along a drawn direction, between a colour and a darker one."""
    hue, period = name.split()
    height, width = rng.integers(120, 260, 2)
    y, x = np.mgrid[0:height, 0:width]
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    drawn = PERIODS[period] * rng.lognormal(0, 0.4)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / drawn + phase)  # (H, W)
    colour = colorsys.hsv_to_rgb(
        (HUES[hue] + rng.normal(0, HUE_SPREAD)) % 1, rng.uniform(0.3, 0.9), rng.uniform(0.5, 1)
    )
    mixed = np.array(colour) * (0.6 + 0.4 * wave[..., None])  # (H, W, 3)
    noisy = mixed + rng.normal(0, rng.uniform(0, 0.2), mixed.shape)
    return (255 * noisy.clip(0, 1)).astype(np.uint8)

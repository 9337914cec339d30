"""Random weights that behave like trained ones: batch norm gets statistics from seeded images.

A fresh network has batch norms that change nothing (mean 0, variance 1). Exporters fold such a
norm to the identity, and activations then grow or shrink from layer to layer until some are
denormal, which processors handle slower than ordinary numbers: the latency would be that of
another network. Two batches of seeded images give every norm its mean and variance instead.
Layer-scale factors start at 1e-5 so that training is stable; left there, whole residual branches
would vanish below every tolerance and no comparison of outputs could see an error in them. They
become 1. Everything else stays as initialised.

Knows: torch modules. Does not know: which model it is, checkpoints, files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from mnv4bench.models.inputs import sample_input

# Two batches, so that the average over batches is one; eight images, so that the norm behind
# pooling, which sees one value an image, has a variance. Part of weights.identity: change
# CALIBRATION there when these change.
BATCHES = 2
IMAGES_PER_BATCH = 8


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block torch draws from ``seed``; afterwards the caller's generator goes on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@torch.no_grad()
def calibrate(net: nn.Module, input_px: int, seed: int) -> None:
    """Set layer scales to 1 and fill every batch norm's statistics; leaves ``net`` in eval mode.

    The figures depend on the machine in the last bits, as every sum of floats does.
    """
    for name, parameter in net.named_parameters():
        # timm's name, and so ours; FastViT's attention blocks have layer_scale_1 and _2.
        if name.endswith(".gamma"):
            parameter.fill_(1.0)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    net.eval()  # dropout and stochastic depth stay off
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average over the batches
        norm.train()
    for images in sample_input(input_px, seed, BATCHES * IMAGES_PER_BATCH).chunk(BATCHES):
        net(images)  # (8, 3, H, W)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.eval()

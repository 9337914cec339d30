"""Batch norms disappear where that is exact, and stay where it is not."""

import pytest
import torch
from torch import nn

from mnv4bench.export.folding import folded


def randomised(net: nn.Module) -> nn.Module:
    """Statistics far from their defaults, or folding would be the identity."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.1)
            if module.affine:
                nn.init.normal_(module.weight, generator=generator)
                nn.init.normal_(module.bias, generator=generator)
    return net.eval().requires_grad_(False)


def norms(net: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in net.modules())


class NormFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return self.conv(self.norm(x))


class SharedConv(nn.Module):
    """One convolution, two norms: there is no single set of folded weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.one(self.conv(x)) + self.two(self.conv(x.flip(-1)))


class Branching(nn.Module):
    """The norm's input is added to its result, as in FastViT's attention blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


class SharedNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.norm = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.one(x)) + self.norm(self.two(x).relu())


class TimmNormAct(nn.Module):
    def __init__(self) -> None:
        from mnv4bench.models.baselines import timm_package

        timm_package()
        from timm.layers import BatchNormAct2d

        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), BatchNormAct2d(4, act_layer=nn.Hardswish)

    def forward(self, x):
        return self.norm(self.conv(x))


@pytest.mark.parametrize(
    ("make", "left"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU()), 0),
        (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6, affine=False)), 0),
        (TimmNormAct, 0),
        (NormFirst, 1),
        (SharedConv, 2),
        (SharedNorm, 1),
        (Branching, 1),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)), 1),
    ],
)
def test_the_function_stays_the_same(make, left: int) -> None:
    torch.manual_seed(0)
    net, x = randomised(make()), torch.randn(2, 3, 8, 8)
    expected, before = net(x), norms(net)
    short = folded(net, x)
    torch.testing.assert_close(short(x), expected, rtol=1e-5, atol=1e-5)
    assert norms(short) == left
    assert norms(net) == before  # the original is not touched
    torch.testing.assert_close(net(x), expected, rtol=0, atol=0)

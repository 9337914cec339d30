"""The simulation rounds what a file stores, where a runtime does, and nothing else."""

import pytest
import torch
from torch import Tensor, nn

from mnv4bench import runtimes
from mnv4bench.export.rounding import palette, per_channel, rounded_outputs

IMAGES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))
CALIBRATION, HELD_OUT = IMAGES[:8], IMAGES[8:]


class Head(nn.Module):
    """Its only arithmetic is what a test gives it; (B, 3, 8, 8) -> (B, classes)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)  # (B, C, 8, 8)
        return y.mean((2, 3))  # (B, C)


def noise(net: nn.Module, precision: str) -> float:
    """Deviation of the rounded outputs over that of the outputs."""
    net.eval().requires_grad_(False)
    expected = net(HELD_OUT)
    rounded = rounded_outputs(net, precision, CALIBRATION, HELD_OUT)
    return float((rounded - expected).std() / expected.std())


@pytest.mark.parametrize(
    ("precision", "least", "most"),
    [
        ("fp16", 1e-5, 2e-3),
        ("int8-weights", 1e-4, 0.05),
        ("int8", 2e-3, 0.1),
        ("palette4", 0.02, 0.5),
    ],
)
def test_noise_is_of_the_size_of_the_steps(precision: str, least: float, most: float) -> None:
    torch.manual_seed(0)
    # 10,800 numbers: smaller tensors are given no palette.
    assert least < noise(Head(nn.Conv2d(3, 400, 3), nn.ReLU()), precision) < most


def test_ranges_of_a_tensor_fit_it_better_than_those_of_other_inputs() -> None:
    torch.manual_seed(0)
    net = Head(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3))
    assert noise(net, "int8-dynamic") <= 1.2 * noise(net, "int8")


def test_weights_are_rounded_channel_by_channel() -> None:
    """A channel of tiny weights keeps its 127 steps beside one of large weights."""
    weight = torch.tensor([[1.0, 0.3, 0.7], [1e-4, 0.3e-4, 0.7e-4]]).view(2, 3, 1, 1)
    error = (per_channel(weight) - weight).abs().amax((1, 2, 3))
    assert (error > 0).all()
    assert (error < weight.amax((1, 2, 3)) / 127).all()


def test_nothing_is_rounded_between_a_convolution_and_its_activation() -> None:
    """Large negative values that the ReLU cuts off must not coarsen the steps."""
    conv = nn.Conv2d(3, 2, 1, bias=True)
    conv.weight.data = torch.eye(3)[:2].view(2, 3, 1, 1)
    conv.bias.data = torch.tensor([0.0, -1000.0])  # the second channel is always cut off
    fused = noise(Head(conv, nn.ReLU()), "int8")
    apart = noise(Head(conv, nn.Tanh(), nn.ReLU()), "int8")
    assert fused < 0.05 < apart


def test_the_network_itself_is_left_alone() -> None:
    net = Head(nn.Conv2d(3, 4, 3)).eval().requires_grad_(False)
    before = net.layers[0].weight.clone()
    rounded_outputs(net, "int8", CALIBRATION, HELD_OUT)
    assert torch.equal(net.layers[0].weight, before)


def test_a_palette_is_as_good_as_the_best_one() -> None:
    """coremltools finds the best by exact clustering, which is what a file holds."""
    runtimes.coremltools()
    from coremltools._deps.kmeans1d import cluster

    weight = torch.randn(40, 300, generator=torch.Generator().manual_seed(0)).half().float()
    found = palette(weight, 16)
    assert len(found.unique()) == 16
    best = cluster(weight.flatten().numpy(), 16)
    exact = torch.tensor(best.centroids)[torch.tensor(best.clusters)].view_as(weight)
    assert (found - weight).square().sum() < 1.05 * (exact - weight).square().sum()

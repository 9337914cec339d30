"""Networks that several tests share: each is built once a session and never changed."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from mnv4bench.models import baselines, calibration, catalog
from mnv4bench.models.inputs import sample_input
from mnv4bench.models.mnv4 import MobileNetV4

NETWORKS = tuple(entry.model for entry in catalog.entries() if entry.family == "MobileNetV4")
SEED = 7


def worn_in(net: nn.Module, input_px: int) -> nn.Module:
    """Weights that a default nowhere hides: statistics of a training step, then moved at random.

    Layer-scale factors become O(1); at their initial 1e-5 a wrong attention would not be seen.
    The statistics come from images of the official size and of unlike contrast, because a network
    that blows its activations up turns rounding into large differences.
    """
    generator = torch.Generator().manual_seed(SEED)
    images = sample_input(input_px, SEED, 4) * torch.tensor([0.5, 0.8, 1.2, 1.5]).view(4, 1, 1, 1)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("gamma"):
                parameter.uniform_(0.3, 0.8, generator=generator)
        for norm in norms:
            norm.weight.uniform_(0.7, 1.3, generator=generator)
            norm.bias.normal_(0, 0.2, generator=generator)
            norm.momentum = 1.0  # the statistics of this one batch
        net.train()(images)
        for norm in norms:
            shift = torch.randn(norm.num_features, generator=generator)
            norm.running_mean += 0.1 * shift * norm.running_var.sqrt()
            norm.running_var *= torch.empty_like(shift).uniform_(0.8, 1.2, generator=generator)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine threads that wait for each other cost more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def twins() -> Callable[[str], tuple[nn.Module, nn.Module]]:
    """model -> (ours, timm's), eval, with the same weights; ours strictly loaded from timm's."""
    built: dict[str, tuple[nn.Module, nn.Module]] = {}

    def of(model: str) -> tuple[nn.Module, nn.Module]:
        if model not in built:
            row = catalog.definition(model)
            with calibration.seeded(SEED):
                theirs = worn_in(baselines.create(row.arch), row.input_px)
            ours = MobileNetV4(row.network).eval().requires_grad_(False)
            ours.load_state_dict(theirs.state_dict(), strict=True)
            built[model] = (ours, theirs)
        return built[model]

    return of

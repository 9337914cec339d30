"""A model name and a choice of weights become a network that is ready to export.

Knows: how the room's parts go together. Does not know: exporters, devices, files of results.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from mnv4bench.errors import MissingExtra

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    raise MissingExtra("torch", "export", "Building a model") from error

from mnv4bench.models import baselines, calibration, catalog, preprocessing, weights
from mnv4bench.models.inputs import sample_input
from mnv4bench.models.mnv4 import MobileNetV4
from mnv4bench.models.weights import File, Random, Timm, WeightsChoice
from mnv4bench.records import ModelEntry, Preprocessing, Weights

__all__ = ["BuiltModel", "build", "measured_macs", "sample_input"]


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A network with its weights in, and what a report says about it."""

    net: nn.Module  # eval, deployed form, no gradients; (B, 3, H, W) -> (B, classes)
    entry: ModelEntry
    weights: Weights
    preprocessing: Preprocessing | None  # None: not a centre crop, see preprocessing.of
    input_px: int  # the weights' own, see preprocessing
    params: int  # as trained, before re-parameterisation
    macs: int  # of ``net``, one image


def build(model: str, choice: WeightsChoice) -> BuiltModel:
    """Build ``model`` from the catalog or ``timm:NAME``, give it its weights and their input size.

    The same model and seed give the same weights on the same machine and torch version.
    Raises UsageError, MissingExtra, NotMeasured or BadFile.
    """
    entry = catalog.entry(model)
    prepared, px = preprocessing.of(model, choice), preprocessing.input_px(model, choice)
    with calibration.seeded(choice.seed if isinstance(choice, Random) else 0):
        net = _fresh(model, choice)
    params = sum(parameter.numel() for parameter in net.parameters())
    given = weights.of_network(weights.apply(net, choice, model, px), model)
    net = _deployed(net).requires_grad_(False)
    own = px == entry.input_px and params == entry.params  # else another size, or other classes
    known = entry.macs if own else None
    macs = measured_macs(net, px) if known is None else known
    return BuiltModel(net, entry, given, prepared, px, params, macs)


def _fresh(model: str, choice: WeightsChoice) -> nn.Module:
    """The network as initialised, for the classes and the size of the weights to come."""
    classes = choice.classes if isinstance(choice, File) else None
    network = None if catalog.is_timm(model) else catalog.definition(model).network
    if network is None:
        tag = weights.timm_tag(choice, model) if isinstance(choice, Timm) else None
        return baselines.create(catalog.arch(model), tag, classes)
    return MobileNetV4(structs.replace(network, classes=classes or network.classes))


def _deployed(net: nn.Module) -> nn.Module:
    """Ours has one form; timm's networks may have branches to merge."""
    return net.eval() if isinstance(net, MobileNetV4) else baselines.deployed(net)


@torch.no_grad()
def measured_macs(net: nn.Module, input_px: int) -> int:
    """MACs of one image by torch's own counter: convolutions, linears, matmuls, attention.

    Attention is forced to its plain form: torch 2.13's counter has no entry for the fused one of
    CPUs and would leave its two matrix products out.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        net(torch.zeros(1, 3, input_px, input_px))
    return int(counter.get_total_flops()) // 2  # a multiply and an add are two operations

"""Two small networks that hold every kind of layer of the catalog, exported in a second each."""

import torch
from torch import nn

from mnv4bench.models import calibration, specs
from mnv4bench.models.build import BuiltModel
from mnv4bench.models.mnv4 import MobileNetV4
from mnv4bench.records import ModelEntry, Weights

PX, CLASSES = 32, 5


def mobile(classes: int = CLASSES, seed: int = 0) -> BuiltModel:
    """Ours: batch norms, depthwise convolutions, multi-query attention, layer scales, ReLU."""
    network = specs.Network(
        name="tiny",
        input_px=PX,
        stem=specs.ConvBN(3, 16, stride=2),
        stages=(
            (specs.FusedIB(3, 32, 48, stride=2), specs.MQA(heads=4, key_dim=8, kv_stride=2)),
            (specs.extra_dw(3, 5, 240, 64, stride=2), specs.UIB(0, 0, 256, 64)),
        ),
        activation="relu",
        layer_scale=0.5,
        head_width=48,
        classes=classes,
    )
    return _built("tiny", lambda: MobileNetV4(network), seed)


def borrowed() -> BuiltModel:
    """timm's: attention of FastViT and of EfficientViT, hard-swish, GELU, squeeze and excite."""
    from mnv4bench.models import baselines

    baselines.timm_package()
    from timm.layers import SqueezeExcite
    from timm.models.efficientvit_mit import LiteMLA
    from timm.models.fastvit import AttentionBlock

    def make() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 32, 3, 2, 1),
            nn.BatchNorm2d(32),
            nn.Hardswish(),
            nn.Conv2d(32, 32, 7, 2, 3, groups=32),
            LiteMLA(32, 32, dim=8, scales=(5,)),
            SqueezeExcite(32),
            nn.GELU(),
            AttentionBlock(32),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LayerNorm(32),
            nn.Linear(32, CLASSES),
        )

    return _built("borrowed", make, 0)


def _built(name: str, make, seed: int) -> BuiltModel:
    with calibration.seeded(seed):
        net = make()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the exporting process has: sums come out in one order
    calibration.calibrate(net, PX, seed)
    torch.set_num_threads(threads)
    net = net.eval().requires_grad_(False)
    entry = ModelEntry(model=name, family="test", input_px=PX, params=None, macs=None)
    weights = Weights(kind="random", detail=f"seed {seed}")
    count = sum(parameter.numel() for parameter in net.parameters())
    return BuiltModel(net, entry, weights, None, PX, count, 0)


def images(count: int) -> torch.Tensor:
    """Other ones than those that a network is exported with."""
    from mnv4bench.models.build import sample_input

    return sample_input(PX, seed=3, count=count)

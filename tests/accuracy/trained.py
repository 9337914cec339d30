"""A small classifier of the textures, trained here in some seconds, and its files."""

from pathlib import Path

import numpy as np

from mnv4bench import images
from mnv4bench.export import ExportedFile, ExportRequest, cache, calibration, worker
from mnv4bench.models.build import BuiltModel
from mnv4bench.records import Artifact, Format, ModelEntry, Precision, Preprocessing, Weights
from tests.accuracy.textures import CLASSES

PREPARED = Preprocessing(
    resize_px=73,
    crop_px=64,
    interpolation="bicubic",
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.25, 0.3),
    source="a test",
)
EPOCHS = 8


def train(training: Path) -> BuiltModel:
    """Three convolutions, a mean and a linear layer; the same seed, the same network."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for channels, out in ((3, 16), (16, 32), (32, 48)):
        conv = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(out), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, len(CLASSES)))
    x, own = tensors(training)
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(x)).split(16):
            adam.zero_grad()
            nn.functional.cross_entropy(net(x[chosen]), own[chosen]).backward()
            adam.step()
    entry = ModelEntry(model="textures", family="tests", input_px=64, params=None, macs=None)
    weights = Weights(kind="own", detail="trained by a test")
    count = sum(parameter.numel() for parameter in net.parameters())
    return BuiltModel(net.eval().requires_grad_(False), entry, weights, PREPARED, 64, count, 0)


def tensors(folder: Path):
    """All images (N, 3, 64, 64) and their classes (N,), in sorted order."""
    import torch

    files = images.find(folder)
    read = np.stack([images.read(path, PREPARED) for path in files])
    return torch.from_numpy(read), torch.tensor([CLASSES.index(p.parent.name) for p in files])


def exported(
    built: BuiltModel, format: Format, precision: Precision, source: Path | None, photos: Path
) -> ExportedFile:
    """The file, made by the exporters and put into the cache, so that its digest finds it."""
    request = ExportRequest("textures", format, "own", precision)
    given = calibration.inputs(str(photos), built)
    store = cache.Cache()
    key = cache.key({"textures": format, "precision": precision})
    with store.staging() as staged:
        file = staged / cache.file_name("textures", format)
        worker.convert(built, file, request, source, given)
        artifact = Artifact(
            model="textures",
            family="tests",
            format=format,
            precision=precision,
            sha256=cache.digest(file),
            size_bytes=cache.size_bytes(file),
            weights=built.weights,
            input_shape=(1, 3, 64, 64) if format == "onnx" else (1, 64, 64, 3),
            preprocessing=built.preprocessing,
            calibration=given.said if precision == "int8" else None,
        )
        store.commit(staged, key, artifact)
    found = store.get(key)
    assert found is not None
    return found

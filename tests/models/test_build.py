"""From a name and a choice of weights to a network that is ready to export."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mnv4bench.errors import BadFile, UsageError
from mnv4bench.models import build, calibration, catalog, checkpoint, preprocessing
from mnv4bench.models.mnv4 import MobileNetV4
from mnv4bench.models.specs import CONV_S
from mnv4bench.models.weights import File, Random


@pytest.fixture(scope="module")
def conv_s() -> build.BuiltModel:
    return build.build("mnv4-conv-s", Random(0))


def test_a_built_model_says_what_it_is(conv_s: build.BuiltModel) -> None:
    assert (conv_s.input_px, conv_s.params, conv_s.macs) == (224, 3_774_024, 186_005_568)
    assert (conv_s.entry.model, conv_s.entry.family) == ("mnv4-conv-s", "MobileNetV4")
    assert (conv_s.weights.kind, conv_s.weights.detail) == ("random", "seed 0")
    assert conv_s.weights.sha256 == checkpoint.digest(conv_s.net.state_dict())
    assert conv_s.preprocessing == preprocessing.of("mnv4-conv-s", Random(0))
    assert conv_s.preprocessing.crop_px == conv_s.input_px


def test_it_is_ready_to_export(conv_s: build.BuiltModel) -> None:
    assert not any(module.training for module in conv_s.net.modules())
    assert not any(parameter.requires_grad for parameter in conv_s.net.parameters())
    assert all(m.momentum == 0.1 for m in conv_s.net.modules() if isinstance(m, nn.BatchNorm2d))


def test_the_same_seed_gives_the_same_weights(conv_s: build.BuiltModel) -> None:
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert build.build("mnv4-conv-s", Random(0)).weights.sha256 == conv_s.weights.sha256
    assert build.build("mnv4-conv-s", Random(1)).weights.sha256 != conv_s.weights.sha256
    assert torch.equal(torch.get_rng_state(), before)  # the caller's generator is left alone


def test_random_weights_keep_activations_in_a_normal_range(conv_s: build.BuiltModel) -> None:
    """Every layer's output is about as large as a trained network's, and follows the image."""
    spreads: dict[str, float] = {}

    def note(name: str) -> None:
        module = conv_s.net.get_submodule(name)
        handle = module.register_forward_hook(
            lambda _module, _inputs, output: spreads.update({name: float(output.std())})
        )
        handles.append(handle)

    handles: list[torch.utils.hooks.RemovableHandle] = []
    for name, module in conv_s.net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            note(name)
    outputs = conv_s.net(build.sample_input(224, seed=1, count=2))
    for handle in handles:
        handle.remove()
    assert len(spreads) == 46
    assert all(0.3 < spread < 3 for spread in spreads.values()), spreads
    assert float((outputs[0] - outputs[1]).abs().max()) > 0.1


def test_calibration_is_what_does_it() -> None:
    with calibration.seeded(0):
        net = MobileNetV4(CONV_S)
    fresh = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(torch.equal(m.running_var, torch.ones_like(m.running_var)) for m in fresh)
    calibration.calibrate(net, 64, seed=0)
    assert all(m.running_mean.abs().max() > 0 for m in fresh)
    assert all(float((m.running_var - 1).abs().max()) > 1e-3 for m in fresh)
    assert {int(m.num_batches_tracked) for m in fresh} == {calibration.BATCHES}
    assert not net.training


def test_fastvit_is_built_in_deployed_form() -> None:
    built = build.build("fastvit-t8", Random(0))
    assert (built.params, built.macs) == (4_026_232, 685_160_448)  # as trained; as deployed
    assert sum(p.numel() for p in built.net.parameters()) < built.params
    assert built.net(build.sample_input(256, seed=0, count=1)).shape == (1, 1000)


def test_a_timm_classifier_is_built_and_counted() -> None:
    built = build.build("timm:test_resnet", Random(0))
    assert built.input_px == 160
    assert built.params == sum(p.numel() for p in built.net.parameters())
    assert built.macs == build.measured_macs(built.net, 160) > 0
    assert (built.entry.family, built.entry.macs) == ("timm", None)


def test_attention_is_counted_in_fused_form_too() -> None:
    """ViT-Ti/16 at 224: 12 blocks of width 192 on 196 patches and the class token."""
    built = build.build("timm:vit_tiny_patch16_224", Random(0))
    width, patches, tokens, blocks = 192, 196, 197, 12
    embedding = patches * 16 * 16 * 3 * width
    linears = tokens * (3 * width + width + 4 * width + 4 * width) * width
    attention = 2 * tokens * tokens * width
    assert built.macs == embedding + blocks * (linears + attention) + width * 1000


def test_a_file_gives_its_weights(tmp_path: Path, conv_s: build.BuiltModel) -> None:
    torch.save(conv_s.net.state_dict(), tmp_path / "conv_s.pth")
    built = build.build("mnv4-conv-s", File(tmp_path / "conv_s.pth"))
    assert built.weights.kind == "file"
    assert built.weights.detail == "conv_s.pth"
    assert built.weights.sha256 == conv_s.weights.sha256
    images = build.sample_input(224, seed=0, count=1)
    assert torch.equal(built.net(images), conv_s.net(images))


@pytest.mark.parametrize("model", ["mnv4-conv-s", "mobilenetv3-small", "fastvit-t8"])
def test_a_file_of_ten_classes_gives_a_network_of_ten(tmp_path: Path, model: str) -> None:
    entry = catalog.entry(model)
    with calibration.seeded(3):
        tuned = build._fresh(model, File(tmp_path, classes=10))
    calibration.calibrate(tuned, 64, seed=3)
    path = tmp_path / "tuned.pth"
    torch.save({"state_dict": tuned.state_dict()}, path)
    with pytest.raises(BadFile, match=r"is for 10 classes, and .* was built for 1000"):
        build.build(model, File(path))
    built = build.build(model, File(path, classes=10))
    images = build.sample_input(entry.input_px, seed=0, count=1)
    with torch.no_grad():
        ours, theirs = built.net(images), tuned.eval()(images)
    assert ours.shape == (1, 10)
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-4
    width = entry.params - built.params  # of the classifier, for each class that it has less
    assert width % 990 == 0
    assert entry.macs - built.macs == width - 990  # its bias costs no multiplication
    assert built.weights.detail == "tuned.pth (10 classes)"


def test_an_unknown_model_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="nearest: mnv4-conv-s"):
        build.build("mnv4-convs", Random(0))

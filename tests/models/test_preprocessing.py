"""How images are prepared for each checkpoint: timm's own settings, without timm."""

from pathlib import Path

import pytest
import torch

from mnv4bench.errors import UsageError
from mnv4bench.models import accuracies, baselines, catalog, preprocessing, weights
from mnv4bench.models.weights import File, Random, Timm
from mnv4bench.records import Preprocessing, Weights

timm = baselines.timm_package()
CATALOG = [entry.model for entry in catalog.entries()]
E256 = "e3600_r256_in1k"


def published(model: str) -> list[str]:
    """timm's ImageNet-1k tags of ``model``, by timm itself."""
    names = timm.list_pretrained(f"{catalog.arch(model)}.*")
    kept = [n for n in names if timm.get_pretrained_cfg(n).num_classes == 1000]
    return [name.partition(".")[2] for name in kept]


def timms(name: str) -> tuple[object, ...]:
    """What timm's own evaluation transform of a checkpoint does, read off its steps."""
    from timm.data import create_transform, resolve_model_data_config
    from torchvision.transforms import CenterCrop, InterpolationMode, Normalize, Resize

    settings = timm.get_pretrained_cfg(name).to_dict()
    config = resolve_model_data_config(None, pretrained_cfg=settings)
    by_kind = {type(step): step for step in create_transform(**config).transforms}
    resize, crop, normal = by_kind[Resize], by_kind[CenterCrop], by_kind[Normalize]
    modes = {InterpolationMode.BICUBIC: "bicubic", InterpolationMode.BILINEAR: "bilinear"}
    return (
        resize.size,
        tuple(crop.size),
        modes[resize.interpolation],
        tuple(normal.mean.tolist()),
        tuple(normal.std.tolist()),
    )


def ours(prepared: Preprocessing) -> tuple[object, ...]:
    return (
        prepared.resize_px,
        (prepared.crop_px, prepared.crop_px),
        prepared.interpolation,
        tuple(torch.tensor(prepared.mean).tolist()),  # timm holds them in single precision
        tuple(torch.tensor(prepared.std).tolist()),
    )


@pytest.mark.parametrize("model", CATALOG)
def test_every_published_tag_is_prepared_as_timm_prepares_it(model: str) -> None:
    tags = published(model)
    assert tags
    for tag in tags:
        name = f"{catalog.arch(model)}.{tag}"
        assert name in preprocessing._published()  # so no reader needs timm for it
        prepared = preprocessing.of(model, Timm(tag))
        assert prepared is not None
        assert ours(prepared) == timms(name), name
        assert prepared.source == f"timm {name}"
        assert preprocessing.input_px(model, Timm(tag)) == prepared.crop_px


def test_the_table_holds_nothing_else() -> None:
    wanted = {f"{catalog.arch(model)}.{tag}" for model in CATALOG for tag in published(model)}
    assert set(preprocessing._published()) == wanted


@pytest.mark.parametrize("model", CATALOG)
def test_every_published_tag_has_its_accuracy_at_its_own_size(model: str) -> None:
    for tag in published(model):
        detail = f"{catalog.arch(model)}.{tag}"
        px = preprocessing.input_px(model, Timm(tag))
        row = accuracies.choose(model, px, "timm", Weights(kind="timm", detail=detail))
        assert row is not None, detail
        assert row.weights == detail


@pytest.mark.parametrize("model", CATALOG)
def test_the_default_tag_is_made_for_the_models_own_size(model: str) -> None:
    assert preprocessing.input_px(model, Timm()) == catalog.entry(model).input_px
    assert preprocessing.of(model, Random(3)) == preprocessing.of(model, Timm())


def test_a_tag_brings_its_own_size_and_normalisation() -> None:
    prepared = preprocessing.of("mnv4-conv-s", weights.parse(f"timm:{E256}"))
    assert prepared == Preprocessing(
        resize_px=269,
        crop_px=256,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        source=f"timm mobilenetv4_conv_small.{E256}",
    )


def test_a_file_is_assumed_to_be_like_the_default_tag() -> None:
    prepared = preprocessing.of("mnv4-conv-s", File(Path("runs/mine.pth")))
    assert prepared is not None
    assert (prepared.resize_px, prepared.crop_px) == (256, 224)
    assert prepared.source == "timm mobilenetv4_conv_small.e2400_r224_in1k, assumed for mine.pth"


def test_timms_other_models_are_asked_of_timm() -> None:
    prepared = preprocessing.of("timm:test_resnet", Timm())
    assert prepared is not None
    assert (prepared.resize_px, prepared.crop_px) == (168, 160)
    assert prepared.source == "timm test_resnet.r160_in1k"
    assert preprocessing.of("timm:test_resnet", Random()) == prepared
    untrained = preprocessing.of("timm:nf_regnet_b0", Random())
    assert untrained is not None
    assert untrained.source == "timm nf_regnet_b0"


def test_what_is_no_centre_crop_is_not_called_one() -> None:
    choice = Timm("fb_in22k_ft_in1k_384")
    assert preprocessing.of("timm:convnext_tiny", choice) is None
    assert preprocessing.input_px("timm:convnext_tiny", choice) == 384
    assert preprocessing.of("timm:convnext_tiny", Random()) is not None


@pytest.mark.parametrize(
    ("model", "tag", "sentence"),
    [
        ("mnv4-conv-m", "e2400", r"no checkpoint 'mobilenetv4_conv_medium\.e2400'.*e500_r256_in1k"),
        ("mnv4-conv-m", "e180_r384_in12k", "trained for 11821 classes; this model has 1000"),
        ("timm:nf_regnet_b0", None, "has: none"),
        ("timm:resnet0", "a1_in1k", "no model 'resnet0'; nearest"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused_before_the_hub_is_asked(
    model: str, tag: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        preprocessing.of(model, Timm(tag))

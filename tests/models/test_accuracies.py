"""Published accuracies: the right training at the right resolution, never another."""

import pytest

from mnv4bench.models import accuracies, catalog, published
from mnv4bench.records import Weights

RANDOM = Weights(kind="random", detail="seed 0")


def timm(tag: str) -> Weights:
    return Weights(kind="timm", detail=tag)


@pytest.mark.parametrize(
    ("model", "input_px", "top1", "training"),
    [
        ("mnv4-conv-s", 224, 73.756, "mobilenetv4_conv_small.e2400_r224_in1k"),
        ("mnv4-conv-m", 256, 79.916, "mobilenetv4_conv_medium.e500_r256_in1k"),
        ("mnv4-conv-l", 384, 82.974, "mobilenetv4_conv_large.e600_r384_in1k"),
        ("mnv4-hybrid-m", 256, 81.478, "mobilenetv4_hybrid_medium.ix_e550_r256_in1k"),
        ("mnv4-hybrid-l", 384, 83.996, "mobilenetv4_hybrid_large.ix_e600_r384_in1k"),
        ("mobilenetv3-small", 224, 67.636, "mobilenetv3_small_100.lamb_in1k"),
        ("mobilenetv3-large", 224, 76.310, "mobilenetv3_large_100.ra4_e3600_r224_in1k"),
        ("fastvit-t8", 256, 76.184, "fastvit_t8.apple_in1k"),
        ("fastvit-sa36", 256, 83.502, "fastvit_sa36.apple_in1k"),
        ("efficientvit-b0", 224, 71.408, "efficientvit_b0.r224_in1k"),
        ("efficientvit-b2", 256, 82.712, "efficientvit_b2.r256_in1k"),
        ("efficientvit-b3", 224, 83.444, "efficientvit_b3.r224_in1k"),
    ],
)
def test_random_weights_stand_for_the_plain_training(
    model: str, input_px: int, top1: float, training: str
) -> None:
    chosen = accuracies.choose(model, input_px, "timm", RANDOM)
    assert chosen is not None
    assert (chosen.top1, chosen.weights, chosen.source) == (top1, training, "timm")
    assert "results-imagenet.csv" in chosen.citation


def test_every_model_has_one_timm_default_at_its_own_size() -> None:
    for entry in catalog.entries():
        row = accuracies.default(entry.model, "timm")
        assert row is not None
        assert row.input_px == entry.input_px
        arch, _, tag = row.weights.partition(".")
        assert arch == catalog.arch(entry.model)
        assert tag.endswith("_in1k")
        assert not any(other in tag for other in ("dist", "in12k", "in21k"))


def test_every_checkpoint_belongs_to_its_model() -> None:
    for entry in catalog.entries():
        for row in accuracies.of(entry.model):
            if row.source == "timm":
                assert row.weights.partition(".")[0] == catalog.arch(entry.model)


def test_the_papers_rows_are_table_6() -> None:
    table = {c.model: (c.top1, c.input_px) for c in published.table()}
    known = {
        entry.model: row
        for entry in catalog.entries()
        if (row := accuracies.default(entry.model, "paper"))
    }
    assert len(known) == 13
    assert {m: (row.top1, row.input_px) for m, row in known.items()} == {m: table[m] for m in known}
    assert accuracies.choose("mobilenetv3-small", 224, "paper", RANDOM) is None


def test_a_checkpoint_has_its_own_row_and_none_among_the_papers() -> None:
    tag = timm("mobilenetv4_conv_medium.e500_r224_in1k")
    chosen = accuracies.choose("mnv4-conv-m", 256, "timm", tag)
    assert chosen is not None
    assert chosen.top1 == 79.836
    assert accuracies.choose("mnv4-conv-m", 256, "paper", tag) is None
    distilled = accuracies.choose("fastvit-t8", 256, "timm", timm("fastvit_t8.apple_dist_in1k"))
    assert distilled is not None
    assert distilled.top1 == 77.170


def test_another_resolution_is_another_accuracy() -> None:
    tag = timm("mobilenetv4_conv_small.e2400_r224_in1k")
    tops = {px: accuracies.choose("mnv4-conv-s", px, "timm", tag) for px in (224, 256, 320)}
    assert {px: row.top1 if row else None for px, row in tops.items()} == {
        224: 73.756,
        256: 74.644,
        320: None,
    }
    assert accuracies.choose("mnv4-conv-s", 256, "timm", RANDOM) is None
    assert accuracies.choose("mnv4-conv-s", None, "timm", RANDOM) is None


@pytest.mark.parametrize("kind", ["file", "own"])
def test_weights_that_a_user_brought_have_no_published_accuracy(kind: str) -> None:
    theirs = Weights(kind=kind, detail="mine.safetensors")
    assert accuracies.choose("mnv4-conv-s", 224, "timm", theirs) is None


def test_models_without_figures_have_none() -> None:
    assert accuracies.of("timm:resnet18") == ()
    assert accuracies.choose("timm:resnet18", 224, "timm", RANDOM) is None


def test_defaults_come_first() -> None:
    first, second, *others = accuracies.of("mnv4-hybrid-m")
    assert (first.source, second.source) == ("paper", "timm")
    assert second == accuracies.default("mnv4-hybrid-m", "timm")
    assert [row.top1 for row in others] == sorted((row.top1 for row in others), reverse=True)

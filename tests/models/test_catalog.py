"""The table of models: names, counts, and what an unknown name gets."""

import re

import pytest
import torch

from mnv4bench.errors import UsageError
from mnv4bench.models import baselines, build, catalog
from mnv4bench.models.mnv4 import MobileNetV4

MODELS = [entry.model for entry in catalog.entries()]


def test_names_are_the_designed_ones_and_unique() -> None:
    assert " ".join(MODELS) == (
        "mnv4-conv-s mnv4-conv-m mnv4-conv-l mnv4-hybrid-m mnv4-hybrid-l "
        "mobilenetv3-small mobilenetv3-large "
        "fastvit-t8 fastvit-t12 fastvit-s12 fastvit-sa12 fastvit-sa24 fastvit-sa36 "
        "efficientvit-b0 efficientvit-b1 efficientvit-b2 efficientvit-b3"
    )
    assert len({catalog.arch(model) for model in MODELS}) == len(MODELS)


def test_families_and_input_sizes() -> None:
    families = {entry.model: entry.family for entry in catalog.entries()}
    assert set(families.values()) == {"MobileNetV4", "MobileNetV3", "FastViT", "EfficientViT"}
    sizes = {entry.model: entry.input_px for entry in catalog.entries()}
    assert sizes["mnv4-conv-s"] == 224
    assert sizes["mnv4-hybrid-m"] == 256
    assert sizes["mnv4-conv-l"] == sizes["mnv4-hybrid-l"] == 384
    assert {sizes[m] for m, family in families.items() if family == "FastViT"} == {256}
    assert [sizes[f"efficientvit-b{n}"] for n in range(4)] == [224, 224, 256, 224]


@pytest.mark.parametrize("model", MODELS)
def test_counts_are_torchs(model: str) -> None:
    row = catalog.definition(model)
    with torch.device("meta"):  # shapes only
        net = (MobileNetV4(row.network) if row.network else baselines.create(row.arch)).eval()
        assert sum(p.numel() for p in net.parameters()) == row.params
        net = net if row.network else baselines.deployed(net)
        assert build.measured_macs(net, row.input_px) == row.macs


def test_every_entry_knows_an_accuracy() -> None:
    for entry in catalog.entries():
        assert entry.accuracies, entry.model


def test_the_default_set_is_eight_models_of_all_families() -> None:
    chosen = [catalog.entry(model) for model in catalog.DEFAULT_MODELS]
    assert len({entry.model for entry in chosen}) == 8
    assert {entry.family for entry in chosen} == {entry.family for entry in catalog.entries()}


def test_an_unknown_model_gets_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="nearest: mnv4-conv-s") as caught:
        catalog.entry("mnv4-conv-small")
    assert "mnv4bench models" in caught.value.next_step


def test_a_timm_classifier_has_an_entry_without_counts() -> None:
    entry = catalog.entry("timm:test_resnet")
    assert (entry.family, entry.input_px, entry.params, entry.macs) == ("timm", 160, None, None)
    assert entry.accuracies == ()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("timm:resnet188", "nearest: resnet18"),
        ("timm:qqqqqq", r"it has \d+ models"),
        ("timm:", "no model ''"),
        ("timm:resnet18.a1_in1k", "no model 'resnet18.a1_in1k'"),
        ("timm:vit_base_patch14_dinov2", "no classifier"),
    ],
)
def test_what_is_no_timm_classifier_is_refused(model: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        catalog.entry(model)
    assert caught.value.next_step


def test_a_digest_names_the_definition() -> None:
    digests = [catalog.spec_digest(model) for model in [*MODELS, "timm:resnet18"]]
    assert len(set(digests)) == len(digests)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_the_digest_changes_with_the_rows_and_with_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {m: catalog.spec_digest(m) for m in ("mnv4-conv-s", "fastvit-t8")}
    monkeypatch.setattr(catalog, "timm_version", lambda: "99.0")
    monkeypatch.setattr(catalog.specs, "DEFINITION", catalog.specs.DEFINITION + 1)
    assert catalog.spec_digest("mnv4-conv-s") != before["mnv4-conv-s"]
    assert catalog.spec_digest("fastvit-t8") != before["fastvit-t8"]

"""The paper's ablations as networks, and its tables against its own arithmetic."""

import pytest
import torch

from mnv4bench.errors import UsageError
from mnv4bench.models import ablations, build, catalog, counts, specs, weights
from mnv4bench.models.mnv4 import MobileNetV4
from mnv4bench.models.specs import MHSA, MQA, UIB, PlainMQA

STUDIES = {one.study: one for one in ablations.STUDIES}
PRINTED = {(row.study, row.row): row for row in ablations.printed()}


def rows(model: str) -> list[specs.Block]:
    network = catalog.definition(model).network
    assert network is not None
    return [row for stage in network.stages for row in stage]


@pytest.mark.parametrize("model", ablations.networks())
def test_counts_are_torchs(model: str) -> None:
    row = catalog.definition(model)
    assert row.network is not None
    assert row.network.name == model
    with torch.device("meta"):
        net = MobileNetV4(row.network).eval()
        assert build.measured_macs(net, row.input_px) == row.macs
    assert sum(p.numel() for p in net.parameters()) == row.params


@pytest.mark.parametrize(
    ("model", "added"),
    [
        ("mnv4-conv-l-3mhsa", MHSA(8, 64)),
        ("mnv4-conv-l-3mqa", MQA(8, 64)),
        ("mnv4-conv-l-3mqa-plain", PlainMQA(8, 64)),
    ],
)
def test_three_attention_blocks_are_added_and_nothing_else(model: str, added: specs.Block) -> None:
    found = rows(model)
    assert [row for row in found if row != added] == rows("mnv4-conv-l")
    assert [place for place, row in enumerate(found[:-1]) if row == added] == [
        len(found) - 7,
        len(found) - 5,
        len(found) - 3,
    ]


def test_the_papers_increments_hold_about_one_more_row_than_three_blocks() -> None:
    """What the notes say, so that nobody takes our increments for the paper's."""
    base = catalog.definition("mnv4-conv-l").params
    one_more = counts.by_block(specs.CONV_L)[-4].params / 2**20
    last = specs.CONV_L.stages[-2][-1]
    assert isinstance(last, specs.UIB)
    assert last.variant == "ConvNext"
    for model, row in (("mnv4-conv-l-3mhsa", "+3 MHSA"), ("mnv4-conv-l-3mqa", "+3 MQA")):
        ours = (catalog.definition(model).params - base) / 2**20
        theirs = PRINTED["mqa", row].params_m - PRINTED["mqa", "base"].params_m  # type: ignore[operator]
        assert theirs - ours == pytest.approx(2.1, abs=0.05)
        assert theirs - ours == pytest.approx(one_more, abs=0.1)  # as the table is rounded


def test_only_keys_and_values_differ_in_hybrid_m() -> None:
    ours, full = rows("mnv4-hybrid-m"), rows("mnv4-hybrid-m-full-kv")
    changed = [(one, other) for one, other in zip(ours, full, strict=True) if one != other]
    assert changed == [(MQA(4, 64, kv_stride=2), MQA(4, 64))] * 4


@pytest.mark.parametrize(
    ("model", "variant"),
    [
        ("mnv4-conv-l-ib", "IB"),
        ("mnv4-conv-l-convnext", "ConvNext"),
        ("mnv4-conv-l-extradw", "ExtraDW"),
    ],
)
def test_one_kind_of_uib_keeps_everything_but_the_kernels(model: str, variant: str) -> None:
    for ours, theirs in zip(rows("mnv4-conv-l"), rows(model), strict=True):
        if not isinstance(ours, UIB):
            assert ours == theirs
            continue
        assert isinstance(theirs, UIB)
        assert theirs.variant == variant
        assert (ours.expanded, ours.out, ours.stride) == (
            theirs.expanded,
            theirs.out,
            theirs.stride,
        )
        for kernel, before in ((theirs.start, ours.start), (theirs.middle, ours.middle)):
            assert kernel in (0, before or ours.start or ours.middle or 3)


def test_every_row_of_the_papers_tables_stands_in_a_study() -> None:
    for one in ablations.STUDIES:
        named = [variant.printed_as for variant in one.variants if variant.printed_as]
        mine = [row for row in ablations.printed() if row.study == one.study]
        assert set(named) == {row.row for row in mine if not row.percent}
        assert {row.citation for row in mine} == {f"arXiv:2404.10518v2 Table {one.table}"}
        assert ablations.study(one.study) is one
        models = {variant.model for variant in one.variants}
        assert {one.base, one.old, one.new} <= models


@pytest.mark.parametrize(("study", "row"), [key for key, one in PRINTED.items() if one.percent])
def test_the_papers_percentages_follow_from_its_own_figures(study: str, row: str) -> None:
    """On the increment over the base in Tables 2 and 17, as old over new in Table 3."""
    one = STUDIES[study]  # type: ignore[index]
    by_model = {v.model: PRINTED[study, v.printed_as] for v in one.variants if v.printed_as}
    base, old, new = (by_model[model] for model in (one.base, one.old, one.new))
    for device, printed in PRINTED[study, row].devices.items():
        b, o, n = (figures.devices[device] for figures in (base, old, new))
        found = 100 * ((n - b) / (o - b) - 1 if one.arithmetic == "increment" else o / n - 1)
        assert found == pytest.approx(printed, abs=0.5), device


def test_times_are_the_doubles_nearest_to_what_is_printed() -> None:
    assert PRINTED["mqa", "+3 MQA"].devices["pixel8-edgetpu"] == 0.0026
    assert PRINTED["mqa", "MQA against MHSA"].devices["pixel8-edgetpu"] == -39.0


def test_variants_have_names_but_stand_in_no_list_and_have_no_accuracy() -> None:
    listed = {entry.model for entry in catalog.entries()}
    for model in ablations.networks():
        assert model not in listed
        entry = catalog.entry(model)
        assert (entry.family, entry.accuracies) == ("ablation", ())
        with pytest.raises(UsageError, match="no published checkpoints"):
            weights.identity(weights.parse("timm"), model)
    with pytest.raises(UsageError, match="There is no model"):
        catalog.entry("mnv4-conv-l-4mqa")

"""The tables against the cited list of blocks, row by row."""

import pytest

from mnv4bench.errors import UsageError
from mnv4bench.models import specs
from mnv4bench.models.specs import MQA, UIB, ConvBN, FusedIB
from tests.models.facts import rows


def as_cited(row: dict[str, str]) -> specs.Block:
    """The block that one row of the cited list describes."""
    number = {key: int(value) if value.isdigit() else 0 for key, value in row.items()}
    match row["kind"]:
        case "conv_bn":
            return ConvBN(number["kernel"], number["out_ch"], number["stride"])
        case "fused_ib":
            return FusedIB(number["kernel"], number["expanded"], number["out_ch"], number["stride"])
        case "uib":
            return UIB(
                number["start"],
                number["middle"],
                number["expanded"],
                number["out_ch"],
                number["stride"],
            )
        case "mobile_mqa":
            return MQA(number["heads"], number["key_dim"], number["kv_stride"])
    raise AssertionError(row)


@pytest.mark.parametrize("network", specs.NETWORKS, ids=lambda network: network.name)
def test_rows_are_the_cited_ones(network: specs.Network) -> None:
    cited = [row for row in rows("architecture.csv") if row["model"] == network.name]
    stem, *body = cited[:-3]  # then pooling, the 1280 head and the classifier
    assert network.stem == as_cited(stem)
    assert [block for stage in network.stages for block in stage] == [as_cited(r) for r in body]
    assert network.input_px == int(stem["in_px"])
    assert [network.activation] == [stem["activation"]]
    scales = {float(row["layer_scale"]) for row in body if row["layer_scale"] != "no"}
    assert scales == ({network.layer_scale} if network.layer_scale else set())
    assert (network.head_width, network.classes) == (1280, 1000)


@pytest.mark.parametrize("network", specs.NETWORKS, ids=lambda network: network.name)
def test_stages_are_cut_where_the_resolution_halves(network: specs.Network) -> None:
    strides = [[getattr(block, "stride", 1) for block in stage] for stage in network.stages]
    assert [stage[0] for stage in strides] == [2, 2, 2, 2, 1]
    assert all(stride == 1 for stage in strides for stride in stage[1:])


def test_variants_have_the_papers_names() -> None:
    cited = [row for row in rows("architecture.csv") if row["kind"] == "uib"]
    assert {row["variant"] for row in cited} == {"ExtraDW", "IB", "ConvNext", "FFN"}
    for row in cited:
        block = as_cited(row)
        assert isinstance(block, UIB)
        assert block.variant == row["variant"]
    assert specs.extra_dw(3, 5, 64, 16, stride=2).variant == "ExtraDW"
    assert specs.ib(3, 64, 16).variant == "IB"
    assert specs.conv_next(3, 64, 16).variant == "ConvNext"
    assert specs.ffn(64, 16).variant == "FFN"


def test_a_stride_needs_a_depthwise_convolution() -> None:
    with pytest.raises(UsageError, match="stride 2"):
        UIB(0, 0, 64, 16, stride=2)

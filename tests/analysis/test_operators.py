"""What a profiler said, joined to blocks; and two of them side by side."""

import pytest
from msgspec.structs import replace

from mnv4bench.analysis import differences, operators
from mnv4bench.findings import FileOperator, OperatorProfile, Scope
from mnv4bench.records import (
    Artifact,
    DeviceProfile,
    Operators,
    OperatorTime,
    Part,
    Placement,
    Weights,
)

ARTIFACT = Artifact(
    model="mnv4-conv-s", family="mobilenetv4", format="tflite", precision="fp32", sha256="0" * 64,
    size_bytes=1, weights=Weights(kind="random", detail="seed 0"),
)  # fmt: skip
DEVICE = DeviceProfile(
    device="host-cpu", title="here", runner="host", runtime="litert", format="tflite",
    precision="fp32", accelerator="cpu",
)  # fmt: skip


def block(number: int, *inside: str) -> tuple[Scope, ...]:
    names = [Scope(*one.split(":")) for one in inside]
    around = (Scope("blocks", "Sequential"), Scope("0", "Sequential"), Scope(str(number), "Block"))
    return (*around, *names)


FILE = (
    FileOperator(operator="PAD", outputs=("p",), path=(Scope("conv_stem", "Conv2d"),)),
    FileOperator(
        operator="CONV_2D", inputs=("p",), outputs=("c",), path=(Scope("conv_stem", "Conv2d"),)
    ),
    FileOperator(operator="CONV_2D", outputs=("d",), path=block(0, "conv:Conv2d")),
    FileOperator(operator="ADD", outputs=("e",), path=block(0)),
    FileOperator(operator="CUMSUM", outputs=("f",), path=block(1, "sum:CumSum")),
    FileOperator(operator="FULLY_CONNECTED", outputs=("logits",)),
)
CONV, DENSE = "Convolution (NHWC, F32) IGEMM", "Fully Connected (NC, F32) GEMM"
TAKEN = Operators(
    runtime="LiteRT 2.3.0",
    source="LiteRT's profiler",
    statistic="undisturbed",
    inferences=50,
    operators=(
        OperatorTime(operator=CONV, seconds=4e-4, part=0),
        OperatorTime(operator=DENSE, seconds=3e-4, part=0),
        OperatorTime(operator="Add (ND)", seconds=1e-5, part=0),
        OperatorTime(operator="CUMSUM", seconds=2e-4, node=4),
        OperatorTime(operator="Static Reshape (NC)", seconds=0.0, part=1),
        OperatorTime(operator=DENSE, seconds=9e-5, part=1),
    ),
    parts=(Part(delegate="XNNPACK", nodes=(0, 1, 2, 3)), Part(delegate="XNNPACK", nodes=(5,))),
    profiled_s=1.1e-3,
    plain_s=1e-3,
    placement=Placement(verdict="partial", unit="cpu (XNNPACK)"),
)


def profiled(taken: Operators = TAKEN, inside: tuple[FileOperator, ...] = FILE) -> OperatorProfile:
    return operators.profile(taken, inside, file="m.tflite", artifact=ARTIFACT, device=DEVICE)


def test_every_operator_finds_its_block() -> None:
    found = profiled()
    assert [(row.block, row.joined) for row in found.operators] == [
        ("stem", "order"),
        ("stage 0 block 0 Block", "order"),
        ("stage 0 block 0 Block", "order"),
        ("stage 0 block 1 Block", "place"),
        ("stage 0 block 1 Block", "neighbour"),
        ("stage 0 block 1 Block", "neighbour"),
    ]
    assert [(one.block, one.operators) for one in found.blocks] == [
        ("stem", 1), ("stage 0 block 0 Block", 2), ("stage 0 block 1 Block", 3),
    ]  # fmt: skip
    assert found.joined_share == pytest.approx(1.0)
    assert sum(one.share for one in found.blocks) == pytest.approx(1.0)
    assert found.operators_s == pytest.approx(1e-3)
    assert found.cost == pytest.approx(1.1)
    assert found.kinds[0].operator == CONV
    assert found.kinds[1].count == 2
    assert [row.delegate for row in found.operators][:4] == ["XNNPACK"] * 3 + [None]


def test_the_price_of_profiling_is_said_where_it_is_high() -> None:
    assert not any("when it is profiled" in note for note in profiled().notes)
    dear = replace(TAKEN, profiled_s=2e-3)
    assert any("2.00 of its time when it is profiled" in note for note in profiled(dear).notes)
    assert profiled(replace(TAKEN, profiled_s=None)).cost is None


def test_a_file_without_paths_has_no_blocks_and_says_so() -> None:
    plain = tuple(FileOperator(operator=one.operator, outputs=one.outputs) for one in FILE)
    found = profiled(inside=plain)
    assert found.blocks == ()
    assert found.joined_share == 0
    assert found.operators[0].name == "c"  # what it writes is known all the same
    assert operators.NO_PATHS in found.notes


def test_a_file_that_cannot_be_read_leaves_times() -> None:
    found = profiled(inside=())
    assert found.blocks == ()
    assert [row.joined for row in found.operators] == ["none"] * 6


def test_of_a_whole_only_the_whole_is_known() -> None:
    whole = OperatorTime(operator="TfLiteGpuDelegateV2", seconds=1e-3, part=0, whole=True)
    taken = replace(TAKEN, operators=(whole,), parts=(Part(delegate="GPU", nodes=(0, 1, 2)),))
    found = profiled(taken)
    assert found.operators[0].block == ""
    assert found.blocks == ()
    assert any("only the whole is known" in note for note in found.notes)


def test_parts_that_the_runtime_does_not_show_join_nothing() -> None:
    taken = replace(TAKEN, parts=())
    assert {row.joined for row in profiled(taken).operators} <= {"place", "neighbour"}


def test_parts_that_are_not_told_apart_are_joined_over_all() -> None:
    loose = tuple(replace(one, part=None) for one in TAKEN.operators)
    found = profiled(replace(TAKEN, operators=loose))
    assert [row.block for row in found.operators][:2] == ["stem", "stage 0 block 0 Block"]


ONNX = (
    FileOperator(operator="Conv", name="node_conv", outputs=("c",), path=block(0, "conv:Conv2d")),
    FileOperator(operator="Relu", name="node_relu", inputs=("c",), outputs=("r",),
                 path=block(0, "act:ReLU")),
    FileOperator(operator="Conv", name="node_conv_1", inputs=("r",), outputs=("s",),
                 path=block(1, "conv:Conv2d")),
    FileOperator(operator="MatMul", name="node_fc", inputs=("s",), outputs=("logits",)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "name", "path"),
    [
        ("Conv", "r_nchwc", "blocks.0.0.conv"),  # a fused one bears the name of what it took in
        ("Conv", "node_conv_1", "blocks.0.1.conv"),
        ("Conv", "InsertedPrecisionFreeCast_s_nchwc", "blocks.0.1.conv"),
        ("QLinearConv", "node_conv_token_7", "blocks.0.0.conv"),
        ("FusedConv", "r", "blocks.0.0.conv"),
        ("Relu", "node_relu", "blocks.0.0.act"),
    ],
)
def test_onnx_runtime_s_names(operator: str, name: str, path: str) -> None:
    ran = OperatorTime(operator=operator, seconds=1e-4, name=name)
    taken = replace(TAKEN, operators=(ran,), parts=())
    assert [row.path for row in profiled(taken, ONNX).operators] == [path]


def test_what_is_put_in_belongs_to_what_ran_before_it_or_comes_first() -> None:
    names = ["input_QuantizeLinear", "node_conv", "ReorderOutput_token_3", "node_conv_1"]
    ran = tuple(OperatorTime(operator=name, seconds=1e-5, name=name) for name in names)
    found = profiled(replace(TAKEN, operators=ran, parts=()), ONNX)
    assert [(row.block[-7:], row.joined) for row in found.operators] == [
        ("0 Block", "neighbour"), ("0 Block", "name"), ("0 Block", "neighbour"),
        ("1 Block", "name"),
    ]  # fmt: skip


def test_nothing_took_any_time() -> None:
    ran = (OperatorTime(operator="Relu", seconds=0.0, name="node_relu"),)
    found = profiled(replace(TAKEN, operators=ran, parts=()), ONNX)
    assert found.operators[0].share == 0


def test_two_sides_by_block_and_by_role_the_largest_difference_first() -> None:
    slower = replace(
        TAKEN,
        operators=tuple(
            replace(one, seconds=one.seconds * (3 if one.part == 0 else 1))
            for one in TAKEN.operators
        ),
    )
    found = differences.compared(profiled(slower), profiled())
    assert [one.name for one in found.blocks] == [
        "stem", "stage 0 block 0 Block", "stage 0 block 1 Block",
    ]  # fmt: skip
    stem = found.blocks[0]
    assert (stem.a_s, stem.b_s) == pytest.approx((12e-4, 4e-4))
    assert stem.difference_s == pytest.approx(8e-4)
    assert stem.ratio == pytest.approx(3.0)
    assert stem.a == (CONV,)
    assert {one.name for one in found.roles} >= {"Block: conv", "Block"}
    assert found.ratio == pytest.approx((710e-6 * 3 + 290e-6) / 1e-3)
    assert found.plain_ratio == pytest.approx(1.0)
    assert found.notes == ()


def test_what_one_side_has_not() -> None:
    taken = replace(TAKEN, operators=TAKEN.operators[:1])
    found = differences.compared(profiled(), profiled(taken))
    other = next(one for one in found.blocks if one.name == "stage 0 block 0 Block")
    assert (other.b_s, other.ratio, other.b) == (None, None, ())
    assert other.difference_s == pytest.approx(3.1e-4)


def test_what_a_reader_must_know_of_two_sides() -> None:
    other = operators.profile(
        replace(TAKEN, statistic="mean"),
        (),
        file="n.onnx",
        artifact=replace(ARTIFACT, model="fastvit-t8"),
        device=DEVICE,
    )
    notes = " ".join(differences.compared(profiled(), other).notes)
    assert "of B only 0%" in notes
    assert "A is mnv4-conv-s and B is fastvit-t8" in notes
    assert "not quite alike" in notes


def test_inferences_that_were_interrupted_are_said_to_be() -> None:
    busy = replace(TAKEN, profiled_s=9e-3, plain_s=9e-3)
    assert any("9.00 times what its operators add up to" in note for note in profiled(busy).notes)
    assert not any("add up to" in note for note in profiled().notes)

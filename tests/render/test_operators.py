"""Profiles on a terminal, in Markdown, as figures and as a trace: invented, no measurement."""

import json
import re

import pytest
from msgspec.structs import replace

from mnv4bench import codec
from mnv4bench.analysis import differences
from mnv4bench.findings import BlockRow, ComparedProfiles, KindRow, OperatorProfile, OperatorRow
from mnv4bench.render import operator_figure, operator_markdown, operator_trace, operators
from tests.render import fixed
from tests.render.golden import assert_golden
from tests.render.test_terminal import in_ascii, text

BLOCKS = ("stem", "stage 0 block 0 UIB ExtraDW", "stage 0 block 1 UIB IB", "head")
CONV, DEPTHWISE, DENSE = (
    "Convolution (NHWC, F32) IGEMM", "Convolution (NHWC, F32) DWConv",
    "Fully Connected (NC, F32) GEMM",
)  # fmt: skip


def row(operator: str, seconds: float, block: str, path: str, **changes: object) -> OperatorRow:
    facts = {
        "operator": operator, "name": "", "path": path, "block": block,
        "role": f"{block}: {path}", "seconds": seconds, "share": seconds / 1e-3, "calls": 1,
        "joined": "order", "delegate": "XNNPACK",
    }  # fmt: skip
    return OperatorRow(**{**facts, **changes})


def profile(factor: float = 1.0, **changes: object) -> OperatorProfile:
    rows = (
        row(CONV, 4e-4 * factor, BLOCKS[0], "conv_stem"),
        row(DEPTHWISE, 1e-4, BLOCKS[1], "blocks.0.0.dw_start.conv"),
        row(DENSE, 2e-4, BLOCKS[1], "blocks.0.0.pw_exp.conv"),
        row(DENSE, 2.5e-4, BLOCKS[2], "blocks.0.1.pw_exp.conv"),
        row("Static Reshape (NC)", 0.0, BLOCKS[3], "head", joined="neighbour"),
        row(DENSE, 5e-5, BLOCKS[3], "classifier"),
    )
    total = sum(one.seconds for one in rows)

    def block(name: str, path: str) -> BlockRow:
        some = [one for one in rows if one.block == name]
        took = sum(one.seconds for one in some)
        return BlockRow(
            block=name, path=path, seconds=took, share=took / total, operators=len(some)
        )

    def kind(name: str) -> KindRow:
        some = [one for one in rows if one.operator == name]
        took = sum(one.seconds for one in some)
        return KindRow(operator=name, count=len(some), seconds=took, share=took / total)

    facts = {
        "file": "m.tflite", "model": "mnv4-conv-s", "format": "tflite", "precision": "fp32",
        "weights": "random (seed 0)", "sha256": "0" * 64, "device": "host-cpu", "threads": 1,
        "runtime": "LiteRT 2.3.0", "source": "LiteRT's profiler", "statistic": "undisturbed",
        "inferences": 50, "operators_s": total, "profiled_s": 1.1e-3, "plain_s": 1e-3,
        "clock": "processor", "cost": 1.1, "joined_share": 1.0, "placement": "full",
        "blocks": tuple(map(block, BLOCKS, ("stem", "blocks.0.0", "blocks.0.1", "head"))),
        "kinds": tuple(map(kind, (CONV, DENSE, DEPTHWISE, "Static Reshape (NC)"))),
        "operators": rows,
        "notes": ("operators inside a delegate are told by their order and kind",),
    }  # fmt: skip
    return OperatorProfile(**{**facts, **changes})


def compared() -> ComparedProfiles:
    other = profile(0.5, model="mnv4-conv-s", format="onnx", device="host-ort-cpu",
                    runtime="ONNX Runtime 1.31.1", source="ONNX Runtime's profiler")  # fmt: skip
    return differences.compared(profile(), other)


HOSTILE = replace(
    profile(),
    model=fixed.HOSTILE,
    runtime=fixed.HOSTILE,
    operators=(row(fixed.HOSTILE, 1e-3, fixed.HOSTILE, fixed.HOSTILE, name=fixed.HOSTILE),),
    blocks=(
        BlockRow(block=fixed.HOSTILE, path=fixed.HOSTILE, seconds=1e-3, share=1.0, operators=1),
    ),
    kinds=(KindRow(operator=fixed.HOSTILE, count=1, seconds=1e-3, share=1.0),),
    notes=(fixed.HOSTILE,),
)


def test_golden_texts() -> None:
    assert_golden("profile.txt", text(operators.profile(profile()), 120))
    assert_golden("profile_compared.txt", text(operators.compared(compared()), 140))
    assert_golden("profile.md", "\n".join(operator_markdown.profile(profile())) + "\n")


def test_it_never_looks_like_a_latency() -> None:
    for shown in (
        text(operators.profile(profile()), 120),
        "\n".join(operator_markdown.compared(compared())),
    ):
        assert "None of this is a latency" in shown
        assert "profiling costs" in shown


def test_what_profiling_costs_may_be_unknown() -> None:
    shown = text(operators.profile(profile(profiled_s=None, cost=None, placement=None)), 120)
    assert "What profiling costs is not known" in shown


def test_a_plan_is_called_an_estimate() -> None:
    shown = text(operators.profile(profile(statistic="plan", profiled_s=None, cost=None)), 120)
    assert "nothing was timed" in shown


def test_placement_that_is_not_full_is_said() -> None:
    assert "Placement: unproven" in text(operators.profile(profile(placement="unproven")), 120)


def test_without_blocks_the_operators_stand_alone() -> None:
    bare = tuple(replace(one, block="", path="", name="c") for one in profile().operators)
    shown = profile(blocks=(), operators=bare, joined_share=0.0)
    assert "Block" not in text(operators.profile(shown), 120)
    assert operator_figure.draw(shown)["svg"]
    nothing = text(operators.compared(differences.compared(shown, shown)), 140)
    assert "Neither side's operators are known by block" in nothing


def test_names_from_a_file_cannot_act() -> None:
    both = differences.compared(HOSTILE, HOSTILE)
    for view in (operators.profile(HOSTILE), operators.compared(both)):
        assert "\x1b" not in text(view, 140)
        assert "\u202e" not in text(view, 140)
        assert in_ascii(view).isascii()
    for lines in (operator_markdown.profile(HOSTILE), operator_markdown.compared(both)):
        shown = "\n".join(lines)
        assert "<script" not in shown
        assert "\x1b" not in shown
    svg = operator_figure.draw(HOSTILE)["svg"].decode()
    assert "<script>" not in svg
    assert "\u202e" not in svg
    trace = codec.encode_json(operator_trace.trace([HOSTILE]))
    assert "\\u001b" not in trace
    assert "\u202e" not in trace


@pytest.mark.parametrize("width", ["screen", "column", "page"])
def test_figures_are_whole_files_and_the_same_each_time(width) -> None:
    one, both = (
        operator_figure.draw(profile(), width),
        operator_figure.draw_compared(compared(), width),
    )
    for found in (one, both):
        assert set(found) == {"svg", "png", "pdf"}
        assert b"<svg" in found["svg"]
        assert found["png"].startswith(b"\x89PNG")
        assert found["pdf"].startswith(b"%PDF")
    assert one == operator_figure.draw(profile(), width)


def test_a_figure_names_every_block_and_what_it_is_made_of() -> None:
    svg = operator_figure.draw(profile())["svg"].decode()
    for block in BLOCKS:
        assert block in svg
    assert CONV in svg
    assert "Static Reshape" not in svg  # it took no time: no colour of its own
    assert "other operators" in svg
    two = operator_figure.draw_compared(compared())["svg"].decode()
    assert ">A<" in two
    assert ">B<" in two


def test_a_network_of_many_blocks_is_cut() -> None:
    many = tuple(
        BlockRow(block=f"block {n}", path="", seconds=1e-5, share=0.01, operators=1)
        for n in range(90)
    )
    svg = operator_figure.draw(profile(blocks=many))["svg"].decode()
    assert "block 69" in svg
    assert "block 70" not in svg
    assert "20 more rows are in the JSON" in svg


def test_a_trace_lies_one_behind_the_other_and_says_so() -> None:
    trace = json.loads(codec.encode_json(operator_trace.trace([profile(), profile(0.5)])))
    assert "made up" in trace["otherData"]["layout"].lower()
    assert trace["displayTimeUnit"] == "ms"
    events = trace["traceEvents"]
    assert {one["ph"] for one in events} == {"X", "M"}
    assert {one["pid"] for one in events} == {1, 2}
    for pid in (1, 2):
        spans = [one for one in events if one["ph"] == "X" and one["pid"] == pid]
        for track in (operator_trace.BLOCKS, operator_trace.OPERATORS):
            end = 0.0
            for one in (span for span in spans if span["tid"] == track):
                assert one["ts"] == pytest.approx(end)
                end = one["ts"] + one["dur"]
        operators_end = max(s["ts"] + s["dur"] for s in spans if s["tid"] == 2)
        blocks_end = max(s["ts"] + s["dur"] for s in spans if s["tid"] == 1)
        assert operators_end == pytest.approx(blocks_end)
    first = next(one for one in events if one["ph"] == "X" and one["tid"] == 2)
    assert (first["name"], first["dur"]) == (CONV, pytest.approx(400.0))
    assert first["args"]["modules"] == "conv_stem"


def test_differences_have_a_sign() -> None:
    shown = text(operators.compared(compared()), 140)
    assert re.search(r"stem\s+400 µs\s+200 µs\s+\+200 µs\s+×2\.00", shown)

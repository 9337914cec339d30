"""The file of a program's operator profile, written with Google's own class, and broken."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.devices.android import op_profile
from mnv4bench.devices.android.results import RuntimeInfo
from tests.phone import genuine_schema

INFO = RuntimeInfo(operators=6, taken={"TfLiteXNNPackDelegate": 4},
                   parts=(("TfLiteXNNPackDelegate", (0, 1, 2, 3)),))  # fmt: skip


def row(name: str, kind: str, order: int, *times: int, **changes: Any) -> dict[str, Any]:
    stat = {"sum": sum(times), "count": len(times), "min": min(times), "max": max(times)}
    facts = {"name": name, "node_type": kind, "run_order": order, "times_called": 1}
    return facts | {"inference_microseconds": stat} | changes


def profile(*rows: dict[str, Any], delegates: Any = ()) -> bytes:
    graph = {"subgraph_index": 0, "per_op_profiles": list(rows)}
    run = {"subgraph_profiles": [graph], "delegate_profiles": list(delegates)}
    return genuine_schema.write_profile({"runtime_profile": run})


def test_operators_in_kernels_and_inside_xnnpack() -> None:
    data = profile(
        row("[logits]:5", "CUMSUM", 2, 40, 44),
        row("Delegate/Convolution (NHWC, F32) IGEMM:0", "Convolution (NHWC, F32) IGEMM", 0, 9, 11),
        row("Delegate/Add (ND):1", "Add (ND)", 1, 0, 1),
        row("AllocateTensors/0", "AllocateTensors", 0, 500),
    )
    read = op_profile.read(data, INFO)
    assert read is not None
    first, second, third = read.operators
    assert (first.operator, first.part, first.node) == ("Convolution (NHWC, F32) IGEMM", 0, None)
    assert (first.seconds, first.low_s, first.high_s) == pytest.approx((10e-6, 9e-6, 11e-6))
    assert second.seconds == pytest.approx(0.5e-6)  # the mean that the file prints is 0
    assert (third.operator, third.part, third.node, third.name) == ("CUMSUM", None, 5, "logits")
    assert [part.nodes for part in op_profile.parts(INFO)] == [(0, 1, 2, 3)]


def test_a_delegate_that_tells_nothing_is_one_whole() -> None:
    read = op_profile.read(profile(row("[logits]:6", "TfLiteGpuDelegateV2", 0, 900)), INFO)
    assert read is not None
    (only,) = read.operators
    assert (only.whole, only.part, only.node) == (True, 0, None)
    without = op_profile.read(profile(row("[logits]:6", "TfLiteNnapiDelegate", 0, 900)), None)
    assert without is not None
    assert without.operators[0].whole


def inside(*times: int) -> dict[str, Any]:
    rows = [row(f"Delegate/conv{n}:{n}", "DelegateOpInvoke", n, one) for n, one in enumerate(times)]
    return {"per_op_profiles": rows}


def test_a_delegates_own_times_take_the_place_of_its_whole() -> None:
    whole = row("[logits]:6", "TfLiteHexagonDelegate", 0, 900)
    read = op_profile.read(profile(whole, delegates=[inside(400, 480)]), INFO)
    assert read is not None
    assert [(one.operator, one.part) for one in read.operators] == [("conv0", 0), ("conv1", 0)]


def test_a_delegates_cycles_are_no_times() -> None:
    whole = row("[logits]:6", "TfLiteHexagonDelegate", 0, 900)
    read = op_profile.read(profile(whole, delegates=[inside(400_000, 480_000)]), INFO)
    assert read is not None
    assert [one.whole for one in read.operators] == [True]
    assert "no time" in read.notes[0]


def test_an_operator_that_is_called_twice_counts_twice() -> None:
    read = op_profile.read(profile(row("[x]:0", "ADD", 0, 10, 20, times_called=2)), None)
    assert read is not None
    assert (read.operators[0].seconds, read.operators[0].calls) == (pytest.approx(30e-6), 2)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row("AllocateTensors/0", "AllocateTensors", 0, 500)],
        [row("[x]:0", "ADD", 0, -5)],
        [row("[x]:0", "ADD", 0, 10**16)],
        [row("[x]:0", "ADD", 0, 5) | {"inference_microseconds": {}}],
        [row("[x]:99999999999999999999", "ADD", 0, 5)],
    ],
)
def test_what_is_no_time_of_an_operator_is_none(rows: list[dict[str, Any]]) -> None:
    assert op_profile.read(profile(*rows), INFO) is None


def test_other_graphs_than_the_main_one_are_part_of_it() -> None:
    body = {"subgraph_index": 1, "per_op_profiles": [row("[x]:0", "ADD", 0, 5)]}
    data = genuine_schema.write_profile({"runtime_profile": {"subgraph_profiles": [body]}})
    assert op_profile.read(data, INFO) is None


@given(st.binary(max_size=200))
def test_garbage_is_none(data: bytes) -> None:
    read = op_profile.read(data, INFO)
    assert read is None or read.operators


def test_names_are_cut() -> None:
    read = op_profile.read(profile(row("[" + "x" * 9000 + "]:0", "ADD", 0, 5)), INFO)
    assert read is not None
    assert len(read.operators[0].name) == op_profile.MAX_TEXT

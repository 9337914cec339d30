"""What a benchmark program says of one run: result files and every form of its text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnv4bench.devices.android import results
from mnv4bench.devices.android.results import RuntimeInfo
from tests.phone import genuine_schema

CAPTURES = Path(__file__).parents[2] / "captures"

# The line forms of tensorflow #43541 (no prefix), and of newer builds.
OLD = """\
STARTING!
Initialized session in 870.557ms.
count=4 first=130565 curr=120829 min=117370 max=130565 avg=122373 std=4930

count=50 first=119212 curr=118055 min=113737 max=124776 avg=119375 std=1948

Inference timings in us: Init: 870557, First inference: 130565, Warmup (avg): 122373, \
Inference (avg): 119375
"""
NEW = """\
INFO: count=485 first=1869 curr=2075 min=1493 max=3434 avg=2118.25 std=614 p5=1517 median=1918 \
p95=3174
INFO: count=502 first=2075 curr=1999 min=1490 max=3301 avg=2.13351e+03 std=600 p5=1510 \
median=1910 p95=3100
INFO: Inference timings in us: Init: 5584, First inference: 1869, Warmup (avg): 2118.25, \
Inference (avg): 2.13351e+03
"""
OLDEST = """\
count=50 curr=4312(all same)
Average inference timings in us: Warmup: 83235, Init: 38467, Inference: 4312
"""
LITERT = """\
INFO: [benchmark_litert_model.h:70]
========== BENCHMARK RESULTS ==========
INFO: [benchmark_litert_model.h:71] Model initialization: 45.32 ms
INFO: [benchmark_litert_model.h:72] Warmup (first):       5.21 ms
INFO: [benchmark_litert_model.h:73] Warmup (avg):         4.10 ms (123 runs)
INFO: [benchmark_litert_model.h:74] Inference (avg):      3.98 ms (252 runs)
INFO: [benchmark_litert_model.h:75] Inference (min):      3.70 ms
INFO: [benchmark_litert_model.h:76] Inference (max):      6.02 ms
INFO: [benchmark_litert_model.h:77] Inference (std):      0.12
"""


def test_the_text_of_old_builds() -> None:
    found = results.from_text(OLD)
    assert found is not None
    assert (found.mean_s, found.inferences) == (pytest.approx(0.119375), 50)
    assert (found.load_s, found.first_s) == (pytest.approx(0.870557), pytest.approx(0.130565))
    assert (found.warmup_s, found.warmups) == (pytest.approx(0.122373), 4)
    assert found.spread is not None
    assert found.spread.max_s == pytest.approx(0.124776)
    assert found.spread.median_s is None
    assert found.source == "text"


def test_the_text_of_new_builds_has_percentiles_and_e_notation() -> None:
    found = results.from_text(NEW)
    assert found is not None
    assert (found.mean_s, found.inferences, found.warmups) == (pytest.approx(2.13351e-3), 502, 485)
    assert found.spread is not None
    assert found.spread.median_s == pytest.approx(1.91e-3)
    assert found.spread.p95_s == pytest.approx(3.1e-3)


def test_the_oldest_form_and_values_that_are_all_the_same() -> None:
    found = results.from_text(OLDEST)
    assert found is not None
    assert (found.mean_s, found.inferences, found.warmups) == (pytest.approx(4.312e-3), 50, None)
    assert found.first_s is None


def test_the_text_of_litert() -> None:
    found = results.from_text(LITERT)
    assert found is not None
    assert (found.mean_s, found.inferences) == (pytest.approx(3.98e-3), 252)
    assert (found.warmup_s, found.warmups) == (pytest.approx(4.1e-3), 123)
    assert found.load_s == pytest.approx(45.32e-3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "count=0 p5=0 median=0 p95=0",
        OLD.replace("Inference (avg): 119375", "Inference (avg): 0"),
        OLD.replace("count=50", "count=0"),
        NEW.replace("2.13351e+03", "2.13351e+30"),  # longer than an hour
        LITERT.replace("(252 runs)", "(0 runs)"),
        LITERT.replace("Inference (avg):      3.98", "Inference (avg):      0.00"),
    ],
)
def test_text_without_a_measurement_is_none(text: str) -> None:
    assert results.from_text(text) is None


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    results.from_text(text)
    results.unknown_flags(text)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    results.from_result_file(data)
    results.runtime_info(data)


def test_unknown_flags_are_named() -> None:
    assert results.unknown_flags(
        "INFO: STARTING!\nWARN: Unconsumed cmdline flags: --use_nnapi"
    ) == ("--use_nnapi")
    assert results.unknown_flags(NEW) is None


def result_file(**changes: object) -> bytes:
    message = results._classes()["Result"]()
    facts = {
        "avg_ms": 0.777,
        "median_ms": 0.77,
        "p95_ms": 0.81,
        "init_ms": 1100.0,
        "first_inference_ms": 3.5,
        "average_warm_up_ms": 0.8,
        **changes,
    }
    for name, value in facts.items():
        setattr(message.latency, name, value)
    message.misc.num_runs, message.misc.num_warmup_runs = 1000, 480
    message.memory.peak_mem_mb = 21.5
    return message.SerializeToString()


def test_a_result_file_has_more_digits_than_the_text() -> None:
    found = results.from_result_file(result_file())
    assert found is not None
    assert (found.mean_s, found.inferences) == (pytest.approx(0.777e-3), 1000)
    assert (found.load_s, found.first_s) == (pytest.approx(1.1), pytest.approx(3.5e-3))
    assert (found.warmups, found.source) == (480, "result file")
    assert found.peak_memory_bytes == int(21.5 * 2**20)
    assert found.spread is not None
    assert found.spread.p5_s is None  # not in this file


@pytest.mark.parametrize("mean", [0.0, -1.0, float("nan"), float("inf"), 4e9])
def test_a_result_file_with_an_impossible_mean_is_none(mean: float) -> None:
    assert results.from_result_file(result_file(avg_ms=mean)) is None


def test_a_truncated_result_file_is_none() -> None:
    assert results.from_result_file(result_file()[:-30]) is None
    assert results.from_result_file(b"") is None


def test_the_runtime_info_of_litert_counts_operators_by_delegate() -> None:
    taken = [{"id": n, "name": "CONV_2D", "delegated_to_node_id": 3} for n in range(2)]
    left = {"id": 2, "name": "CUMSUM"}
    delegate = {
        "id": 3,
        "name": "TfLiteXNNPackDelegate",
        "delegate_node_details": {
            "delegate_name": "TfLiteXNNPackDelegate",
            "tflite_node_ids_replaced": [0, 1],
        },
    }
    subgraph = {"nodes": [*taken, left, delegate], "execution_plan": [3, 2]}
    data = genuine_schema.write({"model_name": "m", "subgraphs": [subgraph]})
    assert results.runtime_info(data) == RuntimeInfo(
        operators=3,
        taken={"TfLiteXNNPackDelegate": 2},
        parts=(("TfLiteXNNPackDelegate", (0, 1)),),
    )

"""The doubles of both benchmark programs, run on a phone's double by the genuine adb."""

import re
import struct

import pytest

from tests.phone import genuine_schema
from tests.phone.conftest import HERE
from tests.phone.programs import write_elf


def test_classic_on_the_cpu(bench):
    status, out, err = bench.run("classic", f"--use_xnnpack=true --result_file_path={HERE}/r.pb")
    assert status == 0, err
    assert out.startswith("INFO: STARTING!\nINFO: Log parameter values verbosely: [0]\n")
    assert f"INFO: Graph: [{HERE}/int8.tflite]" in out
    assert "completely executed by the delegate." in out
    assert "Replacing 5 out of 5 node(s) with delegate (TfLiteXNNPackDelegate)" in err
    warm_up, measured = re.findall(r"count=(\d+) .*p95=\d+", out)
    last = re.search(r"Inference \(avg\): ([\d.e+]+)", out)
    assert last
    result = bench.result()
    assert result.misc_metrics.num_warmup_runs == int(warm_up)
    assert result.misc_metrics.num_runs == int(measured) >= 30
    assert result.latency_metrics.avg_ms == pytest.approx(float(last[1]) / 1e3, rel=1e-4)
    assert str(bench.phone.root) not in out + err
    spent = bench.phone.read("/sys/devices/system/cpu/cpufreq/policy8/stats/time_in_state")
    assert int(spent.split()[-1]) > 1000
    little = bench.phone.read("/sys/devices/system/cpu/cpufreq/policy0/stats/time_in_state")
    assert int(little.split()[-1]) == 1000


def test_classic_of_old_has_no_prefix_percentiles_or_result_file(bench):
    status, out, err = bench.run("classic-old", f"--use_gpu=true --result_file_path={HERE}/r.pb")
    assert (status, out) == (0, "")
    assert f"\nUnconsumed cmdline flags: --result_file_path={HERE}/r.pb\n" in err
    assert "\nExplicitly applied GPU delegate" in err
    assert "median" not in err
    assert "Inference timings in us: Init: " in err
    assert not bench.phone.path(f"{HERE}/r.pb").exists()


def test_litert_on_the_cpu(bench):
    info = f"{HERE}/info.pb"
    status, _, err = bench.run(
        "litert",
        f"--use_cpu=true --result_file_path={HERE}/r.pb --model_runtime_info_output_file={info}",
    )
    assert status == 0, err
    assert "========== BENCHMARK RESULTS ==========" in err
    runs = re.search(r"Inference \(avg\):      [\d.]+ ms \((\d+) runs\)", err)
    assert runs
    assert bench.result().misc_metrics.num_runs == int(runs[1])
    details = genuine_schema.read(bench.phone.path(info).read_bytes())
    (subgraph,) = details["subgraphs"]
    *nodes, delegate = subgraph["nodes"]
    assert delegate["delegate_node_details"] == {
        "delegate_name": "TfLiteXNNPackDelegate",
        "tflite_node_ids_replaced": [0, 1, 2, 3, 4],
    }
    assert {node["delegated_to_node_id"] for node in nodes} == {5}
    assert subgraph["execution_plan"] == [5]


EDGETPU = f"--use_nnapi=true --nnapi_accelerator_name=google-edgetpu --result_file_path={HERE}/r.pb"


def test_the_edge_tpu_is_as_many_times_faster_and_counts(bench):
    bench.phone.expose_counter()
    bench.phone.accelerator("google-edgetpu", factor=10.0)
    status, out, err = bench.run("classic", EDGETPU)
    assert status == 0, err
    assert "NNAPI accelerators available: [google-edgetpu,nnapi-reference]" in out
    assert "Explicitly applied NNAPI delegate, and the model graph will be completely" in out
    assert "Replacing 5 out of 5 node(s) with delegate (TfLiteNnapiDelegate)" in err
    misc = bench.result().misc_metrics
    counter = bench.phone.read("/sys/devices/platform/1a000000.rio/inference_count").split()
    assert sum(map(int, counter)) == misc.num_runs + misc.num_warmup_runs
    fast = bench.result().latency_metrics.min_ms
    bench.run("classic", f"--use_xnnpack=true --result_file_path={HERE}/r.pb")
    assert bench.result().latency_metrics.min_ms > 3 * fast


def test_what_is_counted_lasts_as_long_as_was_asked(bench):
    """However fast the accelerator and however slow the phone."""
    for factor, slowdown in ((40.0, 1.0), (1.0, 10.0)):
        bench.phone.accelerator("google-edgetpu", factor=factor)
        bench.phone.slowdown = slowdown
        bench.run("classic", EDGETPU, timing="--num_runs=5 --min_secs=0.3")
        result = bench.result()
        lasted = result.latency_metrics.avg_ms * result.misc_metrics.num_runs
        assert lasted > 0.6 * 300


def test_the_lie_of_nnapi(bench):
    bench.phone.expose_counter()
    bench.phone.accelerator("google-edgetpu", factor=1000.0, mode="lies")
    status, out, err = bench.run("classic", EDGETPU)
    assert status == 0
    assert "will be completely executed by the delegate" in out
    assert "Replacing 5 out of 5" in err
    assert bench.result().latency_metrics.min_ms > 0.01  # a thousandth would be nothing
    assert bench.phone.read("/sys/devices/platform/1a000000.rio/inference_count") == "0 0 0\n"


def test_a_float_graph_is_not_for_the_edge_tpu(bench):
    status, out, err = bench.run("classic", EDGETPU, graph="fp32")
    assert status == 0
    assert "Replacing 5 out of 5" in err  # seen on a Pixel 8: it says so all the same
    assert "the model graph will not be executed by the delegate" in out
    status, _, err = bench.run("classic", f"{EDGETPU} --require_full_delegation=true", graph="fp32")
    assert status == 1
    assert "ERROR: Disallowed CPU fallback detected.\nERROR: Benchmarking failed." in err


@pytest.mark.parametrize(
    ("mode", "status", "out_has", "err_has"),
    [
        ("partial", 0, "partially executed by the delegate w/ 2 delegate kernels.", "2 out of 5"),
        ("untouched", 0, "the model graph will not be executed by the delegate.", ""),
        ("refuses", 1, "NNAPI delegate created.", "ERROR: Failed to apply NNAPI delegate."),
        ("segfault", 139, "NNAPI delegate created.", ""),
        ("garbage", 0, "3.1 parsecs", ""),
        ("no-result-file", 0, "Inference timings in us", ""),
        ("missing-library", 1, "", "CANNOT LINK EXECUTABLE"),
        ("fails", 1, "count=", "ANEURALNETWORKS_MISSED_DEADLINE_TRANSIENT"),
    ],
)
def test_accelerators_in_a_bad_way(bench, mode, status, out_has, err_has):
    bench.phone.accelerator("google-edgetpu", factor=10.0, mode=mode)
    ended, out, err = bench.run("classic", EDGETPU)
    assert ended == status, err
    assert out_has in out
    assert err_has in err
    assert bench.phone.path(f"{HERE}/r.pb").exists() == (mode in ("partial", "untouched"))
    assert bench.phone.running_benchmarks == 0


def test_a_hanging_program_is_ended_by_timeout(bench):
    bench.phone.accelerator("google-edgetpu", mode="hang")
    done = bench.adb.shell(
        bench.phone, f"timeout -k 1 1 {HERE}/classic --graph={HERE}/int8.tflite {EDGETPU}; echo $?"
    )
    assert done.stdout.decode().endswith("\n124\n")
    assert bench.phone.running_benchmarks == 0


def test_a_phone_without_the_driver(bench):
    bench.phone.no_accelerator("google-edgetpu")
    status, _, err = bench.run("classic", EDGETPU)
    assert status == 1
    assert "Could not find the specified NNAPI accelerator: google-edgetpu." in err
    bench.phone.set(nnapi=False)
    status, out, _ = bench.run("classic", EDGETPU)
    assert status == 0  # on the CPU, with no more than a warning
    assert "WARN: NNAPI acceleration is unsupported on this platform." in out
    assert "delegate, and the model graph" not in out


def test_hexagon_wants_its_libraries(bench):
    flags = f"--use_hexagon=true --hexagon_lib_path={HERE}"
    bench.phone.accelerator("hexagon", factor=8.0)
    status, out, _ = bench.run("classic", flags)
    assert status == 0
    assert "WARN: Could not create Hexagon delegate" in out
    bench.phone.write(f"{HERE}/libhexagon_nn_skel_v66.so", "")
    bench.phone.write(f"{HERE}/libhexagon_interface.so", "")
    status, out, err = bench.run("classic", flags)
    assert "Explicitly applied Hexagon delegate, and the model graph will be completely" in out
    assert "(TfLiteHexagonDelegate)" in err


def test_an_external_delegate_that_cannot_be_loaded_dies_after_created(bench):
    flags = f"--external_delegate_path={HERE}/libQnnTFLiteDelegate.so"
    bench.phone.accelerator("external", factor=8.0)
    status, out, _ = bench.run("classic", flags)
    assert status == 139
    assert out.endswith("INFO: EXTERNAL delegate created.\n")
    bench.phone.write(f"{HERE}/libQnnTFLiteDelegate.so", "")
    status, out, _ = bench.run("classic", f"{flags} --external_delegate_options='a:b;c:d'")
    assert status == 0
    assert "External delegate options: [a:b;c:d]" in out
    assert "Explicitly applied EXTERNAL delegate" in out


def test_litert_on_the_npu(bench):
    npu = f"--use_npu=true --dispatch_library_path={HERE} --compiler_plugin_library_path={HERE}"
    full = f"{npu} --use_cpu=false --require_full_delegation=true"
    bench.phone.accelerator("npu", factor=15.0)
    status, _, err = bench.run("litert", npu)
    assert status == 0  # on the CPU
    assert "NPU accelerator could not be loaded and registered" in err
    status, _, err = bench.run("litert", full)
    assert status == 1
    assert "Failed to compile model." in err
    for name in ("libLiteRtDispatch_Qualcomm.so", "libLiteRtCompilerPlugin_Qualcomm.so"):
        bench.phone.write(f"{HERE}/{name}", "")
    status, _, err = bench.run("litert", full)
    assert status == 0, err
    assert "NPU accelerator registered." in err
    assert "Replacing 5 out of 5 node(s) with delegate (DispatchDelegate)" in err
    bench.phone.accelerator("npu", factor=15.0, mode="partial")
    assert bench.run("litert", full)[0] == 1
    assert bench.run("litert", npu)[0] == 0


def test_litert_on_the_gpu(bench):
    flags = "--use_gpu=true --gpu_backend=opengl"
    assert "(LITERT" not in bench.run("litert", flags)[2]  # no accelerator library: the CPU
    bench.phone.write(f"{HERE}/libLiteRtClGlAccelerator.so", "")
    status, _, err = bench.run("litert", flags)
    assert status == 0
    assert "Dynamically loaded GPU accelerator(libLiteRtClGlAccelerator.so) registered." in err
    assert "Replacing 5 out of 5 node(s) with delegate (LITERT_OPENGL)" in err


def test_litert_aborts_when_full_delegation_meets_the_cpu(bench):
    status, _, err = bench.run("litert", "--require_full_delegation=true")
    assert status == 134
    assert "full delegation and CPU acceleration are incompatible" in err


@pytest.mark.parametrize("flavour", ["classic", "litert"])
def test_help_unknown_flags_and_a_missing_graph(bench, flavour):
    done = bench.adb.shell(bench.phone, f"{HERE}/{flavour} --help")
    text = done.stderr.decode()
    assert done.returncode == 1
    assert f"ERROR: usage: {HERE}/{flavour} <flags>\nFlags:\n" in text
    assert ("--use_nnapi=false" in text) == (flavour == "classic")
    assert ("--use_npu=false" in text) == (flavour == "litert")
    status, out, _ = bench.run(flavour, "--no_such_flag=1 stray --num_threads=2")
    assert status == 0
    # A flag that is given twice is taken once, and the second left over.
    assert "WARN: Unconsumed cmdline flags: --no_such_flag=1 stray --num_threads=2\n" in out
    status, _, err = bench.run(flavour, "--use_gpu=perhaps")
    assert status == 1
    assert "Failed to parse flag 'use_gpu' against argv '--use_gpu=perhaps'" in err
    status, _, err = bench.run(flavour, "", graph="none")
    assert status == 1
    assert "Failed to load model" in err
    assert err.endswith("ERROR: Benchmarking failed.\n")


def test_a_dry_run_times_nothing(bench):
    status, out, _ = bench.run("classic", "--dry_run=true")
    assert status == 0
    assert "count=0 p5=0 median=0 p95=0" in out


def test_a_slowed_phone_is_slower_in_its_results(bench):
    flags = f"--use_xnnpack=true --result_file_path={HERE}/r.pb"
    bench.run("classic", flags)
    usual = bench.result().latency_metrics.min_ms
    bench.phone.slowdown = 20.0
    bench.run("classic", flags)
    assert bench.result().latency_metrics.min_ms > 5 * usual


def test_a_program_for_another_machine_does_not_start(bench, tmp_path):
    file = write_elf(tmp_path / "arm32")
    assert struct.unpack_from("<H", file.read_bytes(), 18) == (0x28,)
    bench.push(file)
    done = bench.adb.shell(bench.phone, f"{HERE}/arm32 --help")
    assert done.returncode in (1, 2, 126, 127)  # mksh ends with 1
    assert done.stderr

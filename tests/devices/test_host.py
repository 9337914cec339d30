"""The host runner beyond the contract: what it refuses, proves and keeps out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.devices import host_request, host_runtimes, open_runner
from mnv4bench.devices.host import HostRunner
from mnv4bench.devices.host_request import time_limit_s
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.inputs import seeded
from mnv4bench.devices.litert_cpu import LiteRtModel
from mnv4bench.devices.ort_cpu import OrtModel
from mnv4bench.errors import MissingExtra, NotMeasured, UsageError, WorkerFailed
from tests.devices.conftest import TIMING, artifact_of, host_profile
from tests.devices.tiny_models import write_onnx_text, write_tflite_sum


def session_for(file: Path, **changes: object) -> HostSession:
    profile = host_profile("litert" if file.suffix == ".tflite" else "onnxruntime", **changes)
    return HostRunner(profile).install(file, artifact_of(file))


def invoke(file: Path, **changes: object):
    return session_for(file, **changes).invoke(TIMING, round=0, position=0)


def test_the_house_opens_it() -> None:
    assert isinstance(open_runner(host_profile("litert")), HostRunner)


@pytest.mark.parametrize(
    ("name", "verdict", "operators", "on_unit", "signals"),
    [
        ("tflite", "full", 3, 3, ["delegate nodes", "runtime log"]),
        ("odd.tflite", "partial", 4, 3, ["delegate nodes", "runtime log"]),
        ("only-odd.tflite", "none", 1, 0, ["delegate nodes", "runtime log"]),
        ("onnx", "full", 5, 5, ["session providers", "node assignment"]),
    ],
)
def test_real_placements(files, name, verdict, operators, on_unit, signals) -> None:
    _, placement = invoke(files[name])
    assert placement.verdict == verdict
    assert (placement.operators, placement.on_unit) == (operators, on_unit)
    assert [signal.name for signal in placement.signals] == signals


def test_the_operator_that_xnnpack_leaves_is_named(files) -> None:
    _, placement = invoke(files["odd.tflite"])
    assert "left to the built-in kernels: CUMSUM x1" in placement.signals[0].evidence


def test_the_runtime_s_own_line_is_the_second_signal(files) -> None:
    _, placement = invoke(files["tflite"])
    assert "Created TensorFlow Lite XNNPACK delegate" in placement.signals[1].evidence


def test_an_open_batch_is_one(files) -> None:
    samples, _ = invoke(files["open-batch.onnx"])
    assert len(samples.latencies_s) >= TIMING.min_count


SHAPES = {
    "open.onnx": {"image": (1, 3, 32, 32)},
    "text.onnx": {"ids": (1, 6), "segments": (1, 6), "mask": (1, 6), "scale": (1,)},
    "sum.tflite": {"left": (1, 5, 8), "right": (1, 5, 8)},
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_open_sizes_come_from_the_artifact_or_are_refused(files, name: str) -> None:
    with pytest.raises(WorkerFailed, match=r"is (\? x )+.* with nothing chosen for it"):
        invoke(files[name])
    profile = host_profile("litert" if name.endswith("tflite") else "onnxruntime")
    known = artifact_of(files[name], input_shapes=SHAPES[name])
    samples, _ = HostRunner(profile).install(files[name], known).invoke(TIMING, round=0, position=0)
    assert samples.latencies_s


@pytest.mark.parametrize("name", SHAPES)
def test_the_runtime_takes_the_chosen_shapes(files, name: str) -> None:
    opened = LiteRtModel if name.endswith("tflite") else OrtModel
    model = opened(files[name], threads=1, shapes=SHAPES[name])
    assert {one.name: one.shape for one in model.inputs()} == SHAPES[name]
    buffer = [seeded(one, seed=0, buffer=0) for one in model.inputs()]
    ((fill, infer),) = model.turns([buffer])
    fill()
    infer()


def test_a_data_file_that_changes_is_noticed(files, tmp_path) -> None:
    data = tmp_path / "weights.bin"
    data.write_bytes(b"1")
    model = tmp_path / "m.onnx"
    model.write_bytes(files["onnx"].read_bytes())
    known = artifact_of(model, data_files=("weights.bin",))
    session = HostRunner(host_profile("onnxruntime")).install(model, known)
    data.write_bytes(b"22")
    with pytest.raises(NotMeasured, match=r"weights\.bin changed"):
        session.invoke(TIMING, round=0, position=0)


@pytest.mark.parametrize("domain", ["com.example", "ai.onnx.ml"])
def test_an_unknown_operator_is_named_by_the_runtime(domain: str, tmp_path) -> None:
    file = write_onnx_text(tmp_path / "m.onnx", operator="NoSuchThing", domain=domain)
    with pytest.raises(WorkerFailed, match=r"could not load m\.onnx.*NoSuchThing"):
        invoke(file)


@pytest.mark.parametrize("name", ["NoSuchThing", "FlexErf"])
def test_an_operator_that_litert_lacks_is_named(name: str, tmp_path) -> None:
    file = write_tflite_sum(tmp_path / "m.tflite", custom=name)
    shapes = {"left": (1, 5, 8), "right": (1, 5, 8)}
    session = HostRunner(host_profile("litert")).install(
        file, artifact_of(file, input_shapes=shapes)
    )
    with pytest.raises(WorkerFailed, match=name):
        session.invoke(TIMING, round=0, position=0)


def test_threads_reach_the_runtime(files) -> None:
    for name in ("tflite", "onnx"):
        samples, _ = invoke(files[name], threads=2)
        assert samples.latencies_s


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_a_missing_runtime_is_said_with_the_install_line(monkeypatch, files, runtime) -> None:
    absent = replace_runtime(host_runtimes.by_name(runtime), "no_such_package_at_all")
    monkeypatch.setattr(host_runtimes, "by_name", lambda name: absent)
    runner = HostRunner(host_profile(runtime))
    status, detail = runner.availability()
    assert status == "unusable"
    assert "pip install 'mnv4bench[run]'" in detail
    file = files["tflite" if runtime == "litert" else "onnx"]
    with pytest.raises(MissingExtra) as caught:
        runner.install(file, artifact_of(file))
    assert "mnv4bench[run]" in caught.value.next_step


def replace_runtime(runtime: host_runtimes.Runtime, module: str) -> host_runtimes.Runtime:
    return host_runtimes.Runtime(runtime.title, module, (module,), runtime.format)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"accelerator": "npu"}, NotMeasured),
        ({"runtime": "onnxruntime", "format": "onnx", "accelerator": "gpu"}, NotMeasured),
        ({"runtime": "torch", "format": "pt2", "accelerator": "gpu"}, NotMeasured),
        ({"runtime": "coreml", "format": "coreml"}, NotMeasured),
        ({"format": "onnx"}, UsageError),
    ],
)
def test_profiles_that_it_cannot_drive(changes, error) -> None:
    with pytest.raises(error):
        HostRunner(host_profile(**{"runtime": "litert", **changes}))


def test_the_refusal_of_a_format_names_the_device_that_takes_it(files) -> None:
    with pytest.raises(UsageError) as caught:
        HostRunner(host_profile("litert")).install(files["onnx"], artifact_of(files["onnx"]))
    assert "--device host-ort-cpu" in caught.value.next_step


def test_a_failure_carries_command_status_and_streams(tmp_path: Path) -> None:
    file = tmp_path / "it's garbage.tflite"
    file.write_bytes(b"garbage" * 100)
    with pytest.raises(WorkerFailed) as caught:
        invoke(file)
    error = caught.value
    assert error.what == (
        "LiteRT could not load it's garbage.tflite: The model is not a valid Flatbuffer buffer"
    )
    assert error.status == 1
    assert "Traceback" in error.stderr  # the whole story is kept, beside the sentence
    assert "Traceback" not in str(error)
    by_hand = error.next_step.removeprefix("repeat it by hand: ")
    again = subprocess.run(["sh", "-c", by_hand], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "not a valid Flatbuffer" in again.stdout


def test_nothing_in_the_current_folder_is_imported(files, tmp_path: Path, monkeypatch) -> None:
    for name in ("numpy", "msgspec", "onnxruntime", "statistics", "mnv4bench"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    samples, _ = invoke(files["onnx"])
    assert samples.latencies_s


def test_the_worker_is_of_the_parent_s_own_package(files, tmp_path: Path, monkeypatch) -> None:
    other = tmp_path / "mnv4bench"
    other.mkdir()
    (other / "__init__.py").write_text("raise SystemExit('another mnv4bench')")
    inherited = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), inherited])))
    samples, _ = invoke(files["onnx"])
    assert samples.latencies_s


def test_native_chatter_does_not_disturb_the_answer(files, tmp_path: Path, monkeypatch) -> None:
    """Descriptor 1 is written on before the worker starts, and at exit as a destructor might."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os\n"
        "os.write(1, b'chatter without an end of line')\n"
        "atexit.register(os.write, 1, b'native chatter\\n')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    samples, _ = invoke(files["onnx"])
    assert samples.latencies_s


def test_an_answer_that_is_none_is_a_failure(files, tmp_path: Path, monkeypatch) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text("import sys\nsys.stdin.read()\n")
    monkeypatch.setattr(host_request, "START_WORKER", silent)
    with pytest.raises(WorkerFailed, match="answered nonsense"):
        invoke(files["onnx"])


def test_impossible_times_in_an_answer_are_a_failure(files, tmp_path: Path, monkeypatch) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(
        "import sys\nsys.stdin.read()\n"
        'print(\'{"type":"measured","placement":{"verdict":"full","unit":"cpu"},'
        '"samples":{"round":0,"position":0,"started_at":"x","latencies_s":[0.001,-0.5],'
        '"noise":{"wall_s":1}}}\', end="")\n'
    )
    monkeypatch.setattr(host_request, "START_WORKER", liar)
    with pytest.raises(WorkerFailed, match="latencies_s"):
        invoke(files["onnx"])


def test_the_time_limit_leaves_room_for_both_caps() -> None:
    long = replace(TIMING, warmup_cap_s=100, max_duration_s=1000)
    assert time_limit_s(long) > 1100
    assert time_limit_s(TIMING) > TIMING.warmup_cap_s + TIMING.max_duration_s


def test_the_worker_never_sees_torch(files) -> None:
    code = (
        "import sys; import mnv4bench.devices.host_worker; "
        "heavy = {'torch', 'numpy', 'psutil', 'onnxruntime', 'rich'}; print(heavy & {*sys.modules})"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert ran.stdout.strip() == "set()"


def test_the_room_opens_where_unix_facts_are_missing() -> None:
    """Windows has no ``resource``: the measuring process does without."""
    code = (
        "import sys; sys.modules['resource'] = None\n"
        "import mnv4bench.devices.host_worker\n"
        "from mnv4bench.devices import noise; print(noise.read().involuntary_switches)"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert ran.stdout.strip() == "None"


@pytest.mark.skipif((os.cpu_count() or 99) > 32, reason="would start more than 64 busy loops")
def test_a_crowded_machine_taints(files) -> None:
    crowd = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        session = session_for(files["tflite"])
        timing = replace(TIMING, min_duration_s=0.3)
        samples, _ = session.invoke(timing, round=0, position=0)
    finally:
        for process in crowd:
            process.kill()
            process.wait()
    assert any("waited for a processor" in reason for reason in samples.tainted)

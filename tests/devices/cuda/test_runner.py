"""CUDA GPUs on a double: what is missing is a sentence, what is wrong is refused, what is kept."""

import sys
from pathlib import Path

import msgspec
import pytest
import torch
from msgspec.structs import replace

from mnv4bench import profiles
from mnv4bench.devices import open_runner
from mnv4bench.devices.cuda import runner as cuda_runner
from mnv4bench.devices.cuda.ask import Told
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.errors import DeviceLost, NotMeasured, UsageError, WorkerFailed
from mnv4bench.records import Artifact
from tests.cuda.double import QUIET, UUID, Driver, cuda_double, cuda_profile
from tests.devices.conftest import TIMING, artifact_of, files
from tests.devices.tiny_models import write_program

__all__ = ["cuda_double", "files"]  # fixtures

GRAPH = cuda_profile(mode="graph")


@pytest.fixture
def program(files) -> Path:
    return files["pt2"]


@pytest.fixture
def artifact(program: Path) -> Artifact:
    return artifact_of(program)


def invoke(program: Path, profile=GRAPH, timing=TIMING):
    session = open_runner(profile).install(program, artifact_of(program))
    return session.invoke(timing, round=0, position=0)


# --- nothing there ----------------------------------------------------------------------------


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cuda_runner._asked.cache_clear()


@pytest.mark.parametrize("device", ["cuda-eager", "cuda-graph", "cuda-graph-fp16", "cuda-compile"])
def test_without_a_driver_the_device_is_absent(no_driver: None, device: str) -> None:
    status, why = open_runner(profiles.load(device)).availability()
    assert status == "absent"
    assert why == (
        "nvidia-smi, which comes with NVIDIA's driver, is not installed: install NVIDIA's driver, "
        "or measure on a machine with an NVIDIA GPU"
    )


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built for CUDA")
def test_a_torch_without_cuda_is_a_sentence(cuda_double: Driver, monkeypatch) -> None:
    """The genuine module, on the genuine torch of this environment."""
    monkeypatch.setenv("PYTHONPATH", "")
    status, why = open_runner(GRAPH).availability()
    assert status == "unusable"
    assert why.startswith(f"this torch is built without CUDA: {torch.__version__} is for process")
    with pytest.raises(NotMeasured, match="built without CUDA") as caught:
        open_runner(GRAPH).environment()
    assert "pytorch.org" in caught.value.next_step
    failed = [one for one in open_runner(GRAPH).checks() if one.status == "failed"]
    assert [one.name for one in failed] == ["torch"]


def test_a_torch_that_sees_no_gpu_says_why(cuda_double: Driver, monkeypatch) -> None:
    monkeypatch.setenv("MNV4BENCH_TEST_GPU", "no gpu")
    status, why = open_runner(GRAPH).availability()
    assert status == "unusable"
    assert "No CUDA GPUs are available" in why


def test_a_torch_that_crashes_is_a_sentence(cuda_double: Driver, monkeypatch) -> None:
    monkeypatch.setattr(
        cuda_runner.host_request, "worker_command", lambda: (sys.executable, "-c", "{}[")
    )
    assert "torch named no GPU" in open_runner(GRAPH).availability()[1]


# --- what is kept -----------------------------------------------------------------------------


def test_the_environment_names_gpu_driver_and_libraries(cuda_double: Driver) -> None:
    found = open_runner(GRAPH).environment()
    assert found.gpu == "NVIDIA H100 80GB HBM3"
    assert found.gpu_driver == "580.95.05"
    assert found.gpu_libraries == "CUDA 12.8, cuDNN 91002"
    assert found.gpu_is_software is False
    assert found.runtime_version == torch.__version__
    assert found.unit
    assert UUID not in str(msgspec.to_builtins(found))  # a digest alone


def test_the_gpus_own_time_stands_beside_each_latency(cuda_double: Driver, program: Path) -> None:
    samples, _ = invoke(program)
    assert len(samples.device_s) == len(samples.latencies_s)
    pairs = zip(samples.device_s, samples.latencies_s, strict=True)
    assert all(device <= whole for device, whole in pairs)
    assert samples.peak_memory_bytes == 12_345_678
    assert samples.gpu_before
    assert samples.gpu_after
    assert samples.gpu_after.clock_hz == 1.98e9
    # Waiting for a GPU is no sign of a busy processor.
    assert not any(reason.startswith("waited for") for reason in samples.tainted)


def test_a_gpu_that_is_held_back_or_shared_taints(cuda_double: Driver, program: Path) -> None:
    cuda_double.says(QUIET.replace("0x0000000000000000", "0x0000000000000040"))
    cuda_double.runs("99001, python3\n99002, train\n")
    samples, _ = invoke(program)
    assert "the GPU's clocks were held back: hardware thermal slowdown" in samples.tainted
    assert any("other programs were on the GPU" in reason for reason in samples.tainted)
    found = {one.name: one for one in open_runner(GRAPH).checks()}
    assert found["GPU"].status == "warning"
    assert found["GPU"].fix


def test_a_driver_that_says_nothing_meanwhile_is_no_reason(cuda_double, program) -> None:
    runner = open_runner(GRAPH)
    session = runner.install(program, artifact_of(program))
    cuda_double.says("No devices were found", status=6)
    samples, _ = session.invoke(TIMING, round=0, position=0)
    assert samples.gpu_before is None
    assert not any("GPU" in reason for reason in samples.tainted)
    assert runner.state().gpu is None


@pytest.mark.parametrize("arithmetic", ["fp32", "tf32", "fp16", "bf16"])
def test_every_arithmetic_is_run_and_held_to_its_tolerance(
    cuda_double: Driver, program: Path, arithmetic: str
) -> None:
    profile = cuda_profile(mode="eager", arithmetic=arithmetic, channels_last=True)
    _, placement = invoke(program, profile, replace(TIMING, min_count=5, min_duration_s=0.0))
    assert placement.verdict == "full"
    assert placement.unit == f"gpu (eager, {arithmetic})"
    assert placement.operators == placement.on_unit == 7
    assert {one.name for one in placement.signals} == {"operators", "outputs", "GPU clock"}


def test_an_open_batch_is_one(cuda_double: Driver, tmp_path: Path) -> None:
    program = write_program(tmp_path / "open.pt2", opened=True)
    _, placement = invoke(program)
    assert placement.verdict == "full"


def test_whole_numbers_stay_whole_numbers(cuda_double: Driver, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Embedding(2, 8), torch.nn.Flatten()).eval()
    program = tmp_path / "table.pt2"
    torch.export.save(torch.export.export(net, (torch.zeros(1, 4, dtype=torch.int64),)), program)
    _, placement = invoke(program)
    assert placement.verdict == "full"


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence", "next_step"),
    [
        ("out of memory", r"PyTorch could not load tiny\.pt2: CUDA out of memory", "free the GPU"),
        ("busy", r"CUDA-capable device\(s\) is/are busy", "has the GPU to itself"),
        ("waits for the GPU", r"not permitted when stream is capturing", "repeat it by hand"),
        ("wrong answers", r"could not run tiny\.pt2: its outputs on the GPU in fp32 are wrong", ""),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    cuda_double: Driver, monkeypatch, program: Path, wrong: str, sentence: str, next_step: str
) -> None:
    monkeypatch.setenv("MNV4BENCH_TEST_GPU", wrong)
    with pytest.raises(WorkerFailed, match=sentence) as caught:
        invoke(program)
    assert next_step in caught.value.next_step
    assert len(caught.value.what.splitlines()) == 1


def test_a_gpu_that_went_away_ends_the_run(cuda_double, monkeypatch, program: Path) -> None:
    monkeypatch.setenv("MNV4BENCH_TEST_GPU", "out of memory")
    cuda_double.says("Unable to determine the device handle for GPU0: Unknown Error", status=255)
    with pytest.raises(DeviceLost, match=r"the GPU went away: .*Unable to determine") as caught:
        invoke(program)
    assert "--resume" in caught.value.next_step


@pytest.mark.parametrize(
    "changes",
    [
        {"cuda": None},
        {"runtime": "litert"},
        {"format": "onnx"},
        {"precision": "fp16"},
        {"accelerator": "cpu"},
    ],
)
def test_a_profile_whose_parts_do_not_go_together_is_refused(changes: dict) -> None:
    with pytest.raises(UsageError, match=r"needs a \[cuda\] table"):
        open_runner(replace(GRAPH, **changes))


def test_the_two_answers_of_the_asked_process_are_told_apart() -> None:
    told = Told(name="x", uuid="", torch="2", cuda="12", cudnn="9")
    refused = Refused(stage="load", reason="no")
    for answer in (told, refused):
        again = msgspec.json.decode(msgspec.json.encode(answer), type=Told | Refused)
        assert again == answer

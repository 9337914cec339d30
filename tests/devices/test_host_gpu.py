"""LiteRT on this machine's GPU, or on what plays one: proofs, refusals, and whole times."""

import os
import sys
from pathlib import Path
from statistics import median

import pytest

from mnv4bench import gpu_delegate
from mnv4bench.agreement import Difference
from mnv4bench.devices import gpu_adapter, open_runner, process
from mnv4bench.devices.inputs import seeded
from mnv4bench.devices.litert_gpu import LiteRtGpuModel, gpu_placement
from mnv4bench.devices.placement import with_gpu_log
from mnv4bench.devices.timed_loop import timed
from mnv4bench.errors import NotMeasured, WorkerFailed
from mnv4bench.gpu_delegate import Adapter
from tests.devices.conftest import TIMING, artifact_of, host_profile
from tests.devices.tiny_models import write_tflite, write_tflite_sum
from tests.vulkan import needs_vulkan

GPU = host_profile("litert", device="host-gpu", accelerator="gpu")
CAPTURES = Path(__file__).parents[1] / "captures/ai-edge-litert-2.3.0"
NO_DRIVER = (CAPTURES / "gpu-no-driver.log").read_text()
FASTVIT = (CAPTURES / "gpu-fastvit-sa12.log").read_text()
RIGHT = Difference(max_abs_error=1e-6, largest=1.0, cosine=1.0, kernels=1e-7)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))


# --- what is proven ---------------------------------------------------------------------------


def test_answers_of_the_processor_and_a_whole_graph_are_full() -> None:
    placement = gpu_placement(RIGHT, whole=True, operators=7)
    assert placement.verdict == "full"
    assert (placement.operators, placement.on_unit) == (7, 7)
    assert "1e-06 from the processor's" in placement.signals[1].evidence


def test_wrong_answers_are_refused_whatever_the_runtime_says() -> None:
    with pytest.raises(ValueError, match=r"0\.3 from the processor's, of at most 1 .*mean nothing"):
        gpu_placement(Difference(0.3, 1.0, 0.9, 1e-7), whole=True, operators=7)


def test_a_file_that_cannot_tell_proves_nothing() -> None:
    placement = gpu_placement(Difference(0.3, 1.0, 0.9, 0.2), whole=True, operators=7)
    assert placement.verdict == "unproven"
    assert "kernels are as far apart" in placement.signals[1].evidence


@pytest.mark.parametrize("whole", [False, None])
def test_a_graph_that_is_not_whole_proves_nothing(whole: bool | None) -> None:
    placement = gpu_placement(RIGHT, whole=whole, operators=7)
    assert placement.verdict == "unproven"
    assert placement.on_unit is None


def test_the_log_says_which_adapter_it_was() -> None:
    placement = gpu_placement(RIGHT, whole=True, operators=7)
    told = with_gpu_log(placement, FASTVIT)
    assert told.verdict == "full"
    assert told.unit == "gpu (WebGPU on SwiftShader Device (Subzero))"
    untold = with_gpu_log(placement, "")
    assert untold.verdict == "unproven"
    assert untold.signals[-1].says == "unproven"


@pytest.mark.parametrize(
    ("name", "kind", "software"),
    [
        ("SwiftShader Device (Subzero)", "CPU / Software", True),
        ("llvmpipe (LLVM 19.1.7, 256 bits)", "Unknown", True),
        ("Microsoft Basic Render Driver", "Unknown", True),
        ("NVIDIA GeForce RTX 4070", "DiscreteGPU", False),
        ("Intel(R) Iris(R) Xe Graphics (TGL GT2)", "IntegratedGPU", False),
    ],
)
def test_what_the_processor_plays_is_told_from_hardware(
    name: str, kind: str, software: bool
) -> None:
    assert Adapter(name, kind).is_software is software


# --- bad luck ---------------------------------------------------------------------------------


def test_no_driver_is_a_sentence_and_no_environment(no_driver: None) -> None:
    runner = open_runner(GPU)
    status, why = runner.availability()
    assert status == "unusable"
    assert why.startswith("no Vulkan driver was found")
    with pytest.raises(NotMeasured, match="no Vulkan driver") as caught:
        runner.environment()
    assert "apt install" in caught.value.next_step
    [failed] = [check for check in runner.checks() if check.status == "failed"]
    assert failed.fix


def test_a_driver_that_goes_away_is_a_sentence(no_driver: None, tmp_path: Path) -> None:
    file = write_tflite(tmp_path / "net.tflite")
    session = open_runner(GPU).install(file, artifact_of(file))
    with pytest.raises(WorkerFailed, match=r"could not load net\.tflite: no Vulkan driver"):
        session.invoke(TIMING, round=0, position=0)


def test_a_driver_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_adapter, "LIMIT_S", 0.2)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    asked = gpu_adapter.ask((str(slow),), dict(os.environ))
    assert asked.adapter is None
    assert "was stopped" in asked.why
    assert asked.fix


def test_an_accelerator_that_crashes_is_a_sentence(tmp_path: Path) -> None:
    crashing = tmp_path / "crashing"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    asked = gpu_adapter.ask((str(crashing),), dict(os.environ))
    assert "was killed by SIGSEGV" in asked.why


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (NO_DRIVER, "no Vulkan driver was found, so LiteRT has no GPU"),
        (FASTVIT, "RESHAPE: Tensor dimensions must be less than 5. (8 times); SLICE: "),
        ("ERROR: [gpu.cc:1] out of device memory\n", "[gpu.cc:1] out of device memory"),
        ("", ""),
    ],
)
def test_why_a_file_was_not_compiled_is_one_line(log: str, said: str) -> None:
    assert gpu_adapter.why(log).startswith(said)
    assert "\n" not in gpu_adapter.why(log)


@needs_vulkan
def test_an_operator_that_no_gpu_has_is_refused_by_name(tmp_path: Path) -> None:
    file = write_tflite_sum(tmp_path / "foo.tflite", custom="Foo")
    shapes = {"left": (1, 4, 8), "right": (1, 4, 8)}
    session = open_runner(GPU).install(file, artifact_of(file))
    with pytest.raises(WorkerFailed, match=r"could not load foo\.tflite: .*Foo"):
        session.invoke(TIMING, round=0, position=0)
    session = open_runner(GPU).install(file, artifact_of(file, input_shapes=shapes))
    with pytest.raises(WorkerFailed, match=r"could not load foo\.tflite: it leaves sizes open"):
        session.invoke(TIMING, round=0, position=0)


# --- the genuine accelerator ------------------------------------------------------------------


@needs_vulkan
def test_the_adapter_is_in_the_environment() -> None:
    runner = open_runner(GPU)
    environment = runner.environment()
    assert environment.gpu
    assert "SwiftShader" in environment.gpu
    assert environment.gpu_is_software is True
    assert "marked emulated" in runner.availability()[1]


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory):
    """An opened net, its turns, and the file."""
    if needs_vulkan.args[0]:
        pytest.skip(needs_vulkan.kwargs["reason"])
    file = write_tflite(tmp_path_factory.mktemp("gpu") / "wide.tflite", channels=64)
    with pytest.MonkeyPatch.context() as patch:  # the model names a driver in this process
        patch.setenv("VK_ADD_DRIVER_FILES", "")
        model = LiteRtGpuModel(file, threads=1, shapes={})
        buffers = [[seeded(one, seed=0, buffer=n) for one in model.inputs()] for n in range(3)]
        yield model, model.turns(buffers)


def test_a_time_is_that_of_the_work_and_not_of_queueing_it(turned) -> None:
    model, turns = turned
    run = (lambda: None, lambda: model._model.run_by_index(0, model._inputs, model._outputs))
    limits = {"min_count": 5, "min_duration_s": 0.0, "max_duration_s": 60.0}
    whole, _ = timed(turns, **limits)
    queued = []
    for _ in range(5):
        (one,), _ = timed([run], min_count=1, min_duration_s=0.0, max_duration_s=60.0)
        queued.append(one)
        model._outputs[0].read(10, "float32")  # the queue is empty again
    assert median(whole) > 3 * median(queued)


def test_every_buffer_has_answers_of_its_own(turned) -> None:
    model, turns = turned
    seen = []
    for fill, infer in turns:
        fill()
        infer()
        seen.append(model._answered[0].copy())
        assert model.placement().verdict == "full"
    assert not (seen[0] == seen[1]).all()


def test_answers_of_another_input_are_refused(turned) -> None:
    """As those would be that are read before the work is done."""
    model, turns = turned
    turns[0][0]()
    turns[0][1]()
    turns[1][0]()  # the inputs are the next ones, the answers still the first ones'
    with pytest.raises(ValueError, match="its outputs on the GPU are wrong"):
        model.placement()


def test_the_file_that_is_asked_about_is_a_whole_one(tmp_path: Path) -> None:
    """So that a refusal is never the question's own fault."""
    import zlib

    from ai_edge_litert.interpreter import Interpreter

    from mnv4bench.devices.gpu_probe import ONE_OPERATOR

    file = tmp_path / "relu.tflite"
    file.write_bytes(zlib.decompress(ONE_OPERATOR))
    Interpreter(str(file)).allocate_tensors()


def test_by_hand_it_says_the_same(no_driver: None) -> None:
    """What the next step of a failed question names can be pasted."""
    command = [sys.executable, "-P", str(Path(gpu_adapter.__file__).with_name("start_worker.py"))]
    ended = process.run((*command, "gpu_probe"), timeout_s=60, environment=dict(os.environ))
    assert ended.status == 1
    assert gpu_delegate.has_no_adapter(ended.stderr)

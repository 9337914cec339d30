"""What every device runner keeps, whatever it drives. A new runner is one more ``Case``."""

import shlex
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import psutil
import pytest
from msgspec.structs import replace

from mnv4bench.devices import Options, Runner, open_runner
from mnv4bench.devices.android import attached
from mnv4bench.devices.holding import hold
from mnv4bench.errors import BenchError, NotMeasured, UsageError, WorkerFailed
from mnv4bench.records import (
    Artifact,
    BenchmarkTool,
    DeviceProfile,
    DeviceState,
    Environment,
    Operators,
    Paired,
    Placement,
    Samples,
)
from tests.apple import desk as apple
from tests.apple.desk import desk
from tests.cuda.double import cuda_double, cuda_profile
from tests.devices.conftest import (
    TIMING,
    apple_profile,
    artifact_of,
    board_profile,
    files,
    host_profile,
    phone_profile,
)
from tests.phone import handsets, programs
from tests.vulkan import needs_vulkan

__all__ = ["cuda_double", "desk", "files"]  # fixtures of other rooms


@dataclass(frozen=True)
class Case:
    """One runner under the contract."""

    profile: DeviceProfile
    file: str  # which of the tiny files it takes
    slower: str  # another one, with several times the work
    alien: str  # which it must refuse
    processes: Callable[[], set[int]]  # ids of measuring processes that live now
    flavour: BenchmarkTool | None = None  # of a phone's or board's benchmark program
    cuda: bool = False  # on the double of an NVIDIA GPU
    averaged: bool = False  # an invocation tells one mean of its inferences
    sides: bool = True  # it can time two files side by side


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


HOST_GPU = Case(
    host_profile("litert", device="host-gpu", accelerator="gpu"),
    "tflite",
    "wide.tflite",
    "onnx",
    children,
)
CASES = [
    Case(host_profile("litert"), "tflite", "wide.tflite", "onnx", children),
    Case(host_profile("onnxruntime"), "onnx", "wide.onnx", "tflite", children),
    Case(
        phone_profile("classic"),
        "tflite",
        "wide.tflite",
        "onnx",
        children,
        "classic",
        averaged=True,
    ),
    Case(
        phone_profile("litert"), "tflite", "wide.tflite", "onnx", children, "litert", averaged=True
    ),
    Case(board_profile(), "tflite", "wide.tflite", "onnx", children),
    Case(board_profile(runtime="onnxruntime"), "onnx", "wide.onnx", "tflite", children),
    Case(
        board_profile("litert"), "tflite", "wide.tflite", "onnx", children, "litert", averaged=True
    ),
    pytest.param(HOST_GPU, marks=needs_vulkan),
    Case(
        cuda_profile(mode="graph", arithmetic="bf16", channels_last=True),
        "pt2",
        "wide.pt2",
        "tflite",
        children,
        cuda=True,
    ),
    Case(apple_profile("ane"), "mlpackage", "wide.mlpackage", "tflite", children),
    # Its processor, which needs no second witness.
    Case(
        apple_profile("cpu", "iphone"), "mlpackage", "wide.mlpackage", "onnx", children, sides=False
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: case.profile.device)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def runner(case: Case, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runner]:
    options = Options()
    if case.profile.runner == "ssh":
        request.getfixturevalue("ssh_board")
    elif case.flavour:
        request.getfixturevalue("genuine_adb").plug(handsets.pixel8(tmp_path / "phone"))
        attached.forget()
    if case.flavour:
        program = programs.write_program(tmp_path / "program", case.flavour)
        options = Options(benchmark_model=program)
    if case.cuda:
        request.getfixturevalue("cuda_double")
    if case.profile.apple:
        played = request.getfixturevalue("desk")
        if case.profile.apple.kind != "mac":
            played.plug(apple.phone())
            request.getfixturevalue("monkeypatch").setenv("CORE_ML_PHONE", "1")
    runner = open_runner(case.profile, options)
    with runner.held():
        yield runner


@pytest.fixture
def file(case: Case, files) -> Path:
    return files[case.file]


@pytest.fixture
def artifact(file: Path) -> Artifact:
    return artifact_of(file)


def again(value: msgspec.Struct) -> object:
    """``value`` through JSON, validated against its own declaration."""
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


def test_availability_is_a_word_and_a_sentence(runner: Runner) -> None:
    status, detail = runner.availability()
    assert status == "ready"
    assert detail


def test_the_environment_is_valid_and_stable(runner: Runner) -> None:
    environment = runner.environment()
    assert isinstance(environment, Environment)
    assert again(environment) == environment
    assert runner.environment() == environment
    assert environment.runtime_name
    assert environment.runtime_version
    assert environment.os_name


def test_the_state_is_valid(runner: Runner) -> None:
    state = runner.state()
    assert isinstance(state, DeviceState)
    assert again(state) == state


def count(samples: Samples) -> int:
    return len(samples.latencies_s) * samples.inferences_per_value


def duration_s(samples: Samples) -> float:
    return sum(samples.latencies_s) * samples.inferences_per_value


def test_an_invocation_reaches_count_and_duration(case, runner, file, artifact) -> None:
    timing = replace(TIMING, min_count=25, min_duration_s=0.05)
    samples, placement = runner.install(file, artifact).invoke(timing, round=3, position=2)
    assert isinstance(samples, Samples)
    assert again(samples) == samples
    assert (samples.round, samples.position) == (3, 2)
    assert not samples.capped
    assert count(samples) >= 25
    # A benchmark program's clock runs between inferences as well, its mean does not.
    assert duration_s(samples) >= (0.02 if case.averaged else 0.05)
    assert samples.noise.wall_s >= duration_s(samples)
    assert all(latency > 0 for latency in samples.latencies_s)
    assert samples.warmup_s
    assert samples.first_inference_s
    assert samples.load_s
    if case.averaged:
        assert len(samples.latencies_s) == 1
        assert samples.warmup_inferences
        assert samples.spread
    else:
        assert samples.warmup_s[0] == samples.first_inference_s
        assert samples.warmup_steady is not None
        assert samples.loop_overhead_s
        # Nobody says it of the app on an iPhone; the process here is none that measures.
        there = case.profile.apple is not None and case.profile.apple.kind != "mac"
        peak_bytes = samples.peak_memory_bytes
        assert (peak_bytes is None) if there else (peak_bytes > file.stat().st_size)
    assert isinstance(placement, Placement)
    assert again(placement) == placement


def test_both_minima_hold_whichever_is_reached_last(case, runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    by_count = replace(TIMING, min_count=400, min_duration_s=0.0)
    samples, _ = session.invoke(by_count, round=0, position=0)
    assert count(samples) == 400
    by_duration = replace(TIMING, min_count=1, min_duration_s=0.1)
    samples, _ = session.invoke(by_duration, round=0, position=0)
    assert duration_s(samples) >= (0.04 if case.averaged else 0.1)
    if not case.averaged:
        assert sum(samples.latencies_s[:-1]) < 0.1  # not one inference too many


def test_a_cap_that_bites_is_said(runner, file, artifact) -> None:
    timing = replace(TIMING, min_count=10**9, max_duration_s=0.05)
    samples, _ = runner.install(file, artifact).invoke(timing, round=0, position=0)
    assert samples.capped
    assert any("time limit" in reason for reason in samples.tainted)


def test_a_warm_up_without_agreement_stops_and_is_said(case, runner, file, artifact) -> None:
    no_window_fits = replace(TIMING, warmup_window_s=10, warmup_cap_s=0.05)
    samples, _ = runner.install(file, artifact).invoke(no_window_fits, round=0, position=0)
    if case.averaged:  # it warms up for a time and cannot tell
        assert samples.warmup_steady is None
    else:
        assert samples.warmup_steady is False
        assert any("steady" in reason for reason in samples.tainted)
    assert samples.latencies_s


def test_placement_is_told_with_its_signals(case, runner, file, artifact) -> None:
    _, placement = runner.install(file, artifact).invoke(TIMING, round=0, position=0)
    assert placement.verdict == "full"
    assert placement.on_unit == placement.operators
    assert len(placement.signals) >= (1 if case.averaged else 2)
    assert all(signal.evidence for signal in placement.signals)


def test_every_invocation_is_its_own_process(case, runner, file, artifact) -> None:
    before = case.processes()
    session = runner.install(file, artifact)
    timing = replace(TIMING, min_duration_s=0.3)
    seen = []
    for _ in range(2):
        with Witness(case.processes) as witness:
            session.invoke(timing, round=0, position=0)
        seen.append(witness.seen - before)
        assert case.processes() <= before, "a measuring process outlived its invocation"
    assert seen[0]
    assert seen[1]
    assert not seen[0] & seen[1]


@pytest.mark.parametrize("base_first", [True, False])
def test_two_files_are_timed_side_by_side(case, runner, files, artifact, base_first) -> None:
    base, head = files[case.file], files[case.slower]
    timing = replace(TIMING, min_count=40, min_duration_s=0.02)
    sessions = [runner.install(file, artifact_of(file)) for file in (base, head)]
    if not case.sides:
        with pytest.raises(NotMeasured, match="cannot judge a gate") as caught:
            sessions[0].beside(sessions[1], timing, base_first=base_first)
        assert "--device" in caught.value.next_step
        return
    paired = sessions[0].beside(sessions[1], timing, base_first=base_first)
    assert isinstance(paired, Paired)
    assert again(paired) == paired
    assert paired.base_first is base_first
    assert len(paired.base_s) == len(paired.head_s)
    assert len(paired.base_s) * paired.inferences_per_block >= 40
    # The other file has several times the work: which is which is not lost on the way.
    assert median(paired.head_s) > 1.2 * median(paired.base_s)
    assert paired.base_placement.verdict == "full"
    assert paired.head_placement.verdict == "full"


def test_operators_are_profiled_or_it_is_said_who_can(case, runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    profile = case.profile
    tells = profile.runner == "android" or (profile.runner, profile.accelerator) == ("host", "cpu")
    if not tells or case.flavour == "litert":  # its program writes no such file
        with pytest.raises(NotMeasured) as refused:
            session.operators(3)
        assert_sentence(refused.value, case.profile.device)
        return
    found = session.operators(3)
    assert isinstance(found, Operators)
    assert again(found) == found
    assert found.inferences >= 3
    assert found.operators
    assert found.runtime
    assert found.plain_s
    assert found.profiled_s
    assert isinstance(found.placement, Placement)
    for one in found.operators:
        assert one.part is None or one.part < len(found.parts)


def test_a_device_that_times_does_not_count(runner, case, file, artifact) -> None:
    with pytest.raises(NotMeasured, match="latencies") as caught:
        runner.install(file, artifact).count(3, round=0, position=0)
    assert case.profile.device in caught.value.what
    assert "instructions" in caught.value.next_step


class Witness:
    """Notes every process that lives while it watches."""

    def __init__(self, processes: Callable[[], set[int]]) -> None:
        self.seen: set[int] = set()
        self._processes = processes
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.seen |= self._processes()

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def test_a_device_is_held_by_one_run_at_a_time(case: Case, runner: Runner) -> None:
    assert runner.unit()
    with pytest.raises(NotMeasured, match="another run"), hold(runner.unit()):
        pass  # ``runner`` is held


def test_checks_are_sentences(runner: Runner) -> None:
    found = runner.checks()
    assert found
    for check in found:
        assert again(check) == check
        assert check.found
        assert check.status == "ok" or check.fix or check.status == "unknown"
        assert check.status != "failed"


def test_a_probe_is_a_time_or_nothing(runner: Runner) -> None:
    probed = runner.probe()
    assert probed is None or 0 < probed < 60


def test_commands_are_lines_for_a_shell(runner, file, artifact) -> None:
    lines = runner.commands([(file, artifact)], TIMING)
    assert any(str(file) in line for line in lines)
    longer = runner.commands([(file, artifact)], TIMING, TIMING)
    assert set(lines) < set(longer)
    assert sum(not line.startswith("#") for line in longer) > sum(
        not line.startswith("#") for line in lines
    )
    for line in lines:
        assert shlex.split(line, comments=True) or line.startswith("#")


def test_another_format_is_refused_before_anything_runs(runner, case, files) -> None:
    alien = files[case.alien]
    with pytest.raises(UsageError) as caught:
        runner.install(alien, artifact_of(alien))
    assert case.profile.device in caught.value.what
    assert "--device" in caught.value.next_step


def test_bad_files_are_sentences_and_the_device_stays_usable(
    runner: Runner, file: Path, artifact: Artifact, tmp_path: Path
) -> None:
    whole = inside(file).read_bytes()
    bad = {
        "missing": None,
        "empty": b"",
        "garbage": bytes(range(256)) * 40,
        "truncated": whole[: len(whole) // 2],
        "one byte short of a header": whole[:3],
    }
    for what, content in bad.items():
        path = tmp_path / f"{what}{file.suffix}"
        if content is not None:
            copy(file, path)
            inside(path).write_bytes(content)
        with pytest.raises((WorkerFailed, UsageError)) as caught:
            runner.install(path, artifact).invoke(TIMING, round=0, position=0)
        assert_sentence(caught.value, path.name)
    samples, _ = runner.install(file, artifact).invoke(TIMING, round=0, position=0)
    assert samples.latencies_s


def test_a_file_that_goes_away_fails_only_its_own_session(
    runner: Runner, file: Path, artifact: Artifact, tmp_path: Path
) -> None:
    leaving = tmp_path / file.name
    copy(file, leaving)
    staying, gone = runner.install(file, artifact), runner.install(leaving, artifact)
    if leaving.is_dir():
        shutil.rmtree(leaving)
    else:
        leaving.unlink()
    try:
        gone.invoke(TIMING, round=0, position=0)  # a device that copied it still has it
    except WorkerFailed as error:
        assert_sentence(error, file.name)
    samples, _ = staying.invoke(TIMING, round=0, position=0)
    assert samples.latencies_s


def inside(file: Path) -> Path:
    """The file that says what the network is: of a Core ML package, one in it."""
    return file / "Data/com.apple.CoreML/model.mlmodel" if file.is_dir() else file


def copy(file: Path, to: Path) -> None:
    if file.is_dir():
        shutil.copytree(file, to)
    else:
        shutil.copy(file, to)


def assert_sentence(error: BenchError, name: str) -> None:
    assert name in error.what
    assert len(error.what.splitlines()) == 1
    assert error.next_step
    for machinery in ("Traceback", 'File "', "Error:"):
        assert machinery not in error.what


def test_removing_twice_is_removing_once(runner, file, artifact) -> None:
    session = runner.install(file, artifact)
    session.invoke(TIMING, round=0, position=0)
    session.remove()
    session.remove()
    assert inside(file).is_file(), "the user's own file is never taken away"
    samples, _ = runner.install(file, artifact).invoke(TIMING, round=0, position=0)
    assert samples.latencies_s

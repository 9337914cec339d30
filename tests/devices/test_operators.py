"""What each operator takes on this machine: both runtimes' own profilers, on real tiny files."""

from pathlib import Path

import msgspec
import pytest

from mnv4bench.devices import host_profile, open_runner
from mnv4bench.devices.process import Finished
from mnv4bench.devices.profile_worker import Event, operator_times, undisturbed
from mnv4bench.errors import WorkerFailed
from mnv4bench.records import DeviceProfile, Operators
from tests.devices.conftest import artifact_of
from tests.devices.conftest import host_profile as profile_of


def taken(runtime: str, file: Path, inferences: int = 5, **artifact: object) -> Operators:
    runner = open_runner(profile_of(runtime))
    return runner.install(file, artifact_of(file, **artifact)).operators(inferences)


def test_inside_xnnpack(files) -> None:
    found = taken("litert", files["wide.tflite"])
    kinds = [one.operator for one in found.operators]
    assert kinds[0].startswith("Convolution (NHWC, F32)")
    assert any(kind.startswith("Mean") for kind in kinds)
    assert any(kind.startswith("Fully Connected") for kind in kinds)
    assert {one.part for one in found.operators} == {0}
    assert [part.delegate for part in found.parts] == ["XNNPACK"]
    assert found.inferences == 5
    assert found.runtime.startswith("LiteRT 2.3")
    assert found.placement is not None
    assert found.placement.verdict == "full"
    assert found.plain_s
    assert found.profiled_s
    for one in found.operators:
        assert one.low_s is not None
        assert one.high_s is not None
        assert one.low_s <= one.seconds <= one.high_s


def test_what_xnnpack_leaves_is_known_by_its_place(files) -> None:
    found = taken("litert", files["odd.tflite"])
    left = [one for one in found.operators if one.node is not None]
    assert [one.operator for one in left] == ["CUMSUM"]
    nodes = {node for part in found.parts for node in part.nodes}
    assert left[0].node not in nodes
    assert {one.part for one in found.operators if one.part is not None} == set(
        range(len(found.parts))
    )


def test_a_graph_that_no_delegate_takes(files) -> None:
    found = taken("litert", files["only-odd.tflite"])
    assert [(one.operator, one.node, one.part) for one in found.operators] == [("CUMSUM", 0, None)]
    assert found.parts == ()


def test_threads_and_quantised_files_run_too(files, tmp_path: Path) -> None:
    from tests.phone.graphs import write_convolutions

    file = write_convolutions(tmp_path / "int8.tflite", quantised=True)
    runner = open_runner(profile_of("litert", threads=2))
    found = runner.install(file, artifact_of(file)).operators(3)
    assert len(found.operators) == 5


def test_onnx_runtime(files) -> None:
    found = taken("onnxruntime", files["wide.onnx"])
    assert found.operators
    assert all(one.name for one in found.operators)
    assert {one.part for one in found.operators} == {None}
    assert found.runtime.startswith("ONNX Runtime")
    assert sum(one.seconds for one in found.operators) > 0


def test_sizes_that_a_file_leaves_open(files) -> None:
    shapes = {"image": (2, 3, 64, 64)}
    found = taken("onnxruntime", files["open.onnx"], input_shapes=shapes)
    assert found.operators
    both = dict.fromkeys(("left", "right"), (40, 300, 8))
    found = taken("litert", files["sum.tflite"], input_shapes=both)
    assert [one.operator for one in found.operators] == ["Add (ND)"]
    assert found.operators[0].seconds > 5e-6  # 96,000 sums; the file's own 8 would take none


def test_nothing_is_left_in_the_folder_that_one_stands_in(
    files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    taken("onnxruntime", files["onnx"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("runtime", "name"), [("litert", "x.tflite"), ("onnxruntime", "x.onnx")])
def test_a_file_that_the_runtime_refuses(runtime: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 64)
    with pytest.raises(WorkerFailed, match=f"could not load {name} with its profiler on") as found:
        taken(runtime, file)
    assert "repeat it by hand" in found.value.next_step


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        (b"", 0, "answered nonsense"),
        (b"[]", 0, "answered nonsense"),
        (b'{"type":"profiled"}', 0, "answered nonsense"),
        (b"", -11, "was killed by SIGSEGV"),
        (b'{"type":"refused","stage":"run","reason":"no"}', 1, "could not run tiny.tflite"),
    ],
)
def test_a_process_that_answers_otherwise(
    files, monkeypatch: pytest.MonkeyPatch, answer: bytes, status: int, sentence: str
) -> None:
    finished = Finished(command=("python",), status=status, stdout=answer, stderr="")
    monkeypatch.setattr(host_profile.worker_process, "run", lambda *_, **__: finished)
    with pytest.raises(WorkerFailed, match=sentence):
        taken("litert", files["tflite"])


def test_another_version_s_interface_is_not_guessed(
    files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interface has no promise: with other arguments it would crash."""
    from importlib import metadata

    from mnv4bench.devices import litert_profiler
    from mnv4bench.devices.litert_cpu import LiteRtModel

    plain = LiteRtModel(files["tflite"], threads=1, shapes={})
    monkeypatch.setattr(metadata, "version", lambda _: "2.9.0")
    with pytest.raises(RuntimeError, match=r"is read in ai-edge-litert 2\.3, and this is 2\.9\.0"):
        litert_profiler.LiteRtProfiler(files["tflite"], plain, threads=1)


def test_emulated_devices_refuse() -> None:
    from mnv4bench.devices.profiling import refusal

    profile = DeviceProfile(
        device="an-emulator", title="emulated", runner="emulated", runtime="litert",
        format="tflite", precision="fp32", accelerator="cpu",
    )  # fmt: skip
    refused = refusal(profile)
    assert refused is not None
    assert "says nothing of single operators" in refused.what
    assert refusal(profile_of("litert")) is None


# --- from events to times -----------------------------------------------------------------------


def event(operator: str, microseconds: int) -> Event:
    return Event(operator, "", None, None, microseconds)


def test_what_was_disturbed_does_not_count() -> None:
    inferences = [[event("Conv", took)] for took in (10, 900, 12, 14, 700)]
    (only,), notes = operator_times(inferences)
    assert only.seconds == pytest.approx(12e-6)
    assert (only.low_s, only.high_s) == pytest.approx((10e-6, 900e-6))
    assert notes == ()
    assert undisturbed([4]) == 4


def test_an_operator_shorter_than_the_clock_s_tick_is_right_on_average() -> None:
    assert undisturbed([0, 1] * 25) == 0.5
    assert undisturbed([0, 1] * 25 + [4000] * 30) == 0.5


def test_an_operator_that_is_interrupted_more_often_than_not() -> None:
    assert undisturbed([5000, 5050, 5100] * 3 + [9100] * 40) == pytest.approx(5050)


def test_inferences_that_ran_other_operators_are_left_out() -> None:
    same = [[event("Conv", 10), event("Add", 1)]] * 3
    times, notes = operator_times([*same, [event("Conv", 10)], []])
    assert [one.operator for one in times] == ["Conv", "Add"]
    assert "those 2 are left out" in notes[0]


@pytest.mark.parametrize("inferences", [[], [[]], [[], []]])
def test_a_profiler_that_recorded_nothing(inferences: list[list[Event]]) -> None:
    with pytest.raises(ValueError, match="recorded no operator"):
        operator_times(inferences)


def test_onnx_runtime_s_events() -> None:
    from mnv4bench.devices.ort_profiler import _Row, read

    def node(name: str, ts: int, dur: int) -> _Row:
        row = {"cat": "Node", "name": name, "ts": ts, "dur": dur, "args": {"op_name": "Conv"}}
        return msgspec.convert(row, _Row)

    run = msgspec.convert({"cat": "Session", "name": "model_run", "ts": 0, "dur": 99}, _Row)
    rows = [
        node("body_kernel_time", 12, 3),  # inside the loop, which ends later
        node("loop_kernel_time", 10, 9),
        node("after_kernel_time", 19, 0),
        node("fence_before", 19, 1),
        run,
        node("loop_kernel_time", 30, 5),
        run,
        node("cut off_kernel_time", 50, 5),
    ]
    assert [[one.name for one in events] for events in read(rows)] == [["loop", "after"], ["loop"]]

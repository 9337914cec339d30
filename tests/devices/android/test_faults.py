"""Bad luck with phones: each one sentence with its evidence and the next step."""

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mnv4bench.devices import Options, stopping
from mnv4bench.devices.android import attached, timings
from mnv4bench.errors import (
    BenchError,
    DeviceLost,
    ExitStatus,
    NotMeasured,
    UsageError,
    WorkerFailed,
)
from mnv4bench.records import Artifact, Expects
from tests.devices.android.conftest import EDGETPU, MakeRunner
from tests.devices.conftest import TIMING, artifact_of, phone_profile
from tests.phone import handsets, programs
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb

FOLDER = "/data/local/tmp/mnv4bench"


def assert_sentence(error: BenchError, *words: str) -> None:
    assert all(word in f"{error.what} {error.next_step}" for word in words), str(error)
    assert len(error.what.splitlines()) == 1
    assert error.next_step
    assert "Traceback" not in error.what


def measure(runner, graph: Path, artifact: Artifact) -> None:
    with runner.held():
        runner.install(graph, artifact).invoke(TIMING, round=0, position=0)


# --- before anything runs -------------------------------------------------------------------------


def test_no_adb(make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    runner = make_runner()
    with pytest.raises(NotMeasured) as caught:
        runner.unit()
    assert_sentence(caught.value, "adb was not found", "apt install adb")
    assert runner.availability()[0] == "absent"
    checks = {check.name: check for check in runner.checks()}
    assert (checks["adb"].status, "apt install adb" in checks["adb"].fix) == ("failed", True)


def test_old_adb(make_runner: MakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "adb"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'Android Debug Bridge version 1.0.31'\n")
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(NotMeasured) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "is adb 1.0.31", "platform tools")


def test_no_phone(genuine_adb: GenuineAdb, make_runner: MakeRunner) -> None:
    with pytest.raises(NotMeasured) as caught:
        make_runner().unit()
    assert_sentence(caught.value, "no phone is attached", "USB debugging")


@pytest.mark.parametrize(
    ("trouble", "words"), [("unauthorized", "allow USB debugging"), ("offline", "plug it in again")]
)
def test_a_phone_that_may_not_be_spoken_to(
    genuine_adb: GenuineAdb, make_runner: MakeRunner, tmp_path: Path, trouble: str, words: str
) -> None:
    phone = handsets.pixel8(tmp_path / "phone")
    genuine_adb.plug(phone)
    getattr(phone, trouble)()
    genuine_adb.wait_for(phone, trouble)
    attached.forget()
    with pytest.raises(NotMeasured) as caught:
        make_runner().unit()
    assert_sentence(caught.value, phone.serial, trouble, words)


def test_two_phones_ask_and_a_serial_answers(
    phone: Phone, genuine_adb: GenuineAdb, make_runner: MakeRunner, tmp_path: Path
) -> None:
    other = handsets.pixel6(tmp_path / "other")
    genuine_adb.plug(other)
    attached.forget()
    with pytest.raises(NotMeasured) as caught:
        make_runner().unit()
    assert_sentence(caught.value, phone.serial, other.serial, "--serial")
    chosen = make_runner(options=Options(serials=(other.serial,)))
    assert chosen.unit().startswith("Pixel 6 ")
    wrong = make_runner(options=Options(serials=("NOPE",)))
    with pytest.raises(NotMeasured) as caught:
        wrong.unit()
    assert_sentence(caught.value, "NOPE", phone.serial)


def test_of_two_phones_the_one_that_fits_is_taken(
    phone: Phone, genuine_adb: GenuineAdb, tmp_path: Path
) -> None:
    genuine_adb.plug(handsets.pixel6(tmp_path / "other"))
    attached.forget()
    from msgspec.structs import replace

    profile = replace(phone_profile("classic"), expects=Expects(models=("Pixel 8",)))
    assert attached.choose(profile, ()).serial == phone.serial


def test_the_wrong_phone(phone: Phone) -> None:
    from msgspec.structs import replace

    profile = replace(phone_profile("classic"), expects=Expects(models=("Pixel 6",)))
    with pytest.raises(NotMeasured) as caught:
        attached.choose(profile, ())
    assert_sentence(caught.value, "Pixel 6", "this one says Pixel 8", "--device ./mine.toml")


def test_a_phone_without_the_accelerator(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    """The phone's list of services is not asked: the program's own words decide."""
    phone.no_accelerator("google-edgetpu")
    phone.accelerator("qti-dsp", factor=4.0)
    with pytest.raises(WorkerFailed) as caught:
        measure(make_runner(**EDGETPU), graph, int8)
    assert caught.value.exit_status == ExitStatus.NOT_MEASURED == 3
    assert_sentence(caught.value, "no NNAPI accelerator google-edgetpu", "this phone has qti-dsp")


def test_an_accelerator_that_is_in_no_list_of_services_is_measured(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    """A lazy driver is registered when it is asked for; here another one alone is listed."""
    service = phone.path("/system/bin/service")
    service.unlink()
    service.write_text("#!/bin/sh\necho '0\tandroid.hardware.neuralnetworks.IDevice/other: [x]'\n")
    service.chmod(0o755)
    runner = make_runner(**EDGETPU)
    measure(runner, graph, int8)
    assert runner._identity.nnapi_drivers == ("other",)
    (check,) = (one for one in runner.checks() if one.name == "accelerator")
    assert check.status == "warning"
    assert "no google-edgetpu in the phone's list" in check.found
    assert "other" in check.found


def test_a_float_graph_is_refused_before_it_is_pushed(
    phone: Phone, make_runner: MakeRunner, graph: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        measure(make_runner(**EDGETPU), graph, artifact_of(graph, precision="fp32"))
    assert_sentence(caught.value, "int8 graphs alone", "Nothing was pushed", "GPU or processor")
    assert not any(".tflite" in command for command in phone.commands)


def test_no_program_names_the_download(
    phone: Phone, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "empty"))
    runner = make_runner(options=Options())
    with pytest.raises(NotMeasured) as caught:
        runner.environment()
    assert_sentence(caught.value, "--benchmark-model", "android_aarch64_benchmark_model", "curl")
    assert runner.availability()[0] == "unusable"


def test_a_program_for_the_wrong_abi(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = programs.write_elf(tmp_path / "program", machine=0x3E, bits=64)
    with pytest.raises(NotMeasured) as caught:
        measure(make_runner(options=Options(benchmark_model=program)), graph, int8)
    assert_sentence(caught.value, "built for x86_64", "the phone is arm64-v8a")


def test_a_program_that_is_none(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text("<html>404</html>")
    with pytest.raises(NotMeasured) as caught:
        measure(make_runner(options=Options(benchmark_model=program)), graph, int8)
    assert_sentence(caught.value, "no program for Android")


def test_the_other_program_is_told_apart(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, tmp_path: Path
) -> None:
    program = programs.write_program(tmp_path / "program", "litert")
    runner = make_runner(options=Options(benchmark_model=program), **EDGETPU)
    with pytest.raises(NotMeasured) as caught:
        measure(runner, graph, int8)
    assert_sentence(caught.value, "is the LiteRT benchmark_model", "TFLite")


def test_another_digest_than_the_profiles(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    with pytest.raises(NotMeasured) as caught:
        measure(make_runner(benchmark_sha256="0" * 64), graph, int8)
    assert_sentence(caught.value, "has sha256", "wants 000000000000")


def test_missing_libraries_are_named(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    runner = make_runner(delegate="hexagon", libraries=("libhexagon_nn_skel*.so",))
    with pytest.raises(NotMeasured) as caught:
        measure(runner, graph, int8)
    assert_sentence(caught.value, "libhexagon_nn_skel*.so", "--libraries")


def test_a_full_phone(phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact) -> None:
    phone.free_bytes = 1_000_000
    with pytest.raises(NotMeasured) as caught:
        measure(make_runner(), graph, int8)
    assert_sentence(caught.value, "1 MB free", "needs")
    assert not phone.fixed_performance


# --- while it runs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("segfault", "was killed by SIGSEGV"),
        ("refuses", "Failed to apply NNAPI delegate"),
        ("fails", "ended with status"),
        ("garbage", "printed no result that is known here; what it printed is kept in"),
    ],
)
def test_a_delegate_that_goes_wrong(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact, mode: str, words: str
) -> None:
    phone.accelerator("google-edgetpu", factor=20.0, mode=mode)
    with pytest.raises(WorkerFailed) as caught:
        measure(make_runner(**EDGETPU), graph, int8)
    assert_sentence(caught.value, words, graph.name, "then by hand: adb -s")
    if mode == "garbage":
        kept = Path(caught.value.what.partition("kept in ")[2].split(" (")[0])
        assert "# stdout" in kept.read_text()


def test_a_program_that_hangs_is_stopped_on_the_phone(
    phone: Phone,
    make_runner: MakeRunner,
    graph: Path,
    int8: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timings, "START_ALLOWANCE_S", -20.0)  # 2 s in all, with TIMING's caps
    phone.accelerator("google-edgetpu", factor=20.0, mode="hang")
    with pytest.raises(WorkerFailed) as caught:
        measure(make_runner(**EDGETPU), graph, int8)
    assert_sentence(caught.value, "hung and was stopped")
    assert phone.running_benchmarks == 0


def test_no_program_outlives_a_client_that_was_stopped(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    """Finding 4 of the review: adbd hangs up on the phone's shell, and on nothing that it started.

    A run is stopped as Ctrl-C stops one that measures in a thread: its adb is killed.
    """
    phone.accelerator("google-edgetpu", factor=20.0, mode="hang")
    runner = make_runner(**EDGETPU)
    with runner.held():
        one = runner.install(graph, int8)
        raised: list[BaseException] = []

        def invoke() -> None:
            try:
                one.invoke(TIMING, round=0, position=0)
            except BaseException as error:  # noqa: BLE001 - looked at below
                raised.append(error)

        measuring = threading.Thread(target=invoke)
        measuring.start()
        try:
            hangs = until(lambda: any("--use_nnapi" in line for line in phone.commands))
            runs = until(lambda: phone.running_benchmarks == 1)
        finally:
            stopping.ask()
            measuring.join()
            stopping.forget()
        assert (hangs, runs) == (True, True)
        assert [type(error) for error in raised] == [KeyboardInterrupt]
        assert until(lambda: phone.running_benchmarks == 0), "it runs on, and slows the next run"


def until(holds: Callable[[], bool]) -> bool:
    """Whether it ``holds`` within a time that only a failure takes."""
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_without_a_result_file_the_text_is_read(
    phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact
) -> None:
    phone.accelerator("google-edgetpu", factor=20.0, mode="no-result-file")
    measure(make_runner(**EDGETPU), graph, int8)


@pytest.mark.parametrize("trouble", ["drop", "reboot"])
def test_the_phone_goes_away_while_it_measures(
    phone: Phone,
    make_runner: MakeRunner,
    genuine_adb: GenuineAdb,
    graph: Path,
    int8: Artifact,
    trouble: str,
) -> None:
    act: Callable[[], object] = getattr(phone, trouble)
    phone.at("--graph=", 2, act)
    runner = make_runner()
    with pytest.raises(DeviceLost) as caught, runner.held():  # noqa: PT012
        one = runner.install(graph, int8)
        for round in range(3):
            one.invoke(TIMING, round=round, position=0)
    assert_sentence(caught.value, phone.serial, "run --resume")


def test_a_phone_that_was_started_anew_between_two_invocations(
    phone: Phone, make_runner: MakeRunner, genuine_adb: GenuineAdb, graph: Path, int8: Artifact
) -> None:
    runner = make_runner()
    with pytest.raises(DeviceLost) as caught, runner.held():  # noqa: PT012
        one = runner.install(graph, int8)
        one.invoke(TIMING, round=0, position=0)
        phone.reboot()
        genuine_adb.wait_for(phone, "device")
        one.invoke(TIMING, round=1, position=0)
    assert_sentence(caught.value, "started anew")


def test_a_push_that_is_cut_short_leaves_nothing_that_looks_whole(
    phone: Phone, make_runner: MakeRunner, genuine_adb: GenuineAdb, graph: Path, int8: Artifact
) -> None:
    runner = make_runner()
    with pytest.raises(DeviceLost) as caught, runner.held():  # noqa: PT012
        phone.cut_push_after = 1000
        runner.install(graph, int8)
    assert_sentence(caught.value, phone.serial)
    names = phone.files(outside="/nowhere")
    assert not any(name.endswith(".tflite") for name in names)


def test_heat_taints(phone: Phone, make_runner: MakeRunner, graph: Path, int8: Artifact) -> None:
    def heat() -> None:
        phone.thermal_status = 2

    phone.at("--graph=", 1, heat)
    runner = make_runner()
    with runner.held():
        samples, _ = runner.install(graph, int8).invoke(TIMING, round=0, position=0)
    assert any("thermal status" in reason for reason in samples.tainted)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delegate": "xnnpack", "accelerator": "edgetpu"}, "runs on cpu"),
        ({"delegate": "gpu", "gpu_backend": "opencl"}, "cl or gl"),
    ],
)
def test_a_profile_whose_parts_do_not_go_together(changes: dict[str, str], words: str) -> None:
    from msgspec.structs import replace

    from mnv4bench.devices.android.runner import AndroidRunner

    accelerator = changes.pop("accelerator", None)
    profile = phone_profile("classic", **changes)
    if accelerator:
        profile = replace(profile, accelerator=accelerator)
    with pytest.raises(UsageError) as caught:
        AndroidRunner(profile, Options())
    assert_sentence(caught.value, words, "docs/devices.md")


@pytest.mark.parametrize("path", ["~nosuchuser/x", "/nowhere/x", "a\x00b"])
def test_paths_of_a_profile_that_lead_nowhere(
    phone: Phone, make_runner: MakeRunner, path: str
) -> None:
    for changes in ({"benchmark_model": path}, {"library_dir": path, "libraries": ("lib*.so",)}):
        options = None if "library_dir" in changes else Options()
        with pytest.raises(NotMeasured) as caught:
            make_runner(options=options, **changes).environment()
        assert len(caught.value.what.splitlines()) == 1

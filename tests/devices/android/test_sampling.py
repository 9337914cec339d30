"""Samples of the double, over the genuine adb: what comes, and that nothing stays on the phone."""

import json
import zipfile
from pathlib import Path

import pytest

from mnv4bench import profiles
from mnv4bench.cli import captures
from mnv4bench.devices import Options
from mnv4bench.devices.android import results, sampling
from mnv4bench.devices.android.collecting import Collected
from mnv4bench.devices.android.runner import AndroidRunner
from mnv4bench.devices.holding import hold
from mnv4bench.errors import DeviceLost, NotMeasured, UsageError
from tests.phone import programs
from tests.phone.android import Phone
from tests.phone.graphs import write_convolutions

PIXEL8 = profiles.load("pixel8-edgetpu")
FOLDER = "data/local/tmp/mnv4bench"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    return Options(benchmark_model=programs.write_program(tmp_path / "classic"))


def test_a_pixel_8s_samples(phone: Phone, options: Options, tmp_path: Path) -> None:
    steps: list[str] = []
    file = tmp_path / "captures.zip"
    index = captures.collect(file, PIXEL8, options, lambda capture: steps.append(capture.file))
    assert index.stopped == ""
    assert (index.phone["ro.product.model"], index.phone["ro.soc.model"]) == (
        "Pixel 8",
        "Tensor G3",
    )
    assert steps == [entry.file for entry in index.captures]
    with zipfile.ZipFile(file) as archive:
        output = archive.read("classic/int8-as-pixel8-edgetpu/output.txt").decode()
        outcome = results.from_result_file(archive.read("classic/int8-as-pixel8-edgetpu/result.pb"))
        assert "google-edgetpu" in archive.read("neural_services.txt").decode()
        assert "policy8" in archive.read("cpufreq.txt").decode()
        assert archive.read("taskset_big.txt") == archive.read("taskset_all.txt") == b"0\n"
        assert archive.read("power_mode_switch.txt") == b"on 0\noff 0\n"
        assert archive.read("classic/int8-cpu/runtime_info.pb")
        assert "level: 80" in archive.read("battery.txt").decode()
        serial = phone._state["properties"]["ro.serialno"].encode()
        assert serial
        for name in archive.namelist():
            assert serial not in archive.read(name), name
            assert phone.serial.encode() not in archive.read(name), name
        assert json.loads(archive.read("index.json"))["captures"]
    assert "applied NNAPI delegate" in output
    assert outcome is not None
    assert outcome.inferences >= 5
    asked = [index.command for index in index.captures]
    assert "taskset 100 true; echo $?" in asked
    assert "taskset 1ff true; echo $?" in asked
    assert not phone.fixed_performance
    assert not (phone.root / FOLDER).exists()


def test_without_a_program_the_phone_itself_is_collected(
    phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    found = sampling.sample(PIXEL8, Options())
    assert "properties.txt" in found.files
    last = found.index.captures[-1]
    assert (last.file, last.status) == ("classic/help.txt", None)
    assert "is not here" in last.remark


def test_both_programs_are_asked_where_both_are_here(options: Options, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "tools" / "litert" / "benchmark_model"
    cached.parent.mkdir(parents=True)
    programs.write_program(cached, "litert")
    tools, missing = sampling._tools(PIXEL8, options)
    assert [tool.flavour for tool in tools] == ["classic", "litert"]
    assert missing == []


def test_one_file_named_by_the_environment_is_one_program(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNV4BENCH_BENCHMARK_MODEL", str(options.benchmark_model))
    tools, _ = sampling._tools(PIXEL8, options)
    assert [tool.flavour for tool in tools] == ["classic"]


def test_a_delegate_is_called_as_a_measurement_calls_it() -> None:
    profile = profiles.load("s23-npu")
    (int8,) = (
        capture
        for capture in sampling._own(profile, "/f", {"classic": "/f/p"}, {"int8": "/f/m"})
        if capture.file == "classic/int8-as-s23-npu/output.txt"
    )
    assert "--external_delegate_path=/f/libQnnTFLiteDelegate.so" in int8.command
    assert "library_path:/f/libQnnHtp.so" in int8.command
    assert int8.command.count("--num_runs=") == int8.command.count("--graph=") == 1


def test_a_run_on_the_phone_is_not_disturbed(phone: Phone, options: Options) -> None:
    with (
        hold(AndroidRunner(PIXEL8, options).unit()),
        pytest.raises(NotMeasured, match="another run"),
    ):
        sampling.sample(PIXEL8, options)


def test_what_a_killed_run_left_on_the_phone_stays_its_own(
    phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker of fixed-performance mode must outlive this, or nobody would put the mode off."""
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "cache"))
    marker = phone.root / FOLDER / "restore-fixed-performance"
    marker.parent.mkdir()
    marker.touch()
    sampling.sample(PIXEL8, Options())
    assert [each.name for each in marker.parent.iterdir()] == [marker.name]


def test_the_networks_are_those_of_the_doubles(tmp_path: Path) -> None:
    here = Path(sampling.__file__).parent / sampling.FOLDER
    for word, name in sampling.MODELS.items():
        fresh = write_convolutions(tmp_path / name, quantised=word == "int8", layers=2)
        assert (here / name).read_bytes() == fresh.read_bytes()


def asked(*_: object) -> Collected:
    raise AssertionError("the phone was asked before the words were looked at")


@pytest.mark.parametrize(
    ("name", "device", "sentence"),
    [
        ("captures.tar", "pixel8-edgetpu", "not the name of one"),
        ("folder.zip", "pixel8-edgetpu", "not the name of one"),
        ("captures.zip", "host-cpu", "host-cpu is none"),
    ],
)
def test_words_that_are_off_are_refused_before_the_phone_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, device: str, sentence: str
) -> None:
    (tmp_path / "folder.zip").mkdir()
    monkeypatch.setattr(sampling, "sample", asked)
    with pytest.raises(UsageError, match=sentence):
        captures.collect(tmp_path / name, profiles.load(device), Options())


def test_a_zip_is_written_whole_or_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "captures.zip"
    file.write_bytes(b"what was there before")

    def lost(*_: object) -> Collected:
        raise DeviceLost("It went away.")

    monkeypatch.setattr(sampling, "sample", lost)
    with pytest.raises(DeviceLost):
        captures.collect(file, PIXEL8, Options())
    assert file.read_bytes() == b"what was there before"
    assert [each.name for each in tmp_path.iterdir()] == ["captures.zip"]

"""Device profiles: every bundled file, and the ways a user's own can be wrong."""

from pathlib import Path

import pytest

from mnv4bench import profiles
from mnv4bench.devices import open_runner
from mnv4bench.errors import BadFile, ExitStatus, NotMeasured, UsageError

BUNDLED = sorted(path.stem for path in profiles.bundled_directory().glob("*.toml"))
PAPERS_SEVEN = {
    "pixel6-cpu": ("int8", "cpu"),
    "pixel8-edgetpu": ("int8", "edgetpu"),
    "iphone13-ane": ("fp16", "ane"),
    "pixel4-hexagon": ("int8", "hexagon"),
    "pixel7-gpu": ("fp16", "gpu"),
    "s23-cpu": ("int8", "cpu"),
    "s23-gpu": ("fp16", "gpu"),
}


def test_the_two_hosts_and_the_papers_seven_are_there() -> None:
    assert set(BUNDLED) >= {"host-cpu", "host-ort-cpu", *PAPERS_SEVEN}


@pytest.mark.parametrize("device", BUNDLED)
def test_every_profile_reads_and_is_named_after_its_device(device: str) -> None:
    profile = profiles.load(device)
    assert profile.device == device
    assert (
        profile.format
        == {"litert": "tflite", "onnxruntime": "onnx", "coreml": "coreml"}[profile.runtime]
    )


@pytest.mark.parametrize(("device", "expected"), PAPERS_SEVEN.items())
def test_the_papers_devices_say_that_their_runner_is_not_there(
    device: str, expected: tuple
) -> None:
    profile = profiles.load(device)
    assert (profile.precision, profile.accelerator) == expected
    assert "2404.10518" in (profile.source or "")
    with pytest.raises(NotMeasured, match="does not have yet; nothing was measured") as caught:
        open_runner(profile)
    assert "--published" in caught.value.next_step


def test_an_unknown_device_gives_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="nearest: pixel8-edgetpu") as caught:
        profiles.load("pixel8-edgtpu")
    assert caught.value.exit_status == ExitStatus.USAGE


def test_a_name_is_never_a_path() -> None:
    with pytest.raises(UsageError):
        profiles.load("../device_profiles/host-cpu")


def test_a_profile_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    own = tmp_path / "my-board.toml"
    text = (profiles.bundled_directory() / "host-cpu.toml").read_text()
    own.write_text(text.replace('"host-cpu"', '"my-board"'))
    assert profiles.load(str(own)).device == "my-board"
    own.rename(tmp_path / "other.toml")
    with pytest.raises(BadFile, match="named after its device"):
        profiles.load(str(tmp_path / "other.toml"))
    with pytest.raises(BadFile, match="cannot be read"):
        profiles.load(str(tmp_path / "missing.toml"))
    big = tmp_path / "big.toml"
    big.write_text("#" * 70_000)
    with pytest.raises(BadFile, match="larger than"):
        profiles.load(str(big))


def test_a_broken_file_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (profiles.bundled_directory() / "host-cpu.toml").read_text()
    (tmp_path / "host-cpu.toml").write_text(good)
    (tmp_path / "broken.toml").write_text("device = ")
    monkeypatch.setattr(profiles, "bundled_directory", lambda: tmp_path)
    found, broken = profiles.load_all()
    assert [profile.device for profile in found] == ["host-cpu"]
    assert [path.name for path, _ in broken] == ["broken.toml"]

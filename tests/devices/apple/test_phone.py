"""An iPhone behind devicectl's double: coremltools' genuine Python builds, installs and asks."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from mnv4bench.bench import TIMING as RUN_TIMING
from mnv4bench.bench import trips
from mnv4bench.cli.planning import plan_for
from mnv4bench.devices import Options, Runner, open_runner
from mnv4bench.errors import BenchError, DeviceLost, NotMeasured, WorkerFailed
from mnv4bench.records import DeviceProfile, Expects, Plan
from tests.apple.desk import UDID, Desk, phone
from tests.devices.conftest import TIMING, apple_profile, artifact_of

# Few trips: each starts four programs.
FEW = replace(
    TIMING,
    warmup_window_s=1e-6,
    warmup_window_count=1,
    warmup_cap_s=0.2,
    min_count=3,
    min_duration_s=0.0,
)
BUNDLE = "com.coremltools.modelrunnerd"


@pytest.fixture
def iphone(desk: Desk, package: Path) -> Desk:
    """The desk with an iPhone 13 that is ready."""
    desk.plug(phone(), package=package)
    return desk


def profile(unit: str = "cpu", **changes: object) -> DeviceProfile:
    return apple_profile(unit, "iphone", expects=Expects(devices=("iPhone14,5",)), **changes)


def opened(unit: str = "cpu", **options: object) -> Runner:
    return open_runner(profile(unit), Options(**options))


def left_running(desk: Desk, patience_s: float = 5.0) -> list[list[str]]:
    """The desk's programs that still run after a while, whoever is their parent now."""
    until = time.monotonic() + patience_s
    while True:
        found = [
            one.info["cmdline"]
            for one in psutil.process_iter(["cmdline"])
            if any(str(desk.folder) in word for word in one.info["cmdline"] or ())
        ]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


def test_an_invocation_is_one_start_of_the_helper_app(
    iphone: Desk, package: Path, tmp_path: Path
) -> None:
    runner = opened("ane")
    with runner.held():
        session = runner.install(package, artifact_of(package))
        samples, placement = session.invoke(FEW, round=0, position=0)
        assert iphone.on_the_phone == [BUNDLE]
        assert iphone.starts == 2  # one on the processor alone, one on the Neural Engine
        session.invoke(FEW, round=0, position=1)
        assert iphone.starts == 3
        assert left_running(iphone) == []
    assert iphone.on_the_phone == []
    assert len(samples.latencies_s) == 3
    # As the phone says it, not as long as a trip takes.
    assert all(0.0005 < latency < 0.0006 for latency in samples.latencies_s)
    assert samples.apart_s is not None
    assert samples.apart_s > 20 * max(samples.latencies_s)
    assert samples.load_s == pytest.approx(0.04)
    assert samples.warm_load_s is None
    assert samples.paced is None
    assert placement.verdict == "full"
    assert placement.on_unit == placement.operators == 7
    assert placement.cost_on_unit == pytest.approx(1.0)
    assert "Neural Engine (16 cores)" in placement.signals[0].evidence
    assert "4.98 times as fast" in placement.signals[1].evidence
    # coremltools keeps each request and its answer; what it built is kept for the next run.
    kept = [one for one in (package.parent, tmp_path / "cache" / "apple") if one.exists()]
    assert [one.name for folder in kept for one in folder.rglob("message.json")] == []
    assert [one.name for folder in kept for one in folder.rglob("*.app")] == ["ModelRunner.app"]
    built = [words for words in iphone.asked if words[0] == "xcodebuild" and len(words) > 2]
    assert len(built) == 1
    assert "DEVELOPMENT_TEAM=ABCDE12345" in built[0]
    assert f"PRODUCT_BUNDLE_IDENTIFIER={BUNDLE}" in built[0]


def test_a_plan_that_lies_is_unproven(iphone: Desk, package: Path) -> None:
    iphone.put(idle=True)
    runner = opened("ane")
    with runner.held():
        _, placement = runner.install(package, artifact_of(package)).invoke(
            FEW, round=0, position=0
        )
    assert placement.verdict == "unproven"
    assert placement.signals[0].says == "full"


def test_a_phone_that_goes_away_is_lost(iphone: Desk, package: Path) -> None:
    def run() -> None:
        runner = opened()
        with runner.held():
            session = runner.install(package, artifact_of(package))
            iphone.put(leaves_at=3)
            session.invoke(FEW, round=0, position=0)

    with pytest.raises(DeviceLost, match=r"iPhone 13 \(iPhone14,5\) went away: devicec") as caught:
        run()
    assert "--resume" in caught.value.next_step
    assert "helper app may still be on it" in caught.value.what
    assert "uninstall app" in caught.value.next_step
    assert left_running(iphone) == []


def test_a_process_that_hangs_leaves_nothing_running(
    iphone: Desk, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, it cannot stop the app, whose console goes on by itself until the app is gone."""
    monkeypatch.setattr("mnv4bench.devices.host_request.time_limit_s", lambda *_: 5.0)
    runner = opened()
    with runner.held():
        session = runner.install(package, artifact_of(package))
        with pytest.raises(WorkerFailed, match="did not end within 5 s"):
            session.invoke(replace(FEW, min_count=10_000), round=0, position=0)
        assert iphone.on_the_phone == [BUNDLE]
    assert iphone.on_the_phone == []
    assert left_running(iphone) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"refuses": "the model has a cycle"}, "could not load tiny.mlpackage: the model has a cy"),
        ({"locked": True}, "does not run: The application failed to launch: the device is locked"),
    ],
)
def test_what_fails_on_the_phone_is_a_sentence(
    iphone: Desk, package: Path, facts: dict[str, object], words: str
) -> None:
    iphone.put(**facts)
    runner = opened()
    with runner.held(), pytest.raises(WorkerFailed, match=words) as caught:
        runner.install(package, artifact_of(package)).invoke(FEW, round=0, position=0)
    assert "\n" not in caught.value.what
    assert caught.value.next_step


def test_an_app_that_was_left_half_built_is_built_anew(iphone: Desk, package: Path) -> None:
    iphone.put(strangers=["ABCDE12345"])
    runner = opened()
    with runner.held():
        session = runner.install(package, artifact_of(package))
        with pytest.raises(WorkerFailed, match=r"built and signed \(xcodebuild ended with 65\)"):
            session.invoke(FEW, round=0, position=0)
        iphone.put(strangers=[])  # Xcode is signed in to it now
        samples, _ = session.invoke(FEW, round=0, position=0)
    assert samples.latencies_s


def test_keep_leaves_the_app(iphone: Desk, package: Path) -> None:
    runner = opened(keep=True)
    with runner.held():
        runner.install(package, artifact_of(package)).invoke(FEW, round=0, position=0)
    assert iphone.on_the_phone == [BUNDLE]


def test_an_app_that_stays_is_said(iphone: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    iphone.put(stays=True)
    with opened().held():
        pass
    said = capsys.readouterr().err
    assert "helper app may still be on it" in said
    assert "xcrun devicectl device uninstall app --device" in said


def test_the_environment_tells_the_phone_and_not_its_number(iphone: Desk) -> None:
    runner = opened()
    environment = runner.environment()
    assert environment.machine == "iPhone 13 (iPhone14,5)"
    assert environment.os_name == "iOS"
    assert environment.os_version == "26.1 (23B85)"
    assert environment.runtime_version == "iOS 26.1 (23B85), coremltools 9.0"
    assert environment.architecture == "arm64e"
    assert UDID not in str(environment)
    assert UDID not in runner.unit()
    assert runner.unit().startswith("iPhone14,5-")
    iphone.plug(phone("00008110-0002"))
    assert opened().unit() != runner.unit()


def test_devicectl_that_is_on_no_path_is_found_by_xcrun(
    iphone: Desk, package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on most Macs, where only xcrun knows where it lies; coremltools asks for its bare name."""
    hidden = tmp_path / "path"
    hidden.mkdir()
    for program in iphone.folder.iterdir():
        if program.name not in ("devicectl", "log", "desk.json"):
            wrapper = hidden / program.name
            wrapper.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
            wrapper.chmod(0o755)
    rest = os.environ["PATH"].partition(os.pathsep)[2]
    monkeypatch.setenv("PATH", f"{hidden}{os.pathsep}{rest}")
    runner = opened()
    with runner.held():
        samples, _ = runner.install(package, artifact_of(package)).invoke(FEW, round=0, position=0)
    assert samples.latencies_s


def test_no_word_of_a_device_reaches_a_shell(iphone: Desk, package: Path, tmp_path: Path) -> None:
    """coremltools writes shell lines with a device's identifier in them."""
    hit = tmp_path / "hit"
    evil = phone(identifier=f"x; touch {hit}")
    iphone.plug(evil)
    with pytest.raises(NotMeasured, match="no iPhone is attached"):
        opened().unit()
    iphone.plug(phone(udid=f"$(touch {hit})"), package=package)
    with pytest.raises(BenchError):
        opened().unit()
    assert not hit.exists()


def test_a_cache_whose_path_a_shell_would_tear_is_refused(
    iphone: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "my caches"))
    status, detail = opened().availability()
    assert status == "unusable"
    assert "my caches" in detail
    assert "MNV4BENCH_CACHE" in detail


def test_a_run_on_a_phone_is_made_of_trips() -> None:
    plan = Plan(seed=0, min_rounds=6, max_rounds=12, target=0.01, timing=RUN_TIMING)
    timing = plan_for(profile(), plan).timing
    assert (timing.min_count, timing.min_duration_s) == (trips.COUNT, 0.0)
    assert timing.warmup_cap_s + timing.max_duration_s < 300
    quick = replace(plan, timing=replace(RUN_TIMING, min_count=10))
    assert plan_for(profile(), quick).timing.min_count == trips.QUICK_COUNT
    assert plan_for(apple_profile("ane"), plan) == plan


def test_the_log_of_the_double_is_what_was_asked(iphone: Desk) -> None:
    opened().unit()
    assert iphone.asked[0][:4] == ["xcrun", "devicectl", "list", "devices"]
    assert json.loads((iphone.folder / "desk.json").read_text())["devices"]

"""What a phone still lacks, one step after the other, with what mends each."""

from collections.abc import Callable
from typing import Any

import pytest

from mnv4bench.devices import Options, open_runner
from mnv4bench.devices.apple import helper_app, xcode
from mnv4bench.errors import NotMeasured
from mnv4bench.records import AppleTarget, Check, DeviceProfile, Expects
from tests.apple.desk import UDID, Desk, phone
from tests.devices.conftest import apple_profile


def profile(**changes: Any) -> DeviceProfile:
    return apple_profile(
        "ane", "iphone", **{"expects": Expects(devices=("iPhone14,5",)), **changes}
    )


def checks(changed: DeviceProfile | None = None, *serials: str) -> dict[str, Check]:
    runner = open_runner(changed or profile(), Options(serials=serials))
    return {check.name: check for check in runner.checks()}


def failed(found: dict[str, Check]) -> Check:
    """The one that failed."""
    (one,) = [check for check in found.values() if check.status == "failed"]
    assert one.fix
    return one


def test_a_phone_that_is_ready(desk: Desk) -> None:
    desk.plug(phone())
    found = checks()
    assert {check.status for check in found.values()} == {"ok"}
    assert list(found) == [
        "coremltools",
        "Xcode",
        "devicectl",
        "device",
        "trust",
        "developer mode",
        "Xcode's support",
        "connection",
        "helper app",
        "signing",
        "build folder",
    ]
    assert found["Xcode"].found == "Xcode 26.1 (17B55)"
    assert found["device"].found == f"iPhone 13 (iPhone14,5, {UDID}), iOS 26.1 (23B85)"
    assert open_runner(profile()).availability()[0] == "ready"


@pytest.mark.parametrize(
    ("facts", "words", "fix"),
    [
        ({"selected": ""}, "Xcode is not installed", "App Store"),
        (
            {"selected": "/Library/Developer/CommandLineTools"},
            "Command Line Tools alone",
            "xcode-select -s /Applications/Xcode.app",
        ),
        (
            {"xcodebuild": "You have not agreed to the Xcode license agreements."},
            "licence has not been agreed to",
            "xcodebuild -license accept",
        ),
        ({"xcodebuild": "dyld: broken"}, "cannot be used: dyld: broken", "xcode-select"),
        ({"devicectl": False}, "no devicectl, which came with Xcode 15", "update Xcode"),
    ],
)
def test_a_mac_without_xcode(desk: Desk, facts: dict[str, Any], words: str, fix: str) -> None:
    desk.plug(phone())
    desk.put(**facts)
    one = failed(checks())
    assert words in one.found
    assert fix in one.fix
    assert open_runner(profile()).availability()[0] == "unusable"
    asked = [words[0] for words in desk.asked]
    if "selected" in facts:  # where no tools are, it would open a window that offers them
        assert "xcodebuild" not in asked


@pytest.mark.parametrize(
    ("changes", "name", "words", "fix"),
    [
        ({"pairingState": "unpaired"}, "trust", "does not trust this Mac", "Trust"),
        (
            {"developerModeStatus": "disabled"},
            "developer mode",
            "is not in developer mode",
            "Privacy & Security, Developer Mode",
        ),
        ({"ddiServicesAvailable": False}, "Xcode's support", "not yet prepared", "Devices and Sim"),
    ],
)
def test_a_phone_that_is_not_ready(
    desk: Desk, changes: dict[str, Any], name: str, words: str, fix: str
) -> None:
    desk.plug(phone(**changes))
    one = failed(checks())
    assert one.name == name
    assert words in one.found
    assert fix in one.fix
    status, detail = open_runner(profile()).availability()
    assert status == "unusable"
    assert fix in detail


def test_a_phone_that_does_not_say_is_unknown(desk: Desk) -> None:
    desk.plug(phone(developerModeStatus=None, ddiServicesAvailable=None))
    found = checks()
    assert found["developer mode"].status == "unknown"
    assert "Xcode's support" not in found


def test_a_tunnel_is_made_when_it_is_needed(desk: Desk) -> None:
    desk.plug(phone(tunnelState="disconnected"))
    assert checks()["connection"].status == "ok"
    assert ["device", "info", "details"] in [words[2:5] for words in desk.asked]


def test_a_phone_that_does_not_wake(desk: Desk) -> None:
    desk.put(wakes=False)
    desk.plug(phone(tunnelState="disconnected"))
    one = failed(checks())
    assert one.name == "connection"
    assert "disconnected" in one.found
    assert "unlock" in one.fix


@pytest.mark.parametrize(
    ("phones", "words", "fix"),
    [
        ([], "needs iPhone14,5, and no iPhone is attached", "devicectl list devices"),
        ([{"deviceType": "appleWatch"}], "no iPhone is attached", "cable"),
        ([{"reality": "virtual"}], "no iPhone is attached", "cable"),  # a simulator
        ([{"deviceType": "iPad"}], "no iPhone is attached", "cable"),
        (
            [{"productType": "iPhone18,1", "marketingName": "iPhone 17 Pro"}],
            "needs iPhone14,5; attached: iPhone 17 Pro (iPhone18,1",
            "--device",
        ),
        ([{}, {"udid": "00008110-0002"}], "2 attached devices could be", f"--serial {UDID}"),
    ],
)
def test_which_phone(desk: Desk, phones: list[dict[str, Any]], words: str, fix: str) -> None:
    desk.plug(*(phone(**changes) for changes in phones))
    one = failed(checks())
    assert one.name == "device"
    assert words in one.found
    assert fix in one.fix
    assert open_runner(profile()).availability()[0] == "absent"


def test_a_serial_says_which(desk: Desk) -> None:
    desk.plug(phone(), phone(udid="00008110-0002"))
    assert "00008110-0002" in checks(None, "00008110-0002")["device"].found
    one = failed(checks(None, "00008110-0003"))
    assert "no iPhone with the udid 00008110-0003" in one.found


def test_a_phone_in_a_drawer_does_not_stand_in_the_way(desk: Desk) -> None:
    desk.plug(phone(tunnelState="unavailable"), phone(udid="00008110-0002"))
    assert "00008110-0002" in checks()["device"].found


def test_without_expectations_any_phone_will_do(desk: Desk) -> None:
    desk.plug(phone(productType="iPhone99,1"))
    assert checks(profile(expects=None))["device"].status == "ok"
    other = profile(expects=Expects(models=("iPhone 15",)))
    assert "needs iPhone 15" in failed(checks(other)).found


def without_a_team(patch: pytest.MonkeyPatch) -> AppleTarget:
    patch.delenv(helper_app.TEAM)
    return AppleTarget(kind="iphone")


def with_an_odd_team(patch: pytest.MonkeyPatch) -> AppleTarget:
    patch.setenv(helper_app.TEAM, "ABC; touch /tmp/x")
    return AppleTarget(kind="iphone")


def without_a_project(patch: pytest.MonkeyPatch) -> AppleTarget:
    patch.setattr(helper_app, "project", lambda: None)
    return AppleTarget(kind="iphone")


@pytest.mark.parametrize(
    ("how", "words", "fix"),
    [
        (without_a_team, "No signing team is named", "Settings, Accounts"),
        (with_an_odd_team, "not the ten characters of a team", "export MNV4BENCH_APPLE_TEAM"),
        (without_a_project, "part of its wheel for macOS", "pip install"),
    ],
)
def test_the_helper_app(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    how: Callable[[pytest.MonkeyPatch], AppleTarget],
    words: str,
    fix: str,
) -> None:
    desk.plug(phone())
    one = failed(checks(profile(apple=how(monkeypatch))))
    assert words in one.found
    assert fix in one.fix


def test_a_profile_may_name_who_signs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(helper_app.TEAM)
    desk.plug(phone())
    target = AppleTarget(kind="iphone", development_team="ZZZZZ99999")
    assert checks(profile(apple=target))["signing"].found == "signed by team ZZZZZ99999"
    target = AppleTarget(
        kind="iphone",
        provisioning_profile="12345678-1234-1234-1234-123456789ABC",
        bundle_identifier="org.example.runner",
    )
    found = checks(profile(apple=target))["signing"]
    assert (found.status, "provisioning profile" in found.found) == ("ok", True)


def test_what_devicectl_does_not_know_just_now_is_left_out(desk: Desk) -> None:
    bare = {
        "identifier": "00000000-AAAA",
        "hardwareProperties": {"deviceType": "iPhone", "udid": UDID, "marketingName": None},
    }
    odd = {**phone(udid="00008110-0002"), "deviceProperties": 3}
    desk.plug(bare, odd, {"identifier": 7})
    (found,) = xcode.devices()
    assert found.title == f"iphone (?, {UDID})"
    assert (found.developer_mode, found.prepared, found.tunnel) == (None, None, "")


@pytest.mark.parametrize("answer", ["", "not json", '{"result": {"devices": 3}}', "[]"])
def test_a_list_that_cannot_be_read(desk: Desk, monkeypatch, answer: str) -> None:
    monkeypatch.setattr(xcode, "ask", lambda *_: answer.encode())
    with pytest.raises(NotMeasured, match="list of devices cannot be read"):
        xcode.devices()


def test_devicectl_that_fails(desk: Desk) -> None:
    with pytest.raises(NotMeasured, match=r"device info details failed: The specified device was"):
        xcode.ask("device", "info", "details", "--device", "nobody")

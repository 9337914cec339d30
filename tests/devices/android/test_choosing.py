"""Which phone a profile means while others are attached that cannot be spoken to."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from mnv4bench.devices.android import attached
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Expects
from tests.command_line import Terminal
from tests.devices.conftest import phone_profile
from tests.phone import handsets
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb

PIXEL6 = replace(phone_profile("classic"), expects=Expects(models=("Pixel 6",)))


def nonsense(folder: Path) -> Phone:
    """A phone whose every answer is odd."""
    made = handsets.pixel6(folder)
    made.set(
        properties={
            "ro.product.model": "\x1b[31m" + "m" * 5000,
            "ro.build.version.sdk": "9" * 5000,
            "ro.product.device": "",
        }
    )
    policy = "/sys/devices/system/cpu/cpufreq/policy0"
    made.write(f"{policy}/related_cpus", "8 30000000000 -1 x\n")
    made.write(f"{policy}/cpuinfo_max_freq", "9" * 5000 + "\n")
    made.write("/proc/meminfo", f"MemTotal: {'9' * 5000} kB\n")
    return made


@pytest.mark.parametrize(
    ("trouble", "fix"), [("unauthorized", "allow USB debugging"), ("offline", "plug it in again")]
)
def test_one_that_is_not_ready_comes_before_one_that_does_not_fit(
    phone: Phone, genuine_adb: GenuineAdb, tmp_path: Path, trouble: str, fix: str
) -> None:
    meant = handsets.pixel6(tmp_path / "meant")
    genuine_adb.plug(meant)
    getattr(meant, trouble)()
    genuine_adb.wait_for(meant, trouble)
    with pytest.raises(NotMeasured) as caught:
        attached.choose(PIXEL6, ())
    assert caught.value.what.startswith(f"{meant.serial} ({trouble}) cannot be spoken to")
    assert phone.serial in caught.value.what
    assert "Pixel 8" in caught.value.what
    assert fix in caught.value.next_step
    assert "mine.toml" not in caught.value.next_step
    # A phone that fits is taken all the same.
    pixel8 = replace(PIXEL6, expects=Expects(models=("Pixel 8",)))
    assert attached.choose(pixel8, ()).serial == phone.serial


def seen(serial: str, state: str, identity: object = None) -> attached.Phone:
    return attached.Phone(serial, state, identity)


def test_each_of_several_gets_its_fix(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent one is ready for adb and answers nothing."""
    (ready,) = attached.phones()
    every = (ready, seen("S1", "unauthorized"), seen("S2", "device"))
    monkeypatch.setattr(attached, "phones", lambda: every)
    with pytest.raises(NotMeasured) as caught:
        attached.choose(PIXEL6, ())
    assert caught.value.what.startswith("S1 (unauthorized), S2 (does not say what it is) cannot")
    assert "S1: unlock it" in caught.value.next_step
    assert "S2: look at it: adb -s S2 shell getprop" in caught.value.next_step
    with pytest.raises(NotMeasured) as caught:  # nor where only one may be taken
        attached.choose(PIXEL6, (ready.serial,))
    assert "S1" not in caught.value.what


def test_a_phone_of_nonsense_is_listed_beside_the_others(
    phone: Phone, genuine_adb: GenuineAdb, tmp_path: Path
) -> None:
    odd = nonsense(tmp_path / "odd")
    genuine_adb.plug(odd)
    attached.forget()
    found = {one.serial: one for one in attached.phones()}
    assert found[phone.serial].name == "Google Pixel 8 (shiba)"
    identity = found[odd.serial].identity
    assert identity is not None
    assert (identity.sdk, identity.memory_bytes) == (None, None)
    assert all(cpu < 1024 for policy in identity.policies for cpu in policy.cpus)
    assert len(identity.model or "") == 80
    pixel8 = replace(PIXEL6, expects=Expects(models=("Pixel 8",), min_sdk=30))
    assert attached.choose(pixel8, ()).serial == phone.serial


def test_a_phone_whose_answer_cannot_be_read_at_all_is_silent(
    phone: Phone, genuine_adb: GenuineAdb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = handsets.pixel6(tmp_path / "other")
    genuine_adb.plug(other)
    identify = attached.identify

    def fails(adb: attached.Adb) -> attached.Identity:
        if adb.serial == other.serial:
            raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")
        return identify(adb)

    monkeypatch.setattr(attached, "identify", fails)
    attached.forget()
    found = {one.serial: one for one in attached.phones()}
    assert found[other.serial].identity is None
    assert "getprop" in found[other.serial].fix
    assert found[phone.serial].identity is not None


def test_devices_lists_them_all(
    phone: Phone, genuine_adb: GenuineAdb, tmp_path: Path, terminal: Terminal
) -> None:
    odd = nonsense(tmp_path / "odd")
    genuine_adb.plug(odd)
    attached.forget()
    ran = terminal("devices", "--json")
    assert ran.status == 0
    assert {one["serial"] for one in ran.json["attached"]} == {phone.serial, odd.serial}
    assert max(len(one["model"] or "") for one in ran.json["attached"]) < 200
    shown = terminal("devices")
    assert shown.status == 0
    assert "\x1b[31m" not in shown.out

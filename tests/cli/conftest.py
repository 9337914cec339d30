"""A phone on the desk of whoever types the command: the genuine adb and the double of a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnv4bench import bench
from mnv4bench.devices.android import attached
from tests.phone import handsets
from tests.phone.android import Phone
from tests.phone.genuine_adb import GenuineAdb


@pytest.fixture
def ask_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is attached is asked each time, and nobody waits for a quiet machine."""
    monkeypatch.setattr(attached, "REMEMBER_S", 0.0)
    monkeypatch.setattr(bench, "QUIET_WAIT_S", 0.0)
    attached.forget()
    yield
    attached.forget()


@pytest.fixture
def phone(
    genuine_adb: GenuineAdb, ask_anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Phone:
    """A Pixel 8, plugged in."""
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    made = handsets.pixel8(tmp_path / "phone")
    genuine_adb.plug(made)
    return made

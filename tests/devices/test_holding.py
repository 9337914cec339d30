"""Who is on a device: told without being kept."""

import threading
from pathlib import Path

import pytest
from filelock import FileLock

from mnv4bench.devices import holding
from mnv4bench.devices.holding import hold, is_held
from mnv4bench.errors import NotMeasured


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNV4BENCH_LOCKS", str(tmp_path / "locks"))


def test_a_look_tells_and_keeps_nothing(tmp_path: Path) -> None:
    assert not is_held("adb:X")
    assert not (tmp_path / "locks").exists()
    with hold("adb:X"):
        assert is_held("adb:X")
        assert not is_held("adb:Y")
    assert not is_held("adb:X")
    with hold("adb:X"):  # the looks before kept nothing
        pass


def test_a_run_that_begins_while_one_looks_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "LOOK_S", 30.0)  # the host may be slow
    with hold("adb:X"):
        pass
    (file,) = (tmp_path / "locks").iterdir()
    look = FileLock(file, thread_local=False)
    look.acquire()
    threading.Timer(0.02, look.release).start()
    with hold("adb:X"):
        assert is_held("adb:X")


def test_a_look_where_locks_cannot_be_had_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Path:
        raise NotMeasured("the folder is somebody else's.")

    monkeypatch.setattr(holding.places, "locks", refused)
    assert not is_held("adb:X")

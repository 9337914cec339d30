"""Where the cache lies."""

from pathlib import Path

import pytest

from mnv4bench import places


def test_where_the_cache_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNV4BENCH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert places.cache() == tmp_path / "own"
    monkeypatch.delenv("MNV4BENCH_CACHE")
    assert places.cache() == tmp_path / "xdg" / "mnv4bench"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert places.cache() == tmp_path / ".cache" / "mnv4bench"
    monkeypatch.setattr("sys.platform", "darwin")
    assert places.cache() == tmp_path / "Library" / "Caches" / "mnv4bench"

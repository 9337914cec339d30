"""Shared by all tests: no test touches the user's cache, nor colours its output."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory):
    """One artifact cache for the session, so that each export is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNV4BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "160")
        yield

"""Shared by all tests: no test touches the user's cache or phones, nor colours its output."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.board.double import ssh_board
from tests.command_line import Terminal
from tests.emulated_system import emulated_system
from tests.phone.genuine_adb import adb_server, genuine_adb, no_phones

__all__ = [
    "adb_server",
    "emulated_system",
    "genuine_adb",
    "ssh_board",
]  # fixtures, for every room's tests


# "all" where the set-up has installed every tool that tests drive (.ci/run): then one that is
# missing is a failure, and what still skips has a reason that no set-up can remove.
TOOLS = "MNV4BENCH_TEST_TOOLS"
INSTALLERS = (".ci/packages", "make setup")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get(TOOLS) == "all" and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if any(installer in reason for installer in INSTALLERS):
            report.outcome, report.longrepr = "failed", f"{TOOLS}=all, and yet: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory):
    """One artifact cache for the session, so that each export is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNV4BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MNV4BENCH_LOCKS", str(tmp_path_factory.mktemp("locks")))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "160")
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):  # these tests may run on GitHub
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_phones():
    """Phones on the user's desk are not for tests; a test plugs in doubles by ``genuine_adb``."""
    with no_phones():
        yield


@pytest.fixture
def terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Terminal:
    """The command line, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)

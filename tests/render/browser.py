"""Headless Chromium for tests: the system's, driven through Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
Open = Callable[..., Any]  # of an overview: a tab with its page
MISSING = "no chromium here: .ci/packages installs it"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser. Root, as whom containers run, may not use Chromium's sandbox."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()

"""The page in a browser: what its tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnv4bench.findings import Skipped
from mnv4bench.overview import Overview
from mnv4bench.render.html import page
from tests.render.browser import Open, chromium
from tests.render.fixed import published
from tests.render.report_stores import changing, hard
from tests.render.test_html_page import overview


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """``opened(overview)``: a tab with its page; at the end nothing may have been complained of."""
    tabs, wrong = [], []

    def open_page(whole: Overview, *, place: str = "", **settings: Any) -> Any:
        path = tmp_path / f"{len(tabs)}.html"
        path.write_bytes(page.document(whole))
        context = browser.new_context(
            **{"viewport": {"width": 1400, "height": 1000}, "reduced_motion": "reduce", **settings}
        )
        tab = context.new_page()
        tabs.append(tab)
        # A violation of the page's own policy is written there too.
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on(
            "request",
            lambda asked: (
                wrong.append(asked.url)
                if not asked.url.startswith((path.as_uri(), "data:"))
                else None
            ),
        )
        tab.goto(path.as_uri() + place)
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield open_page
    for tab in tabs:
        tab.context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def whole() -> Overview:
    skipped = [Skipped(path="broken.json", reason="not readable as JSON")]
    return overview(*hard(), *changing(), published=published(), skipped=skipped)

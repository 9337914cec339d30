"""Seconds and bytes of `mnv4bench report` over a store that grows to 20,000 measurements.

Each measurement is a variant of its own, with 6 invocations of 60 samples, so all of them are on
the page: 200 models (those of the catalog have an accuracy) on each of 25, 50 and 100 devices, then
10 models of the catalog on each of 2,000. With --browser, how long the page takes in headless
Chromium to open, to filter, to sort, to search, to open a model and to draw the frame that a moving
mouse waited longest for, and how large its document is (playwright and chromium, as the tests have
them). Processor seconds are of all processes together.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnv4bench import codec
from tests.render.report_stores import large


def write_store(directory: Path, models: int, devices: int) -> float:
    """Megabytes written."""
    written = 0
    for made in large(models, devices):
        data = codec.encode_report(made)
        (directory / f"{made.report}.json").write_bytes(data)
        written += len(data)
    return written / 1e6


def run(directory: Path, page: Path) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, peak MB) of the whole process and those that it starts."""
    command = [sys.executable, "-m", "mnv4bench", "report", str(directory), "--out", str(page)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, status
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024  # Linux: kilobytes


def browse(page: Path) -> str:
    from tests.render.browser import chromium

    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        begun = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]", timeout=120_000)
        opened = time.perf_counter() - begun

        def timed(action: str) -> float:
            """Until the browser has drawn what follows from it."""
            frames = "await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
            took: float = tab.evaluate(
                f"async () => {{ const at = performance.now(); {action}; {frames}; "
                "return performance.now() - at }"
            )
            return took / 1000

        filtered = timed("document.querySelector('#families button').click()")
        by_name, by_cost = (
            timed(f"document.querySelectorAll('#measured thead button')[{column}].click()")
            for column in (0, 4)
        )
        longest = hovered(tab)
        nodes = tab.evaluate("document.querySelectorAll('*').length")
        search = "const it = document.getElementById('search'); it.value = 'mnv4'; "
        # The page waits 150 ms for the next letter.
        searched = timed(
            f"{search} it.dispatchEvent(new Event('input')); "
            "await new Promise(r => setTimeout(r, 160))"
        )
        model = timed("location.hash = document.querySelector('#measured tbody a').hash")
        return (
            f"open {opened:.1f} s, filter {filtered:.2f} s, sort by name {by_name:.2f} s, by cost "
            f"{by_cost:.2f} s, search {searched - 0.16:.2f} s, a model {model:.2f} s, longest "
            f"frame while hovering {longest:.3f} s, {nodes:,} elements"
        )


def hovered(tab: Any) -> float:
    """The longest frame, in seconds, while the mouse goes over the first panel."""
    tab.locator("#panels canvas").first.scroll_into_view_if_needed()
    box = tab.locator("#panels canvas").first.bounding_box()
    tab.evaluate("""() => {
        window.frames_ = { go: true, longest: 0 };
        let last = performance.now();
        const tick = () => {
            const now = performance.now();
            window.frames_.longest = Math.max(window.frames_.longest, now - last);
            last = now;
            if (window.frames_.go) requestAnimationFrame(tick);
        };
        requestAnimationFrame(tick);
    }""")
    for step in range(100):
        tab.mouse.move(box["x"] + 60 + step * 2.5, box["y"] + 50 + step * 37 % 220)
    longest: float = tab.evaluate("() => { frames_.go = false; return frames_.longest; }")
    return longest / 1000


def main() -> None:
    titles = ("MB read", "wall s", "cpu s", "peak MB", "page MB")
    print(f"{'measurements':<24}" + "".join(f"{title:>9}" for title in titles))
    for models, devices in ((200, 25), (200, 50), (200, 100), (10, 2000)):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            store = Path(folder) / "reports"
            store.mkdir()
            read = write_store(store, models, devices)
            wall, processor, memory = run(store, page)
            size = page.stat().st_size / 1e6
            name = f"{models * devices:,} ({models} on {devices:,})"
            figures = f"{read:>9.0f}{wall:>9.1f}{processor:>9.1f}{memory:>9.0f}{size:>9.2f}"
            print(f"{name:<24}{figures}", flush=True)
            if "--browser" in sys.argv:
                print(f"  {browse(page)}", flush=True)


if __name__ == "__main__":
    main()

"""Texts kept under tests/golden/, compared whole.

To accept a changed text, look at it and run: MNV4BENCH_ACCEPT_GOLDEN=1 pytest tests/render
"""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden"
ACCEPT = "MNV4BENCH_ACCEPT_GOLDEN"


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get(ACCEPT):
        path.write_text(text, "utf-8")
    assert path.exists(), f"{path} is missing; {ACCEPT}=1 writes it"
    assert text == path.read_text("utf-8"), f"{name} changed; {ACCEPT}=1 accepts the new text"

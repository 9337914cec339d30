"""Output that no parser here knows, kept as a file: what a person sends so that it becomes a test.

Knows: the cache folder. Does not know: what the output means.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mnv4bench import places

FOLDER = "unread"


def keep(device: str, command: str, stdout: str, stderr: str) -> Path | None:
    """The file that now holds it; None where it could not be written."""
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    path = places.cache() / FOLDER / f"{now}-{device}.txt"
    text = f"# command\n{command}\n# stdout\n{stdout}\n# stderr\n{stderr}\n"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, errors="replace")
        return path
    return None

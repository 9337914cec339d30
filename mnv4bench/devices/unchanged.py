"""Whether a file is still the one that it was.

Knows: what changes when a file is rewritten. Does not know: why that would matter.
"""

from __future__ import annotations

from pathlib import Path

# Of a Core ML package; coremltools writes it anew, the same, whenever it opens one.
REWRITTEN = "Manifest.json"


def identity(file: Path) -> tuple[tuple[int, int, int], ...] | None:
    """What changes when a file, or one in a folder, is rewritten; cheap enough for every
    invocation. None: gone."""
    try:
        inside = [one for one in sorted(file.rglob("*")) if one.is_file()] if file.is_dir() else []
        kept = [one for one in inside if one.name != REWRITTEN]
        found = [one.stat() for one in (kept if file.is_dir() else [file])]
    except OSError:
        return None
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

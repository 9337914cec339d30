"""Whether a file is still the one that was installed: cheap enough to ask before every process."""

from __future__ import annotations

from pathlib import Path


def identity(file: Path) -> tuple[tuple[int, int, int], ...] | None:
    """What changes when a file is rewritten; of a folder, every file in it. None: gone."""
    try:
        # A Core ML package is a folder of a handful of files.
        inside = sorted(file.rglob("*")) if file.is_dir() else []
        found = [one.stat() for one in (file, *inside)]
    except OSError:
        return None
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

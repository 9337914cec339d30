"""Where things lie on this machine outside a reports directory: the cache.

Knows: environment variables and the platform's customs. Does not know: what is kept there.
"""

import os
import sys
from pathlib import Path

from mnv4bench.errors import NotMeasured


def cache() -> Path:
    """$MNV4BENCH_CACHE, else $XDG_CACHE_HOME/mnv4bench, else the platform's cache folder."""
    if own := os.environ.get("MNV4BENCH_CACHE"):
        return Path(own).expanduser().absolute()
    # The XDG specification has relative values ignored.
    if (xdg := os.environ.get("XDG_CACHE_HOME")) and Path(xdg).is_absolute():
        return Path(xdg) / "mnv4bench"
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    try:
        return Path.home() / caches / "mnv4bench"
    except RuntimeError:
        raise NotMeasured(
            "There is no home folder to keep exported models in.",
            "export MNV4BENCH_CACHE=/a/folder/with/space",
        ) from None

"""Where things lie on this machine outside a reports directory: the cache, and the locks.

Knows: environment variables and the platform's customs. Does not know: what is kept there.
"""

import getpass
import os
import sys
import tempfile
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


def locks() -> Path:
    """Where the locks of devices lie: one place for a user, whichever cache a run takes.

    $MNV4BENCH_LOCKS, else a folder of the user's own in the system's temporary one. Raises
    NotMeasured when that folder is somebody else's.
    """
    if own := os.environ.get("MNV4BENCH_LOCKS"):
        return Path(own).expanduser().absolute()
    who = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(tempfile.gettempdir()) / f"mnv4bench-{who}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise NotMeasured(
            f"{folder} cannot be made: {error.strerror}.", "export MNV4BENCH_LOCKS=/a/folder"
        ) from None
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or not folder.is_dir()):
        raise NotMeasured(
            f"{folder} is somebody else's, so a lock in it means nothing.",
            "export MNV4BENCH_LOCKS=/a/folder/of/your/own",
        )
    return folder

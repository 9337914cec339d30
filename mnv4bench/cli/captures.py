"""``mnv4bench doctor --collect FILE``: a phone's samples, written whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnv4bench.devices.android.collecting import Collected, Index


def write(file: Path, collect: Callable[[], "Collected"]) -> "Index":
    """Collect into the zip ``file``; what was there before stays if anything goes wrong.

    Raises UsageError for a name that is no zip's, before the phone is asked anything, and
    NotMeasured when the disk is full or not writable.
    """
    from mnv4bench import codec, store
    from mnv4bench.devices.android.collecting import pack
    from mnv4bench.errors import UsageError

    if file.suffix != ".zip" or file.is_dir():
        raise UsageError(
            f"--collect writes a zip, and {file} is not the name of one.",
            "--collect captures.zip",
        )
    collected = collect()
    store.replace_file(file, pack(collected, codec.encode_json))
    return collected.index

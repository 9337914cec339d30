"""An artifact leaves the cache: copied to where the user wants it, whole or not at all."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.export import ExportedFile
from mnv4bench.export.formats import SUFFIXES


def copy_out(exported: ExportedFile, output: Path) -> Path:
    """See mnv4bench.export.copy_out. A file there is replaced in one step; a link is followed."""
    suffix = SUFFIXES[exported.artifact.format]
    target = Path(os.path.realpath(output))
    if os.path.isdir(target):  # noqa: PTH112 - unlike Path's, it takes a name that is too long
        raise UsageError(
            f"{output} is a folder; --output names the file.",
            f"--output {output / exported.path.name}",
        )
    if os.path.exists(target) and not target.is_file():  # noqa: PTH110 - as above
        raise UsageError(
            f"{output} is neither a file nor free: nothing was written.",
            f"--output {exported.path.name}",
        )
    if target.suffix in SUFFIXES.values() and target.suffix != suffix:
        raise UsageError(
            f"{output} would be a {exported.artifact.format} file under another format's name.",
            f"--output {output.with_suffix(suffix)}, or another --format",
        )
    # Beside the target: only within one file system is a rename one step.
    part = target.with_name(f".mnv4bench-{secrets.token_hex(8)}.part")
    try:
        with exported.path.open("rb") as source, part.open("xb") as copy:
            shutil.copyfileobj(source, copy, 2**20)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(target)
    except OSError as error:
        raise NotMeasured(
            f"{output} cannot be written: {error.strerror or error}.",
            "choose a place with room and access: --output FILE",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return output

"""An artifact leaves the cache: copied to where the user wants it, whole or not at all."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.export import ExportedFile, cache
from mnv4bench.export.formats import SUFFIXES


def copy_out(exported: ExportedFile, output: Path) -> Path:
    """See mnv4bench.export.copy_out. A file there is replaced in one step; a link is followed."""
    suffix = SUFFIXES[exported.artifact.format]
    target = Path(os.path.realpath(output))
    folder = exported.path.is_dir()  # an .mlpackage
    is_package = folder and target.suffix == suffix and (target / "Manifest.json").is_file()
    # Unlike Path's, os.path's tests take a name that is too long.
    if os.path.isdir(target) and not is_package:  # noqa: PTH112
        raise UsageError(
            f"{output} is a folder; --output names the file.",
            f"--output {output / exported.path.name}",
        )
    occupied = os.path.exists(target) and not is_package  # noqa: PTH110
    if occupied and (folder or not target.is_file()):
        raise UsageError(
            f"{output} is neither a file nor free: nothing was written.",
            f"--output {exported.path.name}",
        )
    if target.suffix in SUFFIXES.values() and target.suffix != suffix:
        raise UsageError(
            f"{output} would be a {exported.artifact.format} file under another format's name.",
            f"--output {output.with_suffix(suffix)}, or another --format",
        )
    if folder and target.suffix != suffix:
        raise UsageError(
            f"{output} would be a folder that no program takes for a Core ML package.",
            f"--output {output}{suffix}",
        )
    # Beside the target: only within one file system is a rename one step.
    part = target.with_name(f".mnv4bench-{secrets.token_hex(8)}.part")
    old = part.with_suffix(".old")
    try:
        if folder:
            shutil.copytree(exported.path, part)
            for inner in (*part.rglob("*"), part):
                cache.flush(inner)
            if is_package:  # a folder cannot be renamed over another
                target.rename(old)
        else:
            shutil.copyfile(exported.path, part)
            cache.flush(part)
        part.replace(target)
    except shutil.Error as error:  # of copytree: a list of what failed
        raise NotMeasured(
            f"{output} cannot be written: {error.args[0][0][2]}.",
            "choose a place with room and access: --output FILE",
        ) from None
    except OSError as error:
        raise NotMeasured(
            f"{output} cannot be written: {error.strerror or error}.",
            "choose a place with room and access: --output FILE",
        ) from None
    finally:
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)  # the new one did not come to stand in its place
        for left in (part, old):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
    return output

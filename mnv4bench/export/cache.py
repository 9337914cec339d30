"""The artifact cache: one directory per export, named by everything that decides its bytes.

Knows: where it lies, what makes two exports the same, and how an entry comes to be whole or not at
all. Does not know: how a file is made.

    <root>/artifacts/<key>/<model>.<suffix>
    <root>/artifacts/<key>/artifact.json
    <root>/artifacts/.staging-<random>/       being written; locked by its writer

An entry is written in a staging directory and renamed into place, so any number of processes may
export the same thing at once and a kill at any moment leaves nothing that is ever served. A file
is served only after its digest was checked; a damaged entry is removed and counts as absent.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mnv4bench import codec, places
from mnv4bench.errors import BadFile, NotMeasured
from mnv4bench.export import ExportedFile
from mnv4bench.export.formats import SUFFIXES
from mnv4bench.records import Artifact, Format

MANIFEST = "artifact.json"
STAGING = ".staging-"
# A writer locks its staging directory right after making it. A directory this old and not locked
# has no writer any more; a younger one may be between the two steps.
SWEEP_AGE_S = 60.0
MOVE_IT = "make room or give access there, or move it: export MNV4BENCH_CACHE=/a/folder/with/space"


def key(facts: Mapping[str, object]) -> str:
    """The name of an entry: sha256 over the canonical JSON of everything that decides its bytes."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def file_name(model: str, format: Format) -> str:
    """``mnv4-conv-s.onnx``; whatever a file name had better not hold becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", model) + SUFFIXES[format]


def digest(path: Path) -> str:
    """sha256 of a file; of a folder (.mlpackage) that of the lines ``sha256sum`` prints for it.

    Those are, for the files below it, sorted by their names: ``<sha256>  <name>``.
    """
    if path.is_dir():
        names = sorted(file.relative_to(path).as_posix() for file in files_of(path))
        lines = "".join(f"{digest(path / name)}  {name}\n" for name in names)
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def size_bytes(path: Path) -> int:
    """Of a file, or of all files below a folder."""
    return sum(file.stat().st_size for file in files_of(path))


def files_of(path: Path) -> list[Path]:
    """``path`` itself, or the files below it when it is a folder. Links are not followed."""
    if not path.is_dir():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]


class Cache:
    """The cache below ``root``. Making one touches nothing."""

    def __init__(self, root_dir: Path | None = None) -> None:
        self.root = root_dir or places.cache()
        self.artifacts = self.root / "artifacts"

    def get(self, key: str) -> ExportedFile | None:
        """The entry, verified; None when it is absent. A damaged one is removed."""
        entry = self.artifacts / key
        try:
            artifact = codec.decode_artifact((entry / MANIFEST).read_bytes(), str(entry / MANIFEST))
            file = entry / file_name(artifact.model, artifact.format)
            if digest(file) == artifact.sha256:
                return ExportedFile(path=file, artifact=artifact, cached=True)
        except (BadFile, FileNotFoundError, NotADirectoryError, IsADirectoryError):
            pass
        except OSError as error:
            raise trouble(entry, error, "read") from None
        if os.path.lexists(entry):
            self._remove(entry)
        return None

    def find(self, sha256: str) -> ExportedFile | None:
        """The entry whose file has this digest, verified; None when there is none."""
        for manifest in sorted(self.artifacts.glob(f"[!.]*/{MANIFEST}")):
            with contextlib.suppress(OSError):
                # Reading the text first keeps a scan of many entries cheap.
                if sha256.encode() in manifest.read_bytes():
                    found = self.get(manifest.parent.name)
                    if found and found.artifact.sha256 == sha256:
                        return found
        return None

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A new, locked directory to write an entry in; gone afterwards unless committed."""
        path = self.artifacts / f"{STAGING}{secrets.token_hex(8)}"
        try:
            path.mkdir(parents=True)
            lock = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise trouble(self.root, error) from None
        try:
            # The kernel gives the lock back when its holder dies, however it dies.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path
        finally:
            os.close(lock)
            shutil.rmtree(path, ignore_errors=True)

    def commit(self, staged: Path, key: str, artifact: Artifact) -> None:
        """Put a staged directory, which holds the artifact's file, in place as one step.

        Should another process have put the same entry there meanwhile, theirs stays.
        """
        (staged / MANIFEST).write_bytes(codec.encode_artifact(artifact))
        for part in (*staged.rglob("*"), staged):
            flush(part)
        try:
            staged.rename(self.artifacts / key)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        flush(self.artifacts)

    def prepare(self) -> None:
        """Make sure that entries can be written, and sweep what killed writers left behind.

        Raises NotMeasured naming the folder and the variable that moves it.
        """
        with self.staging() as probe:
            try:
                (probe / "probe").write_bytes(b"\0" * 4096)
            except OSError as error:
                raise trouble(self.root, error) from None
        for left in self.artifacts.glob(f"{STAGING}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > SWEEP_AGE_S and not _locked(left):
                    shutil.rmtree(left, ignore_errors=True)

    def _remove(self, entry: Path) -> None:
        """Out of sight in one step, then deleted: nobody meets half an entry."""
        grave = self.artifacts / f"{STAGING}{secrets.token_hex(8)}"
        try:
            entry.rename(grave)
        except FileNotFoundError:
            return  # another process was faster
        except OSError as error:
            raise trouble(self.root, error) from None
        if grave.is_dir() and not grave.is_symlink():
            shutil.rmtree(grave, ignore_errors=True)
        else:
            grave.unlink(missing_ok=True)


def require_room(directory: Path, size_bytes: int) -> None:
    """Raises NotMeasured when the disk lacks room for a file of this size.

    Asked before converting: a converter on a full disk takes a minute and then ends its process.
    """
    free = shutil.disk_usage(directory).free
    if free < size_bytes:
        raise NotMeasured(
            f"{directory.parent} has {free / 2**20:.0f} MiB left; the file needs about "
            f"{size_bytes / 2**20:.0f} MiB.",
            MOVE_IT,
        )


def trouble(path: Path, error: OSError, doing: str = "written") -> NotMeasured:
    """The sentence for a cache that the disk or its permissions refuse."""
    return NotMeasured(
        f"The artifact cache {path} cannot be {doing}: {error.strerror or error}.",
        MOVE_IT,
    )


def _locked(directory: Path) -> bool:
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def flush(path: Path) -> None:
    """Have the disk hold ``path`` (a file or a directory's names) before anything else happens."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

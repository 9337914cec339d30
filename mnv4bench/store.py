"""A reports directory: write and seal, read, walk, and find the run that was stopped.

Knows: files, atomic replacement, the lock of a running measurement; that evaluations lie in a
subfolder of their own. Does not know: JSON (codec) or what reports conclude (analysis).
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TypeVar

from filelock import FileLock, Timeout
from msgspec.structs import replace

from mnv4bench import codec
from mnv4bench.errors import BadFile, BenchError, NotMeasured, UsageError
from mnv4bench.records import Evaluation, Report

ACCURACY = "accuracy"  # the subfolder of evaluations
# Of each digest in an evaluation's name: 48 bits, as everywhere that a digest is shown.
NAME_DIGITS = 12

T = TypeVar("T")


def path_of(directory: Path, report: Report) -> Path:
    """Where ``report`` lies in ``directory``."""
    return directory / f"{report.report}.json"


def write(directory: Path, report: Report) -> Path:
    """Put ``report`` on disk whole: temporary file, fsync, rename. At no moment is it half there.

    Raises NotMeasured when the disk is full or not writable; what was on disk before stays.
    A sealed report (``finished_at`` is set) is never written again.
    """
    path = path_of(directory, report)
    data = codec.encode_report(report)
    if len(data) > codec.MAX_REPORT_BYTES:
        raise codec.too_large(str(path), len(data))
    if path.exists() and read(path).finished_at is not None:
        raise NotMeasured(f"{path} is sealed and is never edited.", "start a new run")
    try:
        _put(path, data)
    except NotMeasured as error:
        error.next_step = "make room, then mnv4bench run --resume; or --reports DIR elsewhere"
        raise
    return path


def replace_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` whole or not at all, and make it durable.

    Raises NotMeasured when the disk is full or not writable, and where a report or an evaluation
    lies; an older file of that name stays.
    """
    _refuse_record(path)
    _put(path, data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write, beside ``path``, that takes its place when all of it is on the disk.

    Raises NotMeasured as ``replace_file`` does, and for what is no file, such as /dev/stdout, which
    root would turn into one; whatever is raised inside, the older file stays.
    """
    _refuse_record(path)
    with _replacing(path) as temporary:
        yield temporary


def _refuse_record(path: Path) -> None:
    """What is drawn or tabulated from reports must not take the place of one."""
    try:
        if not path.is_file():  # a pipe would be read for ever
            return
        with path.open("rb") as file:
            is_record = codec.begins_record(file.read(codec.BEGINNING))
    except OSError:  # for the writing to complain of
        return
    if is_record:
        raise NotMeasured(
            f"{path} is a report or an evaluation, and those are never overwritten.",
            "choose another place",
        )


def _put(path: Path, data: bytes) -> None:
    with _replacing(path) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    not_a_file = NotMeasured(f"{path} is not a regular file.", "choose another place")
    if not path.name:  # that of "." and "/"
        raise not_a_file
    # A name that nobody can foresee, and never an existing file: it may be a link to elsewhere.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        if path.exists() and not path.is_file():
            raise not_a_file
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise NotMeasured(
            f"{path} could not be written: {error.strerror}. What was there before is whole.",
            "make room, or choose another place",
        ) from None
    finally:
        _forget(temporary)


def read(path: Path) -> Report:
    """The report in one file. Raises BadFile with the reason when it cannot be had."""
    return _read(path, codec.decode_report)


def _read(path: Path, decode: Callable[[bytes, str], T]) -> T:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):  # a pipe or a device would be read for ever
            raise BadFile(f"{path}: not a regular file.")
        if status.st_size > codec.MAX_REPORT_BYTES:
            raise codec.too_large(str(path), status.st_size)
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None


def walk(paths: Iterable[Path]) -> Iterator[tuple[Path, Report | BenchError]]:
    """Every report under ``paths`` (see ``files``), one at a time.

    A file that cannot be used comes as the error that says why, so that the rest is still shown.
    """
    found, unreadable = files(paths)
    for path in found:
        yield path, read_or_error(path)
    yield from unreadable


def read_or_error(path: Path) -> Report | BenchError:
    """``read``, with the error as a value."""
    try:
        return read(path)
    except BenchError as error:
        return error


def files(paths: Iterable[Path]) -> tuple[list[Path], list[tuple[Path, BenchError]]]:
    """(the report files under ``paths``, the directories that cannot be read and why).

    Directories are searched in depth, the newest first: reports are named after the time when
    they were begun. Folders of evaluations hold none. A path that does not exist raises
    UsageError: it was asked for by name.
    """
    found: list[Path] = []
    unreadable: list[tuple[Path, BenchError]] = []

    def note(error: OSError) -> None:
        folder = Path(error.filename)
        unreadable.append((folder, BadFile(f"{folder}: cannot be read ({error.strerror}).")))

    for path in paths:
        try:
            is_directory = S_ISDIR(path.stat().st_mode)
        except FileNotFoundError:
            raise UsageError(
                f"{path}: no such file or directory.",
                "mnv4bench run measures this machine and writes into reports/",
            ) from None
        except OSError as error:
            raise BadFile(f"{path}: cannot be read ({error.strerror}).") from None
        if not is_directory:
            found.append(path)
            continue
        for folder, subfolders, names in os.walk(path, onerror=note):
            subfolders[:] = sorted(
                name for name in subfolders if not name.startswith(".") and name != ACCURACY
            )
            reports = [n for n in names if n.endswith(".json") and not n.startswith(".")]
            found += [Path(folder, name) for name in sorted(reports, reverse=True)]
    return found, unreadable


def unfinished(directory: Path) -> list[Report]:
    """Of each device the newest report in ``directory`` that is not sealed, by device.

    Copies in subfolders or under other names are not taken up: they would not be written back.
    """
    newest: dict[str, Report] = {}
    for path, report in walk([directory]) if directory.is_dir() else ():
        if (
            isinstance(report, Report)
            and path == path_of(directory, report)
            and report.finished_at is None
        ):
            held = newest.setdefault(report.profile.device, report)
            if report.started_at > held.started_at:
                newest[report.profile.device] = report
    return [report for _, report in sorted(newest.items())]


def latest_unfinished(directory: Path, device: str) -> Report | None:
    """The newest report of ``device`` in ``directory`` that is not sealed; see ``unfinished``."""
    found = [one for one in unfinished(directory) if one.profile.device == device]
    return found[0] if found else None


def holds_finished(directory: Path, device: str) -> bool:
    """Whether a sealed report of ``device`` lies in ``directory``."""
    return any(
        isinstance(report, Report)
        and report.profile.device == device
        and report.finished_at is not None
        for _, report in (walk([directory]) if directory.is_dir() else ())
    )


# --- evaluations ------------------------------------------------------------------------------


def evaluation_path(directory: Path, evaluation: Evaluation) -> Path:
    """Where ``evaluation`` lies below a reports directory: one file for the same circumstances.

    Those are the artifact, the data set, the preprocessing, what decoded the images, the runtime
    and the processor, whose instructions decide how sums are rounded.
    """
    prepared, environment = evaluation.preprocessing, evaluation.environment
    facts = (
        prepared.resize_px,
        prepared.crop_px,
        prepared.interpolation,
        prepared.mean,
        prepared.std,
        evaluation.decoder,
        environment.runtime_name,
        environment.runtime_version,
        environment.architecture,
        environment.cpu_model,
    )
    circumstances = hashlib.sha256(repr(facts).encode()).hexdigest()
    digests = (evaluation.artifact.sha256, evaluation.dataset.sha256, circumstances)
    return directory / ACCURACY / f"{'-'.join(one[:NAME_DIGITS] for one in digests)}.json"


def write_evaluation(directory: Path, evaluation: Evaluation) -> Path:
    """As ``write``: whole at every moment, and never again once it is sealed."""
    path = evaluation_path(directory, evaluation)
    if path.exists() and read_evaluation(path).finished_at is not None:
        raise NotMeasured(f"{path} is sealed and is never edited.", "remove it to evaluate again")
    _put(path, codec.encode_evaluation(evaluation))
    return path


def kept_evaluation(directory: Path, asked: Evaluation) -> Evaluation | None:
    """What is there of ``asked``, sealed or not. Raises BadFile when it is of something else.

    A name holds only the beginnings of digests, and files can be renamed.
    """
    path = evaluation_path(directory, asked)
    if not path.exists():
        return None
    kept = read_evaluation(path)
    wanted = replace(asked.preprocessing, source=kept.preprocessing.source)
    alike = {
        "file": kept.artifact.sha256 == asked.artifact.sha256,
        "data set": kept.dataset.sha256 == asked.dataset.sha256,
        "preprocessing": kept.preprocessing == wanted,
    }
    others = [what for what, same in alike.items() if not same]
    if others:
        raise BadFile(
            f"{path} holds an evaluation of another {' and '.join(others)} than its name says.",
            "move it away",
        )
    return kept


def reopen(directory: Path, evaluation: Evaluation) -> None:
    """Put ``evaluation``, which is not sealed, in the place of the sealed one it was made from."""
    _put(evaluation_path(directory, evaluation), codec.encode_evaluation(evaluation))


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation in one file. Raises BadFile with the reason when it cannot be had."""
    return _read(path, codec.decode_evaluation)


def evaluations(
    paths: Iterable[Path], artifacts: frozenset[str] | None = None
) -> Iterator[tuple[Path, Evaluation | BenchError]]:
    """The evaluations that lie with the reports under ``paths``, as ``walk`` gives reports.

    Beside a report that is named by itself, too. Of ``artifacts`` (digests) only, where given:
    the file's name says whose it is, so that no other is read.
    """
    folders = set()
    for path in paths:
        if path.is_dir():
            folders |= {Path(folder, ACCURACY) for folder, _, _ in os.walk(path)}
        elif path.is_file():
            folders.add(path.parent / ACCURACY)
    known = None if artifacts is None else {digest[:NAME_DIGITS] for digest in artifacts}
    for path in sorted(file for folder in folders for file in folder.glob("[!.]*.json")):
        if known is None or path.name[:NAME_DIGITS] in known:
            try:
                yield path, read_evaluation(path)
            except BenchError as error:
                yield path, error


@contextmanager
def hold(directory: Path, what: str) -> Iterator[None]:
    """One writer at a time of ``what`` (a device's reports, the evaluations) in one directory.

    Two runs of one device would take up each other's unfinished report. The lock goes with the
    process, however it ends.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / f".lock-{what}")
        lock.acquire(timeout=0)
    except Timeout:
        raise NotMeasured(
            f"another run or eval is working in {directory} ({what}).",
            "wait until it has ended, or write elsewhere: --reports DIR",
        ) from None
    except OSError as error:
        raise NotMeasured(
            f"{directory} cannot be written: {error.strerror}.", "choose another with --reports DIR"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _forget(temporary: Path) -> None:
    with suppress(OSError):  # in a place that cannot be written there is nothing to remove
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """Make the rename itself durable; Windows has no way to open a directory."""
    if os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

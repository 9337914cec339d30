"""Samples of what a phone and its benchmark programs print, in one zip to send back.

Knows: the zip, its index, and that an output that fails is a sample too. Does not know: adb (a
callable runs one shell command), JSON (the caller's encoder) or where the zip is written.

Every parser of this room was written from descriptions. What a real phone prints is worth more than
any of them, so one command collects it: ``mnv4bench doctor --device ID --collect captures.zip``.
"""

import base64
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from msgspec import Struct

from mnv4bench import __version__
from mnv4bench.devices.android import capture_commands, readings
from mnv4bench.devices.android.capture_commands import Capture
from mnv4bench.devices.android.scrubbing import holds, scrub, serials
from mnv4bench.devices.remote import Output
from mnv4bench.errors import BenchError, DeviceLost
from mnv4bench.records.devices import BenchmarkTool

INDEX = "index.json"
# Of one output. The longest that is expected is a dumpsys of some ten kilobytes.
LARGEST_BYTES = 2**20


Run = Callable[[str], Output]


class Captured(Struct, frozen=True, kw_only=True):
    """One entry of the index."""

    file: str
    command: str
    status: int | None  # None: it did not come to an end, and ``remark`` says why
    bytes: int  # of the file in the zip; 0: there is none
    remark: str = ""  # cut, left out, or the failure's own sentence


class Index(Struct, frozen=True, kw_only=True):
    """What is in the zip, and of which phone. Nothing in it names the phone itself."""

    format: str = "mnv4bench captures"
    tool: str = f"mnv4bench {__version__}"
    phone: dict[str, str]  # the properties that came, by their names
    stopped: str = ""  # why the rest is missing
    captures: tuple[Captured, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """The index and the files that it lists."""

    index: Index
    files: dict[str, bytes]


def collect(
    run: Run,
    *,
    folder: str,
    programs: Mapping[BenchmarkTool, str],
    models: Mapping[str, str],
    serial: str = "",
    counter: str | None = None,
    accelerator: str | None = None,
    masks: Mapping[str, str] = MappingProxyType({}),
    further: Iterable[Capture] = (),
    on_step: Callable[[Capture], None] = lambda _: None,
) -> Collected:
    """Ask the phone for samples.

    ``run`` runs one line in the phone's shell and returns its output. ``folder`` is the program's
    own on the phone, where ``programs`` and ``models`` (paths on the phone, see
    ``capture_commands.of_program``) were put by the caller, who also removes it: nothing is
    written elsewhere. ``serial`` is what adb calls the phone. ``counter`` and ``accelerator`` are
    a profile's; ``masks`` are of processors, by a word each (``capture_commands.of_phone``);
    ``further`` are runs with a profile's own delegate (``capture_commands.trial``).
    ``on_step`` is told of each command before it runs.

    A command that fails is a sample like any other. Where the phone goes away (DeviceLost), what
    was collected until then is returned, and the index says so. Ctrl-C leaves nothing.
    """
    wanted = list(capture_commands.of_phone(folder, counter, masks))
    for tool, program in programs.items():
        wanted += capture_commands.of_program(tool, program, models, folder, accelerator)
    wanted += further
    secrets: tuple[str, ...] = (serial,) if serial else ()
    files: dict[str, bytes] = {}
    captured: list[Captured] = []
    stopped = ""
    try:
        secrets = serials(lambda name: _property(run, name), secrets)
        for capture in wanted:
            on_step(capture)
            captured.append(_capture(run, capture, secrets, files))
    except DeviceLost as error:
        stopped = _said(error, secrets)
    listed = readings.properties(files.get(wanted[0].file, b"").decode())
    index = Index(
        phone={name: value for name, value in listed.items() if value},
        stopped=stopped,
        captures=tuple(captured),
    )
    return Collected(index, files)


def pack(collected: Collected, encode: Callable[[Index], str]) -> bytes:
    """The zip. ``encode`` makes JSON of the index; equal samples make equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {INDEX: encode(collected.index).encode(), **collected.files}.items():
            # A fixed date: when it was collected is nobody's business but the sender's.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _capture(
    run: Run, capture: Capture, secrets: tuple[str, ...], files: dict[str, bytes]
) -> Captured:
    """Run one command and keep its output in ``files``."""
    command = scrub(capture.command, secrets)
    try:
        output = run(capture.command)
    except DeviceLost:
        raise
    except BenchError as error:  # it hung, or could not be started; the next one may do
        remark = _said(error, secrets)
        return Captured(file=capture.file, command=command, status=None, bytes=0, remark=remark)
    if stderr := scrub(output.stderr, secrets).encode()[:LARGEST_BYTES]:
        files[f"{capture.file}.stderr"] = stderr
    data, remark = _kept(capture, output.stdout, secrets)
    if data:
        files[capture.file] = data
    return Captured(
        file=capture.file,
        command=command,
        status=output.status,
        bytes=len(data),
        remark=remark,
    )


def _kept(capture: Capture, stdout: str, secrets: tuple[str, ...]) -> tuple[bytes, str]:
    """(what of ``stdout`` goes into the zip, what is to be said about it)."""
    if not capture.base64:
        text = scrub(stdout, secrets).encode()
        return text[:LARGEST_BYTES], "cut" if len(text) > LARGEST_BYTES else ""
    try:
        data = base64.b64decode("".join(stdout.split()), validate=True)
    except ValueError:
        return b"", "left out: not base64"
    if len(data) > LARGEST_BYTES:
        return b"", "left out: too large"
    if holds(data, secrets):
        return b"", "left out: it names the phone"
    return data, ""


def _property(run: Run, name: str) -> str:
    try:
        return run(f"getprop {name}").stdout
    except DeviceLost:
        raise
    except BenchError:  # then it is not known, and the patterns of ``scrub`` are what is left
        return ""


def _said(error: BenchError, secrets: tuple[str, ...]) -> str:
    return scrub(error.what, secrets)

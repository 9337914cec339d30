"""adb's ``sync`` service: push, pull, stat and ls, onto a folder of the host.

Knows: STAT, STA2, LST2, LIST, LIS2, SEND, RECV; a disk that is full; a push whose cable is pulled.
Does not know: permissions, SELinux. Format facts: SYNC.TXT and file_sync_protocol.h of AOSP's adb.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

from tests.phone.protocol import Stream

CHUNK = 64 * 1024  # bytes; the protocol's own limit of a DATA packet


class Sync:
    """One session of the service. ``free`` gives the bytes left; ``cut_after`` the bytes of a
    SEND after which ``cut`` is called (None: never)."""

    def __init__(
        self,
        stream: Stream,
        place: Callable[[str], Path],
        free: Callable[[], int],
        cut_after: int | None,
        cut: Callable[[], None],
    ) -> None:
        self._stream, self._place, self._free = stream, place, free
        self._cut_after, self._cut = cut_after, cut

    def serve(self) -> None:
        """Answer requests until the client has enough."""
        handlers = {
            b"STAT": self._stat_1,
            b"STA2": self._stat_2,
            b"LST2": self._stat_2,
            b"LIST": self._list,
            b"LIS2": self._list,
            b"SEND": self._send,
            b"RECV": self._recv,
        }
        while True:
            request, length = struct.unpack("<4sI", self._stream.read_exactly(8))
            if request == b"QUIT":
                return
            argument = self._stream.read_exactly(length).decode()
            if request not in handlers:
                self._fail(f"unknown sync request {request!r}")
                return
            handlers[request](request, argument)

    def _fail(self, message: str) -> None:
        self._stream.write(struct.pack("<4sI", b"FAIL", len(message)) + message.encode())

    def _stat_1(self, request: bytes, argument: str) -> None:
        try:
            found = self._place(argument).lstat()
            facts = (found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime))
        except OSError:
            facts = (0, 0, 0)
        self._stream.write(struct.pack("<4s3I", b"STAT", *facts))

    @staticmethod
    def _facts_2(request: bytes, found: os.stat_result | None, error: int) -> bytes:
        facts = [0] * 10
        if found is not None:
            facts = [
                found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_uid,
                found.st_gid, found.st_size, int(found.st_atime), int(found.st_mtime),
                int(found.st_ctime),
            ]  # fmt: skip
        return struct.pack("<4sIQQ4IQ3q", request, error, *facts)

    def _stat_2(self, request: bytes, argument: str) -> None:
        place = self._place(argument)
        try:
            found = place.stat() if request == b"STA2" else place.lstat()
            self._stream.write(self._facts_2(request, found, 0))
        except OSError as error:
            self._stream.write(self._facts_2(request, None, error.errno or 0))

    def _list(self, request: bytes, argument: str) -> None:
        newer = request == b"LIS2"
        folder = self._place(argument)
        with contextlib.suppress(OSError):
            for name in [".", "..", *sorted(os.listdir(folder))]:  # noqa: PTH208
                found, raw = (folder / name).lstat(), name.encode()
                if newer:
                    head = self._facts_2(b"DNT2", found, 0)
                else:
                    size = found.st_size & 0xFFFFFFFF
                    head = struct.pack("<4s3I", b"DENT", found.st_mode, size, int(found.st_mtime))
                self._stream.write(head + struct.pack("<I", len(raw)) + raw)
        self._stream.write(b"DONE" + b"\0" * (72 if newer else 16))

    def _send(self, request: bytes, argument: str) -> None:
        name, _, mode_text = argument.rpartition(",")
        place, mode = self._place(name), int(mode_text)
        failure: OSError | None = None
        received = 0
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not stat.S_ISLNK(mode) and os.path.lexists(place):
                place.unlink()
            target = place.open("wb")
        except OSError as error:
            failure, target = error, Path(os.devnull).open("wb")  # noqa: SIM115
        with target:
            while True:
                kind, length = struct.unpack("<4sI", self._stream.read_exactly(8))
                if kind == b"DONE":
                    break
                data = self._stream.read_exactly(length)
                received += len(data)
                if self._cut_after is not None and received > self._cut_after:
                    target.write(data[: len(data) // 2])
                    target.flush()
                    self._cut()
                if failure is None and len(data) > self._free():
                    failure = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if failure is None:
                    target.write(data)
                    target.flush()  # what is free is counted from the folder
        if failure is not None:
            reason = failure.strerror or str(failure)
            what = "write failed" if failure.errno == errno.ENOSPC else "couldn't create file"
            self._fail(f"{what}: {reason}")
            return
        place.chmod(stat.S_IMODE(mode) | 0o600)
        os.utime(place, (length, length))
        self._stream.write(struct.pack("<4sI", b"OKAY", 0))

    def _recv(self, request: bytes, argument: str) -> None:
        try:
            with self._place(argument).open("rb") as file:
                while data := file.read(CHUNK):
                    self._stream.write(struct.pack("<4sI", b"DATA", len(data)) + data)
        except OSError as error:
            self._fail(f"open failed: {error.strerror}")
            return
        self._stream.write(struct.pack("<4sI", b"DONE", 0))

"""A measuring process that is spoken with: an order a line, an answer a line, until it is left.

Knows: two pipes, a time limit for each answer, and that whatever ends a dialogue leaves no process.
Does not know: what is said. ``worker_process`` is the seam for those that are asked once.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from mnv4bench.devices import stopping, worker_process
from mnv4bench.devices.host_worker import PARENT_PID
from mnv4bench.devices.process import Finished
from mnv4bench.errors import WorkerFailed

READ_BYTES = 65536
ENDING_S = 5.0  # how long one that said no more may take to end


class Dialogue:
    """One process; ``purpose`` completes "the process that ..."."""

    def __init__(
        self,
        command: tuple[str, ...],
        request: bytes,
        *,
        purpose: str,
        environment: Mapping[str, str],
    ) -> None:
        """Start it, with ``request`` as the first thing said. Raises WorkerFailed."""
        self._command, self._request, self._purpose = command, request, purpose
        self._unread = b""
        self._heard = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**environment, PARENT_PID: str(os.getpid())},
                start_new_session=not stopping.in_main_thread(),  # as in worker_process
            )
        except OSError as error:
            self._errors.close()
            raise WorkerFailed(
                f"the process that {purpose} could not be started: {error.strerror or error}",
                command=command,
                status=None,
                next_step=worker_process.by_hand(command, request),
            ) from error
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self.say(request)

    def say(self, line: bytes) -> None:
        """One line more for it to read; that it is gone shows in its answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def hear(self, limit_s: float) -> bytes:
        """Its next line that is not empty. Raises WorkerFailed at its end and past the limit."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + limit_s
        while True:
            line, end, rest = self._unread.partition(b"\n")
            if end:
                self._unread = rest
                if line.strip():
                    self._heard = line
                    return line
                continue
            stopping.heed()
            left = deadline - time.monotonic()
            if left <= 0:
                raise self.failed(f"did not answer within {limit_s:.0f} s and was stopped", None)
            patience = left if stopping.in_main_thread() else min(left, stopping.POLL_S)
            if not self._selector.select(patience):
                continue
            data = os.read(self._process.stdout.fileno(), READ_BYTES)
            if not data and self._unread:
                data = b"\n"  # what it said last need not end a line
            elif not data:
                raise self.failed(None, self._status())
            self._unread += data

    def failed(self, how: str | None, status: int | None) -> WorkerFailed:
        """The error that the process did ``how``, or ended as it did."""
        how = how or worker_process.ending(self.finished(status or 0))
        return self.failure(f"the process that {self._purpose} {how}", status)

    def failure(self, what: str, status: int | None) -> WorkerFailed:
        """``what`` as an error with the process's words and how to repeat it by hand."""
        return WorkerFailed(
            what,
            command=self._command,
            status=status,
            stdout=self._heard.decode(errors="replace"),
            stderr=self.finished().stderr,
            next_step=worker_process.by_hand(self._command, self._request),
        )

    def finished(self, status: int = 0) -> Finished:
        """What it left so far, as of a process that was asked once."""
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")
        return Finished(command=self._command, status=status, stdout=self._heard, stderr=said)

    def _status(self) -> int:
        try:
            return self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

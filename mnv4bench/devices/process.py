"""The one way an outside program is run: an argument list, a time limit, both streams.

Knows: processes. Does not know: what they are for, nor what their output means.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mnv4bench.devices import stopping


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind. A negative status is the signal that ended it."""

    command: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: str


class TimedOut(Exception):
    """It ran past its limit and was killed; carries what it had said."""

    def __init__(self, stdout: bytes, stderr: str) -> None:
        super().__init__()
        self.stdout = stdout
        self.stderr = stderr


def run(
    command: tuple[str, ...],
    *,
    timeout_s: float,
    request: bytes = b"",
    environment: Mapping[str, str] | None = None,
    apart: bool = False,
    stoppable: bool = True,
    open_input: bool = False,
) -> Finished:
    """Run ``command`` to its end with ``request`` on its standard input.

    ``apart``: Ctrl-C on the terminal does not reach it; its parent ends it. ``stoppable=False``:
    it ends by itself even where stopping was asked for (tidying up). ``open_input``: no request;
    its input stays open and empty until it ends, so that at the other end of a connection the end
    of the input means that this process is gone. Raises OSError when it cannot be started and
    TimedOut past ``timeout_s``. Whatever leaves this function, Ctrl-C included, leaves no process
    behind.
    """
    with _held(open_input) as stdin:
        return _run(command, timeout_s, request, environment, apart, stoppable, stdin)


@contextmanager
def _held(open_input: bool) -> Iterator[int]:
    """What a process gets as its input: a pipe of its own, or one whose other end is kept here."""
    if not open_input:
        yield subprocess.PIPE
        return
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def _run(
    command: tuple[str, ...],
    timeout_s: float,
    request: bytes,
    environment: Mapping[str, str] | None,
    apart: bool,
    stoppable: bool,
    stdin: int,
) -> Finished:
    process = subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=apart,
    )
    try:
        stdout, stderr = _communicate(process, request, timeout_s, stoppable)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise TimedOut(stdout, _text(stderr)) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):  # what was not sent to one that was killed
                if pipe is not None:
                    pipe.close()
    return Finished(command=command, status=process.returncode, stdout=stdout, stderr=_text(stderr))


def _communicate(
    process: subprocess.Popen[bytes], request: bytes, timeout_s: float, stoppable: bool
) -> tuple[bytes, bytes]:
    """Wait in one piece, or, in a thread that Ctrl-C does not reach, in short ones."""
    if stopping.in_main_thread() or not stoppable:
        return process.communicate(request, timeout=timeout_s)
    deadline = time.monotonic() + timeout_s
    rest: bytes | None = request  # communicate() keeps it over its time-outs, and takes it once
    while True:
        stopping.heed()
        remaining = deadline - time.monotonic()
        try:
            return process.communicate(rest, timeout=min(stopping.POLL_S, max(remaining, 0)))
        except subprocess.TimeoutExpired:
            rest = None
            if remaining <= 0:
                raise


def _text(stream: bytes) -> str:
    return stream.decode(errors="replace")

"""The one seam to the measuring process: start it, hand it a request, take its answer.

Knows: a command, a time limit, two streams. Does not know: what is measured.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from dataclasses import dataclass

from mnv4bench.devices.host_worker import PARENT_PID
from mnv4bench.errors import WorkerFailed

# How much of a failed process's errors the sentence repeats; all of it travels in the exception.
SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind."""

    command: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: str


def run(command: tuple[str, ...], request: bytes, *, timeout_s: float, purpose: str) -> Finished:
    """Run ``command`` to its end with ``request`` on its standard input.

    Raises WorkerFailed when it cannot be started or runs past ``timeout_s``. Whatever leaves this
    function, Ctrl-C included, leaves no process behind.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, PARENT_PID: str(os.getpid())},
        )
    except OSError as error:
        raise WorkerFailed(
            f"the process that {purpose} could not be started: {error.strerror or error}",
            command=command,
            status=None,
            next_step=by_hand(command, request),
        ) from error
    try:
        stdout, stderr = process.communicate(request, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise WorkerFailed(
            f"the process that {purpose} did not end within {timeout_s:.0f} s and was stopped",
            command=command,
            status=None,
            stdout=_text(stdout),
            stderr=_text(stderr),
            next_step=by_hand(command, request),
        ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return Finished(command=command, status=process.returncode, stdout=stdout, stderr=_text(stderr))


def failure(finished: Finished, request: bytes, what: str) -> WorkerFailed:
    """``what`` as an error that carries the process's end and how to repeat it by hand."""
    return WorkerFailed(
        what,
        command=finished.command,
        status=finished.status,
        stdout=_text(finished.stdout),
        stderr=finished.stderr,
        next_step=by_hand(finished.command, request),
    )


def ending(finished: Finished) -> str:
    """How the process ended, in words: "was killed by SIGSEGV", "ended with status 1: ..."."""
    if finished.status < 0:
        try:
            how = f"was killed by {signal.Signals(-finished.status).name}"
        except ValueError:
            how = f"was killed by signal {-finished.status}"
    else:
        how = f"ended with status {finished.status}"
    lines = [line for line in finished.stderr.splitlines() if line.strip()]
    return f"{how}: {lines[-1].strip()[:SHOWN_CHARACTERS]}" if lines else how


def by_hand(command: tuple[str, ...], request: bytes) -> str:
    """The shell line that repeats the process."""
    return f"repeat it by hand: echo {shlex.quote(_text(request))} | {shlex.join(command)}"


def _text(stream: bytes) -> str:
    return stream.decode(errors="replace")

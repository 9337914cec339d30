"""The one seam to the measuring process: start it, hand it a request, take its answer.

Knows: a command, a time limit, two streams. Does not know: what is measured.
"""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Mapping

from mnv4bench.devices import process, stopping
from mnv4bench.devices.host_worker import PARENT_PID
from mnv4bench.devices.process import Finished
from mnv4bench.errors import WorkerFailed

# How much of a failed process's errors the sentence repeats; all of it travels in the exception.
SHOWN_CHARACTERS = 300


def run(
    command: tuple[str, ...],
    request: bytes,
    *,
    timeout_s: float,
    purpose: str,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run ``command`` to its end with ``request`` on its standard input.

    ``environment``: instead of this process's own.
    Raises WorkerFailed when it cannot be started or runs past ``timeout_s``. Whatever leaves this
    function, Ctrl-C included, leaves no process behind.
    """
    try:
        return process.run(
            command,
            request=request,
            timeout_s=timeout_s,
            environment={
                **(os.environ if environment is None else environment),
                PARENT_PID: str(os.getpid()),
            },
            # In a thread, Ctrl-C would end the worker before the thread knows of it, and the model
            # would be given up as one that crashed.
            apart=not stopping.in_main_thread(),
        )
    except OSError as error:
        raise WorkerFailed(
            f"the process that {purpose} could not be started: {error.strerror or error}",
            command=command,
            status=None,
            next_step=by_hand(command, request),
        ) from error
    except process.TimedOut as late:
        raise WorkerFailed(
            f"the process that {purpose} did not end within {timeout_s:.0f} s and was stopped",
            command=command,
            status=None,
            stdout=_text(late.stdout),
            stderr=late.stderr,
            next_step=by_hand(command, request),
        ) from None


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
    """The next step of a failed process: the shell line that repeats it."""
    return f"repeat it by hand: {shell_line(command, request)}"


def shell_line(command: tuple[str, ...], request: bytes) -> str:
    """``command`` with ``request`` on its standard input, ready to paste."""
    return f"echo {shlex.quote(_text(request))} | {shlex.join(command)}"


def _text(stream: bytes) -> str:
    return stream.decode(errors="replace")

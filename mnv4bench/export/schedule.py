"""Runs the exports that the cache lacks: each in its own process, a few at a time.

Knows: the worker process seen from outside, and how one failure is kept from the others. Does not
know: what names an export (identity) or how a file is made (worker).

Each export has its own process because the exporters hold gigabytes, print to stdout, change
global settings and, now and then, crash.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from mnv4bench import errors
from mnv4bench.errors import BenchError, ExportFailed
from mnv4bench.export import ExportRequest, Exports, Phase, Progress, cache, identity

START = Path(__file__).with_name("start.py")
# The largest reference model takes about two minutes on two busy cores; one that takes this long
# hangs, and would otherwise hang a CI job for hours.
EXPORT_LIMIT_S = 1800.0
# Of a dead worker's output, enough to hold the reason and little enough to read.
TAIL_LINES = 15
TAIL_BYTES = 8192


def ensure(
    requests: Sequence[ExportRequest], jobs: int, listen: Callable[[Progress], None]
) -> Exports:
    """See mnv4bench.export.ensure."""
    if jobs < 1:
        raise errors.UsageError(f"Cannot export with {jobs} processes.", "give at least 1")
    store = cache.Cache()
    keys = {
        request: identity.key(request) for request in requests
    }  # all words are checked before any work
    exports = Exports()
    missing: dict[str, list[ExportRequest]] = {}
    for request, wanted in keys.items():
        if found := store.get(wanted):
            exports.files[request] = found
            listen(Progress(request, "cached", 0.0))
        else:
            missing.setdefault(wanted, []).append(request)
    if missing:
        store.prepare()
        _export_all(missing, store, jobs, listen, exports)
    return exports


def _export_all(
    missing: dict[str, list[ExportRequest]],
    store: cache.Cache,
    jobs: int,
    listen: Callable[[Progress], None],
    exports: Exports,
) -> None:
    waiting = deque(missing)
    running: dict[int, _Worker] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while len(running) < jobs and (wanted := _next(waiting, missing, running.values())):
                    same = missing[wanted]
                    worker = _Worker(same[0], wanted, store.root, listen)
                    running[worker.events] = worker
                    selector.register(worker.events, selectors.EVENT_READ)
                patience = max(0.0, min(worker.deadline for worker in running.values()) - _now())
                ready = {entry.fd for entry, _ in selector.select(patience)}
                for events, worker in list(running.items()):
                    if events in ready and worker.listen_once():
                        continue
                    if events not in ready and _now() < worker.deadline:
                        continue
                    selector.unregister(events)
                    del running[events]
                    _conclude(worker, missing[worker.key], store, listen, exports)
        finally:
            for worker in running.values():
                worker.stop()


def _next(
    waiting: deque[str], missing: dict[str, list[ExportRequest]], running: Iterable["_Worker"]
) -> str | None:
    """Take the first export of a network that none running is about; None: wait for one to end.

    All precisions of a network in one format begin with its fp32 file, so the second is to find
    what the first one made.
    """
    busy = {_network(worker.request) for worker in running}
    for key in waiting:
        if _network(missing[key][0]) not in busy:
            waiting.remove(key)
            return key
    return None


def _network(request: ExportRequest) -> tuple[str, str, str]:
    return request.model, request.format, request.weights


def _conclude(
    worker: "_Worker",
    same: list[ExportRequest],
    store: cache.Cache,
    listen: Callable[[Progress], None],
    exports: Exports,
) -> None:
    """Sort a worker that has ended, or has to, into files or failures."""
    failure = worker.end()
    found = None if failure else store.get(worker.key)
    if failure is None and found is None:
        failure = ExportFailed(
            f"The exported file of {worker.request.model} vanished from {store.root} at once.",
            "see whether another program empties that folder, then run the command again",
        )
    for request in same:
        if found:
            # Exported just now, by us or by another process that was faster.
            exports.files[request] = replace(found, cached=False)
            listen(Progress(request, "done", worker.seconds))
        elif failure:
            exports.failures[request] = failure
            listen(Progress(request, "failed", worker.seconds, failure.what))


class _Worker:
    """The one seam to the worker process: its command, its events, its end."""

    def __init__(
        self, request: ExportRequest, key: str, root: Path, listen: Callable[[Progress], None]
    ) -> None:
        self.request = request
        self.key = key
        self.started = _now()
        self.deadline = self.started + EXPORT_LIMIT_S
        self._listen = listen
        self._unread = b""
        self._error: BenchError | None = None
        self._finished = False
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        self.events, theirs = os.pipe()
        job = {
            "request": asdict(request),
            "key": key,
            "root": str(root),
            "events": theirs,
            "parent": os.getpid(),
        }
        try:
            self._process = subprocess.Popen(
                # -P: a torch.py in the folder that the user stands in must not be imported.
                [sys.executable, "-P", str(START), "worker", json.dumps(job)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                # A Ctrl-C is for us; we end the workers in good order.
                start_new_session=True,
            )
        except BaseException:
            os.close(self.events)
            self._log.close()
            raise
        finally:
            os.close(theirs)
        self._tell("started")

    @property
    def seconds(self) -> float:
        return _now() - self.started

    def listen_once(self) -> bool:
        """Read what is there. False: the worker closed its end, or its last word was said."""
        data = os.read(self.events, 65536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if "phase" in event:
                self._tell(event["phase"])
            elif "error" in event:
                self._error = _rebuilt(event["error"])
            elif "written" in event:
                self._finished = True
        return bool(data)

    def end(self) -> BenchError | None:
        """Wait for a worker that has ended, stop one that has not; the failure, if it is one."""
        if self._error or self._finished:
            self.stop()
            return self._error
        overtime = _now() >= self.deadline
        status = None if overtime else self._wait(5.0)
        tail = self._tail()
        self.stop()
        what = f"Exporting {self.request.model} to {self.request.format}"
        if overtime:
            what += f" was stopped after {EXPORT_LIMIT_S / 60:.0f} minutes."
        elif status is not None and status < 0:
            what += f" ended by {signal.Signals(-status).name}."
        else:
            what += f" ended early, exit status {status}."
        hint = "it may have run out of memory: close other programs and run the command again"
        next_step = hint if status == -signal.SIGKILL else "run the command again"
        return ExportFailed(what + (f" Its last lines:\n{tail}" if tail else ""), next_step)

    def stop(self) -> None:
        """Safe to repeat."""
        # The group: an exporter may have started programs of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if not self._log.closed:
            os.close(self.events)
            self._log.close()

    def _wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def _tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - TAIL_BYTES))
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if line.strip()][-TAIL_LINES:])

    def _tell(self, phase: Phase) -> None:
        self._listen(Progress(self.request, phase, self.seconds))


def _rebuilt(error: dict[str, str]) -> BenchError:
    """The worker's error as the leaf that it was raised as."""
    leaf: type[BenchError] = {
        "UsageError": errors.UsageError,
        "NotMeasured": errors.NotMeasured,
        "BadFile": errors.BadFile,
    }.get(error["kind"], ExportFailed)
    return leaf(error["what"], error["next_step"])


def _now() -> float:
    return time.monotonic()

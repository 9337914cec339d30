"""One file that a process of this machine times.

On this machine's processor or GPU, in Core ML, or on a phone that the process speaks for.

Knows: one invocation, two files side by side, and how an answer is read. Does not know: which
runtimes this machine has (host), how a process is asked (host_request).
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import msgspec

from mnv4bench.devices import (
    Session,
    alternation,
    gpu_adapter,
    host_profile,
    host_request,
    host_runtimes,
    profiling,
    worker_process,
)
from mnv4bench.devices.apple.scratch import scratch
from mnv4bench.devices.counting import OnlyTimed
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.devices.placement import with_gpu_log, with_litert_log
from mnv4bench.devices.process import Finished
from mnv4bench.devices.unchanged import identity
from mnv4bench.devices.worker_messages import Answer, Beside, Measured, Phone, Refused, Second
from mnv4bench.errors import NotMeasured, WorkerFailed
from mnv4bench.records import (
    Artifact,
    DeviceProfile,
    Operators,
    Paired,
    Placement,
    Samples,
    Timing,
)

A = TypeVar("A", Measured, Beside)

# An invocation that runs for longer is one of running back to back.
PACED_UP_TO_S = 2.0


class HostSession(OnlyTimed):
    """One file that a process here times. Keeps the Session contract."""

    def __init__(
        self,
        profile: DeviceProfile,
        file: Path,
        artifact: Artifact,
        python: Interpreter | None = None,
        *,
        period_s: float | None = None,
        phone: Phone | None = None,
    ) -> None:
        """``period_s``: its invocations then time it at this beat too. ``phone``: where it runs."""
        self._runtime = host_runtimes.by_name(profile.runtime)
        self._profile = profile
        self._python = python
        self._period_s = period_s
        self._phone = phone
        self._file = file
        self._artifact = artifact
        self._files = (file, *(file.parent / data for data in artifact.data_files))
        self._identities = tuple(map(identity, self._files))

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Time the file once, in one fresh process.

        Raises WorkerFailed with the command to repeat it, when that process fails.
        """
        self._require_unchanged()
        request = self._asked(timing, round, position)
        with self._surroundings() as environment:
            finished = worker_process.run(
                host_request.worker_command(self._python),
                request,
                environment=environment,
                timeout_s=host_request.time_limit_s(timing, self._phone),
                purpose=f"measures {self._file.name}",
            )
        answer = self._answer(finished, request, Measured)
        return answer.samples, self._with_log(answer.placement, finished)

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """Time this file and ``head``'s in alternating blocks.

        In one fresh process; in two that take turns, where the sides have different interpreters.
        """
        assert isinstance(head, HostSession)
        self._require_unchanged()
        head._require_unchanged()
        # Two copies of one file may differ by a percent for as long as they lie where they lie, so
        # both are copied anew for every process.
        with tempfile.TemporaryDirectory(prefix="mnv4bench-") as folder:
            sides = [(self, "base"), (head, "head")]
            copies = {
                name: side._copied(Path(folder) / name)
                for side, name in (sides if base_first else sides[::-1])
            }
            try:
                if self._python == head._python:
                    paired, finished = self._in_one(head, copies, timing, base_first)
                else:
                    paired, finished = alternation.measure(
                        self._side(copies["base"], timing),
                        head._side(copies["head"], timing),
                        timing,
                        base_first=base_first,
                        limit_s=host_request.time_limit_s(timing),
                    )
            except WorkerFailed as error:  # by hand the copies are no longer there
                request = self._of_originals(head, timing, base_first, error.command)
                error.next_step = worker_process.by_hand(error.command, request)
                raise
        of_base, of_head = finished
        return msgspec.structs.replace(
            paired,
            base_placement=self._with_log(paired.base_placement, of_base),
            head_placement=self._with_log(paired.head_placement, of_head),
        )

    def _with_log(self, placement: Placement, finished: Finished) -> Placement:
        """``placement`` with what the runtime printed, where that is evidence."""
        if self._profile.runtime != "litert":
            return placement
        if self._profile.accelerator == "gpu":
            return with_gpu_log(placement, finished.stderr)
        return with_litert_log(placement, finished.stderr)

    def _in_one(
        self, head: HostSession, copies: dict[str, Path], timing: Timing, base_first: bool
    ) -> tuple[Paired, tuple[Finished, Finished]]:
        request = self._both(head, copies["base"], copies["head"], timing, base_first)
        with self._surroundings() as environment:
            finished = worker_process.run(
                host_request.worker_command(self._python),
                request,
                environment=environment,
                timeout_s=2 * host_request.time_limit_s(timing),
                purpose=f"measures {self._file.name} beside {head._file.name}",
            )
        return self._answer(finished, request, Beside).paired, (finished, finished)

    def _of_originals(
        self, head: HostSession, timing: Timing, base_first: bool, command: tuple[str, ...]
    ) -> bytes:
        """What ``command`` was asked, with the files themselves in the place of their copies."""
        if self._python == head._python:
            return self._both(head, self._file, head._file, timing, base_first)
        failed = head if command[0] == host_request.worker_command(head._python)[0] else self
        return host_request.request_of(self._profile, failed._file, failed._artifact, timing)

    def _both(
        self, head: HostSession, base_file: Path, head_file: Path, timing: Timing, base_first: bool
    ) -> bytes:
        """What one process is asked that times both sides."""
        second = Second(
            file=str(head_file), shapes=head._artifact.input_shapes, base_first=base_first
        )
        return host_request.request_of(
            self._profile, base_file, self._artifact, timing, head=second
        )

    def _side(self, file: Path, timing: Timing) -> alternation.Side:
        runtime = self._runtime
        return alternation.Side(
            command=(*host_request.worker_command(self._python), "block_worker"),
            request=host_request.request_of(self._profile, file, self._artifact, timing),
            environment=host_request.environment(self._python),
            purpose=f"measures {file.name} in {host_request.worker_command(self._python)[0]}",
            runtime=f"{runtime.title} {runtime.version(self._python)}",
            file=file.name,
        )

    def operators(self, inferences: int) -> Operators:
        """What each operator takes, in one fresh process that also runs the file unprofiled.

        Raises NotMeasured for a device that does not tell, and WorkerFailed with the command to
        repeat it, when that process fails.
        """
        if (refused := profiling.refusal(self._profile)) is not None:
            raise refused
        self._require_unchanged()
        process = (
            host_request.worker_command(self._python),
            host_request.environment(self._python),
        )
        asked = host_profile.Asked(self._profile, self._file, self._artifact, inferences, *process)
        return host_profile.taken(asked, host_runtimes.of(self._profile), self._python)

    def _copied(self, folder: Path) -> Path:
        """The file, with the files beside it that hold its weights, in ``folder``."""
        try:
            folder.mkdir()
            for file in self._files:
                if file.is_dir():  # a Core ML package
                    shutil.copytree(file, folder / file.name)
                else:
                    shutil.copy(file, folder / file.name)
        except OSError as error:
            raise NotMeasured(
                f"{self._file.name} could not be copied to be measured: {error.strerror}.",
                "make room in the folder for temporary files (TMPDIR)",
            ) from None
        return folder / self._file.name

    def _require_unchanged(self) -> None:
        for file, before in zip(self._files, self._identities, strict=True):
            if identity(file) not in (before, None):  # a file that is gone says so itself
                raise NotMeasured(
                    f"{file.name} changed while it was being measured; its latencies would be "
                    "those of two files.",
                    "run again when nothing writes to it",
                )

    def _refused(
        self, answer: Refused, finished: Finished, request: bytes, name: str
    ) -> WorkerFailed:
        """The error that the runtime would not have the file; a GPU accelerator prints why."""
        reason = answer.reason
        if (self._profile.runtime, self._profile.accelerator, answer.stage) == (
            "litert",
            "gpu",
            "load",
        ):
            reason = gpu_adapter.why(finished.stderr) or reason
        what = f"{self._runtime.title} could not {answer.stage} {name}: {reason}"
        return worker_process.failure(finished, request, what)

    def line(self, timing: Timing) -> str:
        """What ``invoke`` runs, ready to paste."""
        return worker_process.shell_line(
            host_request.worker_command(self._python), self._asked(timing, 0, 0)
        )

    def _asked(self, timing: Timing, round: int, position: int) -> bytes:
        return host_request.request_of(
            self._profile,
            self._file,
            self._artifact,
            timing,
            round,
            position,
            # A long window is of running back to back, which no beat may interrupt.
            period_s=self._period_s if timing.min_duration_s <= PACED_UP_TO_S else None,
            phone=self._phone,
        )

    def _surroundings(self) -> AbstractContextManager[dict[str, str]]:
        """The environment of the measuring process, for as long as it runs."""
        return scratch(self._profile.runtime, host_request.environment(self._python))

    def remove(self) -> None:
        """Nothing was copied, so there is nothing to take away. Safe to repeat."""

    def _answer(self, finished: Finished, request: bytes, wanted: type[A]) -> A:
        """The answer, of the kind that was asked for. Raises WorkerFailed for any other."""
        try:
            answer = msgspec.json.decode(finished.stdout.rpartition(b"\n")[2], type=Answer)
        except msgspec.DecodeError as error:  # none at all, or values that cannot be
            how = (
                worker_process.ending(finished)
                if finished.status
                else f"answered nonsense: {error}"
            )
        else:
            if isinstance(answer, wanted):
                return answer
            if isinstance(answer, Refused):
                name, refused = self._file.name, Path(answer.file)
                if wanted is Beside and answer.file:  # a copy, in a folder called after its side
                    name = f"{refused.parent.name}'s {refused.name}"
                raise self._refused(answer, finished, request, name)
            how = "answered another question"
        raise worker_process.failure(
            finished, request, f"the process that measures {self._file.name} {how}"
        )

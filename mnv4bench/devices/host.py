"""This machine as a device: LiteRT or ONNX Runtime on its processor, LiteRT on its GPU.

The session is that of Core ML too, on this machine or on a phone that a process here speaks for.

Knows: which runtime a profile needs and how one invocation is asked of a fresh process. Does not
know: the runtimes themselves, which only the measuring process loads.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from mnv4bench.devices import (
    Session,
    alternation,
    gpu_adapter,
    host_facts,
    host_profile,
    host_runtimes,
    interpreter,
    profiling,
    worker_process,
)
from mnv4bench.devices.apple.scratch import scratch
from mnv4bench.devices.counting import not_counted
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.devices.host_worker import (
    Answer,
    Beside,
    Measured,
    Phone,
    Refused,
    Request,
    Second,
)
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.devices.placement import with_gpu_log, with_litert_log
from mnv4bench.devices.process import Finished
from mnv4bench.devices.unchanged import identity
from mnv4bench.errors import MissingExtra, NotMeasured, UsageError, WorkerFailed
from mnv4bench.records import (
    Artifact,
    Check,
    Counted,
    DeviceProfile,
    DeviceState,
    Environment,
    Operators,
    Paired,
    Placement,
    Samples,
    Timing,
)

A = TypeVar("A", Measured, Beside)

START_WORKER = Path(__file__).with_name("start_worker.py")
# What the measuring process imports beside its runtime, wherever it runs.
NEEDED = ("msgspec", "numpy")

# Beside warm-up and timing: starting Python, importing and loading on a slow, busy machine, and a
# last inference that began just before each cap. A hang is still found within minutes.
START_ALLOWANCE_S = 120.0
PACED_UP_TO_S = 2.0
# Building the helper app takes Xcode a minute or two, installing and starting it some seconds.
PHONE_ALLOWANCE_S = 600.0


class HostRunner:
    """One host profile made live. Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile, python: Interpreter | None = None) -> None:
        """``python`` runs the measuring processes; None: this program's own interpreter.

        Raises NotMeasured for a runtime or unit that the host runner does not drive.
        """
        self._profile = profile
        self._python = python
        self._runtime = host_runtimes.of(profile)

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """("ready" or "unusable", why); this machine is never absent."""
        runtime, version = self._runtime, self._runtime.version(self._python)
        if self._python is not None:
            missing = self._python.lacks(*NEEDED)
            missing += (runtime.distributions[0],) if version is None else ()
            if missing:
                return "unusable", (
                    f"{self._python.python} lacks {', '.join(missing)}, which its measuring "
                    f"process needs: {self._python.install_line(*missing)}"
                )
        if version is None:
            return "unusable", (
                f"{runtime.title} is not installed (Python package {runtime.module}): "
                "pip install 'mnv4bench[run]'"
            )
        if self._profile.accelerator == "gpu":
            return self._gpu_availability(f"{runtime.title} {version}")
        count = self._profile.threads
        threads = "1 thread" if count == 1 else f"{count} threads"
        return "ready", f"{runtime.title} {version} on this machine, {threads}"

    def _gpu_availability(self, runtime: str) -> tuple[Literal["ready", "unusable"], str]:
        asked = gpu_adapter.ask(worker_command(self._python), _environment(self._python))
        if asked.adapter is None:
            return "unusable", f"{asked.why}: {asked.fix}"
        where = f"{runtime} on {asked.adapter.name} ({asked.adapter.kind})"
        played = ", which the processor plays: its times are marked emulated"
        return "ready", where + (played if asked.adapter.is_software else "")

    def checks(self) -> tuple[Check, ...]:
        """The runtime, and what else could spoil a measurement here."""
        status, detail = self.availability()
        if status == "ready":
            runtime = Check(name="runtime", status="ok", found=detail)
        else:
            sentence, _, fix = detail.rpartition(": ")
            runtime = Check(name="runtime", status="failed", found=sentence, fix=fix)
        return (runtime, *host_facts.checks())

    def unit(self) -> str:
        """This machine, whichever the runtime."""
        return HOST

    def held(self) -> AbstractContextManager[None]:
        """This machine for one run; it has no modes that are set without root."""
        return hold(HOST)

    def probe(self) -> None:
        """None: each invocation here carries evidence of its own interval."""

    def environment(self) -> Environment:
        """What this machine and its software are; unknown facts are None.

        Raises NotMeasured where a GPU is measured and there is none.
        """
        version = self._runtime.version(self._python)
        found = host_facts.environment(self._runtime.title, version)
        if self._profile.accelerator == "gpu":
            asked = gpu_adapter.ask(worker_command(self._python), _environment(self._python))
            if asked.adapter is None:
                raise NotMeasured(f"{self._profile.device}: {asked.why}.", asked.fix)
            found = msgspec.structs.replace(
                found,
                gpu=asked.adapter.name,
                gpu_kind=asked.adapter.kind,
                gpu_is_software=asked.adapter.is_software,
            )
        if self._python is None:
            return found
        return msgspec.structs.replace(found, python_version=self._python.version)

    def state(self) -> DeviceState:
        """Load, heat and power right now."""
        return host_facts.state()

    def install(self, file: Path, artifact: Artifact) -> HostSession:
        """Check that this profile runs ``file``; on this machine nothing is copied.

        Raises UsageError for another format or an absent file, MissingExtra without the runtime.
        """
        require_file(self._profile, file, artifact)
        if self._python is not None and self.availability()[0] != "ready":
            sentence, _, fix = self.availability()[1].rpartition(": ")
            raise UsageError(f"{sentence}.", fix)
        if self._runtime.version(self._python) is None:
            raise MissingExtra(self._runtime.module, "run", f"measuring on {self._profile.device}")
        return HostSession(self._profile, file.resolve(), artifact, self._python)

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """One line for each file, and one for each window; nothing is installed."""
        return command_lines(self._profile, measured, timing, sustained, self._python)


class HostSession:
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
                worker_command(self._python),
                request,
                environment=environment,
                timeout_s=time_limit_s(timing, self._phone),
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
                        limit_s=time_limit_s(timing),
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
                worker_command(self._python),
                request,
                environment=environment,
                timeout_s=2 * time_limit_s(timing),
                purpose=f"measures {self._file.name} beside {head._file.name}",
            )
        return self._answer(finished, request, Beside).paired, (finished, finished)

    def _of_originals(
        self, head: HostSession, timing: Timing, base_first: bool, command: tuple[str, ...]
    ) -> bytes:
        """What ``command`` was asked, with the files themselves in the place of their copies."""
        if self._python == head._python:
            return self._both(head, self._file, head._file, timing, base_first)
        failed = head if command[0] == worker_command(head._python)[0] else self
        return _request(self._profile, failed._file, failed._artifact, timing)

    def _both(
        self, head: HostSession, base_file: Path, head_file: Path, timing: Timing, base_first: bool
    ) -> bytes:
        """What one process is asked that times both sides."""
        second = Second(
            file=str(head_file), shapes=head._artifact.input_shapes, base_first=base_first
        )
        return _request(self._profile, base_file, self._artifact, timing, head=second)

    def _side(self, file: Path, timing: Timing) -> alternation.Side:
        runtime = self._runtime
        return alternation.Side(
            command=(*worker_command(self._python), "block_worker"),
            request=_request(self._profile, file, self._artifact, timing),
            environment=_environment(self._python),
            purpose=f"measures {file.name} in {worker_command(self._python)[0]}",
            runtime=f"{runtime.title} {runtime.version(self._python)}",
            file=file.name,
        )

    def count(self, inferences: int, *, round: int, position: int) -> tuple[Counted, Placement]:  # noqa: ARG002
        """Raises NotMeasured: this machine is timed as it is."""
        raise not_counted(self._profile.device, self._profile.format)

    def operators(self, inferences: int) -> Operators:
        """What each operator takes, in one fresh process that also runs the file unprofiled.

        Raises NotMeasured for a device that does not tell, and WorkerFailed with the command to
        repeat it, when that process fails.
        """
        profiling.refuse_for(self._profile)
        self._require_unchanged()
        process = (worker_command(self._python), _environment(self._python))
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
        return worker_process.shell_line(worker_command(self._python), self._asked(timing, 0, 0))

    def _asked(self, timing: Timing, round: int, position: int) -> bytes:
        return _request(
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
        return scratch(self._profile.runtime, _environment(self._python))

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


def command_lines(
    profile: DeviceProfile,
    measured: Sequence[tuple[Path, Artifact]],
    timing: Timing,
    sustained: Timing | None,
    python: Interpreter | None = None,
) -> tuple[str, ...]:
    """Runner.commands of a profile whose files this machine's processes load where they lie."""

    def each(comment: str, asked: Timing) -> list[str]:
        lines = []
        for file, artifact in measured:
            request = _request(profile, file.resolve(), artifact, asked)
            lines.append(f"# {comment}: {file.name!r}")
            lines.append(worker_process.shell_line(worker_command(python), request))
        return lines

    windows = each("then back to back, this again", sustained) if sustained else []
    return (*each("a round", timing), *windows)


def require_file(profile: DeviceProfile, file: Path, artifact: Artifact) -> None:
    """Raises UsageError for a format that ``profile`` does not run, and for an absent file."""
    wanted = profile.format
    if artifact.format != wanted:
        raise UsageError(
            f"{profile.device} runs .{wanted} files, and {file.name} is "
            f"{artifact.format}; nothing was measured.",
            host_runtimes.other_device(artifact.format),
        )
    if not file.is_file():
        raise UsageError(
            f"there is no file {file} to measure.",
            "check the path, or export it again: mnv4bench export --help",
        )


def worker_command(python: Interpreter | None = None) -> tuple[str, ...]:
    """The measuring process."""
    return (sys.executable if python is None else str(python.python), "-P", str(START_WORKER))


def _environment(python: Interpreter | None) -> dict[str, str]:
    """What an interpreter that was named is not to inherit, is left out."""
    return dict(os.environ) if python is None else interpreter.environment()


def _request(
    profile: DeviceProfile,
    file: Path,
    artifact: Artifact,
    timing: Timing,
    round: int = 0,
    position: int = 0,
    *,
    head: Second | None = None,
    period_s: float | None = None,
    phone: Phone | None = None,
) -> bytes:
    """What the measuring process is asked: to time ``file``, or it beside ``head``."""
    return msgspec.json.encode(
        Request(
            file=str(file),
            runtime=profile.runtime,
            accelerator=profile.accelerator,
            cuda=profile.cuda,
            threads=profile.threads,
            timing=timing,
            round=round,
            position=position,
            shapes=artifact.input_shapes,
            head=head,
            period_s=period_s,
            phone=phone,
        )
    )


def time_limit_s(timing: Timing, phone: Phone | None = None) -> float:
    """When an invocation that obeys ``timing`` must long have ended.

    The caps are looked at between inferences, so each may be passed by one inference; twice their
    sum leaves room for inferences as long as the caps themselves.
    """
    allowance_s = START_ALLOWANCE_S if phone is None else PHONE_ALLOWANCE_S
    return allowance_s + 2 * (timing.warmup_cap_s + timing.max_duration_s)

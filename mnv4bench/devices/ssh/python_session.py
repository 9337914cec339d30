"""One file on a board with Python: an invocation is this program's own measuring process there.

Knows: the request and the answer of ``host_worker``, and how its process is started on the board.
Does not know: how files and the process came there, nor how often a file is measured.

The process is the host's, so every single inference is told and two files are timed side by side in
it, in alternating blocks. Base and head have one interpreter here, so they need no second process,
whose turns would have to go through the network.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from mnv4bench.devices import Session
from mnv4bench.devices.android import remains
from mnv4bench.devices.counting import OnlyTimed
from mnv4bench.devices.host_runtimes import Runtime
from mnv4bench.devices.placement import with_litert_log
from mnv4bench.devices.profiling import OnlyWhole
from mnv4bench.devices.ssh import failures, invocation, leash
from mnv4bench.devices.ssh.connection import Ssh
from mnv4bench.devices.ssh.invocation import Place, Ran
from mnv4bench.devices.ssh.worker import Python
from mnv4bench.devices.worker_messages import Answer, Beside, Measured, Refused, Request, Second
from mnv4bench.errors import WorkerFailed
from mnv4bench.records import (
    Artifact,
    DeviceProfile,
    Paired,
    Placement,
    Samples,
    Timing,
)

A = TypeVar("A", Measured, Beside)


@dataclass(frozen=True, slots=True)
class Process:
    """What measures on the board."""

    python: Python
    worker: str  # its file's path there
    runtime: Runtime

    @property
    def words(self) -> tuple[str, ...]:
        return (self.python.program, "-P", self.worker, "host_worker")


class PythonSession(OnlyTimed, OnlyWhole):
    """Keeps the Session contract of ``mnv4bench.devices``."""

    def __init__(
        self,
        profile: DeviceProfile,
        ssh: Ssh,
        place: Place,
        process: Process,
        artifact: Artifact,
        *,
        name: str,
        file: str,
    ) -> None:
        """``name`` is the user's file's, ``file`` its path on the board."""
        self._profile = profile
        self._ssh = ssh
        self._place = place
        self._process = process
        self._artifact = artifact
        self._name = name
        self._file = file

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:
        """Time the file once, in one fresh process on the board.

        Raises WorkerFailed with the command to repeat it when that process fails, DeviceLost.
        """
        request = self._request(timing, self._file, round=round, position=position)
        ran = invocation.run(
            self._ssh,
            self._place,
            self._process.words,
            limit_s=invocation.limit_s(timing),
            request=request,
        )
        answer = self._answer(ran, request, Measured)
        samples = answer.samples
        _, _, mean_hz = ran.frequency_hz(self._place)
        samples = replace(
            samples,
            noise=replace(samples.noise, frequency_mean_hz=mean_hz),
            tainted=(*samples.tainted, *ran.taints),
        )
        return samples, self._placed(answer.placement, ran)

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:
        """Time this file and ``head``'s in alternating blocks, in one fresh process."""
        assert isinstance(head, PythonSession)
        marker = invocation.new_marker()
        folder = f"{self._place.folder}/{marker}"
        # Two copies of one file may differ by a percent for as long as they lie where they lie, so
        # both are copied anew for every process, as on the host.
        copies = {"base": self._file, "head": head._file}
        order = copies if base_first else dict(reversed(copies.items()))
        prepare = " && ".join(
            [
                f"mkdir {shlex.quote(folder)}",
                *(
                    f"cp -r {shlex.quote(str(PurePosixPath(file).parent))} "
                    f"{shlex.quote(f'{folder}/{side}')}"
                    for side, file in order.items()
                ),
            ]
        )
        places = {
            side: f"{folder}/{side}/{PurePosixPath(file).name}" for side, file in copies.items()
        }
        second = Second(
            file=places["head"], shapes=head._artifact.input_shapes, base_first=base_first
        )
        request = self._request(timing, places["base"], head=second)
        ran = invocation.run(
            self._ssh,
            self._place,
            self._process.words,
            limit_s=2 * invocation.limit_s(timing),
            request=request,
            prepare=prepare,
            tidy=f"rm -rf {shlex.quote(folder)}",
            marker=marker,
        )
        paired = self._answer(ran, request, Beside, head).paired
        return replace(
            paired,
            base_placement=self._placed(paired.base_placement, ran),
            head_placement=self._placed(paired.head_placement, ran),
            tainted=(*paired.tainted, *ran.taints),
        )

    def remove(self) -> None:
        """The file goes with the program's folder when the board is given back."""

    def lines(self, timing: Timing) -> tuple[str, ...]:
        """The shell lines of an invocation, as the board gets them."""
        request = self._request(timing, self._file)
        script = invocation.script(
            self._place,
            self._process.words,
            limit_s=invocation.limit_s(timing),
            marker="mnv4bench",
            request=request,
            watched=False,
        )
        return (self._ssh.shell_line(script),)

    def _request(
        self,
        timing: Timing,
        file: str,
        *,
        round: int = 0,
        position: int = 0,
        head: Second | None = None,
    ) -> str:
        return msgspec.json.encode(
            Request(
                file=file,
                runtime=self._profile.runtime,
                threads=self._profile.threads,
                timing=timing,
                round=round,
                position=position,
                shapes=self._artifact.input_shapes,
                head=head,
            )
        ).decode()

    def _answer(
        self, ran: Ran, request: str, wanted: type[A], head: PythonSession | None = None
    ) -> A:
        """The answer, of the kind that was asked for. Raises WorkerFailed for any other."""
        lines = [line for line in ran.stdout.splitlines() if line.strip()]
        title = self._process.runtime.title
        try:
            answer = msgspec.json.decode(lines[-1] if lines else "", type=Answer)
        except msgspec.DecodeError as error:  # none at all, or values that cannot be
            raise self._failed(
                ran, request, self._ending(ran, f"answered nonsense: {error}")
            ) from None
        if isinstance(answer, wanted):
            return answer
        if isinstance(answer, Refused):
            name = self._name
            if head is not None and answer.file:  # a copy, in a folder called after its side
                side = PurePosixPath(answer.file).parent.name
                name = f"{side}'s {head._name if side == 'head' else self._name}"
            what = f"{title} could not {answer.stage} {name}: {answer.reason}"
            raise self._failed(ran, request, what, whole=True)
        raise self._failed(ran, request, "answered another question")

    def _ending(self, ran: Ran, otherwise: str) -> str:
        last = failures.last_words(ran.stderr)
        if ran.status in leash.HUNG:
            return "hung and was stopped"
        if number := ran.was_killed_by:
            why = "; a board that has no memory left does that" if number == 9 else ""
            return f"was killed by {remains.signal_name(number)}{why}"
        if ran.status:
            return f"ended with status {ran.status}" + (f": {last}" if last else "")
        return otherwise

    def _failed(self, ran: Ran, request: str, how: str, *, whole: bool = False) -> WorkerFailed:
        sentence = (
            how if whole else (f"the process that measures {self._name} on {self._ssh.host} {how}")
        )
        program = shlex.join((*self._place.pin, *self._process.words))
        by_hand = self._ssh.shell_line(f"printf %s {shlex.quote(request)} | {program}")
        return WorkerFailed(
            sentence,
            command=("ssh", self._ssh.host, program),
            status=ran.status,
            stdout=ran.stdout,
            stderr=ran.stderr,
            next_step=f"run it again with --keep, then by hand: {by_hand}",
        )

    def _placed(self, placement: Placement, ran: Ran) -> Placement:
        if self._profile.runtime != "litert":
            return placement
        return with_litert_log(placement, ran.stderr)

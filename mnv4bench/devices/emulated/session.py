"""One file under the emulator: one process counts so many inferences of it.

Knows: the command of a counted process, and how its marks become counts. Does not know: how often
it is counted, nor what is fetched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec

from mnv4bench.devices import Session, worker_process
from mnv4bench.devices.counting import not_timed
from mnv4bench.devices.emulated import plugin
from mnv4bench.devices.emulated.guest import EMPTY, Answer, CountRequest, Marked
from mnv4bench.devices.placement import with_litert_log
from mnv4bench.devices.process import Finished
from mnv4bench.devices.profiling import OnlyWhole
from mnv4bench.devices.unchanged import identity
from mnv4bench.errors import NotMeasured
from mnv4bench.records import (
    Artifact,
    Counted,
    DeviceProfile,
    Paired,
    Placement,
    Samples,
    Timing,
)

START_WORKER = Path(__file__).parents[1] / "start_worker.py"
# Python and LiteRT start in about two seconds under qemu; a network of 8 GMACs takes some ten
# seconds an inference. A hang is found within minutes.
START_ALLOWANCE_S = 180.0
INFERENCE_ALLOWANCE_S = 120.0
# What a program finds in its environment lies on its stack, whose alignment is counted too; so
# nothing of the user's own comes in. One thread for every library that would start more.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Emulator:
    """A command that everything a program does is counted by; empty: the program runs natively."""

    prefix: tuple[str, ...]
    python: str
    environment: Mapping[str, str]

    def command(self) -> tuple[str, ...]:
        """The counted process."""
        return (*self.prefix, self.python, "-P", str(START_WORKER), "emulated.guest")


class EmulatedSession(OnlyWhole):
    """Keeps the Session contract of ``mnv4bench.devices``."""

    def __init__(
        self, profile: DeviceProfile, emulator: Emulator, file: Path, artifact: Artifact
    ) -> None:
        self._profile = profile
        self._emulator = emulator
        self._file = file
        self._artifact = artifact
        self._identity = identity(file)

    def invoke(self, timing: Timing, *, round: int, position: int) -> tuple[Samples, Placement]:  # noqa: ARG002
        """Raises NotMeasured: an emulator's time is nobody's latency."""
        self._refuse()

    def beside(self, head: Session, timing: Timing, *, base_first: bool) -> Paired:  # noqa: ARG002
        """As ``invoke``."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise not_timed(self._profile.device)

    def count(self, inferences: int, *, round: int, position: int) -> tuple[Counted, Placement]:
        """Count ``inferences`` in one fresh process.

        Raises WorkerFailed with the command to repeat it, when that process fails.
        """
        if identity(self._file) not in (self._identity, None):
            raise NotMeasured(
                f"{self._file.name} changed while it was being counted.",
                "run again when nothing writes to it",
            )
        request = request_of(self._file, self._artifact, inferences)
        answer, finished, encoded = asked(
            self._emulator, request, purpose=f"counts {self._file.name}"
        )
        marks = plugin.marks(finished.stderr)
        wanted = 2 * (1 + EMPTY + inferences)
        if len(marks) != wanted:
            raise worker_process.failure(
                finished,
                encoded,
                f"the counter of {self._file.name} wrote {len(marks)} marks instead of {wanted}",
            )
        return counted(marks, answer, round, position), placed(answer, finished)

    def remove(self) -> None:
        """Nothing was copied."""

    def line(self, inferences: int) -> str:
        """What ``count`` runs, ready to paste."""
        request = request_of(self._file, self._artifact, inferences)
        return shell_line(self._emulator, msgspec.json.encode(request))


def request_of(file: Path, artifact: Artifact, inferences: int) -> CountRequest:
    """What a counted process is asked of ``file``."""
    return CountRequest(
        file=str(file),
        shapes=artifact.input_shapes,
        inferences=inferences,
    )


def asked(
    emulator: Emulator, request: CountRequest, *, purpose: str
) -> tuple[Marked, Finished, bytes]:
    """Run one process to its end: its answer, what it left, what it was asked.

    Raises WorkerFailed where it was refused or ended otherwise.
    """
    encoded = msgspec.json.encode(request)
    name = Path(request.file).name
    finished = worker_process.run(
        emulator.command(),
        encoded,
        timeout_s=START_ALLOWANCE_S + INFERENCE_ALLOWANCE_S * (request.inferences + 2),
        purpose=purpose,
        environment=emulator.environment,
    )
    said = Finished(
        command=finished.command,
        status=finished.status,
        stdout=finished.stdout,
        stderr=plugin.without_marks(finished.stderr),
    )
    try:
        answer = msgspec.json.decode(finished.stdout.rpartition(b"\n")[2], type=Answer)
    except msgspec.DecodeError as error:
        how = worker_process.ending(said) if finished.status else f"answered nonsense: {error}"
        raise worker_process.failure(said, encoded, f"the process that {purpose} {how}") from None
    if not isinstance(answer, Marked):
        raise worker_process.failure(
            said, encoded, f"LiteRT could not {answer.stage} {name}: {answer.reason}"
        )
    return answer, finished, encoded


def counted(marks: list[tuple[int, int]], answer: Marked, round: int, position: int) -> Counted:
    """The spans between marks, less what marking costs; with what makes them unfit.

    Whether the inferences are alike is for whoever has several processes to say.

    ``marks``: (instructions of the thread that marked, of all others), two for each span.
    """
    spans = [
        (after[0] - before[0], after[1] - before[1])
        for before, after in zip(marks[::2], marks[1::2], strict=True)
    ]
    load, empty, inferences = spans[0], spans[1 : 1 + EMPTY], spans[1 + EMPTY :]
    costs = sorted({own for own, _ in empty})
    marking = costs[0]
    each = [own - marking + others for own, others in inferences]
    reasons = []
    if len(costs) > 1:
        reasons.append(f"marking alone took {costs[0]} to {costs[-1]} instructions")
    if beside := max(others for _, others in inferences):
        reasons.append(f"other threads executed up to {beside} instructions in an inference")
    return Counted(
        round=round,
        position=position,
        started_at=answer.started_at,
        instructions=tuple(each),
        load_instructions=max(sum(load) - marking, 0),
        outputs_sha256=answer.outputs_sha256,
        tainted=tuple(reasons),
    )


def placed(answer: Marked, finished: Finished) -> Placement:
    """Where the operators ran, with LiteRT's log as the second witness."""
    return with_litert_log(answer.placement, finished.stderr)


def natively() -> Emulator:
    """The same process without an emulator: what numerics are held against."""
    return Emulator((), sys.executable, {**os.environ, **ENVIRONMENT})


def shell_line(emulator: Emulator, request: bytes) -> str:
    """What ``asked`` runs, with the whole environment of it, ready to paste."""
    facts = tuple(f"{name}={value}" for name, value in emulator.environment.items())
    return worker_process.shell_line(("env", "-i", *facts, *emulator.command()), request)

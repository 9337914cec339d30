"""One file profiled on this machine: the process that is asked, and what it answers.

Knows: the request and the answer of ``profile_worker``. Does not know: profilers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from mnv4bench.devices import worker_process
from mnv4bench.devices.host_runtimes import Runtime
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.devices.placement import with_litert_log
from mnv4bench.devices.profile_worker import Answer, Profiled, ProfileRequest
from mnv4bench.records import Artifact, DeviceProfile, Operators

# Starting Python and loading the file twice; then inferences, with the warm-ups twice as many.
START_ALLOWANCE_S = 120.0
INFERENCE_ALLOWANCE_S = 6.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a file of a profile, and the process that is to answer."""

    profile: DeviceProfile
    file: Path
    artifact: Artifact
    inferences: int
    command: tuple[str, ...]  # that starts a worker, without the worker's name
    environment: Mapping[str, str]


def taken(asked: Asked, runtime: Runtime, python: Interpreter | None) -> Operators:
    """What each operator takes. Raises WorkerFailed with the command to repeat it."""
    request = msgspec.json.encode(
        ProfileRequest(
            file=str(asked.file),
            runtime=asked.profile.runtime,
            threads=asked.profile.threads,
            inferences=asked.inferences,
            shapes=asked.artifact.input_shapes,
        )
    )
    finished = worker_process.run(
        (*asked.command, "profile_worker"),
        request,
        environment=asked.environment,
        timeout_s=START_ALLOWANCE_S + INFERENCE_ALLOWANCE_S * asked.inferences,
        purpose=f"profiles {asked.file.name}",
    )
    try:
        answer = msgspec.json.decode(finished.stdout.rpartition(b"\n")[2], type=Answer)
    except msgspec.DecodeError as error:  # none at all, or times that cannot be
        ended = worker_process.ending(finished)
        how = ended if finished.status else f"answered nonsense: {error}"
        what = f"the process that profiles {asked.file.name} {how}"
        raise worker_process.failure(finished, request, what) from None
    if not isinstance(answer, Profiled):
        what = f"{runtime.title} could not {answer.stage} {asked.file.name} with its profiler on"
        raise worker_process.failure(finished, request, f"{what}: {answer.reason}")
    placement = answer.placement
    if asked.profile.runtime == "litert":
        placement = with_litert_log(placement, finished.stderr)
    name = f"{runtime.title} {runtime.version(python)}"
    return replace(answer.operators, runtime=name, placement=placement)

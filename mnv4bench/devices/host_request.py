"""How a measuring process of this machine is started, and what it is asked.

Knows: its command, its environment, its request and its time. Does not know: what it answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mnv4bench.devices import host_runtimes, interpreter, worker_process
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.devices.worker_messages import Phone, Request, Second
from mnv4bench.errors import UsageError
from mnv4bench.records import Artifact, DeviceProfile, Timing

START_WORKER = Path(__file__).with_name("start_worker.py")

# Beside warm-up and timing: starting Python, importing and loading on a slow, busy machine, and a
# last inference that began just before each cap. A hang is still found within minutes.
START_ALLOWANCE_S = 120.0
# Building the helper app takes Xcode a minute or two, installing and starting it some seconds.
PHONE_ALLOWANCE_S = 600.0


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
            request = request_of(profile, file.resolve(), artifact, asked)
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


def environment(python: Interpreter | None) -> dict[str, str]:
    """What an interpreter that was named is not to inherit, is left out."""
    return dict(os.environ) if python is None else interpreter.environment()


def request_of(
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

"""What a board's profile asks for, and where a file lies on the board.

Knows: which words of a profile go together, and names on the board. Does not know: connections.
"""

from __future__ import annotations

import re
from pathlib import Path

from mnv4bench.devices import host_runtimes, pushing
from mnv4bench.devices.host_runtimes import LITERT, ONNXRUNTIME, Runtime
from mnv4bench.errors import UsageError
from mnv4bench.records import Artifact, DeviceProfile, SshTarget

NAME_DIGITS = 16  # of a digest, in names on the board
# Data files of an artifact bear their own names; nothing that a shell or a path takes another way.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}\Z")


def target_of(profile: DeviceProfile) -> SshTarget:
    """The [ssh] table. Raises UsageError without one, or where its parts do not go together."""
    target = profile.ssh
    missing = None
    if target is None:
        missing = "has runner = 'ssh' and no [ssh] table"
    elif profile.accelerator != "cpu":
        missing = f"asks for {profile.accelerator}; the ssh runner measures on cpu"
    elif target.tool != "python" and profile.runtime != "litert":
        missing = f"pairs LiteRT's benchmark program with {profile.runtime}"
    if target is None or missing:
        raise UsageError(f"{profile.device} {missing}.", "docs/boards.md has examples")
    return target


def runtime_of(profile: DeviceProfile) -> Runtime:
    """What measures, as a package. Raises UsageError for another one, or another format."""
    runtime = host_runtimes.by_name(profile.runtime)
    if runtime not in (LITERT, ONNXRUNTIME) or runtime.format != profile.format:
        raise UsageError(
            f"{profile.device} pairs {profile.runtime} with .{profile.format} files on a board.",
            "runtime = 'litert' with format = 'tflite', or 'onnxruntime' with 'onnx'",
        )
    return runtime


def files(
    profile: DeviceProfile, target: SshTarget, file: Path, artifact: Artifact
) -> list[tuple[Path, str]]:
    """(here, there) of ``file`` and of those beside it that hold its weights.

    Raises UsageError for another format, an absent file, and a name that a shell could misread.
    """
    if artifact.format != profile.format:
        raise UsageError(
            f"{profile.device} runs .{profile.format} files, and {file.name} is "
            f"{artifact.format}; nothing was measured.",
            host_runtimes.other_device(artifact.format),
        )
    beside = [file.parent / name for name in artifact.data_files]
    for one in (file, *beside):
        if not one.is_file():
            raise UsageError(
                f"there is no file {one} to measure.",
                "check the path, or export it again: mnv4bench export --help",
            )
        if one is not file and not _PLAIN.match(one.name):
            raise UsageError(
                f"{file.name} keeps weights in {one.name!r}, a name that is not sent to a board.",
                "name the file with letters, digits, '.', '_' and '-' alone",
            )
    digests = "".join(pushing.digest(one) for one in (file, *beside))
    key = digests if not beside else pushing.text_digest(digests)
    folder = f"{target.remote_dir}/{key[:NAME_DIGITS]}"
    name = f"model.{artifact.format}"
    return [(file, f"{folder}/{name}"), *((one, f"{folder}/{one.name}") for one in beside)]

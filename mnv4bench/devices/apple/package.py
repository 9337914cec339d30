"""What every Core ML profile asks of a file, of its own words, and of this Python.

Knows: packages, units, coremltools as an installed package. Does not know: where they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from mnv4bench.devices import host_runtimes
from mnv4bench.devices.apple import mac
from mnv4bench.devices.apple.session import CoreMlSession
from mnv4bench.devices.host_runtimes import COREML
from mnv4bench.errors import UsageError
from mnv4bench.records import Artifact, Check, DeviceProfile, Timing

ON_A_MAC = (
    "run the same command on a Mac; the paper's iPhone: mnv4bench pareto --published; this "
    "machine: --device host-cpu"
)
INSTALL = "pip install 'mnv4bench[run]'"


def unit(profile: DeviceProfile) -> Literal["cpu", "gpu", "ane"]:
    """The unit that a profile means. Raises UsageError for one that Core ML has not."""
    if (profile.runtime, profile.format) != ("coreml", "coreml"):
        raise UsageError(
            f"{profile.device} asks for {profile.runtime} with .{profile.format}; the apple runner "
            "drives Core ML with .mlpackage files.",
            'set runtime = "coreml" and format = "coreml" in the profile',
        )
    match profile.accelerator:
        case "cpu" | "gpu" | "ane":
            return profile.accelerator
        case _:
            raise UsageError(
                f"{profile.device} asks for {profile.accelerator}; Core ML has cpu, gpu and ane.",
                'set accelerator = "ane" in the profile',
            )


def require(profile: DeviceProfile, file: Path, artifact: Artifact) -> None:
    """Refuse what Core ML cannot run. Raises UsageError."""
    if artifact.format != "coreml":
        raise UsageError(
            f"{profile.device} runs Core ML packages, and {file.name} is {artifact.format}; "
            "nothing was measured.",
            host_runtimes.other_device(artifact.format),
        )
    if not file.exists():
        raise UsageError(
            f"there is no file {file} to measure.",
            "check the path, or export it again: mnv4bench export --help",
        )


def coremltools() -> Check:
    """Whether this Python has it, and with what only its wheel for macOS holds."""
    version = COREML.version()
    if version is None:
        return Check(
            name="coremltools", status="failed", found="coremltools is not installed", fix=INSTALL
        )
    return Check(name="coremltools", status="ok", found=f"coremltools {version}")


def commands(
    measured: Sequence[tuple[Path, Artifact]],
    opened: Callable[[Path, Artifact], CoreMlSession],
    timing: Timing,
    sustained: Timing | None,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> tuple[str, ...]:
    """The shell lines of a round, with ``before`` and ``after`` around them."""
    lines = [] if mac.is_mac() else ["# these run on a Mac; this machine is none"]
    lines += before
    sessions = [(file, opened(file, artifact)) for file, artifact in measured]
    for comment, asked in (("a round", timing), ("then back to back, this again", sustained)):
        for file, session in sessions if asked else ():
            assert asked is not None
            lines.append(f"# {comment}: {file.name!r}")
            lines += session.lines(asked, first=asked is timing)
    return (*lines, *after)

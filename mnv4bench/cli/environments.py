"""The Python environments of a gate's sides: found, asked, and what they export.

Knows: what a side needs of its environment, and how another interpreter is had to export. Does not
know: how files are paired (sides) or measured.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnv4bench.errors import ExportFailed, UsageError

if TYPE_CHECKING:
    from mnv4bench.devices import Options, Runner
    from mnv4bench.devices.interpreter import Interpreter
    from mnv4bench.export import ExportRequest
    from mnv4bench.records import DeviceProfile

BaseEnvOption = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER|PYTHON",
        help="The Python environment of --base: its runtime measures on this machine, and it "
        "exports where --base names models. [default: this program's own]",
        show_default=False,
    ),
]
HeadEnvOption = Annotated[
    str | None,
    typer.Option(metavar="FOLDER|PYTHON", help="That of --head.", show_default=False),
]

WEIGHTS = "random:0"  # of a model that is exported for a gate, on both sides the same
SAID = f"random weights of seed {WEIGHTS.partition(':')[2]}"
OURS = "mnv4bench"
INTERRUPTED_S = 5.0  # how long an interrupted export may take to end its own processes


@dataclass(frozen=True)
class Environments:
    """Of base and of head; None: this program's own interpreter."""

    base: Interpreter | None = None
    head: Interpreter | None = None

    @property
    def are_one(self) -> bool:
        """Whether both sides have the same packages."""
        return self.base == self.head


def find(base: str | None, head: str | None, profile: DeviceProfile) -> Environments:
    """The environments that were named, each asked once what it has. Raises UsageError."""
    from mnv4bench.devices import interpreter
    from mnv4bench.devices.host import NEEDED
    from mnv4bench.devices.host_runtimes import LITERT, ONNXRUNTIME
    from mnv4bench.export import formats

    wanted = [OURS, *NEEDED, *LITERT.distributions, *ONNXRUNTIME.distributions]
    with suppress(UsageError):  # files of this kind that are brought need no recipe
        recipe = formats.recipe(profile.format, profile.precision)
        wanted += [*recipe.packages, recipe.runtime]

    def one(where: str | None, option: str) -> Interpreter | None:
        if where is None:
            return None
        found = interpreter.ask(where, option, tuple(dict.fromkeys(wanted)))
        return None if found.prefix == os.path.realpath(sys.prefix) else found

    of_base, of_head = one(base, "--base-env"), one(head, "--head-env")
    if of_base is not None and of_base.same_as(of_head):
        of_head = of_base  # two words for one environment
    return Environments(of_base, of_head)


def runners(
    profile: DeviceProfile, options: Options, environments: Environments
) -> tuple[Runner, Runner]:
    """What measures base and head; one and the same where they have the same environment.

    On a phone an environment only exports. Raises UsageError for one that cannot measure.
    """
    from dataclasses import replace

    from mnv4bench.devices import open_runner

    if profile.runner != "host" or environments.are_one:
        measuring = environments.base if profile.runner == "host" else None
        both = open_runner(profile, replace(options, python=measuring))
        _require_ready(both, measuring, "--base-env")
        return both, both
    made = []
    for python, option in ((environments.base, "--base-env"), (environments.head, "--head-env")):
        runner = open_runner(profile, replace(options, python=python))
        _require_ready(runner, python, option)
        made.append(runner)
    return made[0], made[1]


def _require_ready(runner: Runner, python: Interpreter | None, option: str) -> None:
    if python is None:
        return  # said by the gate, as of any device
    status, detail = runner.availability()
    if status != "ready":
        sentence, _, fix = detail.rpartition(": ")
        raise UsageError(f"{option}: {sentence}.", fix)


def notes(
    profile: DeviceProfile, environments: Environments, exported: tuple[bool, bool]
) -> list[str]:
    """What each side stood on, where an environment was named or a model was exported."""
    named = (environments.base, environments.head)
    if named == (None, None):
        return [f"base and head were exported with {SAID}"] if all(exported) else []
    if environments.are_one:
        said = ", ".join(_versions(profile, environments.base, any(exported)))
        return [f"base and head in {_called(environments.base)}: {said}"]
    lines = []
    for side, python, made in zip(("base", "head"), named, exported, strict=True):
        said = ", ".join(_versions(profile, python, made))
        lines += [f"{side} in {_called(python)}: {said}"] if said else []
    return lines


def _called(python: Interpreter | None) -> str:
    if python is None:
        version = ".".join(map(str, sys.version_info[:3]))
        return f"this program's own environment (Python {version})"
    return f"{python.prefix} (Python {python.version})"


def _versions(profile: DeviceProfile, python: Interpreter | None, exported: bool) -> list[str]:
    from mnv4bench.devices import host_runtimes
    from mnv4bench.export import formats

    words = []
    if profile.runner == "host":
        runtime = host_runtimes.of(profile)
        words.append(f"{runtime.title} {runtime.version(python)}")
    if exported:
        recipe = formats.recipe(profile.format, profile.precision)
        if python is None:
            had = formats.versions(recipe)
        else:
            had = {name: python.packages.get(name, "?") for name in recipe.packages}
            if OURS in python.packages:
                had = {OURS: python.packages[OURS]} | had
        words.append(f"exported with {SAID} by")
        words[-1] += " " + " ".join(f"{name} {version}" for name, version in had.items())
    return words


def export_in(
    python: Interpreter, requests: Sequence[ExportRequest], device: str, option: str
) -> dict[ExportRequest, Path]:
    """Each request's file, made by ``python``: by its own mnv4bench, else by this one's code.

    The files lie in a folder that goes with this program. Raises UsageError without the packages,
    ExportFailed with the environment's own sentence.
    """
    from mnv4bench.cli.export import file_name
    from mnv4bench.devices import interpreter
    from mnv4bench.export import elsewhere, formats
    from mnv4bench.render.progress import Board

    folder = Path(tempfile.mkdtemp(prefix="mnv4bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    targets = {request: folder / file_name(request) for request in requests}
    models = ", ".join(request.model for request in requests)
    if OURS in python.packages:
        names = [request.model for request in requests]
        words = ("--device", device, "--weights", WEIGHTS, "--output", str(folder))
        command = (str(python.python), "-P", "-m", OURS, "export", *names, *words)
    else:
        recipe = formats.recipe_of(requests[0])
        missing = python.lacks("msgspec", "numpy", *recipe.packages, recipe.runtime)
        if missing:
            raise UsageError(
                f"{option}: {python.python} cannot export {models}: it has neither {OURS} nor "
                f"{', '.join(missing)}.",
                f"{python.install_line(*missing)}; or name files that were exported elsewhere",
            )
        command = elsewhere.command(python.python, list(targets.items()))
    side = option.removeprefix("--").removesuffix("-env")
    with Board("exporting", ()) as board:
        board.line(f"{side}: exporting {models} in {python.prefix}")
        status, sentence = _run(
            command, interpreter.environment(), lambda line: board.line(f"{side}: {line}")
        )
    if status:
        what, _, step = sentence.partition("\n  next: ")
        raise ExportFailed(f"{option}: exporting {models} in {python.prefix} failed: {what}", step)
    for request, path in targets.items():
        if not path.exists():
            raise ExportFailed(
                f"{option}: the {OURS} of {python.prefix} says that it exported {request.model}, "
                f"and there is no {path.name} in the folder that it was given.",
                "export the files there by hand, and name them",
            )
    return targets


def _run(
    command: tuple[str, ...], environment: dict[str, str], tell: Callable[[str], None]
) -> tuple[int, str]:
    """(its exit status, the sentence that it failed with); its other lines are told at once.

    Whatever leaves this, Ctrl-C included, leaves no process: an exporting one ends with its parent.
    """
    from mnv4bench.export.schedule import EXPORT_LIMIT_S

    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for us
    )
    assert process.stderr is not None
    late = threading.Timer(EXPORT_LIMIT_S, _kill, (process,))
    late.daemon = True
    late.start()
    said: list[str] = []
    last = ""
    try:
        for line in process.stderr:
            if said or line.startswith("error: "):
                said.append(line.removeprefix("error: "))
            elif line.strip():
                last = line.strip()
                tell(last)
        status = process.wait()
    except BaseException:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.send_signal(signal.SIGINT)
            process.wait(INTERRUPTED_S)
        raise
    finally:
        late.cancel()
        _kill(process)
        process.wait()
        process.stderr.close()
    return status, "".join(said).strip() or f"it ended with status {status} ({last})."


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

"""An emulated processor as a device that counts.

Knows: what has to be there before anything is counted, in which order it is looked for. Does not
know: how each part is made (plugin, userland, set_up, numerics) or a process is counted (session).
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mnv4bench.devices import host_facts
from mnv4bench.devices.counting import INFERENCES
from mnv4bench.devices.emulated import board, guest, numerics, plugin, userland
from mnv4bench.devices.emulated import qemu as emulators
from mnv4bench.devices.emulated.qemu import Qemu
from mnv4bench.devices.emulated.session import ENVIRONMENT, EmulatedSession, Emulator
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.devices.host_runtimes import LITERT
from mnv4bench.errors import BenchError, MissingExtra, NotMeasured, UsageError
from mnv4bench.records import (
    Artifact,
    Check,
    DeviceProfile,
    DeviceState,
    EmulatedTarget,
    Environment,
    Timing,
)


class EmulatedRunner:
    """Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile) -> None:
        """Raises UsageError for a profile that is not one of an emulated processor."""
        self._profile = profile
        self._target = _target(profile)

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """("ready" or "unusable", why)."""
        for check in self.checks():
            if check.status == "failed":
                return "unusable", f"{check.found.rstrip('.')}: {check.fix}"
        qemu = emulators.find(self._target)
        return "ready", (
            f"{LITERT.title} {self._version()} as {self._target.cpu} in qemu "
            f"{'.'.join(map(str, qemu.version))}: counts instructions, gives no latencies"
        )

    def checks(self) -> tuple[Check, ...]:
        """The emulator, the compiler, the system that runs in it, and whether it computes right."""
        device, target = self._profile.device, self._target
        try:
            qemu = emulators.find(target)
            checks = [Check(name="emulator", status="ok", found=qemu.banner)]
        except NotMeasured as error:
            return (_failed("emulator", error),)
        checks.append(_counter(qemu))
        if target.architecture == "aarch64":
            found = userland.facts()
            if found is None:
                return (*checks, _failed("system", userland.missing(device)))
            what = f"aarch64, Python {found.python}, {found.libc}, LiteRT {self._version()}"
            checks.append(Check(name="system", status="ok", found=what))
        elif LITERT.version() is None:
            fix = "pip install 'mnv4bench[run]'"
            sentence = f"{LITERT.title} is not installed"
            return (*checks, Check(name="runtime", status="failed", found=sentence, fix=fix))
        checked = numerics.known(self._profile, qemu, self._version())
        checks.append(
            Check(name="numerics", status="ok", found=checked.sentence)
            if checked
            else Check(
                name="numerics",
                status="unknown",
                found="not yet held against this machine's; the first run does it",
                fix=f"mnv4bench doctor --device {device} --set-up",
            )
        )
        return tuple(checks)

    def unit(self) -> str:
        """This machine: counting does not mind company, but those who time on it would."""
        return HOST

    @contextmanager
    def held(self) -> Iterator[None]:
        """This machine for one run, once the emulator is known to compute right."""
        with hold(HOST):
            self.require_right()
            yield

    def require_right(self, *, again: bool = False) -> numerics.Checked:
        """Hold the emulator's answers against this machine's, where nobody did before or ``again``.

        Raises NotMeasured where they differ, and for everything that is missing.
        """
        qemu = emulators.find(self._target)
        found = numerics.known(self._profile, qemu, self._version())
        if found is not None and not again:
            return found
        if LITERT.version() is None:
            raise MissingExtra(
                LITERT.module, "run", f"checking the emulator of {self._profile.device}"
            )
        return numerics.check(self._profile, qemu, self._emulator(), self._version())

    def probe(self) -> None:
        """None: no speed is looked at."""

    def environment(self) -> Environment:
        """What the emulated program finds; the machine that emulates is no part of it.

        ``emulator`` names all that a count depends on beside the file and the runtime.
        """
        target = self._target
        qemu = emulators.find(target)
        if target.architecture == "aarch64":
            known = userland.require(self._profile.device)
            python, libc = known.python, known.libc
        else:
            python, libc = platform.python_version(), guest.libc()
        # Python is in it, since its call of the runtime's invoke is counted too.
        worker = f"{libc}, Python {'.'.join(python.split('.')[:2])}"
        emulator = f"qemu {qemu.release} {target.cpu}, {worker}, board {board.identity(target)}"
        return replace(
            host_facts.environment(LITERT.title, self._version()),
            machine=None,
            cpu_model=f"{target.cpu} (emulated)",
            cpu_count=target.processors,
            architecture=target.architecture,
            memory_bytes=None,
            virtualization=None,
            os_name="Linux",
            emulator=emulator,
            python_version=python,
        )

    def state(self) -> DeviceState:
        """Of the machine that emulates; a count does not depend on it."""
        return host_facts.state()

    def install(self, file: Path, artifact: Artifact) -> EmulatedSession:
        """Check that this profile runs ``file``; nothing is copied.

        Raises UsageError for another format or an absent file, NotMeasured where something that
        counting needs is missing.
        """
        device, wanted = self._profile.device, self._profile.format
        if artifact.format != wanted:
            raise UsageError(
                f"{device} counts .{wanted} files, and {file.name} is {artifact.format}; nothing "
                "was counted.",
                "export the model as tflite, and count that: --device " + device,
            )
        if not file.is_file():
            raise UsageError(
                f"there is no file {file} to count.",
                "check the path, or export it again: mnv4bench export --help",
            )
        return EmulatedSession(self._profile, self._emulator(), file.resolve(), artifact)

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,  # noqa: ARG002
        sustained: Timing | None = None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """One line for each file; its marks are on the error stream."""
        lines = []
        for file, artifact in measured:
            lines.append(f"# a count: {file.name!r}")
            lines.append(self.install(file, artifact).line(INFERENCES))
        return tuple(lines)

    def _emulator(self) -> Emulator:
        """The command that counts, with everything that it needs made where it is not there."""
        target = self._target
        qemu = emulators.find(target)
        environment, python = dict(ENVIRONMENT), sys.executable
        if target.architecture == "aarch64":
            userland.require(self._profile.device)
            place = userland.folder()
            python = str(place / "root" / userland.PYTHON)
            environment["PYTHONPATH"] = str(place / "site")
            # Compiled once, by whichever process comes first: under an emulator it takes seconds.
            environment["PYTHONPYCACHEPREFIX"] = str(place / "compiled")
            del environment["PYTHONDONTWRITEBYTECODE"]
        elif LITERT.version() is None:
            raise MissingExtra(LITERT.module, "run", f"counting on {self._profile.device}")
        counter = plugin.argument(plugin.built(qemu), target.architecture)
        prefix = (qemu.path, "-cpu", target.cpu, "-L", str(board.prepared(target)))
        return Emulator((*prefix, "-plugin", counter), python, environment)

    def _version(self) -> str:
        """Of the runtime that is counted."""
        if self._target.architecture == "aarch64":
            return userland.WHEELS["ai-edge-litert"]
        return LITERT.version() or "not installed"


def _target(profile: DeviceProfile) -> EmulatedTarget:
    target = profile.emulated
    if target is None:
        raise UsageError(
            f"{profile.device} has no [emulated] table, which says what processor to emulate.",
            "see device_profiles/cortex-a76-emulated.toml",
        )
    if profile.threads != 1:
        raise UsageError(
            f"{profile.device} counts on 1 thread, not {profile.threads}: threads that wait for "
            "one another spin, and no two counts would agree.",
            "leave --threads out, and threads = 1 in the profile",
        )
    if (profile.runtime, profile.format, profile.accelerator) != ("litert", "tflite", "cpu"):
        raise UsageError(
            f"{profile.device} asks for {profile.runtime} with .{profile.format} on "
            f"{profile.accelerator}; the emulated runner counts LiteRT with .tflite on cpu. (ONNX "
            "Runtime has a thread of its own beside the inference: no two counts agree.)",
            "see device_profiles/cortex-a76-emulated.toml",
        )
    return target


def _counter(qemu: Qemu) -> Check:
    if plugin.is_built(qemu):
        return Check(name="counter", status="ok", found="the counting plugin is built")
    compiler = shutil.which("cc")
    if compiler is None:
        found = "there is no C compiler (cc), and the counting plugin is not built yet"
        return Check(name="counter", status="failed", found=found, fix=plugin.COMPILER)
    return Check(name="counter", status="ok", found=f"built on first use with {compiler}")


def _failed(name: str, error: BenchError) -> Check:
    return Check(name=name, status="failed", found=error.what, fix=error.next_step)

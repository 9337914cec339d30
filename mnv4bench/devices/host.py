"""This machine as a device: LiteRT or ONNX Runtime on its processor, LiteRT on its GPU.

Knows: which runtime a profile needs, and what this machine has. Does not know: how a file is timed
(host_session), nor the runtimes themselves, which only the measuring process loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import msgspec

from mnv4bench.devices import gpu_adapter, host_facts, host_request, host_runtimes
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.devices.host_session import HostSession
from mnv4bench.devices.interpreter import Interpreter
from mnv4bench.errors import MissingExtra, NotMeasured, UsageError
from mnv4bench.records import Artifact, Check, DeviceProfile, DeviceState, Environment, Timing

# What the measuring process imports beside its runtime, wherever it runs.
NEEDED = ("msgspec", "numpy")


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
        asked = gpu_adapter.ask(
            host_request.worker_command(self._python), host_request.environment(self._python)
        )
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
            asked = gpu_adapter.ask(
                host_request.worker_command(self._python), host_request.environment(self._python)
            )
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
        host_request.require_file(self._profile, file, artifact)
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
        return host_request.command_lines(self._profile, measured, timing, sustained, self._python)

"""An NVIDIA GPU of this machine as a device.

Knows: what has to be there before anything is measured, and in which order it is looked for: the
driver, then torch, then torch's own view of the GPU. Does not know: how a program is run (model) or
a process is asked (host). Clocks, power limits and persistence mode are read and never set.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from mnv4bench.devices import host_facts, host_request, process, worker_process
from mnv4bench.devices.cuda import nvidia_smi, taints
from mnv4bench.devices.cuda.ask import Told
from mnv4bench.devices.cuda.session import CudaSession
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.devices.host_runtimes import TORCH
from mnv4bench.devices.worker_messages import Refused
from mnv4bench.errors import NotMeasured, UsageError
from mnv4bench.records import (
    Artifact,
    Check,
    CudaTarget,
    DeviceProfile,
    DeviceState,
    Environment,
    Timing,
)

ASK_S = 120.0  # torch from a cold disk, and a driver that wakes its GPU
UNIT_DIGITS = 12  # of a digest, as a phone's serial has it
NO_TORCH = "PyTorch is not installed"
INSTALL_TORCH = "pip install 'mnv4bench[export]'"
# https://pytorch.org/get-started/locally: without an index of its own pip brings the CUDA build on
# Linux; one for processors alone has "+cpu" in its version.
CUDA_TORCH = (
    "install a build of torch for CUDA (https://pytorch.org/get-started/locally), of a version "
    "that the driver is new enough for"
)
NO_DRIVER = "install NVIDIA's driver, or measure on a machine with an NVIDIA GPU"


class CudaRunner:
    """Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile) -> None:
        """Raises UsageError for a profile that is not one of an NVIDIA GPU."""
        self._profile = profile
        self._target = _target(profile)

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """The first thing that is missing, or the GPU's name."""
        try:
            nvidia_smi.read()
        except nvidia_smi.NotRead as missing:
            return "absent", f"{missing}: {NO_DRIVER}"
        for check in self._torch_checks():
            if check.status == "failed":
                return "unusable", f"{check.found}: {check.fix}"
        told = _asked(host_request.worker_command())
        assert isinstance(told, Told)  # or the check would have failed
        how = f"{self._target.mode}, {self._target.arithmetic}"
        return "ready", f"{TORCH.title} {told.torch} on {told.name}, {how}"

    def checks(self) -> tuple[Check, ...]:
        """Driver, torch, and what else is on the GPU."""
        torch = self._torch_checks()
        try:
            found = nvidia_smi.read()
        except nvidia_smi.NotRead as missing:
            gone = Check(name="driver", status="failed", found=str(missing), fix=NO_DRIVER)
            return (gone, *torch, *host_facts.checks())
        driver = Check(name="driver", status="ok", found=f"{found.driver}, {found.name}")
        disturbed = taints.reasons(found.state, None)
        quiet = Check(
            name="GPU",
            status="warning" if disturbed else "ok" if found.state.others == () else "unknown",
            found="; ".join(disturbed) or _doing(found),
            fix="end what is on it, or let it cool; see: nvidia-smi" if disturbed else "",
        )
        return (driver, *torch, quiet, *host_facts.checks())

    def unit(self) -> str:
        """This machine: its processor launches every kernel, and is part of what is timed."""
        return HOST

    def held(self) -> AbstractContextManager[None]:
        """This machine for one run. The GPU's modes are its owner's, and are left alone."""
        return hold(HOST)

    def probe(self) -> None:
        """None: each invocation carries the GPU's clocks and heat."""

    def environment(self) -> Environment:
        """The machine, the GPU, its driver and torch. Raises NotMeasured without one of them."""
        told = _asked(host_request.worker_command())
        if isinstance(told, str):
            raise NotMeasured(f"{self._profile.device}: {told}.", CUDA_TORCH)
        try:
            driver = nvidia_smi.read(told.uuid or None)
        except nvidia_smi.NotRead as missing:
            raise NotMeasured(f"{self._profile.device}: {missing}.", NO_DRIVER) from None
        return replace(
            host_facts.environment(TORCH.title, told.torch),
            gpu=told.name,
            gpu_driver=driver.driver,
            gpu_libraries=f"CUDA {told.cuda}, cuDNN {told.cudnn}",
            gpu_is_software=False,
            unit=sha256(driver.uuid.encode()).hexdigest()[:UNIT_DIGITS],
        )

    def state(self) -> DeviceState:
        """Load, heat and power of the machine, and what the GPU is doing."""
        told = _asked(host_request.worker_command())
        uuid = None if isinstance(told, str) else told.uuid or None
        try:
            gpu = nvidia_smi.read(uuid).state
        except nvidia_smi.NotRead:
            gpu = None
        return replace(host_facts.state(), gpu=gpu)

    def install(self, file: Path, artifact: Artifact) -> CudaSession:
        """Check that this profile runs ``file``; nothing is copied. Raises UsageError."""
        host_request.require_file(self._profile, file, artifact)
        return CudaSession(self._profile, file.resolve(), artifact)

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """One line for each file, and one for each window; nothing is installed."""
        return host_request.command_lines(self._profile, measured, timing, sustained)

    def _torch_checks(self) -> tuple[Check, ...]:
        if TORCH.version() is None:
            return (Check(name="torch", status="failed", found=NO_TORCH, fix=INSTALL_TORCH),)
        told = _asked(host_request.worker_command())
        if isinstance(told, str):
            return (Check(name="torch", status="failed", found=told, fix=CUDA_TORCH),)
        found = f"{TORCH.title} {told.torch}, CUDA {told.cuda}, cuDNN {told.cudnn}: {told.name}"
        return (Check(name="torch", status="ok", found=found),)


def _doing(found: nvidia_smi.Gpu) -> str:
    """What the GPU does, in words."""
    state = found.state
    parts = (
        ("at", state.performance),
        ("", state.clock_hz and f"{state.clock_hz / 1e6:.0f} MHz"),
        ("", state.temperature_c and f"{state.temperature_c:.0f} °C"),
        ("", "no other program" if state.others == () else "other programs cannot be seen"),
    )
    return ", ".join(f"{word} {value}".strip() for word, value in parts if value)


@lru_cache(maxsize=4)
def _asked(command: tuple[str, ...]) -> Told | str:
    """What torch says of the GPU, or the sentence why there is none; asked once, then known."""
    try:
        ended = process.run((*command, "cuda.ask"), timeout_s=ASK_S)
    except (OSError, process.TimedOut):
        return f"torch did not say within {ASK_S:.0f} s which GPU it has"
    try:
        told = msgspec.json.decode(ended.stdout.rpartition(b"\n")[2], type=Told | Refused)
    except msgspec.DecodeError:
        return f"torch named no GPU: its process {worker_process.ending(ended)}"
    return told.reason if isinstance(told, Refused) else told


def _target(profile: DeviceProfile) -> CudaTarget:
    """Raises UsageError for a profile whose parts do not go together."""
    made = (profile.runtime, profile.format, profile.precision, profile.accelerator)
    if profile.cuda is None or made != ("torch", "pt2", "fp32", "gpu"):
        raise UsageError(
            f"{profile.device} is of the cuda runner, which needs a [cuda] table and drives "
            f"torch with pt2 files of fp32 on gpu; the profile says {', '.join(made)}.",
            'see device_profiles/cuda-graph.toml; other arithmetic is arithmetic = "fp16" there',
        )
    return profile.cuda

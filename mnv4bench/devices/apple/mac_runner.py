"""This Mac's Neural Engine, GPU or processor, through Core ML.

Knows: what a run here needs. Does not know: how a package is timed (host's session and worker) or
what a plan is worth (plan).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mnv4bench.devices import host_facts
from mnv4bench.devices.apple import mac, package
from mnv4bench.devices.apple.plan import TITLES
from mnv4bench.devices.apple.session import CoreMlSession
from mnv4bench.devices.holding import HOST, hold
from mnv4bench.devices.host_session import HostSession
from mnv4bench.errors import NotMeasured
from mnv4bench.records import Artifact, Check, DeviceProfile, DeviceState, Environment, Timing

# Thirty pictures a second: what a camera gives an app. The Neural Engine's clock follows demand,
# so an inference after a rest is slower than one after another.
PERIOD_S = 1 / 30


class MacRunner:
    """Keeps the Runner contract of ``mnv4bench.devices``."""

    def __init__(self, profile: DeviceProfile) -> None:
        self._profile = profile
        self._what = f"the {TITLES[profile.accelerator]} of a Mac"

    def availability(self) -> tuple[Literal["ready", "absent", "unusable"], str]:
        """("absent" off a Mac, else "ready" or "unusable", why)."""
        if not mac.is_mac():
            return "absent", mac.off_a_mac(self._profile.device, self._what)
        for check in self._needed():
            if check.status == "failed":
                return "unusable", f"{check.found}: {check.fix}"
        return "ready", f"Core ML of macOS {mac.system() or '?'}, the {TITLES[self._unit]}"

    @property
    def _unit(self) -> Literal["cpu", "gpu", "ane"]:
        return package.unit(self._profile)

    def checks(self) -> tuple[Check, ...]:
        """macOS, coremltools, the unit, and what else could spoil a measurement here."""
        if not mac.is_mac():
            found = mac.off_a_mac(self._profile.device, self._what)
            return (Check(name="macOS", status="failed", found=f"{found}.", fix=package.ON_A_MAC),)
        return (*self._needed(), mac.heat(), *host_facts.checks())

    def _needed(self) -> tuple[Check, ...]:
        macos = mac.system()
        system = Check(
            name="macOS",
            status="unknown" if macos is None else "ok",
            found="sw_vers says nothing" if macos is None else f"macOS {macos}",
        )
        found = [system, package.coremltools(), mac.rosetta()]
        if self._unit == "ane":
            found.append(mac.neural_engine())
        return tuple(check for check in found if check is not None)

    def unit(self) -> str:
        """This machine, whichever of its units."""
        self._require_mac()
        return HOST

    def held(self) -> AbstractContextManager[None]:
        """This machine for one run; it has no modes that are set without root."""
        return hold(HOST)

    def probe(self) -> None:
        """None: each invocation here carries evidence of its own interval."""

    def environment(self) -> Environment:
        """What this Mac and its software are. Raises NotMeasured off a Mac."""
        self._require_mac()
        return mac.environment()

    def state(self) -> DeviceState:
        """Load, heat and power right now."""
        return mac.state()

    def install(self, file: Path, artifact: Artifact) -> CoreMlSession:
        """Check that this profile runs ``file``; on this machine nothing is copied.

        Raises UsageError for another format or an absent file, NotMeasured off a Mac.
        """
        package.require(self._profile, file, artifact)
        self._require_mac()
        return self._session(file, artifact)

    def _session(self, file: Path, artifact: Artifact) -> CoreMlSession:
        place = file.resolve()
        return CoreMlSession(
            self._profile,
            HostSession(self._profile, place, artifact, period_s=PERIOD_S),
            HostSession(replace(self._profile, accelerator="cpu"), place, artifact),
        )

    def commands(
        self,
        measured: Sequence[tuple[Path, Artifact]],
        timing: Timing,
        sustained: Timing | None = None,
    ) -> tuple[str, ...]:
        """One line for each process; nothing is installed. Off a Mac they say so."""
        return package.commands(measured, self._session, timing, sustained)

    def _require_mac(self) -> None:
        if not mac.is_mac():
            raise NotMeasured(
                f"{mac.off_a_mac(self._profile.device, self._what)}; nothing was measured.",
                package.ON_A_MAC,
            )
